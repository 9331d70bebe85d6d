// Speed of the block kernels on one thread, beside what this machine can do: multiply-adds at peak, and the triad
// a = b + s c on vectors in the second-level cache. Medians of 9. Usage: bench_kernels [v2|v3|v4]
#include <omp.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/machine.hpp"
#include "circuit/kernels/line.hpp"
#include "circuit/kernels/table.hpp"

using namespace striate;
using namespace striate::bench;

namespace {

template <class T>
void pointwise(const KernelTable<T>& table) {
  std::printf("\npointwise, %s, blocks of 512 [ns/element]\n", sizeof(T) == 8 ? "double" : "float");
  AlignedVector<T> a(512), b(512), c(512), out(512);
  for (std::size_t i = 0; i < 512; ++i) a[i] = T(0.01) * T(i + 1), b[i] = T(1.3), c[i] = T(i) - 200;
  for (int op = 0; op < int(Pointwise::count_); ++op) {
    const double time =
        seconds([&] { table.pointwise[Pointwise(op)](a.data(), b.data(), c.data(), out.data(), 512, 3); });
    std::printf("  %-9s%7.3f%s", std::string(name_of(Pointwise(op))).c_str(), time / 512 * 1e9,
                op % 4 == 3 ? "\n" : "");
  }
}

template <class T>
void lines(double multiply_adds, double bytes) {
  std::printf("\nlines, %s: GFMA/s as a share of peak %.1f, GB/s (read + written) as a share of triad %.1f\n",
              sizeof(T) == 8 ? "double" : "float", multiply_adds * 1e-9, bytes * 1e-9);
  const std::size_t size = 64 * 64 * 16;
  AlignedVector<T> in(size), out(size), k(129);
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
        AlignedVector<T> scratch(line_scratch<T>(pass.shape, taps, false));
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
  omp_set_num_threads(1);
  const double bandwidth = triad(32768);
  lines<double>(peak<double>(), bandwidth);
  lines<float>(peak<float>(), bandwidth);
  return sink == 0.123;
}
