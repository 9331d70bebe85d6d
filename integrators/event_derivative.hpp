#pragma once

#include "integrators/evaluation.hpp"
#include "integrators/spike_derivative.hpp"
#include "integrators/spike_traffic.hpp"

namespace striate {

/// The derivative of the state just after an instant by the state just before it and by the parameters, at a fixed
/// time: that of every change and of the shift of its moment.
///
/// Source   Hiskens & Pai (2000), IEEE Trans. Circuits Syst. I 47:204, doi:10.1109/81.828574: with f before and after
///          the change h, dtau = -(g_y dy + g_p dp)/(g_t + g_y f-), dy+ = h_y (dy + f- dtau) + h_p dp + h_t dtau - f+
///          dtau. Changes that another sets off share its dtau. Guards that reach zero together are taken one after the
///          other, each with its own; at a jump of the drive and of a source the moment is fixed. An arrival has the
///          dtau of the spike and of its delay, a release that of the spike and of the hold time.
class EventDerivative {
 public:
  /// @param evaluation  its segment must contain the event; its flags of held states are left as after the event
  /// @param before      the state just before on the run along which the derivative is carried. Where a state shoots up
  ///                    (an exponential onset), that run reaches the event's time elsewhere on the upstroke than the
  ///                    run that located it, and its tangents and cotangents have its own rate as their measure.
  /// @throws Error when jumps at one instant depend on each other's order: then there is no derivative
  /// @throws Failure when a guard only grazes zero: then the derivative is infinite
  EventDerivative(Evaluation& evaluation, const std::vector<SpikeTraffic::Wiring>& wiring, const EventRecord& event,
                  std::span<const double> before);

  /// dy = the derivative after, where it was the one before; along dp [parameters], which may be empty. The time of a
  /// trace becomes that of its spike.
  void forward(std::span<double> dy, std::span<const double> dp, SpikeTraces& traces);
  /// lambda = the cotangent before, where it was the one after; pbar [parameters] grows by the event's share. The time
  /// of a trace may hold the cotangent of its spike's.
  void backward(std::span<double> lambda, std::span<double> pbar, SpikeTraces& traces);

 private:
  struct Step {
    const Change* change;
    std::size_t first, count;           // of a jump: which of its elements
    Moment moment;                      // `change` counts steps
    std::vector<double> before, after;  // states
    std::vector<double> rate_before, rate_after;
    std::vector<double> held = {};                   // before a jump, the flags of the elements that hold states
    std::vector<double> guard_y = {}, guard_p = {};  // derivative of the guard that times it
    double slope = 0;                                // of that guard along the run
    std::span<const std::size_t> elements() const { return std::span(change->elements).subspan(first, count); }
    std::span<const std::uint64_t> spikes() const { return std::span(change->spikes).subspan(first, count); }
  };
  void require_any_order(const EventRecord& event);
  void add(const Change& change, std::size_t first, std::size_t count, Moment moment);
  void time_by_guard(Step& step);
  void rate(std::span<const double> y, std::vector<double>& out);
  SpikeTrace& begun(SpikeTraces& traces, std::uint64_t spike, std::size_t element);
  double& delay_of(SpikeTraces& traces, const Arrival& arrival);
  double& amount_of(SpikeTraces& traces, const Arrival& arrival);
  std::size_t state_of(const Arrival& arrival) const;

  Evaluation& evaluation_;
  const System<double>& system_;
  const std::vector<SpikeTraffic::Wiring>& wiring_;
  double t_;
  std::vector<double> y_;
  std::vector<Step> steps_;
  bool fixed_;
  std::vector<double> input_rates_;
};

}  // namespace striate
