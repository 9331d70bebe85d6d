// Milliseconds and GFLOP/s of convolution plans. GFLOP/s counts the products of the definition, whatever the algorithm
// does.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "circuit/kernels/convolution.hpp"

using namespace striate;

namespace {

/// Median milliseconds of at least seven calls.
template <class Body>
double median_ms(const Body& body) {
  using Clock = std::chrono::steady_clock;
  body();
  std::vector<double> times;
  double total = 0;
  while (times.size() < 7 || (total < 200 && times.size() < 200)) {
    const auto begin = Clock::now();
    body();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    total += times.back();
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

template <class T>
void measure(const ConvolutionShape& s, ConvolutionAlgorithm algorithm) {
  const Convolution<T> plan(s, algorithm);
  std::vector<T> kernel(s.kernel_size(), T(0.01)), in(s.in_size(), T(1)), out(s.out_size()), gradient(s.kernel_size());
  std::vector<T> prepared(plan.prepared_size()), scratch(plan.scratch_size());
  const double prepare = median_ms([&] { plan.prepare(kernel.data(), prepared.data(), scratch.data(), false); });
  fmt::print("{:2} x {:2}, {:3} x {:3}, {:2} x {:2} {:10} {:6} {:6}", s.batch, s.channels_in, s.ny, s.nx, s.ky, s.kx,
             s.mixing ? "mixing" : "depth-wise", algorithm == ConvolutionAlgorithm::fft ? "fft" : "direct",
             sizeof(T) == 8 ? "double" : "float");
  for (const int threads : {1, 2}) {
    omp_set_num_threads(threads);
    const double forward =
        median_ms([&] { plan.apply(prepared.data(), in.data(), out.data(), scratch.data(), threads > 1); });
    const double products =
        static_cast<double>(s.out_size() * (s.mixing ? s.channels_in : 1)) * static_cast<double>(s.ky * s.kx);
    fmt::print(" | {:8.3f} {:7.1f}", forward, 2 * products / forward * 1e-6);
    if (threads > 1) continue;
    const double back =
        median_ms([&] { plan.apply_transposed(prepared.data(), out.data(), in.data(), scratch.data(), false); });
    const double slope = median_ms([&] {
      const T *x = in.data(), *g = out.data();
      plan.kernel_gradient({&x, 1}, {&g, 1}, gradient.data(), scratch.data(), false);
    });
    fmt::print(" {:8.3f} {:8.3f} {:8.3f} {:8.3f}", back, slope, prepare, 1e3 * estimated_cost(s, algorithm, sizeof(T)));
  }
  fmt::print("\n");
}

void measure_all(const ConvolutionShape& s) {
  for (const ConvolutionAlgorithm algorithm : {ConvolutionAlgorithm::direct, ConvolutionAlgorithm::fft}) {
    measure<double>(s, algorithm);
    measure<float>(s, algorithm);
  }
}

}  // namespace

int main() {
  fmt::print(
      "kernels of level {}\n{:50} | 1 thread: ms, GFLOP/s, transposed, kernel gradient, prepare, estimate | 2 "
      "threads\n",
      isa_name(isa_level()), "batch x channels, plane, kernel");
  for (const bool mixing : {false, true}) {
    for (const std::size_t k : {3, 7, 15, 29}) {
      measure_all({1, 16, 16, 64, 64, k, k, mixing, false, Border::zero, Border::zero});
    }
  }
  measure_all({4, 25, 25, 64, 64, 15, 15, true, false, Border::zero, Border::zero});
  measure_all({4, 25, 25, 150, 150, 15, 15, true, false, Border::zero, Border::zero});
}
