#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/aligned_vector.hpp"
#include "circuit/system.hpp"

namespace striate {

/// Where spikes on their way wait: for each step to come, a slot with what arrives then (GridMap::Arguments::arrivals).
template <class T>
struct ArrivalRing {
  AlignedVector<T> values;
  std::size_t slot_size = 0;
  std::uint64_t mask = 0;  ///< number of slots - 1, a power of two less one
  T* slot(std::uint64_t step) { return values.data() + (step & mask) * slot_size; }
};

struct SentSpike {
  std::uint64_t step;
  std::uint32_t source;  ///< its place in the event
  bool operator<(const SentSpike& other) const { return std::tie(step, source) < std::tie(other.step, other.source); }
};

/// Where the synapses of each element of a projection's event begin, and where they end.
std::vector<std::uint64_t> rows_by_place(const Projection& about, const Connections& drawn, std::size_t event_size);
/// The delay of each synapse, or of all where it is common, in whole steps, less one.
/// @throws Error for delays shorter than the step
AlignedVector<std::uint16_t> delays_in_steps(const System<double>& system, std::size_t projection,
                                             std::span<const double> p, double step,
                                             const std::vector<std::uint64_t>& row, const Connections& drawn);

/// The synapses of one projection on a grid of times: compressed by source, 4 bytes for target and delay where both fit
/// (else 6), and 4 for each amount that is not common to all.
///
/// A spike is delivered in one of two ways, which give the same sums. Either all that it causes is added to the slots
/// of the ring at once (`deliver`); or, where delays of their own would scatter it over more memory than a cache holds,
/// the spike waits, and in each step those of its synapses are found whose time has come (`deliver_due`). They are
/// sorted by part of the targets, one for each thread, then by delay: so each thread reads synapses of its own only.
template <class T>
class Deliveries {
 public:
  /// Draws the synapses and computes what each carries.
  /// @param arrival_offset  by index of the state, its place in a slot
  /// @param parts  of the targets, for spikes that wait
  /// @throws Error for delays shorter than the step, and before drawing more than memory holds
  Deliveries(const System<double>& system, std::size_t projection, std::span<const double> p, double step,
             const std::vector<std::size_t>& arrival_offset, std::size_t parts);

  /// Whether spikes wait, and what must be done in each step.
  bool waits() const { return !waiting_.empty(); }
  void send(std::span<const std::uint32_t> ids, std::uint64_t step);
  /// Adds what arrives at `step` in one part of the targets to the slot of the ring.
  void deliver_due(std::size_t part, std::uint64_t step, T* slot);
  /// Spikes that wait after `step`, in the order in which they were sent.
  std::vector<SentSpike> waiting(std::uint64_t step) const;
  /// ... in a run that goes on from there.
  void restore(const std::vector<SentSpike>& waiting, std::uint64_t step);

  std::uint64_t synapses() const { return row_.back(); }
  std::size_t bytes() const;
  std::size_t longest() const { return waits() ? 0 : longest_; }  ///< steps that the ring must look ahead

  /// Amounts that depend on states, for the spikes that are about to be delivered.
  void read_states(const System<T>& system, std::span<const std::uint32_t> ids, std::span<const T> p,
                   std::span<const T> y, Workspace<T>& workspace);
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
  void sort_by_delay(std::size_t parts);
  std::uint64_t row(std::size_t id) const { return row_[id * parts_]; }
  void let_wait(std::size_t part, const SentSpike& spike, std::uint64_t after);

  struct Waiting {
    std::uint64_t next;  ///< synapse
    std::uint32_t left;  ///< synapses
    std::uint32_t sent;  ///< the step, modulo 2^32
  };
  std::size_t number_, targets_;
  std::size_t parts_ = 1;              ///< of each row
  std::vector<std::uint64_t> row_;     ///< by place in the event, and part: where its synapses begin; and where all end
  AlignedVector<std::uint32_t> word_;  ///< target << slot_bits_ | delay - 1; of spikes that wait, the other way round
  AlignedVector<std::uint16_t> wide_;  ///< delay - 1, where it does not fit
  unsigned slot_bits_ = 0;
  bool common_delay_;
  bool reads_states_ = false;
  unsigned target_bits_ = 0;
  std::vector<std::vector<Waiting>> waiting_;  ///< by part
  std::size_t longest_ = 1;
  std::vector<Amount> amounts_;
};

extern template class Deliveries<float>;
extern template class Deliveries<double>;

}  // namespace striate
