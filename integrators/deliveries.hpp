#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_vector.hpp"
#include "circuit/system.hpp"

namespace striate {

/// Where spikes on their way wait: for each step to come, a slot with what arrives then [GridMap::arrival_size].
template <class T>
struct ArrivalRing {
  AlignedVector<T> values;
  std::size_t slot_size = 0;
  std::uint64_t mask = 0;  ///< number of slots - 1, a power of two less one
  T* slot(std::uint64_t step) { return values.data() + (step & mask) * slot_size; }
};

/// The synapses of one projection on a grid of times: compressed by source, 4 bytes for target and delay where both fit
/// (else 6), and 4 for each amount that is not common to all.
template <class T>
class Deliveries {
 public:
  /// Draws the synapses and computes what each carries.
  /// @param arrival_offset  by index of the state, its place in a slot
  /// @throws Error for delays shorter than the step, and before drawing more than memory holds
  Deliveries(const System<double>& system, std::size_t projection, std::span<const double> p, double step,
             const std::vector<std::size_t>& arrival_offset);

  std::uint64_t synapses() const { return row_.back(); }
  std::size_t bytes() const;
  std::size_t longest() const { return longest_; }  ///< delay [steps]

  /// Amounts that depend on states, for the spikes that are about to be delivered.
  void read_states(const System<double>& system, std::span<const std::uint32_t> ids, std::span<const double> p,
                   std::span<const double> y, Workspace<double>& workspace);
  bool reads_states() const { return reads_states_; }

  /// Synapses of these elements.
  std::uint64_t count(std::span<const std::uint32_t> ids) const;
  /// Adds to the ring what the elements `ids` of the event send at `step` to the targets [begin, end).
  void deliver(std::span<const std::uint32_t> ids, std::uint64_t step, ArrivalRing<T>& ring, std::size_t begin,
               std::size_t end) const;
  /// Targets are places below this.
  std::size_t targets() const { return targets_; }

 private:
  struct Amount {
    std::size_t expression, offset;
    bool of_states;
    bool common;
    T value;                      ///< common
    AlignedVector<float> values;  ///< one a synapse; or, of states, one a synapse of the spikes at hand
  };
  template <bool one_slot, bool common>
  void add(std::span<const std::uint32_t> ids, std::uint64_t step, ArrivalRing<T>& ring, const Amount& amount,
           std::uint32_t begin, std::uint32_t end) const;
  std::uint32_t target(std::uint64_t k) const { return word_[k] >> slot_bits_; }

  std::size_t number_, targets_;
  std::vector<std::uint64_t> row_;     ///< by place in the event
  AlignedVector<std::uint32_t> word_;  ///< target << slot_bits_ | delay - 1
  AlignedVector<std::uint16_t> wide_;  ///< delay - 1, where it does not fit
  unsigned slot_bits_ = 0;
  bool common_delay_;
  bool reads_states_ = false;
  std::size_t longest_ = 1;
  std::vector<Amount> amounts_;
};

extern template class Deliveries<float>;
extern template class Deliveries<double>;

}  // namespace striate
