#include "sim/optimiser.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/dot.hpp"

namespace striate {
namespace {

/// A point of a line search.
struct Trial {
  double step = 0;
  double value = 0;
  double slope = 0;
};

/// The minimum of the cubic through the values and slopes at both ends, kept away from them (Nocedal & Wright 3.59).
double between(const Trial& a, const Trial& b) {
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
  const double square = d1 * d1 - a.slope * b.slope;
  const double d2 = std::copysign(std::sqrt(std::max(0.0, square)), b.step - a.step);
  const double step = b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  const double low = std::min(a.step, b.step), width = std::abs(b.step - a.step);
  const bool usable = square >= 0 && step > low + 0.05 * width && step < low + 0.95 * width;
  return usable ? step : low + width / 2;
}

/// How far the parabola that falls with `slope` and has risen by `rise` at `step` goes down on the way there.
double depth(double slope, double step, double rise) {
  const double curvature = 2 * (rise - slope * step) / (step * step);
  return curvature * step > -slope ? slope * slope / (2 * curvature) : -slope * step / 2;
}

}  // namespace

double Schedule::at(std::size_t update, std::size_t total) const {
  if (update < warmup) return static_cast<double>(update + 1) / static_cast<double>(warmup + 1);
  switch (kind) {
    case Kind::constant: return 1;
    case Kind::cosine: {
      const double share =
          static_cast<double>(update - warmup) / static_cast<double>(std::max(total, warmup + 1) - warmup);
      return last + (1 - last) * (1 + std::cos(std::numbers::pi * std::min(1.0, share))) / 2;
    }
    case Kind::steps: return std::pow(factor, static_cast<double>(update / interval));
  }
  return 1;
}

double clip_norm(std::span<double> gradient, double limit) {
  const double norm = std::sqrt(dot(gradient, gradient));
  if (norm > limit)
    for (double& g : gradient) g *= limit / norm;
  return norm;
}

Adam::Adam(Settings settings, std::size_t parameters) : settings_(settings) {
  state.first.resize(parameters);
  state.second.resize(parameters);
}

void Adam::update(std::span<double> p, std::span<const double> gradient, double rate) {
  const auto& [beta1, beta2, epsilon, decay, decoupled] = settings_;
  ++state.updates;
  const double correction1 = 1 - std::pow(beta1, static_cast<double>(state.updates));
  const double correction2 = 1 - std::pow(beta2, static_cast<double>(state.updates));
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double g = decoupled ? gradient[i] : gradient[i] + decay * p[i];
    double& m = state.first[i];
    double& v = state.second[i];
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    if (decoupled) p[i] -= rate * decay * p[i];
    p[i] -= rate * (m / correction1) / (std::sqrt(v / correction2) + epsilon);
  }
}

std::vector<double> Lbfgs::direction(std::span<const double> gradient) const {
  std::vector<double> q(gradient.begin(), gradient.end());
  std::vector<double> alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    const auto& [s, y] = pairs[i];
    alpha[i] = dot(s, q) / dot(s, y);
    for (std::size_t k = 0; k < q.size(); ++k) q[k] -= alpha[i] * y[k];
  }
  double scale = 1 / std::max(1.0, std::sqrt(dot(gradient, gradient)));
  if (!pairs.empty())
    scale = dot(pairs.back().first, pairs.back().second) / dot(pairs.back().second, pairs.back().second);
  for (double& v : q) v *= scale;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [s, y] = pairs[i];
    const double beta = dot(y, q) / dot(s, y);
    for (std::size_t k = 0; k < q.size(); ++k) q[k] += s[k] * (alpha[i] - beta);
  }
  for (double& v : q) v = -v;
  return q;
}

bool Lbfgs::update(std::vector<double>& x, double& value, std::vector<double>& gradient, const Objective& objective) {
  if (search(x, value, gradient, objective)) return true;
  if (pairs.empty()) return false;
  pairs.clear();
  return search(x, value, gradient, objective);
}

bool Lbfgs::search(std::vector<double>& x, double& value, std::vector<double>& gradient, const Objective& objective) {
  constexpr double sufficient = 1e-4, curvature = 0.9;
  constexpr int most_trials = 30;
  const std::vector<double> d = direction(gradient);
  const Trial start{0, value, dot(d, gradient)};
  promised = 0;
  if (!(start.slope < 0)) return false;
  promised = std::numeric_limits<double>::infinity();

  std::vector<double> trial_x(x.size()), trial_gradient(x.size());
  int trials = 0;
  const auto at = [&](double step) {
    ++trials;
    for (std::size_t i = 0; i < x.size(); ++i) trial_x[i] = x[i] + step * d[i];
    const double v = objective(trial_x, trial_gradient);
    if (std::isinf(promised) && std::isfinite(v)) promised = depth(start.slope, step, v - value);
    return Trial{step, std::isfinite(v) ? v : std::numeric_limits<double>::infinity(), dot(d, trial_gradient)};
  };
  const auto too_high = [&](const Trial& t) { return !(t.value <= value + sufficient * t.step * start.slope); };
  const auto flat = [&](const Trial& t) { return std::abs(t.slope) <= -curvature * start.slope; };

  Trial best = start, low = start, high;
  Trial now = at(1);
  while (true) {  // widens until a minimum is enclosed
    if (too_high(now) || (low.step > 0 && now.value >= low.value)) {
      high = now;
      break;
    }
    if (flat(now)) {
      best = now;
      break;
    }
    if (now.slope >= 0) {
      high = low;
      low = now;
      break;
    }
    low = now;
    if (trials >= most_trials) break;
    now = at(2 * now.step);
  }
  while (best.step == 0 && trials < most_trials) {  // narrows between low and high
    now = std::isfinite(high.value) ? at(between(low, high)) : at((low.step + high.step) / 2);
    if (too_high(now) || now.value >= low.value) {
      high = now;
    } else {
      if (flat(now)) {
        best = now;
        break;
      }
      if (now.slope * (high.step - low.step) >= 0) high = low;
      low = now;
    }
  }
  if (best.step == 0 && low.step > 0) best = at(low.step);  // lower, though not flat enough
  if (best.step == 0) return false;

  std::pair<std::vector<double>, std::vector<double>> pair{x, gradient};
  for (std::size_t i = 0; i < x.size(); ++i) {
    pair.first[i] = trial_x[i] - x[i];
    pair.second[i] = trial_gradient[i] - gradient[i];
  }
  if (dot(pair.first, pair.second) > 0) {
    pairs.push_back(std::move(pair));
    if (pairs.size() > memory_) pairs.erase(pairs.begin());
  }
  x = trial_x;
  gradient = trial_gradient;
  value = best.value;
  return true;
}

}  // namespace striate
