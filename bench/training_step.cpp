// One training step, forward and back through time with every state kept: our side of race_training.py.
//
// usage: bench_training_step THREADS FOLDER REPEATS hgru SIDE BATCH
//        bench_training_step THREADS FOLDER REPEATS network
// The reference hGRU has 25 channels, 15 x 15 and 8 steps in float; the network 100 rate units over 1,000 Runge-Kutta
// steps in double.
// Writes parameters, inputs and the gradient to FOLDER, and prints the median seconds and the memory taken.
#include <omp.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "bench/measure.hpp"
#include "circuit/batch.hpp"
#include "circuit/compile.hpp"
#include "circuit/discretise.hpp"
#include "circuit/text.hpp"
#include "integrators/bptt.hpp"
#include "models/library.hpp"

using namespace striate;

namespace {

template <class T>
void write(const std::string& path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
}

/// @param weight, power  the loss is weight sum(y^power) after the last step
template <class T>
void measure(const Circuit& circuit, std::size_t steps, double weight, int power, const std::string& folder,
             int repeats) {
  const double before = bench::peak_mib();
  const auto system = compile<T>(circuit);
  auto workspace = system.workspace();
  auto p = system.default_parameters();
  std::vector<T> u(system.inputs().size());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = static_cast<T>((37 * i + 11) % 101) / 101;
  write(folder + "/p.bin", p);
  write(folder + "/u.bin", u);
  const Rollout<T> rollout{system, p, {}, 0, steps, [&](std::size_t) { return std::span<const T>(u); }};
  const Loss<T> loss = [&](std::size_t n, std::span<const T> y, std::span<T> ybar, std::span<T>) {
    if (n < steps) return 0.0;
    double value = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      value += weight * static_cast<double>(power == 1 ? y[i] : y[i] * y[i]);
      ybar[i] += static_cast<T>(weight) * (power == 1 ? T(1) : 2 * y[i]);
    }
    return value;
  };
  bool written = false;
  const double taken = bench::median_seconds(repeats, [&] {
    const auto back = bptt(rollout, loss, workspace);
    if (!written) write(folder + "/gradient.bin", back.gradient.p);
    written = true;
    p[0] += static_cast<T>(1e-6);  // as after an update: what depends on parameters is computed anew
  });
  std::printf("{\"seconds\": %.6g, \"mib\": %.1f}\n", taken, bench::peak_mib() - before);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  omp_set_num_threads(std::atoi(argv[1]));
  const std::string folder = argv[2];
  const int repeats = std::atoi(argv[3]);
  if (std::string(argv[4]) == "network") {
    measure<double>(
        discretise(read_circuit("circuit network\ntime 1\naxis unit = 100\naxis pre = 100\n"
                                "parameter W[unit, pre] ~ normal(0, 0.15) 1\n"
                                "parameter I[unit] ~ normal(0, 0.5) 1\n"
                                "parameter start[unit] ~ normal(0, 0.1) 1\n"
                                "r(0) = start\n"
                                "dr/dt = -r + tanh(matmul(W, rename(r, unit, pre), over=[pre]) + I) : 1 [unit]\n"),
                   Scheme::rk4, 0.05),
        1000, 1, 2, folder, repeats);
  } else {
    if (argc < 7) return 2;
    const double side = std::atof(argv[5]);
    const auto images = static_cast<std::size_t>(std::atoi(argv[6]));
    measure<float>(batch(model("hgru", {{"y", side}, {"x", side}}).with_definitions({}), images), 8, 1e-3, 1, folder,
                   repeats);
  }
}
