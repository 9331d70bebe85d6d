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

namespace {

/// The polynomial with the values g at x = 0, 1, 2, 3 and 4.
struct Quartic {
  // Newton's form: g0 + d1 x + d2 x(x-1)/2 + d3 x(x-1)(x-2)/6 + d4 x(x-1)(x-2)(x-3)/24.
  explicit Quartic(const std::array<double, 5>& g)
      : d1(g[1] - g[0]),
        d2(g[2] - 2 * g[1] + g[0]),
        d3(g[3] - 3 * g[2] + 3 * g[1] - g[0]),
        d4(g[4] - 4 * g[3] + 6 * g[2] - 4 * g[1] + g[0]),
        a(d4 / 24),
        b(d3 / 6 - 6 * a),
        c(d2 / 2 - d3 / 2 + 11 * a),
        d(d1 - d2 / 2 + d3 / 3 - 6 * a),
        e(g[0]) {}
  double value(double x) const { return e + x * (d + x * (c + x * (b + x * a))); }
  double slope(double x) const { return d + x * (2 * c + x * (3 * b + x * 4 * a)); }

  double d1, d2, d3, d4, a, b, c, d, e;
};

}  // namespace

double quartic(const std::array<double, 5>& g, double s) { return Quartic(g).value(4 * s); }

std::optional<double> interior_maximum(const std::array<double, 5>& g) {
  const Quartic q(g);
  const double highest = *std::max_element(g.begin(), g.end());
  // Between neighbours it exceeds the line by an eighth of its curvature, d2 + d3 (x-1) + d4 (6x^2 - 18x + 11)/12.
  if (highest + (std::abs(q.d2) + 3 * std::abs(q.d3) + 3 * std::abs(q.d4)) / 8 < 0) return {};
  std::optional<double> best;
  constexpr int parts = 32;
  for (int i = 0; i < parts; ++i) {
    double low = 4.0 * i / parts, high = 4.0 * (i + 1) / parts;
    if (!(q.slope(low) > 0 && q.slope(high) <= 0)) continue;
    for (int k = 0; k < 50; ++k) {
      const double middle = 0.5 * (low + high);
      (q.slope(middle) > 0 ? low : high) = middle;
    }
    if (!best || q.value(low) > q.value(*best)) best = low;
  }
  if (!best) return {};
  return *best / 4;
}

}  // namespace striate
