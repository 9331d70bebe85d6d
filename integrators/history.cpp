#include "integrators/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/parallel.hpp"

namespace striate {
namespace {

constexpr std::size_t most_distinct = 64;
constexpr std::size_t chunk = 4096;             ///< elements a thread looks up together
constexpr std::size_t stretches_of_past = 128;  ///< that the longest delay is cut into before an adaptive run
constexpr int most_nodes = 9;

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
      sources_(system.sources_size()),
      taus_(system.taus_size()),
      smallest_(HUGE_VAL),
      step_(step),
      nodes_(nodes_of(degree)),
      first_(sources_) {
  auto workspace = system.workspace();
  system.taus(p, taus_, workspace);
  for (std::size_t i = 0; i < system.delays().size(); ++i) {
    const Delay& delay = system.delays()[i];
    const std::span<const double> own = std::span(taus_).subspan(delay.tau, delay.size);
    if (std::find(own.begin(), own.end(), 0.0) != own.end()) zero_.push_back(i);
  }
  for (const double tau : taus_) {
    if (!(tau >= 0 && std::isfinite(tau)))
      throw Error(system.name(),
                  fmt::format("a delay = {} {}, but must not be negative. Check its sign and parameters.", tau,
                              system.time_unit().str()));
    largest_ = std::max(largest_, tau);
    if (tau > 0) smallest_ = std::min(smallest_, tau);
    if (tau == 0 || distinct_.size() > most_distinct) continue;
    if (std::find(distinct_.begin(), distinct_.end(), tau) == distinct_.end()) distinct_.push_back(tau);
  }
  if (distinct_.size() > most_distinct) distinct_.clear();
  if (step > smallest_ * (1 + 1e-9))
    throw Error(system.name(),
                fmt::format("a delay = {0} {1}, but must be zero or at least the step of {2} {1}. Shorten "
                            "the step, or round the delay to it.",
                            smallest_, system.time_unit().str(), step));
  for (std::size_t j = 0; j < nodes_.size(); ++j) {
    inverse_.push_back(1);
    for (std::size_t m = 0; m < nodes_.size(); ++m)
      if (m != j) inverse_[j] /= nodes_[j] - nodes_[m];
  }
  const bool constant = std::all_of(system.delays().begin(), system.delays().end(),
                                    [](const Delay& delay) { return delay.constant_past; });
  const double length = step > 0 ? step : largest_ / (constant ? 1 : stretches_of_past);
  const auto count = largest_ > 0 ? static_cast<std::size_t>(std::ceil(largest_ / length - 1e-9)) + 1 : 0;
  for (std::size_t k = count; k > 0; --k) {
    const double begin = -static_cast<double>(k) * length, end = -static_cast<double>(k - 1) * length;
    AlignedVector<double> rows(nodes_.size() * sources_);
    for (std::size_t j = 0; j < nodes_.size(); ++j)
      system.past(begin + nodes_[j] * (end - begin), p, std::span(rows).subspan(j * sources_, sources_), workspace);
    add(t0 + begin, t0 + end, std::move(rows));
  }
}

AlignedVector<double> History::spare() {
  if (spare_.empty()) return AlignedVector<double>(nodes_.size() * sources_);
  AlignedVector<double> rows = std::move(spare_.back());
  spare_.pop_back();
  return rows;
}

void History::add(double begin, double end, AlignedVector<double> rows) {
  stretches_.push_back({begin, end, std::move(rows)});
  equal_ = step_ > 0 && std::abs(end - begin - step_) < 1e-9 * step_ ? equal_ + 1 : 0;
  while (stretches_.size() > 1 && stretches_.front().end < end - largest_ - step_) {
    spare_.push_back(std::move(stretches_.front().rows));
    stretches_.pop_front();
  }
  equal_ = std::min(equal_, stretches_.size());
}

void History::restart(std::span<const double> sources) { std::copy(sources.begin(), sources.end(), first_.begin()); }

void History::append(double end, const std::function<void(double t, std::span<double> source)>& source) {
  const double begin = stretches_.empty() ? end : stretches_.back().end;
  if (end <= begin) return;
  AlignedVector<double> rows = spare();
  std::copy(first_.begin(), first_.end(), rows.begin());
  for (std::size_t j = 1; j < nodes_.size(); ++j)
    source(j + 1 == nodes_.size() ? end : begin + nodes_[j] * (end - begin),
           std::span(rows).subspan(j * sources_, sources_));
  std::copy_n(rows.end() - static_cast<std::ptrdiff_t>(sources_), sources_, first_.begin());
  add(begin, end, std::move(rows));
}

void History::fill(double t, std::span<double> u) const {
  if (stretches_.empty()) return;
  for (const Delay& delay : system_.delays()) fill_delay(delay, t, u);
}

void History::fill_undelayed(std::span<const double> sources, std::span<double> u) const {
  for (const std::size_t i : zero_) {
    const Delay& delay = system_.delays()[i];
    for (std::size_t e = 0; e < delay.size; ++e)
      if (taus_[delay.tau + e] == 0)
        u[delay.input + e] = sources[delay.source + (delay.element.empty() ? e : delay.element[e])];
  }
}

void History::fill_delay(const Delay& delay, double t, std::span<double> u) const {
  const std::size_t nodes = nodes_.size(), count = stretches_.size();
  std::vector<const double*> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = stretches_[i].rows.data() + delay.source;
  const double newest = stretches_.back().end;
  const double* tau = taus_.data() + delay.tau;
  const std::uint32_t* element = delay.element.empty() ? nullptr : delay.element.data();
  double* out = u.data() + delay.input;
  const auto weigh = [&](double s, double* weight) {
    for (std::size_t j = 0; j < nodes; ++j) {
      double w = inverse_[j];
      for (std::size_t m = 0; m < nodes; ++m)
        if (m != j) w *= s - nodes_[m];
      weight[j] = w;
    }
  };
  // All stretches in reach have the length of a step: the place follows by arithmetic.
  const bool grid = step_ > 0 && static_cast<double>(equal_) * step_ >= largest_ + step_ * (1 - 1e-6);
  const double top = static_cast<double>(count) + (grid ? (t - newest) / step_ : 0);
  const double per_step = grid ? 1 / step_ : 0;
  const std::size_t chunks = (delay.size + chunk - 1) / chunk;
  parallel_for(chunks, delay.size >= 4 * chunk, [&](std::size_t c) {
    const std::size_t end = std::min(delay.size, (c + 1) * chunk);
    double weight[most_nodes] = {}, weight_of = -1;
    for (std::size_t e = c * chunk; e < end; ++e) {
      if (tau[e] == 0) continue;
      const std::size_t from = element ? element[e] : e;
      std::size_t i;
      double s;
      if (grid) {
        // Just below a whole number is rounding, and the next stretch begins where this one ends.
        const double place = std::max(top - tau[e] * per_step, 0.0);
        i = std::min(static_cast<std::size_t>(place + 1e-9), count - 1);
        s = place - static_cast<double>(i);
      } else {
        const double x = t - tau[e];
        const auto at = std::upper_bound(stretches_.begin(), stretches_.end(), x,
                                         [](double value, const Stretch& stretch) { return value < stretch.end; });
        i = std::min(static_cast<std::size_t>(at - stretches_.begin()), count - 1);
        s = (x - stretches_[i].begin) / (stretches_[i].end - stretches_[i].begin);
      }
      if (std::abs(s) < 1e-11) {
        out[e] = rows[i][from];
        continue;
      }
      if (nodes == 2) {
        const double left = rows[i][from];
        out[e] = left + s * (rows[i][sources_ + from] - left);
        continue;
      }
      if (std::abs(s - weight_of) > 1e-12) weigh(weight_of = s, weight);
      double value = 0;
      for (std::size_t j = 0; j < nodes; ++j) value += weight[j] * rows[i][j * sources_ + from];
      out[e] = value;
    }
  });
}

std::vector<double> History::save() const {
  std::vector<double> saved{static_cast<double>(stretches_.size()), static_cast<double>(equal_)};
  saved.insert(saved.end(), first_.begin(), first_.end());
  for (const Stretch& stretch : stretches_) {
    saved.push_back(stretch.begin);
    saved.push_back(stretch.end);
    saved.insert(saved.end(), stretch.rows.begin(), stretch.rows.end());
  }
  return saved;
}

void History::load(std::span<const double> saved) {
  const std::size_t each = nodes_.size() * sources_;
  if (saved.size() < 2 + sources_ || saved.size() != 2 + sources_ + static_cast<std::size_t>(saved[0]) * (each + 2))
    throw Error("checkpoint", "belongs to another circuit or method: the size of its history differs.");
  const auto* at = saved.data() + 2;
  std::copy_n(at, sources_, first_.begin());
  at += sources_;
  stretches_.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(saved[0]); ++i, at += each + 2)
    stretches_.push_back({at[0], at[1], AlignedVector<double>(at + 2, at + 2 + each)});
  equal_ = static_cast<std::size_t>(saved[1]);
}

}  // namespace striate
