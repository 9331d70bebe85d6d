#include "integrators/adaptive_runge_kutta.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "integrators/blocks.hpp"

namespace striate {

AdaptiveRungeKutta::AdaptiveRungeKutta(Evaluation& evaluation, const Method& method, double t0, double t1,
                                       const Tableau& tableau)
    : evaluation_(evaluation),
      tableau_(tableau),
      rtol_(method.rtol),
      max_step_(method.max_step > 0 ? method.max_step : t1 - t0),
      t1_(t1),
      max_norm_(method.max_norm),
      atol_(absolute_tolerances(method, evaluation.system().states())),
      k_(tableau.b.size()) {
  constexpr std::size_t cache_line = 64 / sizeof(double);
  const std::size_t size = evaluation.size(), stride = (size + cache_line - 1) / cache_line * cache_line;
  memory_.resize((k_.size() + 2) * stride);
  const auto vector = [&](std::size_t i) { return std::span(memory_).subspan(i * stride, size); };
  y_ = vector(0);
  next_ = vector(1);
  for (std::size_t i = 0; i < k_.size(); ++i) k_[i] = vector(i + 2);
}

void AdaptiveRungeKutta::restart(double t, std::span<const double> y, double end, double, std::uint64_t) {
  t_ = t;
  end_ = end;
  std::copy(y.begin(), y.end(), y_.begin());
  fresh_ = true;
}

double AdaptiveRungeKutta::step() {
  if (fresh_) {
    h_ = first_step();
    previous_error_ = 1;
    forced_ = 0;
    fresh_ = false;
  } else {
    std::swap(k_.front(), k_.back());
  }
  constexpr int most_forced = 1000;
  constexpr double safety = 0.9, integral = 0.04, least = 0.2;
  const double exponent = 1.0 / tableau_.order - 0.75 * integral;
  const double smallest = smallest_step(t_, t1_), left = end_ - t_;
  for (double most = 10;; most = 1) {
    double h = std::min(std::max(h_, smallest), max_step_);
    const bool last = left <= (1 + 1e-6) * h;
    if (last) {
      h = left;
    } else if (left < 2 * h) {
      h = left / 2;  // rather than a long step and a tiny one
    }
    const double t = last ? end_ : t_ + h;
    const double e = attempt(t, h);
    // The rounding of t costs more than the error of the smallest step; but many of them are a singularity.
    if (e <= 1 || (h <= smallest && std::isfinite(e) && forced_ < most_forced)) {
      forced_ += e > 1 ? 1 : 0;
      const double factor = safety * std::pow(std::max(e, 1e-10), -exponent) * std::pow(previous_error_, integral);
      h_ = h * std::clamp(factor, least, most);
      previous_error_ = std::max(e, 1e-4);
      previous_t_ = t_;
      t_ = t;
      std::swap(y_, next_);
      return t_;
    }
    ++evaluation_.counters.rejected;
    if (h <= smallest) give_up(h, e);
    h_ = h * (std::isfinite(e) ? std::max(least, safety * std::pow(e, -exponent)) : least);
  }
}

double AdaptiveRungeKutta::attempt(double t, double h) {
  const std::size_t stages = k_.size();
  const auto time = [&](std::size_t i) { return tableau_.c[i] == 1 ? t : t_ + tableau_.c[i] * h; };
  for (std::size_t i = 1; i < stages; ++i) {
    advanced(h, tableau_.a[i]).store(next_);
    evaluation_.rate(time(i), next_, k_[i]);
  }
  const double e = norm(error(h));
  if (std::isfinite(e)) return e;
  // Only now is it worth a look which rate it was; the stages are made once more for its sake.
  for (std::size_t i = 1; i < stages; ++i) {
    advanced(h, tableau_.a[i]).store(next_);
    if (!evaluation_.finite(time(i), next_, k_[i])) break;
  }
  return HUGE_VAL;
}

double AdaptiveRungeKutta::first_step() {
  const double longest = std::min(end_ - t_, max_step_);
  if (!evaluation_.rhs(t_, y_, k_[0])) give_up(0, std::numeric_limits<double>::infinity());
  std::copy(y_.begin(), y_.end(), next_.begin());
  LinearCombination state, rate;
  state.add(1, y_.data());
  rate.add(1, k_[0].data());
  const double speed = norm(rate);  // tolerances per time
  const auto bounded = [&](double h) { return std::min(std::max(h, smallest_step(t_, t1_)), longest); };
  const double probe = bounded(0.01 * std::max(1.0, norm(state)) / speed);
  const double unit[] = {1};
  advanced(probe, unit).store(next_);
  if (!evaluation_.rhs(t_ + probe, next_, k_[1])) return std::min(probe, 0.01 * longest);
  LinearCombination change = rate;
  change.add(-1, k_[1].data());
  const double turn = norm(change) / probe / speed;  // rates of change of the rate, per time
  // The error of a step is about 0.01 h speed (h turn)^(order - 1); that of linear decay is smaller for all our pairs.
  const double h = std::pow(0.01 * speed * std::pow(turn, tableau_.order - 1), -1.0 / tableau_.order);
  return std::isfinite(h) ? bounded(h) : 0.01 * longest;
}

LinearCombination AdaptiveRungeKutta::advanced(double h, std::span<const double> weights) const {
  LinearCombination sum;
  sum.add(1, y_.data());
  for (std::size_t j = 0; j < weights.size(); ++j) sum.add(h * weights[j], k_[j].data());
  return sum;
}

LinearCombination AdaptiveRungeKutta::error(double h) const {
  LinearCombination sum;
  for (std::size_t j = 0; j < k_.size(); ++j) sum.add(h * tableau_.error[j], k_[j].data());
  return sum;
}

void AdaptiveRungeKutta::weigh(double* values, std::size_t begin, std::size_t end) const {
  kernels<double>().vector.weigh(values, atol_.data() + begin, rtol_, y_.data() + begin, next_.data() + begin,
                                 end - begin);
}

double AdaptiveRungeKutta::norm(const LinearCombination& x) const {
  const auto& table = kernels<double>().line;
  const auto reduced = [&](const auto& of_block, const auto& join) {
    return reduce_blocks(
        y_.size(), 0.0,
        [&](std::size_t begin, std::size_t end) {
          alignas(64) double value[vector_block];
          x.block(value, begin, end);
          weigh(value, begin, end);
          return of_block(value, end - begin);
        },
        join);
  };
  if (max_norm_) return reduced([&](const double* v, std::size_t n) { return table.max(v, n); }, larger);
  const double sum = reduced([&](const double* v, std::size_t n) { return table.dot(v, v, n); }, std::plus<double>());
  return std::sqrt(sum / static_cast<double>(y_.size()));
}

void AdaptiveRungeKutta::dense(double t, std::span<double> out) {
  // After a step next_ is where it began, and k_ its slopes.
  const double h = t_ - previous_t_, s = (t - previous_t_) / h;
  LinearCombination sum;
  sum.add(1, next_.data());
  for (std::size_t j = 0; j < k_.size(); ++j) {
    double weight = 0;
    for (std::size_t m = tableau_.dense[j].size(); m-- > 0;) weight = (weight + tableau_.dense[j][m]) * s;
    sum.add(h * weight, k_[j].data());
  }
  sum.store(out);
}

void AdaptiveRungeKutta::give_up(double h, double e) {
  if (!std::isfinite(e) && forced_ == 0)
    fail(tableau_.name, t_, t1_, evaluation_, "the rate is not finite however small the step");
  const std::string what = step_too_small(smallest_step(t_, t1_), evaluation_.counters.rejected, evaluation_.system());
  if (!std::isfinite(e)) fail(tableau_.name, t_, t1_, evaluation_, what);
  std::vector<double> errors(y_.size()), weights(y_.size());
  error(h).store(errors);
  std::fill(weights.begin(), weights.end(), 1.0);
  weigh(weights.data(), 0, weights.size());
  fail(tableau_.name, t_, t1_, evaluation_, what, errors, weights);
}

}  // namespace striate
