#include "integrators/binomial.hpp"

#include <algorithm>
#include <limits>

namespace striate {
namespace {

/// C(n, k), or the largest number where that comes near it.
std::uint64_t choose(std::uint64_t n, std::uint64_t k) {
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  k = std::min(k, n - k);
  std::uint64_t c = 1;
  for (std::uint64_t i = 1; i <= k; ++i) {
    if (c > largest / (n - k + i)) return largest;
    c = c * (n - k + i) / i;
  }
  return c;
}

/// The most steps that can be reversed when no step is taken forward more than r times.
std::uint64_t reach(std::uint64_t slots, std::uint64_t r) { return choose(slots + r, r); }

std::uint64_t repetitions(std::size_t steps, std::size_t slots) {
  std::uint64_t r = slots == 1 ? steps - 1 : 0;
  while (reach(slots, r) < steps) ++r;
  return r;
}

}  // namespace

std::size_t binomial_split(std::size_t steps, std::size_t slots) {
  const std::uint64_t r = repetitions(steps, slots);
  return static_cast<std::size_t>(std::min(reach(slots, r - 1), steps - reach(slots - 1, r - 1)));
}

std::uint64_t binomial_advances(std::size_t steps, std::size_t slots) {
  if (steps < 2) return 0;
  const std::uint64_t r = repetitions(steps, slots);
  return r * steps - choose(slots + r, slots + 1);
}

}  // namespace striate
