#include "integrators/root.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace striate {

double first_zero(double a, double ga, double b, double gb, const std::function<double(double)>& g) {
  const double close = 4 * std::numeric_limits<double>::epsilon() * std::max(std::abs(a), std::abs(b));
  int side = 0;
  double checked = b - a;
  for (int i = 0; b - a > close; ++i) {
    double m = a + (b - a) * (ga / (ga - gb));
    if (i % 3 == 2) {
      const bool slow = b - a > 0.5 * checked;
      if (slow) m = a + 0.5 * (b - a);
      checked = slow ? 0.5 * (b - a) : b - a;
    }
    // Stay inside, so that every step shrinks the bracket.
    m = std::clamp(m, a + 0.5 * close, b - 0.5 * close);
    if (!(m > a && m < b)) break;
    const double gm = g(m);
    if (gm < 0) {
      a = m;
      ga = gm;
      if (side < 0) gb *= 0.5;
      side = -1;
    } else {
      b = m;
      gb = gm;
      if (side > 0) ga *= 0.5;
      side = 1;
    }
  }
  return b;
}

}  // namespace striate
