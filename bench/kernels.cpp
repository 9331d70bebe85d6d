// Speed of the block kernels on one thread, beside what this machine can do: multiply-adds at peak, and the triad
// a = b + s c on vectors in the second-level cache. Medians of 9. Usage: bench_kernels [v2|v3|v4]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "circuit/kernels/line.hpp"
#include "circuit/kernels/table.hpp"

using namespace striate;

namespace {

/// Median seconds of one call.
template <class Body>
double seconds(const Body& body) {
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
  std::nth_element(times.begin(), times.begin() + 4, times.end());
  return times[4];
}

double sink = 0;  // keeps results alive

/// Multiply-adds a second of eight independent registers, enough to hide a latency of four cycles at two a cycle.
template <class T>
double peak() {
  typedef T Register __attribute__((vector_size(64)));
  constexpr int steps = 1000;
  const double time = seconds([] {
    const Register factor = Register{} + T(0.999), term = Register{} + T(0.001);
    Register a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {};  // an array would live in memory
    for (int s = 0; s < steps; ++s) {
      a = a * factor + term, b = b * factor + term, c = c * factor + term, d = d * factor + term;
      e = e * factor + term, f = f * factor + term, g = g * factor + term, h = h * factor + term;
      asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h));  // each step is taken
    }
    sink += static_cast<double>((a + b + c + d + e + f + g + h)[0]);
  });
  return 8.0 * steps * (64 / sizeof(T)) / time;
}

/// Bytes a second of the triad on three vectors of 32768 doubles.
double triad() {
  const std::size_t n = 32768;
  std::vector<double> a(n), b(n, 1), c(n, 2);
  const double time = seconds([&] {
    for (std::size_t i = 0; i < n; ++i) a[i] = b[i] + 3.0 * c[i];
    asm volatile("" ::: "memory");
  });
  sink += a[5];
  return 3.0 * n * sizeof(double) / time;
}

template <class T>
void pointwise(const KernelTable<T>& table) {
  static const char* const names[] = {"add",      "sub",  "mul", "div",  "neg",   "min", "max",    "pow",
                                      "powi",     "sqrt", "exp", "log",  "sin",   "cos", "tanh",   "sigmoid",
                                      "softplus", "relu", "abs", "step", "where", "phi", "muladd", "copy"};
  std::printf("\npointwise, %s, blocks of 512 [ns/element]\n", sizeof(T) == 8 ? "double" : "float");
  std::vector<T> a(512), b(512), c(512), out(512);
  for (std::size_t i = 0; i < 512; ++i) a[i] = T(0.01) * T(i + 1), b[i] = T(1.3), c[i] = T(i) - 200;
  for (int op = 0; op < int(Pointwise::count_); ++op) {
    const double time =
        seconds([&] { table.pointwise[Pointwise(op)](a.data(), b.data(), c.data(), out.data(), 512, 3); });
    std::printf("  %-9s%7.3f%s", names[op], time / 512 * 1e9, op % 4 == 3 ? "\n" : "");
  }
}

template <class T>
void lines(double multiply_adds, double bytes) {
  std::printf("\nlines, %s: GFMA/s as a share of peak %.1f, GB/s (read + written) as a share of triad %.1f\n",
              sizeof(T) == 8 ? "double" : "float", multiply_adds * 1e-9, bytes * 1e-9);
  const std::size_t size = 64 * 64 * 16;
  std::vector<T> in(size), out(size), k(129);
  for (std::size_t i = 0; i < size; ++i) in[i] = std::sin(T(i));
  for (std::size_t r = 0; r < k.size(); ++r) k[r] = T(1) / T(r + 1);
  const struct {
    const char* name;
    Lines shape;
  } passes[] = {{"y of [16][64][64]", {16, 64, 64}},
                {"x of [16][64][64]", {1024, 64, 1}},
                {"y of [64][64][16]", {1, 64, 1024}},
                {"x of [64][64][16]", {64, 64, 16}},
                {"features of [64][64][16]", {4096, 16, 1}},
                {"x of [64][64][3]", {64, 64, 3}},
                {"ring of 180", {1, 180, 1}}};
  for (const auto& pass : passes) {
    const double elements = double(pass.shape.outer * pass.shape.n * pass.shape.inner);
    for (const std::size_t taps : {5u, 9u, 29u}) {
      for (const bool transposed : {false, true}) {
        const LineMode mode{Border::reflect, transposed, false};
        std::vector<T> scratch(line_scratch<T>(pass.shape, taps, false));
        const double direct = seconds(
            [&] { line_convolve(in.data(), out.data(), pass.shape, k.data(), taps, mode, scratch.data(), false); });
        const double box =
            seconds([&] { line_box(in.data(), out.data(), pass.shape, T(0.1), taps, mode, scratch.data(), false); });
        std::printf("  %-25s%3zu taps%s  convolve %8.2f us, %3.0f %%   box %8.2f us, %3.0f %%\n", pass.name, taps,
                    transposed ? " transposed" : "           ", direct * 1e6,
                    100 * elements * double(taps) / direct / multiply_adds, box * 1e6,
                    100 * 2 * elements * sizeof(T) / box / bytes);
      }
    }
  }
  const double total = seconds([&] { sink += double(dot(in.data(), in.data(), size, false)); });
  std::printf("  dot of %zu: %.2f us, %.0f %% of triad\n", size, total * 1e6,
              100 * double(size) * sizeof(T) / total / bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) setenv("STRIATE_ISA", argv[1], 1);
  std::printf("level %s\n", std::string(isa_name(isa_level())).c_str());
  pointwise(kernels<double>());
  pointwise(kernels<float>());
  const double bandwidth = triad();
  lines<double>(peak<double>(), bandwidth);
  lines<float>(peak<float>(), bandwidth);
  return sink == 0.123;
}
