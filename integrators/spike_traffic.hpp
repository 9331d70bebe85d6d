#pragma once

#include <limits>
#include <vector>

#include "base/random.hpp"
#include "integrators/evaluation.hpp"
#include "integrators/spike_record.hpp"

namespace striate {

/// Everything about spikes beside the guards: who is refractory, what travels, when sources spike.
///
/// A spike begins the hold of its element, changes synapses that its events change backwards, and leaves through every
/// projection: amounts and delays are computed as it leaves. At one instant releases come first, then sources, then
/// arrivals by projection and synapse, and then guards that all of this pushed over zero.
class SpikeTraffic {
 public:
  /// Draws connections, checks delays, hold times and trains. @throws Error
  SpikeTraffic(Evaluation& evaluation, const Problem& problem);

  /// The time of the next release, source spike or arrival; infinite for none.
  double next() const;
  bool refractory(std::size_t guard_element) const { return now_.release[guard_element] < infinite; }
  /// Whether an element does not fire for a time after its spike.
  bool holds(std::size_t guard_element) const {
    return system_.events()[event_[guard_element]].holds && hold_[guard_element] > 0;
  }
  /// Finds the spikes of sources whose rate changes, up to `end`; the drive is smooth until then.
  void look_ahead(double t, double end);

  /// Ends the holds that are due at t; what was kept is added to y.
  void release(double t, std::span<double> y, std::vector<Change>& changes);
  /// The guard elements of a source (an index into events()) that spike at t; draws the next spike of each, which may
  /// be at t, too.
  std::vector<std::size_t> spiking(std::size_t source, double t);
  /// The spikes of a jump that is the last of `changes`: holds begin, rules apply, and they leave.
  void send(double t, std::span<double> y, std::vector<Change>& changes);
  /// Applies the next change that arrives at t; false when none does.
  bool arrive(double t, std::span<double> y, std::vector<Change>& changes);

  const SpikesUnderWay& under_way() const { return now_; }
  void continue_from(const SpikesUnderWay& state);

  /// Of a projection with its synapses drawn.
  struct Wiring {
    Connections connections;
    std::vector<std::uint32_t> member;  ///< of each pre place: its number among the members; none: none
    std::vector<std::vector<std::uint64_t>>
        to;                          ///< of each post place, the synapses that reach it; only for rules back
    std::vector<std::uint32_t> pre;  ///< of each synapse; only for rules back
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    /// The synapses of a pre place, with `scratch` to hold their sources.
    SynapseSpan row(std::uint32_t place, std::vector<std::uint32_t>& scratch) const;
    std::uint64_t first_of(std::uint32_t place) const { return connections.row[member[place]]; }
    std::size_t row_size(std::uint32_t place) const {
      return member[place] == none ? 0 : connections.row[member[place] + 1] - connections.row[member[place]];
    }
  };
  static std::vector<Wiring> wire(const System<double>& system);

  /// What a rule changes: 0 on arrival, else 1 + which of Projection::back.
  static const std::vector<Projection::Change>& rules(const Projection& p, std::size_t back) {
    return back == 0 ? p.on_arrival : p.back[back - 1].changes;
  }
  /// The synapse of one arrival.
  static SynapseSpan only(const Arrival& a) { return {a.synapse, std::span(&a.pre, 1), std::span(&a.post, 1)}; }

  /// Sets the flag of an element that holds states.
  static void set_held(Evaluation& evaluation, std::size_t guard_element, bool held);

 private:
  static constexpr double infinite = std::numeric_limits<double>::infinity();
  void draw(std::size_t guard_element);
  void next_constant(std::size_t guard_element, double t);
  void add(Arrival arrival);
  void apply(Arrival arrival, std::span<double> y, std::vector<Change>& changes);
  void apply_rules(std::size_t back, const Arrival& at, std::span<double> y, std::vector<Change>& changes,
                   Moment moment);
  bool wanders(std::size_t guard_element) const;
  void integrate(double begin, double end, std::vector<double>& sum);
  void tabulate(double begin, double end);
  void add_panels(double begin, double end);
  void find_spike(std::size_t guard_element, double from);

  Evaluation& evaluation_;
  const System<double>& system_;
  std::vector<Wiring> wiring_;
  std::vector<std::size_t> holder_;  ///< [states] the guard element that holds each; none: the number of guards
  std::vector<std::size_t> event_;   ///< [guard] the event of each element
  std::vector<double> hold_;         ///< [guard]
  std::vector<double> rate_;         ///< [guard] of Poisson sources
  std::vector<RandomKey> keys_;      ///< of each event
  std::vector<std::vector<std::vector<double>>> trains_;  ///< [event][element] times
  double table_begin_ = 0;
  std::vector<double> panel_ends_;          ///< of the stretch looked ahead
  std::vector<double> panel_sums_, rates_;  ///< [panel, guard] integrated rates; scratch
  bool changing_ = false;                   ///< whether a rate depends on more than parameters
  SpikesUnderWay now_;
};

}  // namespace striate
