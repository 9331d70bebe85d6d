#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/parallel_pieces.hpp"
#include "circuit/system.hpp"
#include "integrators/deliveries.hpp"

namespace striate {

/// The plasticity of one projection on a grid of times: what its rules make of states over its synapses when spikes
/// arrive, and when targets have an event.
///
/// Synapses that change together are computed together, each from what it finds before; a source that spikes k times in
/// a step changes its synapses k times. So neither their order nor the number of threads matters.
template <class T>
class SynapseRules {
 public:
  /// @param system  whose rules, in the precision of the states
  SynapseRules(const System<double>& system, const System<T>& rules, std::size_t projection, std::span<const double> p,
               double step);

  /// The elements `ids` of the projection's event spike at the end of `step`.
  void send(std::span<const std::uint32_t> ids, std::uint64_t step) { send(ids, step, step); }
  /// Applies the rules of what arrives at the end of `step`. @param also  a second place for what changes
  void arrive(std::uint64_t step, std::span<const T> p, std::span<T> y, std::span<T> also);
  /// Applies the rules that the elements `ids` of an event over the targets call for.
  void back(std::size_t event, std::span<const std::uint32_t> ids, std::span<const T> p, std::span<T> y,
            std::span<T> also);

  /// Spikes that have not arrived everywhere by the end of `step`, in the order in which they were sent.
  std::vector<SentSpike> waiting(std::uint64_t step) const;
  /// ... in a run that goes on from there.
  void restore(const std::vector<SentSpike>& waiting, std::uint64_t step);

 private:
  void send(std::span<const std::uint32_t> ids, std::uint64_t step, std::uint64_t now);
  using Rounds = std::vector<std::vector<std::uint32_t>>;  ///< synapses, none twice in a round
  void apply(const std::vector<Projection::Change>& changes, std::span<const std::uint32_t> synapses,
             std::span<const T> p, std::span<T> y, std::span<T> also);
  std::uint64_t delay(std::uint32_t synapse) const { return common_delay_ ? longest_ : delay_[synapse] + 1ULL; }

  const System<T>& rules_;
  const Projection& about_;
  std::size_t number_;
  std::vector<std::uint64_t> row_;      ///< by place in the event
  std::vector<std::uint32_t> pre_;      ///< by synapse
  AlignedVector<std::uint16_t> delay_;  ///< by synapse, in steps, less one; empty where it is common
  bool common_delay_;
  std::uint64_t longest_ = 1;
  std::vector<std::uint64_t> into_;  ///< by place of the target: where its synapses begin in into_synapse_
  std::vector<std::uint32_t> into_synapse_;
  std::vector<Rounds> due_;  ///< by step of arrival, modulo its size
  std::vector<SentSpike> sent_;
  std::vector<std::uint32_t> together_;
  std::array<std::optional<Workspace<T>>, most_workers> workspaces_;
};

extern template class SynapseRules<float>;
extern template class SynapseRules<double>;

}  // namespace striate
