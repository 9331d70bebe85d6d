#pragma once

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "base/aligned_vector.hpp"

// What the machine can do, and how long things take. Files that include this are compiled for the machine itself.

namespace striate::bench {

/// Seconds of one call in nine measurements of at least two milliseconds, the shortest first.
template <class Body>
std::vector<double> all_seconds(const Body& body) {
  using Clock = std::chrono::steady_clock;
  const auto run = [&](int calls) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) body();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  body();
  int calls = 1;
  while (run(calls) < 2e-3) calls *= 2;
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) times.push_back(run(calls) / calls);
  std::sort(times.begin(), times.end());
  return times;
}

/// The median of these.
template <class Body>
double seconds(const Body& body) {
  return all_seconds(body)[4];
}

/// The shortest: what the machine can do when nothing disturbs it.
template <class Body>
double shortest_seconds(const Body& body) {
  return all_seconds(body).front();
}

inline double sink = 0;  // keeps results alive

/// Multiply-adds a second of all threads together: eight independent registers each, enough to hide a latency of four
/// cycles at two a cycle.
template <class T>
double peak() {
  typedef T Register __attribute__((vector_size(64)));
  constexpr int steps = 20000;
  const double time = shortest_seconds([] {
    double total = 0;
#pragma omp parallel reduction(+ : total)
    {
      const Register factor = Register{} + T(0.999), term = Register{} + T(0.001);
      Register a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {};  // an array would live in memory
      for (int s = 0; s < steps; ++s) {
        a = a * factor + term, b = b * factor + term, c = c * factor + term, d = d * factor + term;
        e = e * factor + term, f = f * factor + term, g = g * factor + term, h = h * factor + term;
        asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h));  // all are taken
      }
      total += static_cast<double>((a + b + c + d + e + f + g + h)[0]);
    }
    sink += total;
  });
  return 8.0 * steps * (64 / sizeof(T)) * omp_get_max_threads() / time;
}

/// Bytes a second of the triad a = b + 3 c on three vectors of n doubles, on all threads together.
inline double triad(std::size_t n) {
  AlignedVector<double> a(n), b(n, 1), c(n, 2);
  const double time = shortest_seconds([&] {
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < n; ++i) a[i] = b[i] + 3.0 * c[i];
    asm volatile("" ::: "memory");
  });
  sink += a[n / 2];
  return 3.0 * static_cast<double>(n * sizeof(double)) / time;
}

}  // namespace striate::bench
