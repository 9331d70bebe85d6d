#include "integrators/runge_kutta.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "integrators/blocks.hpp"

namespace striate {
namespace {

/// out = y + h * sum of weights[j] * slopes[j]
void combine(std::span<const double> y, double h, std::span<const double> weights,
             std::span<const double* const> slopes, std::span<double> out) {
  for_blocks(out.size(), [&](std::size_t begin, std::size_t end) {
    std::copy(y.begin() + static_cast<std::ptrdiff_t>(begin), y.begin() + static_cast<std::ptrdiff_t>(end),
              out.begin() + static_cast<std::ptrdiff_t>(begin));
    for (std::size_t j = 0; j < weights.size(); ++j) {
      if (weights[j] == 0) continue;
      const double w = h * weights[j];
      const double* k = slopes[j];
      for (std::size_t i = begin; i < end; ++i) out[i] += w * k[i];
    }
  });
}

}  // namespace

RungeKutta::RungeKutta(Evaluation& evaluation, const Method& method, double t1, const Tableau& tableau)
    : FixedStep(evaluation, method, method.step, t1),
      tableau_(tableau),
      k_(tableau.b.size() - 1, std::vector<double>(evaluation.size())) {}

void RungeKutta::increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                           std::span<double> next) {
  const double* slopes[16] = {rate.data()};
  const std::size_t stages = tableau_.b.size();
  for (std::size_t i = 1; i < stages; ++i) {
    combine(y, h, tableau_.a[i], {slopes, i}, next);
    rhs(t + tableau_.c[i] * h, next, k_[i - 1]);
    slopes[i] = k_[i - 1].data();
  }
  combine(y, h, tableau_.b, {slopes, stages}, next);
}

}  // namespace striate
