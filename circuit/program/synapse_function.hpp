#pragma once

#include <array>
#include <optional>
#include <tuple>

#include "base/made_once.hpp"
#include "base/random.hpp"
#include "circuit/circuit.hpp"
#include "circuit/program/function.hpp"

namespace striate {

/// Scratch memory of one thread for one SynapseFunction.
template <class T>
struct SynapseMemory {
  std::shared_ptr<FunctionMemory<T>> function[3];
  std::vector<T> single, run, single_v, run_v, lambda, out, single_bar, run_bar;
};

/// One expression of a projection as executable code, over any run of its synapses.
template <class T>
class SynapseFunction {
 public:
  SynapseFunction(const CircuitContents& contents, const ProjectionRule& projection, const Expr& e,
                  const Fields& states, const Fields& parameters);

  bool common() const { return common_; }        ///< one value for all synapses
  bool of_states() const { return of_states_; }  ///< reads states

  void value(const SynapseSpan& s, std::span<const T> p, std::span<const T> y, std::span<T> out,
             SynapseMemory<T>& memory) const;
  void jvp(const SynapseSpan& s, std::span<const T> p, std::span<const T> y, std::span<const T> vp,
           std::span<const T> vy, std::span<T> out, SynapseMemory<T>& memory) const;
  void vjp(const SynapseSpan& s, std::span<const T> p, std::span<const T> y, std::span<const T> lambda,
           std::span<T> pbar, std::span<T> ybar, SynapseMemory<T>& memory) const;

 private:
  enum class From { parameters, states, computed };
  enum class By { one, synapse, pre, post, distance, uniform, normal };
  struct Leaf {
    Expr argument;
    From from;
    By by;
    std::size_t offset;  ///< into the parameters or states; of a random number, its place in the expressions
    std::size_t index(const SynapseSpan& s, std::size_t i) const;
  };
  void gather(const SynapseSpan& s, std::size_t begin, std::size_t n, std::span<const T> p, std::span<const T> y,
              bool direction, std::vector<T>& single, std::vector<T>& run) const;
  Function<T> made(int form) const;
  const Function<T>& function(int form) const;
  template <class Body>
  void in_chunks(const SynapseSpan& s, const Body& body) const;

  std::vector<Leaf> leaves_;  ///< of one value first
  std::size_t singles_ = 0;
  Expr value_;
  Axis axis_;
  bool common_, of_states_ = false;
  std::optional<Distance> distance_;
  RandomKey key_;
  std::array<MadeOnce<Function<T>>, 3> functions_;  ///< value, jvp, vjp
};

extern template class SynapseFunction<float>;
extern template class SynapseFunction<double>;

}  // namespace striate
