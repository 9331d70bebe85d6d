#include "integrators/runge_kutta.hpp"

#include "integrators/linear_combination.hpp"

namespace striate {

RungeKutta::RungeKutta(Evaluation& evaluation, const Method& method, double t1, const Tableau& tableau)
    : FixedStep(evaluation, method, method.step, t1),
      tableau_(tableau),
      k_(tableau.b.size() - 1, AlignedVector<double>(evaluation.size())) {}

void RungeKutta::increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                           std::span<double> next) {
  const auto advance = [&](std::span<const double> weights) {
    LinearCombination sum;
    sum.add(1, y.data());
    for (std::size_t j = 0; j < weights.size(); ++j) sum.add(h * weights[j], j == 0 ? rate.data() : k_[j - 1].data());
    sum.store(next);
  };
  for (std::size_t i = 1; i < tableau_.b.size(); ++i) {
    advance(tableau_.a[i]);
    rhs(t + tableau_.c[i] * h, next, k_[i - 1]);
  }
  advance(tableau_.b);
}

}  // namespace striate
