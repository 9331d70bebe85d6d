#include "sim/synchrony.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace striate {
namespace {

/// Sample variance of `count` values `stride` apart.
double variance(const double* x, std::size_t count, std::size_t stride) {
  double mean = 0;
  for (std::size_t i = 0; i < count; ++i) mean += x[i * stride];
  mean /= static_cast<double>(count);
  double square = 0;
  for (std::size_t i = 0; i < count; ++i) square += (x[i * stride] - mean) * (x[i * stride] - mean);
  return square / static_cast<double>(count - 1);
}

std::size_t times_of(std::string_view what, std::span<const double> r, std::size_t communities) {
  if (communities == 0 || r.empty() || r.size() % communities != 0)
    throw Error(fmt::format("{}: {} values do not fill rows of {} communities.", what, r.size(), communities));
  return r.size() / communities;
}

}  // namespace

std::complex<double> order_parameter(std::span<const double> theta, int moment) {
  std::complex<double> sum;
  for (const double phase : theta) sum += std::polar(1.0, moment * phase);
  return theta.empty() ? sum : sum / static_cast<double>(theta.size());
}

std::vector<double> local_order(std::span<const double> theta, std::size_t reach, bool ring) {
  const auto n = static_cast<std::ptrdiff_t>(theta.size());
  const auto far = static_cast<std::ptrdiff_t>(std::min(reach, theta.size()));
  if (ring && 2 * far + 1 > n)
    throw Error(fmt::format("local order: a reach of {} goes more than once round a ring of {} places.", reach, n));
  std::vector<double> result;
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    std::complex<double> sum;
    double count = 0;
    for (std::ptrdiff_t j = i - far; j <= i + far; ++j) {
      if (!ring && (j < 0 || j >= n)) continue;
      const double phase = theta[static_cast<std::size_t>((j + n) % n)];
      if (std::isnan(phase)) continue;
      sum += std::polar(1.0, phase);
      ++count;
    }
    result.push_back(std::abs(sum) / count);
  }
  return result;
}

double link_order(std::span<const double> theta, std::span<const double> weights) {
  const std::size_t n = theta.size();
  if (weights.size() != n * n)
    throw Error(
        fmt::format("link order: {} weights are given for {} units, but {} are needed.", weights.size(), n, n * n));
  std::complex<double> sum;
  double total = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      if (std::isnan(theta[j] - theta[i])) continue;
      sum += weights[i * n + j] * std::polar(1.0, theta[j] - theta[i]);
      total += std::abs(weights[i * n + j]);
    }
  return total > 0 ? std::abs(sum) / total : 0;
}

double metastability(std::span<const double> r, std::size_t communities) {
  const std::size_t times = times_of("metastability", r, communities);
  if (times < 2) throw Error("metastability: one time is given, but a variance over time needs two.");
  double total = 0;
  for (std::size_t c = 0; c < communities; ++c) total += variance(r.data() + c, times, communities);
  return total / static_cast<double>(communities);
}

double chimera_index(std::span<const double> r, std::size_t communities) {
  const std::size_t times = times_of("chimera index", r, communities);
  if (communities < 2) throw Error("chimera index: one community is given, but a variance across them needs two.");
  double total = 0;
  for (std::size_t t = 0; t < times; ++t) total += variance(r.data() + t * communities, communities, 1);
  return total / static_cast<double>(times);
}

double phase_locking_value(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.empty())
    throw Error(
        fmt::format("phase locking: {} and {} phases are given, but as many of both are needed.", a.size(), b.size()));
  std::complex<double> sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::polar(1.0, a[i] - b[i]);
  return std::abs(sum) / static_cast<double>(a.size());
}

}  // namespace striate
