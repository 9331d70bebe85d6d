#include "integrators/stochastic.hpp"

#include <algorithm>

#include "integrators/linear_combination.hpp"

namespace striate {

Stochastic::Stochastic(Evaluation& evaluation, const Method& method, double t0, double t1)
    : FixedStep(evaluation, method, method.step, t1), step_(method.step), t0_(t0) {
  for (const Field& field : evaluation.system().inputs()) {
    if (field.supply != Supply::noise) continue;
    paths_.emplace_back(evaluation.seed(), "noise " + field.name, field.size);
    paths_.back().restart(t0, step_);
    sizes_.push_back(field.size);
  }
  dw_.resize(evaluation.supplied(Supply::noise).size());
  area_.resize(dw_.size());
  dw_before_.resize(dw_.size());
  area_before_.resize(dw_.size());
  direction_.resize(evaluation.system().inputs().size());
}

void Stochastic::restart(double t, std::span<const double> y, double end, double, std::uint64_t) {
  // Who is within rounding of the next cell is in it.
  FixedStep::restart(t, y, end, t0_, static_cast<std::uint64_t>((t - t0_) / step_ + 1e-6));
}

void Stochastic::enter(std::uint64_t n, double end) {
  const double cell = t0_ + static_cast<double>(n) * step_, first = t() - cell, last = end - cell;
  const bool inside = first > 1e-6 * step_;
  std::size_t at = 0;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const auto part = [&](std::vector<double>& of) { return std::span(of).subspan(at, sizes_[i]); };
    if (inside) paths_[i].increment(n, first, part(dw_before_), part(area_before_));
    paths_[i].increment(n, last, part(dw_), part(area_));
    at += sizes_[i];
  }
  for (std::size_t i = 0; inside && i < dw_.size(); ++i) {
    dw_[i] -= dw_before_[i];
    area_[i] -= area_before_[i] + (last - first) * dw_before_[i];
  }
  supply(1 / (end - t()));
}

void Stochastic::supply(double scale) {
  const auto noise = evaluation_.supplied(Supply::noise);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = scale * dw_[i];
}

void Stochastic::add_noise(double t, std::span<const double> y, std::span<const double> along, std::span<double> out) {
  const auto noise = evaluation_.range(Supply::noise);
  std::copy(along.begin(), along.end(), direction_.begin() + static_cast<std::ptrdiff_t>(noise.first));
  evaluation_.system().jvp(evaluation_.at(t, y), {{}, {}, direction_}, out, evaluation_.workspace());
}

void Stochastic::dense(double t, std::span<double> out) {
  const auto y = this->y();
  const double share = (t - previous_t()) / (this->t() - previous_t());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = previous_y()[i] + share * (y[i] - previous_y()[i]);
}

void EulerMaruyama::increment(double, double h, std::span<const double> y, std::span<const double> rate,
                              std::span<double> next) {
  LinearCombination sum;
  sum.add(1, y.data());
  sum.add(h, rate.data());
  sum.store(next);
}

StochasticHeun::StochasticHeun(Evaluation& evaluation, const Method& method, double t0, double t1)
    : Stochastic(evaluation, method, t0, t1), end_rate_(evaluation.size()) {}

void StochasticHeun::increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                               std::span<double> next) {
  LinearCombination predicted;
  predicted.add(1, y.data());
  predicted.add(h, rate.data());
  predicted.store(next);
  rhs(t + h, next, end_rate_);
  LinearCombination sum;
  sum.add(1, y.data());
  sum.add(h / 2, rate.data());
  sum.add(h / 2, end_rate_.data());
  sum.store(next);
}

Milstein::Milstein(Evaluation& evaluation, const Method& method, double t0, double t1)
    : Stochastic(evaluation, method, t0, t1),
      ones_(dw_.size(), 1.0),
      size_(evaluation.size()),
      with_(evaluation.size()),
      without_(evaluation.size()) {}

void Milstein::increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                         std::span<double> next) {
  // The Jacobian is affine in the noise: the difference of two of its products is that of g' alone.
  std::fill(size_.begin(), size_.end(), 0.0);
  add_noise(t, y, ones_, size_);
  const auto noise = evaluation_.supplied(Supply::noise);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = (dw_[i] * dw_[i] - h) / 2;
  evaluation_.jvp(t, y, size_, with_);
  std::fill(noise.begin(), noise.end(), 0.0);
  evaluation_.jvp(t, y, size_, without_);
  LinearCombination sum;
  sum.add(1, y.data());
  sum.add(h, rate.data());
  sum.add(1, with_.data());
  sum.add(-1, without_.data());
  sum.store(next);
}

Sra1::Sra1(Evaluation& evaluation, const Method& method, double t0, double t1)
    : Stochastic(evaluation, method, t0, t1),
      early_(dw_.size()),
      late_(dw_.size()),
      stage_(evaluation.size()),
      stage_rate_(evaluation.size()),
      noise_(evaluation.size()) {}

void Sra1::enter(std::uint64_t n, double end) {
  Stochastic::enter(n, end);
  supply(0);
}

void Sra1::increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                     std::span<double> next) {
  for (std::size_t i = 0; i < dw_.size(); ++i) {
    early_[i] = area_[i] / h;
    late_[i] = dw_[i] - early_[i];
  }
  std::fill(noise_.begin(), noise_.end(), 0.0);
  add_noise(t, y, early_, noise_);  // the table has t + h, of which order 3/2 asks nothing
  LinearCombination stage;
  stage.add(1, y.data());
  stage.add(0.75 * h, rate.data());
  stage.add(1.5, noise_.data());
  stage.store(stage_);
  rhs(t + 0.75 * h, stage_, stage_rate_);
  add_noise(t + h, stage_, late_, noise_);
  LinearCombination sum;
  sum.add(1, y.data());
  sum.add(h / 3, rate.data());
  sum.add(2 * h / 3, stage_rate_.data());
  sum.add(1, noise_.data());
  sum.store(next);
}

}  // namespace striate
