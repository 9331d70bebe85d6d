#include "integrators/spike_traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/printed.hpp"
#include "integrators/refuse_amount.hpp"
#include "integrators/root.hpp"
#include "integrators/stepper.hpp"

namespace striate {
namespace {

/// Later first, so that the heap has the next on top; one order for whatever order they were added in.
bool later(const Arrival& a, const Arrival& b) {
  const auto key = [](const Arrival& x) { return std::tie(x.t, x.projection, x.synapse, x.spike, x.change); };
  return key(b) < key(a);
}

/// Gauss-Legendre rule with five nodes on [0, 1].
constexpr double nodes[] = {0.046910077030668, 0.23076534494715845, 0.5, 0.7692346550528415, 0.953089922969332};
constexpr double weights[] = {0.11846344252809454, 0.23931433524968324, 0.28444444444444444, 0.23931433524968324,
                              0.11846344252809454};

}  // namespace

SynapseSpan SpikeTraffic::Wiring::row(std::uint32_t place, std::vector<std::uint32_t>& scratch) const {
  const std::uint32_t i = member[place];
  if (i == none) return {0, {}, {}};
  const auto begin = connections.row[i], size = connections.row[i + 1] - begin;
  scratch.assign(size, place);
  return {begin, scratch, std::span(connections.target).subspan(begin, size)};
}

std::vector<SpikeTraffic::Wiring> SpikeTraffic::wire(const System<double>& system) {
  std::vector<Wiring> all;
  for (const Projection& p : system.projections()) {
    Wiring w;
    w.connections = p.synapses ? *p.synapses : connect(p.rule, p.pre, p.post, p.seed, p.purpose);
    const auto places = p.pre.elements();
    w.member.assign(system.events()[p.event].size, Wiring::none);
    for (std::size_t i = 0; i < places.size(); ++i) w.member[places[i]] = static_cast<std::uint32_t>(i);
    if (!p.back.empty()) {
      w.to.resize(system.events()[p.back.front().event].size);
      for (std::size_t i = 0; i < places.size(); ++i)
        for (auto s = w.connections.row[i]; s < w.connections.row[i + 1]; ++s) {
          w.to[w.connections.target[s]].push_back(s);
          w.pre.push_back(places[i]);
        }
    }
    all.push_back(std::move(w));
  }
  return all;
}

void SpikeTraffic::set_held(Evaluation& evaluation, std::size_t guard_element, bool held) {
  const auto& system = evaluation.system();
  const Event& event = system.events()[system.event_of(guard_element)];
  if (event.held_states.empty()) return;
  const std::size_t first = evaluation.range(Supply::held).first;
  evaluation.supplied(Supply::held)[event.held + guard_element - event.offset - first] = held ? 1 : 0;
}

SpikeTraffic::SpikeTraffic(Evaluation& evaluation, const Problem& problem)
    : evaluation_(evaluation),
      system_(evaluation.system()),
      wiring_(wire(system_)),
      holder_(system_.states().size(), system_.guard_size()),
      event_(system_.guard_size()),
      hold_(system_.guard_size()),
      rate_(system_.guard_size()) {
  const std::size_t guards = system_.guard_size();
  system_.hold_times(evaluation.p(), hold_, evaluation.workspace());
  now_.release.assign(guards, infinite);
  now_.held_by.assign(guards, 0);
  now_.next.assign(guards, infinite);
  now_.left.assign(guards, 0);
  now_.drawn.assign(guards, 0);
  now_.kept.assign(system_.states().size(), 0);
  require_trains(problem);
  now_.looked_to = problem.t0;
  trains_.resize(system_.events().size());
  for (std::size_t e = 0; e < system_.events().size(); ++e) {
    const Event& event = system_.events()[e];
    keys_.emplace_back(problem.seed, "poisson " + event.name);
    std::fill_n(event_.begin() + static_cast<std::ptrdiff_t>(event.offset), event.size, e);
    for (std::size_t i = 0; event.holds && i < event.size; ++i) {
      const double time = hold_[event.offset + i];
      if (!(time >= 0 && std::isfinite(time)))
        throw Error(system_.name(), fmt::format("event '{}' holds for {}, but a time is not negative.", event.name,
                                                time_text(printed(time), system_)));
    }
    for (const std::size_t state : event.held_states) {
      const Field& field = system_.states()[state];
      for (std::size_t i = 0; i < field.size; ++i) {
        std::size_t element = event.offset;
        for (std::size_t a = 0; a < event.shape.rank(); ++a) {
          const std::size_t axis = *field.shape.find(event.shape[a].name);
          element += i / field.shape.stride(axis) % field.shape[axis].size * event.shape.stride(a);
        }
        holder_[field.offset + i] = element;
      }
    }
    if (event.cause == Cause::train) {
      const auto given = std::find_if(problem.trains.begin(), problem.trains.end(),
                                      [&](const SpikeTrain& train) { return train.source == event.name; });
      trains_[e].resize(event.size);
      for (std::size_t i = 0; i < given->t.size(); ++i) trains_[e][given->element[i]].push_back(given->t[i]);
      for (std::size_t i = 0; i < event.size; ++i) {
        auto& times = trains_[e][i];
        std::sort(times.begin(), times.end());
        times.erase(times.begin(), std::lower_bound(times.begin(), times.end(), problem.t0));
        now_.next[event.offset + i] = times.empty() ? infinite : times.front();
      }
    }
    if (event.cause == Cause::poisson) {
      changing_ = changing_ || !event.steady;
      if (event.steady) system_.source_rates(evaluation.at(problem.t0, problem.y0), rate_, evaluation.workspace());
      for (std::size_t i = event.offset; i < event.offset + event.size; ++i) {
        if (!(rate_[i] >= 0 && std::isfinite(rate_[i])))
          throw Error(system_.name(),
                      fmt::format("the rate of {}[{}] = {} [1/{}], but must be finite and not negative.", event.name,
                                  i - event.offset, rate_[i], system_.time_unit().str()));
        draw(i);
        if (event.steady) next_constant(i, problem.t0);
      }
    }
  }
  std::vector<std::uint32_t> scratch;
  std::vector<double> delays, amounts;
  for (std::size_t k = 0; k < wiring_.size(); ++k) {
    const Projection& p = system_.projections()[k];
    for (std::uint32_t place = 0; place < wiring_[k].member.size(); ++place) {
      const SynapseSpan row = wiring_[k].row(place, scratch);
      if (row.post.empty()) continue;
      delays.resize(p.common_delay ? 1 : row.post.size());
      system_.synapse_values(k, 0, row, evaluation.p(), {}, delays, evaluation.workspace());
      for (const double d : delays)
        if (!(d >= 0 && std::isfinite(d)))
          throw Error(
              system_.name(),
              fmt::format("projection '{}' has the delay {}, but a spike arrives after it left, in finite time. "
                          "Check its sign and parameters.",
                          p.name, time_text(d, system_)));
      if (p.common_delay) break;
    }
    for (const auto& arrival : p.arrivals) {
      for (std::uint32_t place = 0; !arrival.of_states && place < wiring_[k].member.size(); ++place) {
        const SynapseSpan row = wiring_[k].row(place, scratch);
        if (row.post.empty()) continue;
        amounts.resize(arrival.common ? 1 : row.post.size());
        system_.synapse_values(k, arrival.expression, row, evaluation_.p(), {}, amounts, evaluation_.workspace());
        const auto wrong = std::ranges::find_if_not(amounts, [](double a) { return std::isfinite(a); });
        if (wrong != amounts.end()) {
          const auto i = static_cast<std::size_t>(wrong - amounts.begin());
          refuse_amount(system_, k, arrival.expression, *wrong, row.pre[i], row.post[i]);
        }
        if (arrival.common) break;
      }
    }
  }
}

void SpikeTraffic::continue_from(const SpikesUnderWay& state) {
  now_ = state;
  for (std::size_t i = 0; i < now_.release.size(); ++i) set_held(evaluation_, i, refractory(i));
}

double SpikeTraffic::next() const {
  double t = now_.arrivals.empty() ? infinite : now_.arrivals.front().t;
  for (const double x : now_.release) t = std::min(t, x);
  for (const double x : now_.next) t = std::min(t, x);
  return t;
}

void SpikeTraffic::draw(std::size_t i) {
  const Event& event = system_.events()[event_[i]];
  now_.left[i] = -std::log(keys_[event_[i]].uniform({i - event.offset, now_.drawn[i]++, 0, 0}));
}

void SpikeTraffic::next_constant(std::size_t i, double t) {
  now_.next[i] = rate_[i] > 0 ? t + now_.left[i] / rate_[i] : infinite;
}

void SpikeTraffic::look_ahead(double t, double end) {
  if (!changing_ || end <= now_.looked_to) return;
  const double begin = std::max(t, now_.looked_to);
  now_.looked_to = end;
  tabulate(begin, end);
  for (std::size_t i = 0; i < rate_.size(); ++i)
    if (wanders(i) && now_.next[i] == infinite) find_spike(i, begin);
}

/// Whether guard element i is a Poisson source whose rate changes.
bool SpikeTraffic::wanders(std::size_t i) const {
  const Event& event = system_.events()[event_[i]];
  return event.cause == Cause::poisson && !event.steady;
}

/// All rates integrated over [begin, end], by Gauss's rule.
void SpikeTraffic::integrate(double begin, double end, std::vector<double>& sum) {
  const std::size_t n = rate_.size();
  rates_.resize(n);
  sum.assign(n, 0);
  for (int k = 0; k < 5; ++k) {
    const double t = begin + (end - begin) * nodes[k];
    system_.source_rates(evaluation_.at(t, {}), rates_, evaluation_.workspace());
    for (std::size_t i = 0; i < n; ++i) {
      if (!(rates_[i] >= 0)) {
        const Event& event = system_.events()[event_[i]];
        throw Failure(fmt::format("the rate of {}[{}] = {} [1/{}] at t = {}, but must be a number and not negative.",
                                  event.name, i - event.offset, rates_[i], system_.time_unit().str(),
                                  time_text(t, system_)));
      }
      sum[i] += (end - begin) * weights[k] * rates_[i];
    }
  }
}

/// The integrals of the rates over panels of [begin, end]: at least so many that a pulse of a thousandth of the whole
/// is not missed, as far as memory goes, and each halved until the rule agrees with itself.
void SpikeTraffic::tabulate(double begin, double end) {
  constexpr std::size_t most_panels = 1024, most_values = std::size_t{1} << 23U;
  const std::size_t panels =
      std::clamp<std::size_t>(most_values / std::max<std::size_t>(1, rate_.size()), 16, most_panels);
  panel_ends_.clear();
  panel_sums_.clear();
  table_begin_ = begin;
  for (std::size_t k = 0; k < panels; ++k) {
    const auto place = [&](std::size_t n) {
      return n == panels ? end : begin + (end - begin) * static_cast<double>(n) / static_cast<double>(panels);
    };
    add_panels(place(k), place(k + 1));
  }
}

void SpikeTraffic::add_panels(double begin, double end) {
  std::vector<double> whole, left, right;
  integrate(begin, end, whole);
  const double middle = begin + 0.5 * (end - begin);
  integrate(begin, middle, left);
  integrate(middle, end, right);
  double difference = 0;
  for (std::size_t i = 0; i < whole.size(); ++i)
    difference = std::max(difference, std::abs(whole[i] - left[i] - right[i]));
  if (difference > 1e-10 && end - begin > 1e-9 * (std::abs(begin) + std::abs(end))) {
    add_panels(begin, middle);
    add_panels(middle, end);
    return;
  }
  panel_ends_.push_back(end);
  panel_sums_.insert(panel_sums_.end(), whole.begin(), whole.end());
}

/// The next spike of source i after `from`, or what it lacks at the end of the table.
void SpikeTraffic::find_spike(std::size_t i, double from) {
  auto k =
      static_cast<std::size_t>(std::upper_bound(panel_ends_.begin(), panel_ends_.end(), from) - panel_ends_.begin());
  std::vector<double> part;
  for (double begin = from; k < panel_ends_.size(); begin = panel_ends_[k++]) {
    double sum = panel_sums_[k * rate_.size() + i];
    if (begin > (k == 0 ? table_begin_ : panel_ends_[k - 1])) {
      integrate(begin, panel_ends_[k], part);
      sum = part[i];
    }
    if (sum < now_.left[i]) {
      now_.left[i] -= sum;
      continue;
    }
    now_.next[i] = first_zero(begin, -now_.left[i], panel_ends_[k], sum - now_.left[i], [&](double t) {
      integrate(begin, t, part);
      return part[i] - now_.left[i];
    });
    return;
  }
}

void SpikeTraffic::release(double t, std::span<double> y, std::vector<Change>& changes) {
  for (std::size_t i = 0; i < now_.release.size(); ++i) {
    if (now_.release[i] > t) continue;
    now_.release[i] = infinite;
    set_held(evaluation_, i, false);
    Change change{Change::Kind::release, {Moment::Kind::sent, 0, now_.held_by[i]}, {i}};
    for (std::size_t state = 0; state < y.size(); ++state) {
      if (holder_[state] != i || !system_.events()[event_[i]].keeps_arrivals) continue;
      change.added.emplace_back(state, std::exchange(now_.kept[state], 0.0));
      y[state] += change.added.back().second;
    }
    changes.push_back(std::move(change));
  }
}

std::vector<std::size_t> SpikeTraffic::spiking(std::size_t source, double t) {
  std::vector<std::size_t> fired;
  const Event& event = system_.events()[source];
  for (std::size_t i = event.offset; i < event.offset + event.size; ++i) {
    if (now_.next[i] > t) continue;
    fired.push_back(i);
    const double spike = now_.next[i];
    if (event.cause == Cause::train) {
      const auto& times = trains_[source][i - event.offset];
      const std::uint64_t n = ++now_.drawn[i];
      now_.next[i] = n < times.size() ? times[n] : infinite;
    } else {
      draw(i);
      now_.next[i] = infinite;
      if (event.steady)
        next_constant(i, spike);
      else if (spike < now_.looked_to)
        find_spike(i, spike);
    }
  }
  return fired;
}

void SpikeTraffic::add(Arrival arrival) {
  now_.arrivals.push_back(arrival);
  std::push_heap(now_.arrivals.begin(), now_.arrivals.end(), later);
}

void SpikeTraffic::send(double t, std::span<double> y, std::vector<Change>& changes) {
  const std::size_t jump = changes.size() - 1;
  changes[jump].spikes.clear();
  std::vector<std::uint32_t> scratch;
  std::vector<double> delays, amounts;
  const std::vector<std::size_t> fired = changes[jump].elements;
  for (const std::size_t i : fired) {
    const std::uint64_t spike = now_.spikes++;
    changes[jump].spikes.push_back(spike);
    if (holds(i)) {
      now_.release[i] = t + hold_[i];
      now_.held_by[i] = spike;
      set_held(evaluation_, i, true);
    }
  }
  const auto& spikes = changes[jump].spikes;
  for (std::size_t n = 0; n < fired.size(); ++n) {
    const auto place = static_cast<std::uint32_t>(fired[n] - system_.events()[event_[fired[n]]].offset);
    for (std::uint32_t k = 0; k < wiring_.size(); ++k) {
      const Projection& p = system_.projections()[k];
      if (p.event != event_[fired[n]]) continue;
      const SynapseSpan row = wiring_[k].row(place, scratch);
      if (row.post.empty()) continue;
      delays.resize(p.common_delay ? 1 : row.post.size());
      system_.synapse_values(k, 0, row, evaluation_.p(), {}, delays, evaluation_.workspace());
      for (std::uint32_t c = 0; c <= p.arrivals.size(); ++c) {
        const bool rules = c == p.arrivals.size();
        if (rules && p.on_arrival.empty()) break;
        const bool common = !rules && p.arrivals[c].common;
        amounts.assign(common ? 1 : row.post.size(), 0);
        if (!rules)
          system_.synapse_values(k, p.arrivals[c].expression, row, evaluation_.p(), y, amounts,
                                 evaluation_.workspace());
        for (std::size_t s = 0; s < row.post.size(); ++s)
          add({t + delays[p.common_delay ? 0 : s], spikes[n], row.first + s, k, c, place, row.post[s],
               amounts[common ? 0 : s]});
      }
    }
  }
  for (std::size_t n = 0; n < fired.size(); ++n) {
    const auto place = static_cast<std::uint32_t>(fired[n] - system_.events()[event_[fired[n]]].offset);
    for (std::uint32_t k = 0; k < wiring_.size(); ++k)
      for (std::size_t b = 0; b < system_.projections()[k].back.size(); ++b) {
        if (system_.projections()[k].back[b].event != event_[fired[n]]) continue;
        for (const std::uint64_t s : wiring_[k].to[place])
          apply_rules(1 + b, {t, 0, s, k, 0, wiring_[k].pre[s], place}, y, changes, {Moment::Kind::follows, jump, 0});
      }
  }
}

bool SpikeTraffic::arrive(double t, std::span<double> y, std::vector<Change>& changes) {
  if (now_.arrivals.empty() || now_.arrivals.front().t > t) return false;
  const auto take = [&] {
    std::pop_heap(now_.arrivals.begin(), now_.arrivals.end(), later);
    const Arrival a = now_.arrivals.back();
    now_.arrivals.pop_back();
    return a;
  };
  const Arrival first = take();
  const Projection& p = system_.projections()[first.projection];
  if (first.change == p.arrivals.size()) {
    apply_rules(0, first, y, changes, {Moment::Kind::sent, 0, first.spike});
    return true;
  }
  changes.push_back({Change::Kind::arrival, {Moment::Kind::sent, 0, first.spike}});
  apply(first, y, changes);
  // What one spike does to all targets after a common delay is one change.
  while (p.common_delay && !now_.arrivals.empty()) {
    const Arrival& next = now_.arrivals.front();
    if (next.t > t || next.projection != first.projection || next.spike != first.spike ||
        next.change == p.arrivals.size())
      break;
    apply(take(), y, changes);
  }
  return true;
}

void SpikeTraffic::apply(Arrival a, std::span<double> y, std::vector<Change>& changes) {
  const Projection& p = system_.projections()[a.projection];
  const std::size_t state = system_.states()[p.arrivals[a.change].state].offset + a.post;
  const std::size_t holder = holder_[state];
  if (holder < system_.guard_size() && refractory(holder)) {
    const bool keep = system_.events()[event_[holder]].keeps_arrivals;
    a.fate = keep ? Arrival::Fate::kept : Arrival::Fate::lost;
    if (keep) now_.kept[state] += a.amount;
  } else {
    y[state] += a.amount;
  }
  changes.back().arrivals.push_back(a);
}

void SpikeTraffic::apply_rules(std::size_t back, const Arrival& at, std::span<double> y, std::vector<Change>& changes,
                               Moment moment) {
  const auto& changed = rules(system_.projections()[at.projection], back);
  std::vector<double> values(changed.size());
  for (std::size_t r = 0; r < changed.size(); ++r)
    system_.synapse_values(at.projection, changed[r].expression, only(at), evaluation_.p(), y,
                           std::span(values).subspan(r, 1), evaluation_.workspace());
  for (std::size_t r = 0; r < changed.size(); ++r)
    y[system_.states()[changed[r].state].offset + at.synapse] = values[r];
  Change change{Change::Kind::rule, moment};
  change.arrivals = {at};
  change.back = back;
  changes.push_back(std::move(change));
}

}  // namespace striate
