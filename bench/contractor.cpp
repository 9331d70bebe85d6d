// An update's gradient by contractor recurrent back-propagation beside the steps forward that it begins with: the
// horizontal cell that the method was published with (25 channels, two kernels of 15x15), 2 images of 64 x 64, float.
//
// usage: bench_contractor THREADS STEPS    prints medians [s], the products with the Jacobian and the memory taken
// [MiB]
#include <omp.h>

#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "bench/measure.hpp"
#include "circuit/compile.hpp"
#include "integrators/fixed_point.hpp"
#include "models/library.hpp"

using namespace striate;

int main(int argc, char** argv) {
  constexpr int repeats = 5;
  if (argc < 3) return 2;
  omp_set_num_threads(std::atoi(argv[1]));
  const auto steps = static_cast<std::size_t>(std::atoi(argv[2]));
  const double before = bench::peak_mib();
  const auto map = compile<float>(model("fgru", {{"y", 64}, {"x", 64}, {"batch", 2}}).with_definitions({}));
  auto workspace = map.workspace();
  auto p = map.default_parameters();
  std::vector<float> u(map.inputs().size());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = static_cast<float>((37 * i + 11) % 101) / 101;
  const Rollout<float> rollout{map, p, {}, 0, steps, [&](std::size_t) { return std::span<const float>(u); }};

  const auto size = map.states().size();
  std::vector<float> y(size), next(size);
  const double forward = bench::median_seconds(repeats, [&] {
    rollout.start(y, workspace);
    for (std::size_t n = 0; n < steps; ++n) {
      map.rhs(rollout.at(n, y), next, workspace);
      y.swap(next);
    }
    p[0] += 1e-6F;  // as after an update: what depends on parameters is computed anew
  });

  const Loss<float> loss = [&](std::size_t n, std::span<const float> at, std::span<float> ybar, std::span<float>) {
    if (n < steps) return 0.0;
    double sum = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      sum += 1e-3 * static_cast<double>(at[i]);
      ybar[i] += 1e-3F;
    }
    return sum;
  };
  FixedPointSettings settings;
  settings.tolerance = 1e-3;
  settings.products = 15;
  int products = 0;
  const double update = bench::median_seconds(repeats, [&] {
    products = recurrent_back_propagation(rollout, loss, workspace, settings, {10, 0.9}).report.products;
    p[0] += 1e-6F;
  });
  std::printf("{\"forward\": %.6g, \"update\": %.6g, \"products\": %d, \"mib\": %.0f}\n", forward, update, products,
              bench::peak_mib() - before);
}
