#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "circuit/expr.hpp"

namespace striate {

/// Where a value lies: in an argument vector, an output vector or the function's own memory.
struct Place {
  enum class Space : unsigned char { argument, output, memory } space = Space::memory;
  std::size_t group = 0;
  std::size_t offset = 0;
};

/// The memory a step runs on.
template <class T>
struct Frame {
  const T* const* arguments;
  T* const* outputs;
  T* memory;
  T* scratch;

  const T* read(const Place& p) const {
    switch (p.space) {
      case Place::Space::argument: return arguments[p.group] + p.offset;
      case Place::Space::output: return outputs[p.group] + p.offset;
      default: return memory + p.offset;
    }
  }
  T* write(const Place& p) const {
    return p.space == Place::Space::output ? outputs[p.group] + p.offset : memory + p.offset;
  }
};

/// One piece of a function: reads places, writes places. Const; its result does not depend on the number of threads.
template <class T>
class Step {
 public:
  virtual ~Step() = default;
  virtual void run(const Frame<T>& frame) const = 0;
  virtual std::size_t scratch_size() const { return 0; }
};

/// Memory that a step reads or writes; `by_plane`: of it, each plane of the work touches its own plane alone.
struct Access {
  Place place;
  std::size_t size;
  bool written, by_plane;
};

/// A step whose work falls into planes, equal parts along the first axes, which may run one by one in any order.
template <class T>
class PlaneStep : public Step<T> {
 public:
  virtual std::size_t planes() const = 0;  ///< 0: any number that `falls_into` accepts
  virtual bool falls_into(std::size_t planes) const = 0;
  virtual std::vector<Access> accesses() const = 0;
  virtual std::size_t work() const = 0;           ///< elementary operations
  virtual std::size_t plane_scratch() const = 0;  ///< of one thread
  /// Runs planes begin to end - 1 of `planes` on one thread.
  virtual void run_planes(const Frame<T>& frame, std::size_t planes, std::size_t begin, std::size_t end,
                          T* scratch) const = 0;
};

/// Joins neighbouring steps that fall into the same planes and hand each other nothing but planes: together they run
/// plane by plane, so that what one leaves in the cache the next finds there, and threads meet once.
template <class T>
void join_planes(std::vector<std::unique_ptr<Step<T>>>& steps);

/// An operand of a pointwise step that lies in memory, and how its elements run beside those of the step's shape.
struct Load {
  Place place;
  std::vector<std::size_t> strides;  ///< per axis of the step's shape; 0 where the operand is constant along it
};

/// One block instruction. Operands number: results of earlier instructions first, then loads.
struct Instruction {
  Pointwise op;
  int k = 0;
  int operand[3] = {-1, -1, -1};
  bool stored = false;
  bool summed = false;  ///< instead of an operation: all elements of the operand are added up, stored in one
  bool paired = false;  ///< a sine or cosine, computed with the next instruction: the other of the same operand
  Place target;         ///< when stored
};

/// Pointwise instructions over one shape, run block by block.
struct PointwiseProgram {
  Shape shape;
  std::vector<Load> loads;
  std::vector<Instruction> instructions;
};

template <class T>
std::unique_ptr<Step<T>> pointwise_step(PointwiseProgram program);

/// Has the pointwise steps among `steps`, before they are joined, run as generated code
/// (circuit/program/generated_code.hpp).
template <class T>
void generate_code(const std::vector<std::unique_ptr<Step<T>>>& steps);

/// Writes given numbers.
template <class T>
std::unique_ptr<Step<T>> numbers_step(std::vector<double> values, const Place& result);

/// Work below this many elementary operations is not worth starting threads for.
constexpr std::size_t parallel_threshold = 1 << 16;

}  // namespace striate
