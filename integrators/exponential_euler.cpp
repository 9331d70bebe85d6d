#include "integrators/exponential_euler.hpp"

#include <cmath>

#include "integrators/blocks.hpp"

namespace striate {

ExponentialEuler::ExponentialEuler(Evaluation& evaluation, const Method& method, double t1)
    : FixedStep(evaluation, method, method.step, t1), leak_(evaluation.size()) {}

void ExponentialEuler::increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                                 std::span<double> next) {
  evaluation_.leak(t, y, leak_);
  for_blocks(next.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const double z = h * leak_[i];
      next[i] = y[i] + h * rate[i] * (z == 0 ? 1.0 : std::expm1(z) / z);
    }
  });
}

}  // namespace striate
