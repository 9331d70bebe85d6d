#include "integrators/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/parallel.hpp"
#include "base/printed.hpp"
#include "integrators/after_number.hpp"
#include "integrators/stepper.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {
namespace {

constexpr std::size_t most_distinct = 64;
constexpr std::size_t chunk = 4096;           ///< elements a thread looks up together
constexpr int stretches_of_past = 512;        ///< at least, that the longest delay is cut into before an adaptive run
constexpr int most_stretches_of_past = 4096;  ///< where a shorter delay asks for shorter ones
constexpr int most_nodes = 9;
constexpr double bytes_around_stretch = 220;  ///< its places in lists, and what the allocation of its rows takes more
constexpr double roundings = 4 * std::numeric_limits<double>::epsilon();
constexpr int highest_from_zero = 4;  ///< degree whose powers from 0 to 1 keep all digits

/// Equal distances where they are few, else those of Chebyshev, whose polynomials stay close to what they interpolate.
std::vector<double> nodes_of(int degree) {
  std::vector<double> nodes;
  for (int j = 0; j <= degree; ++j) {
    const double share = static_cast<double>(j) / degree;
    nodes.push_back(degree <= 3 ? share : (1 - std::cos(std::numbers::pi * share)) / 2);
  }
  nodes.back() = 1;
  return nodes;
}

}  // namespace

History::History(const System<double>& system, std::span<const double> p, double t0, int degree, double step)
    : system_(system),
      p_(p),
      t0_(t0),
      workspace_(system.workspace()),
      sources_(system.sources_size()),
      taus_(system.taus_size()),
      smallest_(HUGE_VAL),
      step_(step),
      equal_length_(step),
      nodes_(nodes_of(degree)),
      centred_(degree > highest_from_zero),
      powers_(nodes_.size() * nodes_.size()),
      first_(sources_) {
  system.taus(p, taus_, workspace_);
  for (std::size_t i = 0; i < system.delays().size(); ++i) {
    const Delay& delay = system.delays()[i];
    const std::span<const double> own = std::span(taus_).subspan(delay.tau, delay.size);
    if (std::find(own.begin(), own.end(), 0.0) != own.end()) zero_.push_back(i);
  }
  for (const double tau : taus_) {
    if (!(tau >= 0 && std::isfinite(tau)))
      throw Error(system.name(),
                  fmt::format("{} = {}, but must be finite and not negative. Check its sign and parameters.",
                              name_of(tau), time_text(tau, system)));
    largest_ = std::max(largest_, tau);
    if (tau > 0) smallest_ = std::min(smallest_, tau);
    if (tau == 0 || distinct_.size() > most_distinct) continue;
    if (std::find(distinct_.begin(), distinct_.end(), tau) == distinct_.end()) distinct_.push_back(tau);
  }
  if (distinct_.size() > most_distinct) distinct_.clear();
  if (step > smallest_ * (1 + 1e-9))
    throw Error(system.name(), fmt::format("{} = {}, but must be zero or at least the step of {}. Shorten the step, or "
                                           "round the delay to it.",
                                           name_of(smallest_), time_text(smallest_, system), time_text(step, system)));
  for (std::size_t j = 0; j < nodes_.size(); ++j) {
    const auto place = [&](std::size_t m) { return centred_ ? 2 * nodes_[m] - 1 : nodes_[m]; };
    std::vector<double> basis{1};  // prod over m of (x - x_m)/(x_j - x_m), its coefficients ascending
    for (std::size_t m = 0; m < nodes_.size(); ++m) {
      if (m == j) continue;
      basis.insert(basis.begin(), 0);
      for (std::size_t k = 0; k + 1 < basis.size(); ++k) basis[k] -= place(m) * basis[k + 1];
      for (double& x : basis) x /= place(j) - place(m);
    }
    for (std::size_t k = 0; k < nodes_.size(); ++k) powers_[k * nodes_.size() + j] = basis[k];
  }
  const bool constant = std::all_of(system.delays().begin(), system.delays().end(),
                                    [](const Delay& delay) { return delay.constant_past; });
  const double finest = largest_ / (constant ? 1.0 : static_cast<double>(most_stretches_of_past));
  const double length =
      step > 0 ? step : std::max(finest, std::min(constant ? largest_ : largest_ / stretches_of_past, smallest_));
  const double stretches = largest_ > 0 ? std::ceil(largest_ / length - 1e-9) + 1 : 0;
  require_memory(system.name(),
                 fmt::format("{:.3g} steps of the past, as far as {} = {} looks back,", stretches, name_of(largest_),
                             time_text(largest_, system)),
                 stretches * (8 * static_cast<double>(nodes_.size() * sources_) + bytes_around_stretch));
  collect_sums(p, workspace_);
  past_breaks_ = time_breaks(system, p, -largest_, 0, workspace_);
  std::vector<double> edges;
  for (auto k = static_cast<std::size_t>(stretches); k > 0; --k) edges.push_back(-static_cast<double>(k) * length);
  if (step == 0 && !edges.empty())
    for (const double t : past_breaks_) {
      const auto next = std::ranges::upper_bound(edges, t);
      if (t - next[-1] > 1e-9 * length && (next == edges.end() ? 0 : *next) - t > 1e-9 * length) edges.insert(next, t);
    }
  for (std::size_t k = 0; k < edges.size(); ++k) {
    const double begin = edges[k], end = k + 1 < edges.size() ? edges[k + 1] : 0;
    AlignedVector<double> rows(nodes_.size() * sources_);
    // A little inside, so that what the past does at a stretch's end is that of this stretch.
    const double inside = roundings * largest_;
    for (std::size_t j = 0; j < nodes_.size(); ++j) {
      const double place = std::clamp(begin + nodes_[j] * (end - begin), begin + inside, end - inside);
      const auto row = std::span(rows).subspan(j * sources_, sources_);
      system.past(place, p, row, workspace_);
      require_finite(place, row);
    }
    to_powers(rows);
    add(t0 + begin, t0 + end, std::move(rows));
  }
}

void History::require_finite(double place, std::span<const double> row) const {
  for (const Delay& delay : system_.delays())
    for (std::size_t e = 0; e < delay.size; ++e) {
      const double value = row[delay.source + (delay.element ? (*delay.element)[e] : e)];
      if (std::isfinite(value) || taus_[delay.tau + e] < -place) continue;
      throw Error(system_.name(),
                  fmt::format("what {} looks back to is {} at t = {:.6g}{}, but must be finite. Give a past that "
                              "reaches back to t = {:.6g}.",
                              system_.inputs().at(delay.name).description, printed(value), place,
                              after_number(system_.time_unit()), -taus_[delay.tau + e]));
    }
}

std::string History::name_of(double tau) const {
  for (const Delay& delay : system_.delays()) {
    const auto begin = taus_.begin() + static_cast<std::ptrdiff_t>(delay.tau);
    const auto end = begin + static_cast<std::ptrdiff_t>(delay.size);
    // A number that is none equals nothing, not even itself.
    if (std::none_of(begin, end, [&](double x) { return x == tau || (std::isnan(x) && std::isnan(tau)); })) continue;
    return "the delay of " + system_.inputs().at(delay.name).description;
  }
  return "a delay";
}

void History::collect_sums(std::span<const double> p, Workspace<double>& workspace) {
  std::vector<double> weights(system_.delay_weights_size());
  if (weights.empty()) return;
  system_.delay_weights(p, weights, workspace);
  const auto& delays = system_.delays();
  std::vector<bool> taken(delays.size());
  for (std::size_t i = 0; i < delays.size(); ++i) {
    if (!delays[i].target || taken[i]) continue;
    std::vector<std::size_t> alike;
    for (std::size_t k = i; k < delays.size(); ++k) {
      if (delays[k].target != delays[i].target || delays[k].tau != delays[i].tau) continue;
      alike.push_back(k);
      taken[k] = true;
    }
    sums_.emplace_back(system_, std::move(alike), taus_, weights, nodes_.size(), step_ > 0 ? step_ : smallest_);
  }
}

/// Values at the nodes become coefficients; the first is the value at the begin.
void History::to_powers(std::span<double> rows) const {
  const std::size_t nodes = nodes_.size();
  double values[most_nodes];
  for (std::size_t e = 0; e < sources_; ++e) {
    for (std::size_t j = 0; j < nodes; ++j) values[j] = rows[j * sources_ + e];
    for (std::size_t k = centred_ ? 0 : 1; k < nodes; ++k) {
      double sum = 0;
      for (std::size_t j = 0; j < nodes; ++j) sum += powers_[k * nodes + j] * values[j];
      rows[k * sources_ + e] = sum;
    }
  }
}

AlignedVector<double> History::spare() {
  if (spare_.empty()) return AlignedVector<double>(nodes_.size() * sources_);
  AlignedVector<double> rows = std::move(spare_.back());
  spare_.pop_back();
  return rows;
}

void History::add(double begin, double end, AlignedVector<double> rows) {
  begin_.back() = begin;
  begin_.push_back(HUGE_VAL);
  per_length_.push_back((centred_ ? 2 : 1) / (end - begin));
  end_ = end;
  stretches_.push_back(std::move(rows));
  ++version_;
  for (DelayedSum& sum : sums_) sum.push(stretches_.back());
  const double length = end - begin;
  const double rounding = step_ > 0 ? 1e-9 * step_ : roundings * std::max(std::abs(begin), std::abs(end));
  if (std::abs(length - equal_length_) <= rounding) {
    ++equal_;
  } else if (step_ > 0) {
    equal_ = 0;
  } else {
    equal_ = 1;
    equal_length_ = length;
  }
  // Samples inside the last step look back from there.
  const double from = std::min(begin, end - step_);
  while (stretches_.size() > 1 && begins()[1] < from - largest_) {
    spare_.push_back(std::move(stretches_.front()));
    stretches_.pop_front();
    if (per_length_.size() > 2 * stretches_.size()) {
      const auto forgotten = static_cast<std::ptrdiff_t>(per_length_.size() - stretches_.size());
      begin_.erase(begin_.begin(), begin_.begin() + forgotten);
      per_length_.erase(per_length_.begin(), per_length_.begin() + forgotten);
    }
    for (DelayedSum& sum : sums_) sum.pop();
  }
  equal_ = std::min(equal_, stretches_.size());
}

void History::restart(std::span<const double> sources) { std::copy(sources.begin(), sources.end(), first_.begin()); }

void History::append(double end, const std::function<void(double t, std::span<double> source)>& source) {
  const double begin = stretches_.empty() ? end : end_;
  if (end <= begin) return;
  AlignedVector<double> rows = spare();
  std::copy(first_.begin(), first_.end(), rows.begin());
  for (std::size_t j = 1; j < nodes_.size(); ++j)
    source(j + 1 == nodes_.size() ? end : begin + nodes_[j] * (end - begin),
           std::span(rows).subspan(j * sources_, sources_));
  std::copy_n(rows.end() - static_cast<std::ptrdiff_t>(sources_), sources_, first_.begin());
  to_powers(rows);
  add(begin, end, std::move(rows));
}

Places History::places(double t) const {
  Places places;
  places.t = t;
  places.count = stretches_.size();
  places.scale = centred_ ? 2 : 1;
  places.shift = centred_ ? 1 : 0;
  // All stretches in reach have one length: the place follows by arithmetic.
  places.grid = static_cast<double>(equal_) * equal_length_ >= largest_ + equal_length_ * (1 - 1e-9);
  if (places.grid) {
    places.per_step = 1 / equal_length_;
    // The stages of a method lie at the same places in every step, whatever the rounding of the time. Where a segment
    // ends, by a few roundings more, what jumped a delay ago has not jumped yet.
    const double ahead = (t - end_) / equal_length_, noise = roundings * std::abs(t) / equal_length_;
    const double grain = std::ldexp(1.0, std::clamp(std::ilogb(noise) + 5, -40, -30));
    places.ahead = std::round(ahead / grain) * grain;
    places.rounding = ahead < places.ahead - noise ? -1e-9 : 1e-9;
    // Between the stages of an adaptive method what is no sum is looked up without rounding.
    if (step_ > 0 || sums_only()) return places;
  }
  places.begin = begins();
  places.per_length = std::span(per_length_).last(places.count);
  if (taus_.size() < places.count) return places;
  const std::size_t buckets = 8 * places.count;  // most hold no begin
  const double first = places.begin.front(), length = end_ - first;
  places.per_bucket = static_cast<double>(buckets) / length;
  if (bucketed_ != version_) {
    bucketed_ = version_;
    bucket_.resize(buckets);
    const double rounding = roundings * std::max(std::abs(first), std::abs(end_));
    for (std::size_t b = 0, i = 0; b < buckets; ++b) {
      const double begin = first + static_cast<double>(b) / places.per_bucket - rounding;
      while (places.begin[i + 1] <= begin) ++i;
      bucket_[b] = static_cast<std::uint32_t>(i);
    }
  }
  places.bucket = bucket_;
  return places;
}

void History::fill(double t, std::span<double> u) const {
  const Places at = stretches_.empty() ? Places{} : places(t);
  for (const Delay& delay : system_.delays())
    if (!delay.target && at.count > 0) fill_delay(delay, at, u);
  if (step_ == 0 && t < t0_ + largest_) fill_from_past(t, u);
  for (const DelayedSum& sum : sums_) sum.fill(at, u);
}

/// Few delays of an adaptive method look at the past itself, however it runs.
void History::fill_from_past(double t, std::span<double> u) const {
  std::vector<double> row(sources_);
  for (const double tau : distinct_) {
    if (t - tau >= t0_) continue;
    system_.past(t - tau - t0_, p_, row, workspace_);
    for (const Delay& delay : system_.delays())
      for (std::size_t e = 0; e < delay.size && !delay.target; ++e)
        if (taus_[delay.tau + e] == tau)
          u[delay.input + e] = row[delay.source + (delay.element ? (*delay.element)[e] : e)];
  }
}

bool History::fill_undelayed(std::span<const double> sources, std::span<double> u) const {
  bool changed = false;
  for (const std::size_t i : zero_) {
    const Delay& delay = system_.delays()[i];
    if (delay.target) continue;
    for (std::size_t e = 0; e < delay.size; ++e) {
      if (taus_[delay.tau + e] != 0) continue;
      const double now = sources[delay.source + (delay.element ? (*delay.element)[e] : e)];
      changed = changed || std::bit_cast<std::uint64_t>(u[delay.input + e]) != std::bit_cast<std::uint64_t>(now);
      u[delay.input + e] = now;
    }
  }
  return changed;
}

void History::add_undelayed(std::span<const double> sources, std::span<double> u) const {
  for (const DelayedSum& sum : sums_) sum.add_undelayed(sources, u);
}

void History::fill_delay(const Delay& delay, const Places& places, std::span<double> u) const {
  const std::size_t nodes = nodes_.size();
  const double* tau = taus_.data() + delay.tau;
  const std::uint32_t* element = delay.element ? delay.element->data() : nullptr;
  double* out = u.data() + delay.input;
  const std::size_t chunks = (delay.size + chunk - 1) / chunk;
  parallel_for(chunks, delay.size >= 4 * chunk, [&](std::size_t c) {
    const std::size_t end = std::min(delay.size, (c + 1) * chunk);
    for (std::size_t e = c * chunk; e < end; ++e) {
      if (tau[e] == 0) continue;
      const auto [i, x] = places(tau[e]);
      const double* coefficient = stretches_[i].data() + delay.source + (element ? element[e] : e);
      double value = coefficient[(nodes - 1) * sources_];
      for (std::size_t k = nodes - 1; k > 0; --k) value = value * x + coefficient[(k - 1) * sources_];
      out[e] = value;
    }
  });
}

std::vector<double> History::save() const {
  std::vector<double> saved{static_cast<double>(stretches_.size()), static_cast<double>(equal_), equal_length_};
  saved.insert(saved.end(), first_.begin(), first_.end());
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    saved.push_back(begins()[i]);
    saved.push_back(i + 1 < stretches_.size() ? begins()[i + 1] : end_);
    saved.insert(saved.end(), stretches_[i].begin(), stretches_[i].end());
  }
  return saved;
}

void History::load(std::span<const double> saved) {
  const std::size_t each = nodes_.size() * sources_;
  if (saved.size() < 3 + sources_ || saved.size() != 3 + sources_ + static_cast<std::size_t>(saved[0]) * (each + 2))
    throw Error("checkpoint", "belongs to another circuit or method: the size of its history differs.");
  const auto* at = saved.data() + 3;
  std::copy_n(at, sources_, first_.begin());
  at += sources_;
  stretches_.clear();
  for (DelayedSum& sum : sums_) sum.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(saved[0]); ++i, at += each + 2)
    add(at[0], at[1], AlignedVector<double>(at + 2, at + 2 + each));
  equal_ = static_cast<std::size_t>(saved[1]);
  equal_length_ = saved[2];
}

}  // namespace striate
