#include "integrators/hermite.hpp"

#include <cstddef>

namespace striate {

void hermite(double ta, std::span<const double> ya, std::span<const double> fa, double tb, std::span<const double> yb,
             std::span<const double> fb, double t, std::span<double> out) {
  const double h = tb - ta;
  const double s = (t - ta) / h;
  const double r = 1 - s;
  const double wb = s * s * (3 - 2 * s), wfa = h * s * r * r, wfb = -h * s * s * r;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = ya[i] + wb * (yb[i] - ya[i]) + wfa * fa[i] + wfb * fb[i];
}

}  // namespace striate
