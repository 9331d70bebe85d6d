#include "integrators/event_derivative.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/dot.hpp"
#include "base/error.hpp"
#include "integrators/stepper.hpp"

namespace striate {
namespace {

void add_scaled(std::span<double> to, double factor, std::span<const double> v) {
  for (std::size_t i = 0; i < v.size(); ++i) to[i] += factor * v[i];
}

bool any(std::span<const double> v) {
  return std::any_of(v.begin(), v.end(), [](double x) { return x != 0; });
}

}  // namespace

EventDerivative::EventDerivative(Evaluation& evaluation, const std::vector<SpikeTraffic::Wiring>& wiring,
                                 const EventRecord& event, std::span<const double> before)
    : evaluation_(evaluation),
      system_(evaluation.system()),
      wiring_(wiring),
      t_(event.t),
      y_(before.begin(), before.end()),
      fixed_(std::all_of(event.changes.begin(), event.changes.end(),
                         [](const Change& c) { return c.moment.kind == Moment::Kind::fixed; })),
      input_rates_(system_.inputs().size()) {
  std::ranges::copy(event.held, evaluation_.supplied(Supply::held).begin());
  require_any_order(event);
  std::vector<std::size_t> last;  // step of each change
  for (const Change& change : event.changes) {
    Moment moment = change.moment;
    if (moment.kind == Moment::Kind::follows) moment.change = last[moment.change];
    const std::size_t count = change.elements.size();
    if (change.kind == Change::Kind::jump && moment.kind == Moment::Kind::zero)
      for (std::size_t k = 0; k < count; ++k) add(change, k, 1, moment);
    else
      add(change, 0, count, moment);
    last.push_back(steps_.size() - 1);
  }
}

/// Elements whose guards cross zero at one instant do so one before the other as soon as anything changes.
void EventDerivative::require_any_order(const EventRecord& event) {
  using Groups = std::vector<std::vector<std::size_t>>;
  Groups together, singly;
  for (const Change& change : event.changes) {
    if (change.kind != Change::Kind::jump || change.moment.kind != Moment::Kind::zero) continue;
    together.push_back(change.elements);
    for (const std::size_t i : change.elements) singly.push_back({i});
  }
  if (singly.size() < 2) return;
  const auto jumped = [&](const Groups& groups) {
    std::vector<double> y = y_, after(y_.size());
    for (const auto& group : groups) {
      evaluation_.jump(t_, y, group, after);
      y.swap(after);
    }
    return y;
  };
  const std::vector<double> run = jumped(together);
  const bool onwards = jumped(singly) == run;
  std::ranges::reverse(singly);
  if (onwards && jumped(singly) == run && event.rounds.size() == 1) return;
  throw Error("derivative",
              fmt::format("'{}' and '{}' fire at the same instant, {}, and what follows depends on their order: "
                          "there is no derivative there. Start the states a little apart.",
                          system_.guard_name(singly.back()[0]), system_.guard_name(singly[singly.size() - 2][0]),
                          time_text(t_, system_)));
}

void EventDerivative::rate(std::span<const double> y, std::vector<double>& out) {
  out.resize(y.size());
  if (!evaluation_.rhs(t_, y, out)) throw Failure("derivative: " + evaluation_.non_finite() + ".");
}

std::size_t EventDerivative::state_of(const Arrival& a) const {
  return system_.states()[system_.projections()[a.projection].arrivals[a.change].state].offset + a.post;
}

/// Follows one change, with the flags of who is held on either side.
void EventDerivative::add(const Change& change, std::size_t first, std::size_t count, Moment moment) {
  Step step{&change, first, count, moment, y_, y_, {}, {}};
  if (!fixed_) {
    if (steps_.empty())
      rate(y_, step.rate_before);
    else
      step.rate_before = steps_.back().rate_after;
  }
  switch (change.kind) {
    case Change::Kind::jump: {
      const auto held = evaluation_.supplied(Supply::held);
      step.held.assign(held.begin(), held.end());
      evaluation_.jump(t_, y_, step.elements(), step.after);
      if (!fixed_) {
        // Whether the jump depends on the inputs: along a direction that no structure cancels.
        std::vector<double> generic(y_.size()), ubar(input_rates_.size());
        for (std::size_t i = 0; i < generic.size(); ++i) generic[i] = 1 + std::sin(static_cast<double>(i));
        if (!ubar.empty())
          system_.jump_vjp(evaluation_.at(t_, y_), step.elements(), generic, {{}, {}, ubar}, evaluation_.workspace());
        if (any(ubar)) std::ranges::copy(evaluation_.input_rates(t_), input_rates_.begin());
      }
      if (moment.kind == Moment::Kind::zero) time_by_guard(step);
      std::vector<double> hold(system_.guard_size());
      system_.hold_times(evaluation_.p(), hold, evaluation_.workspace());
      for (const std::size_t i : step.elements())
        if (hold[i] > 0) SpikeTraffic::set_held(evaluation_, i, true);
      break;
    }
    case Change::Kind::release:
      SpikeTraffic::set_held(evaluation_, change.elements[0], false);
      for (const auto& [state, amount] : change.added) step.after[state] += amount;
      break;
    case Change::Kind::arrival:
      for (const Arrival& a : change.arrivals)
        if (a.fate == Arrival::Fate::added) step.after[state_of(a)] += a.amount;
      break;
    case Change::Kind::rule: {
      const Arrival& a = change.arrivals[0];
      for (const auto& rule : SpikeTraffic::rules(system_.projections()[a.projection], change.back))
        system_.synapse_values(a.projection, rule.expression, SpikeTraffic::only(a), evaluation_.p(), y_,
                               std::span(step.after).subspan(system_.states()[rule.state].offset + a.synapse, 1),
                               evaluation_.workspace());
      break;
    }
  }
  if (!fixed_) rate(step.after, step.rate_after);
  y_ = step.after;
  steps_.push_back(std::move(step));
}

void EventDerivative::time_by_guard(Step& step) {
  std::vector<double> one(system_.guard_size()), guard_u(input_rates_.size()), guard_t(1);
  step.guard_y.resize(y_.size());
  step.guard_p.resize(evaluation_.p().size());
  const std::size_t element = step.elements()[0];
  one[element] = 1;
  system_.guard_vjp(evaluation_.at(t_, y_), one, {step.guard_y, step.guard_p, guard_u, guard_t},
                    evaluation_.workspace());
  if (any(guard_u)) std::ranges::copy(evaluation_.input_rates(t_), input_rates_.begin());
  double size = std::abs(guard_t[0]);
  for (std::size_t i = 0; i < y_.size(); ++i) size += std::abs(step.guard_y[i] * step.rate_before[i]);
  step.slope = guard_t[0] + dot(step.guard_y, step.rate_before) + dot(guard_u, input_rates_);
  if (!(step.slope > 1e-12 * size)) {
    throw Failure(fmt::format(
        "derivative: the guard of '{}' only grazes zero at {} (slope {:.3g}): its moment, and the loss with it, "
        "has no finite derivative there.",
        system_.guard_name(element), time_text(t_, system_), step.slope));
  }
}

/// The trace of a spike that leaves now, with room for all its synapses.
SpikeTrace& EventDerivative::begun(SpikeTraces& traces, std::uint64_t spike, std::size_t element) {
  SpikeTrace& trace = traces.of[spike];
  if (!trace.rows.empty()) return trace;
  trace.rows.resize(wiring_.size());
  const std::size_t event = system_.event_of(element);
  const auto place = static_cast<std::uint32_t>(element - system_.events()[event].offset);
  for (std::size_t k = 0; k < wiring_.size(); ++k) {
    const Projection& p = system_.projections()[k];
    const std::size_t size = p.event == event ? wiring_[k].row_size(place) : 0;
    if (size == 0) continue;
    trace.rows[k].delay.resize(p.common_delay ? 1 : size);
    for (const auto& arrival : p.arrivals) trace.rows[k].amounts.emplace_back(arrival.common ? 1 : size);
  }
  return trace;
}

double& EventDerivative::delay_of(SpikeTraces& traces, const Arrival& a) {
  auto& delay = begun(traces, a.spike, system_.events()[system_.projections()[a.projection].event].offset + a.pre)
                    .rows[a.projection]
                    .delay;
  return delay[delay.size() == 1 ? 0 : a.synapse - wiring_[a.projection].first_of(a.pre)];
}

double& EventDerivative::amount_of(SpikeTraces& traces, const Arrival& a) {
  auto& amounts = begun(traces, a.spike, system_.events()[system_.projections()[a.projection].event].offset + a.pre)
                      .rows[a.projection]
                      .amounts[a.change];
  return amounts[amounts.size() == 1 ? 0 : a.synapse - wiring_[a.projection].first_of(a.pre)];
}

void EventDerivative::forward(std::span<double> dy, std::span<const double> dp, SpikeTraces& traces) {
  std::vector<double> v(dy.size()), vu(input_rates_.size()), vt(1), scratch_hold;
  std::vector<std::uint32_t> scratch;
  std::vector<double> moments;
  traces.kept.resize(dy.size());
  for (const Step& step : steps_) {
    const Change& change = *step.change;
    double dtau = 0;
    switch (step.moment.kind) {
      case Moment::Kind::fixed: break;
      case Moment::Kind::zero: dtau = -(dot(step.guard_y, dy) + dot(dp, step.guard_p)) / step.slope; break;
      case Moment::Kind::follows: dtau = moments[step.moment.change]; break;
      case Moment::Kind::sent:
        dtau = traces.of[step.moment.spike].time;
        if (change.kind == Change::Kind::release) {
          scratch_hold.assign(system_.guard_size(), 0);
          if (!dp.empty()) system_.hold_times_jvp(evaluation_.p(), dp, scratch_hold, evaluation_.workspace());
          dtau += scratch_hold[change.elements[0]];
        } else {
          dtau += delay_of(traces, change.arrivals[0]);
        }
        break;
    }
    moments.push_back(dtau);
    std::copy(dy.begin(), dy.end(), v.begin());
    add_scaled(v, dtau, step.rate_before);
    if (change.kind == Change::Kind::jump) {
      for (std::size_t i = 0; i < vu.size(); ++i) vu[i] = dtau * input_rates_[i];
      vt[0] = dtau;
      std::fill(dy.begin(), dy.end(), 0.0);
      std::ranges::copy(step.held, evaluation_.supplied(Supply::held).begin());
      system_.jump_jvp(evaluation_.at(t_, step.before), step.elements(), {v, dp, vu, vt}, dy, evaluation_.workspace());
      // What leaves is read just after the jump, whenever that is.
      for (std::size_t n = 0; n < step.count; ++n) {
        const std::size_t event = system_.event_of(step.elements()[n]);
        SpikeTrace& trace = begun(traces, step.spikes()[n], step.elements()[n]);
        trace.time = dtau;
        for (std::size_t k = 0; k < wiring_.size(); ++k) {
          auto& row = trace.rows[k];
          if (row.delay.empty()) continue;
          const Projection& p = system_.projections()[k];
          const SynapseSpan span =
              wiring_[k].row(static_cast<std::uint32_t>(step.elements()[n] - system_.events()[event].offset), scratch);
          const Tangent<double> along{dy, dp};
          system_.synapse_jvp(k, 0, span, evaluation_.p(), step.after, along, row.delay, evaluation_.workspace());
          for (std::size_t c = 0; c < p.arrivals.size(); ++c)
            system_.synapse_jvp(k, p.arrivals[c].expression, span, evaluation_.p(), step.after, along, row.amounts[c],
                                evaluation_.workspace());
        }
      }
    } else if (change.kind == Change::Kind::rule) {
      const Arrival& a = change.arrivals[0];
      std::copy(v.begin(), v.end(), dy.begin());
      for (const auto& rule : SpikeTraffic::rules(system_.projections()[a.projection], change.back)) {
        double& out = dy[system_.states()[rule.state].offset + a.synapse];
        out = 0;
        system_.synapse_jvp(a.projection, rule.expression, SpikeTraffic::only(a), evaluation_.p(), step.before, {v, dp},
                            std::span(&out, 1), evaluation_.workspace());
      }
    } else {
      std::copy(v.begin(), v.end(), dy.begin());
      for (const auto& [state, amount] : change.added) dy[state] += std::exchange(traces.kept[state], 0.0);
      for (const Arrival& a : change.arrivals) {
        if (a.fate == Arrival::Fate::lost) continue;
        (a.fate == Arrival::Fate::added ? dy[state_of(a)] : traces.kept[state_of(a)]) += amount_of(traces, a);
      }
    }
    add_scaled(dy, -dtau, step.rate_after);
  }
}

void EventDerivative::backward(std::span<double> lambda, std::span<double> pbar, SpikeTraces& traces) {
  std::vector<double> before(lambda.size()), ubar(input_rates_.size()), tbar(1), hold(system_.guard_size());
  std::vector<std::uint32_t> scratch;
  std::vector<double> moments(steps_.size());  // their cotangents
  traces.kept.resize(lambda.size());
  for (std::size_t s = steps_.size(); s-- > 0;) {
    const Step& step = steps_[s];
    const Change& change = *step.change;
    double dtau = moments[s];
    std::copy(lambda.begin(), lambda.end(), before.begin());
    if (change.kind == Change::Kind::jump) {
      for (std::size_t n = 0; n < step.count; ++n) {
        const auto found = traces.of.find(step.spikes()[n]);
        if (found == traces.of.end()) continue;
        dtau += found->second.time;
        const std::size_t offset = system_.events()[system_.event_of(step.elements()[n])].offset;
        for (std::size_t k = 0; k < found->second.rows.size(); ++k) {
          const auto& row = found->second.rows[k];
          if (row.delay.empty()) continue;
          const Projection& p = system_.projections()[k];
          const SynapseSpan span = wiring_[k].row(static_cast<std::uint32_t>(step.elements()[n] - offset), scratch);
          const Cotangent<double> bar{before, pbar};
          system_.synapse_vjp(k, 0, span, evaluation_.p(), step.after, row.delay, bar, evaluation_.workspace());
          for (std::size_t c = 0; c < p.arrivals.size(); ++c)
            system_.synapse_vjp(k, p.arrivals[c].expression, span, evaluation_.p(), step.after, row.amounts[c], bar,
                                evaluation_.workspace());
        }
        traces.of.erase(found);
      }
    }
    // The state after stands at a fixed time; what left was read at the moment itself.
    if (!fixed_) dtau -= dot(step.rate_after, lambda);
    if (change.kind == Change::Kind::jump) {
      const std::vector<double> after = before;
      std::fill(before.begin(), before.end(), 0.0);
      std::fill(ubar.begin(), ubar.end(), 0.0);
      tbar[0] = 0;
      std::ranges::copy(step.held, evaluation_.supplied(Supply::held).begin());
      system_.jump_vjp(evaluation_.at(t_, step.before), step.elements(), after, {before, pbar, ubar, tbar},
                       evaluation_.workspace());
      dtau += dot(input_rates_, ubar) + tbar[0];
    } else if (change.kind == Change::Kind::rule) {
      const Arrival& a = change.arrivals[0];
      const auto& rules = SpikeTraffic::rules(system_.projections()[a.projection], change.back);
      std::vector<double> out;
      for (const auto& rule : rules)
        out.push_back(std::exchange(before[system_.states()[rule.state].offset + a.synapse], 0.0));
      for (std::size_t r = 0; r < rules.size(); ++r)
        system_.synapse_vjp(a.projection, rules[r].expression, SpikeTraffic::only(a), evaluation_.p(), step.before,
                            std::span(out).subspan(r, 1), {before, pbar}, evaluation_.workspace());
    } else {
      for (const auto& [state, amount] : change.added) traces.kept[state] = lambda[state];
      for (const Arrival& a : change.arrivals) {
        if (a.fate == Arrival::Fate::lost) continue;
        amount_of(traces, a) += a.fate == Arrival::Fate::added ? lambda[state_of(a)] : traces.kept[state_of(a)];
      }
    }
    if (!fixed_) dtau += dot(step.rate_before, before);
    switch (step.moment.kind) {
      case Moment::Kind::fixed: break;
      case Moment::Kind::zero:
        add_scaled(before, -dtau / step.slope, step.guard_y);
        add_scaled(pbar, -dtau / step.slope, step.guard_p);
        break;
      case Moment::Kind::follows: moments[step.moment.change] += dtau; break;
      case Moment::Kind::sent:
        if (change.kind == Change::Kind::release) {
          begun(traces, step.moment.spike, change.elements[0]).time += dtau;
          std::fill(hold.begin(), hold.end(), 0.0);
          hold[change.elements[0]] = dtau;
          system_.hold_times_vjp(evaluation_.p(), hold, pbar, evaluation_.workspace());
        } else {
          delay_of(traces, change.arrivals[0]) += dtau;
          traces.of[step.moment.spike].time += dtau;
        }
        break;
    }
    std::copy(before.begin(), before.end(), lambda.begin());
  }
}

}  // namespace striate
