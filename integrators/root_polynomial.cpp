#include "integrators/root_polynomial.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>

namespace striate {
namespace {

/// Of |P(s + i y)| over low <= y <= high, each factor at its own best.
double log_below(double s, std::span<const std::complex<double>> roots, double low, double high) {
  double sum = 0;
  for (const auto& root : roots)
    sum += std::log(std::hypot(s - root.real(), root.imag() - std::clamp(root.imag(), low, high)));
  return sum;
}

struct Interval {
  double low, high, below;
  bool operator<(const Interval& other) const { return below > other.below; }
};

}  // namespace

double log_smallest_right_of(double s, std::span<const std::complex<double>> roots) {
  double highest = 0;
  for (const auto& root : roots) {
    if (!(root.real() < s)) return -std::numeric_limits<double>::infinity();
    highest = std::max(highest, root.imag());
  }
  // 1/P is analytic right of s and vanishes at infinity, so that |P| is smallest on the line Re z = s; there by
  // symmetry at y >= 0, and not above the highest root. Bisected where the bound is lowest.
  std::priority_queue<Interval> open;
  double smallest = std::numeric_limits<double>::infinity();
  const auto add = [&](double low, double high) {
    const double middle = 0.5 * (low + high);
    smallest = std::min(smallest, log_below(s, roots, middle, middle));
    open.push({low, high, log_below(s, roots, low, high)});
  };
  add(0, highest);
  while (open.top().below < smallest - 0.1) {
    const Interval widest = open.top();
    open.pop();
    const double middle = 0.5 * (widest.low + widest.high);
    add(widest.low, middle);
    add(middle, widest.high);
  }
  return open.top().below;
}

}  // namespace striate
