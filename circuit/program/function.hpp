#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "circuit/expr.hpp"
#include "circuit/program/generated_code.hpp"
#include "circuit/system.hpp"

namespace striate {

/// A variable of a function and where its value lies: at `offset` of the flat vector number `group`.
struct ArgumentField {
  Expr variable;
  std::size_t group;
  std::size_t offset;
  int stage = 0;  ///< where it changes more often than the rest of its group; else 0
};

/// A flat vector handed to a function. Groups of an earlier stage change more seldom: what depends on them alone is
/// computed again only when their bytes have changed since the Workspace last saw them.
struct ArgumentGroup {
  std::size_t size;
  int stage;  ///< from 1 upwards
};

/// A value the function computes, written or added to `offset` of the flat output vector number `group`.
struct OutputField {
  Expr value;
  std::size_t group;
  std::size_t offset;
  bool add;
};

template <class T>
struct FunctionMemory;

/// An argument vector that does not change while it is held under one number, so that its bytes are compared once.
template <class T>
struct Held {
  const T* vector = nullptr;
  std::uint64_t number = 0;
};

/// Some outputs of a graph as executable code: the one evaluator behind rhs, jvp, vjp, guards, jumps and observables.
/// Const and thread-safe; each thread brings its own memory.
template <class T>
class Function {
 public:
  Function(const std::vector<ArgumentGroup>& groups, const std::vector<ArgumentField>& arguments,
           const std::vector<OutputField>& outputs, Code code = Code::blocks);
  ~Function();
  Function(Function&&) noexcept;

  std::shared_ptr<FunctionMemory<T>> make_memory() const;
  void run(std::span<const T* const> arguments, std::span<T* const> outputs, FunctionMemory<T>& memory,
           const Held<T>& held = {}) const;

  const std::vector<AlgorithmChoice>& algorithms() const;
  std::size_t memory_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// The value of an expression without variables.
std::vector<double> constant_value(const Expr& e);
/// Whether no variable occurs in it.
bool is_constant_graph(const Expr& e);

extern template class Function<float>;
extern template class Function<double>;

}  // namespace striate
