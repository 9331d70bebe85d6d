#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_vector.hpp"
#include "circuit/circuit.hpp"
#include "circuit/discretise.hpp"
#include "circuit/system.hpp"

namespace striate {

/// One step of a spiking circuit on a grid of times, as one function of the whole state: the scheme's step, what has
/// arrived through synapses, states that are held, and the guards at the end.
///
/// A flag of each guard element is 1 while the element is held, 1/2 in the last step of it, else 0: the states it holds
/// stand still while the flag is positive, and lose what arrives (or keep it until the last step) while it is 1.
template <class T>
class GridMap {
 public:
  /// @param arriving  by index of the state, whether synapses add to it
  GridMap(const Circuit& circuit, const Fields& states, const std::vector<Event>& events,
          const std::vector<bool>& arriving, Scheme scheme, double step);
  ~GridMap();

  /// Where each state begins among the elements of all states that synapses add to, one state after the other.
  std::size_t arrival_offset(std::size_t state) const { return arrival_offset_[state]; }
  /// Elements of arrivals that wait for the end of a hold.
  std::size_t kept_size() const { return kept_size_; }

  struct Arguments {
    const T* p;
    T t;  ///< at the start of the step
    const T* u;
    const T* y;
    const T* arrivals;  ///< [those of all states that synapses add to]
    const T* held;      ///< [guards] flags
    const T* kept;      ///< [kept_size]
  };
  /// next [states], kept [kept_size] and guard [guards] at the end of the step. Guards of sources are not written, nor
  /// are states over synapses that stand still by themselves: they keep what `next` has.
  void step(const Arguments& in, T* next, T* kept, T* guard);
  /// The elements of event e at `ids` jump: y changes there, but for states that are held where flags are given. All
  /// new values are those of one moment, unless jumps_by_parameters(e): then an element may stand in `ids` repeatedly.
  void jump(std::size_t e, std::span<const std::uint32_t> ids, const Arguments& at, const T* held, T* y);
  /// Whether what event e sets states to, or adds to them, depends on parameters alone.
  bool jumps_by_parameters(std::size_t e) const;

 private:
  struct Jumps;
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::vector<std::vector<std::vector<std::uint32_t>>> holders_;
  std::vector<std::size_t> arrival_offset_;
  std::size_t arrival_size_ = 0, kept_size_ = 0;
};

extern template class GridMap<float>;
extern template class GridMap<double>;

}  // namespace striate
