// Normals and Brownian increments beside the standard library's generator, and what noise adds to a step of a million
// units. Nanoseconds a number, medians of 9, one thread. Usage: bench_noise
#include <omp.h>

#include <cstdio>
#include <random>

#include "bench/machine.hpp"
#include "circuit/compile.hpp"
#include "circuit/kernels/normals.hpp"
#include "circuit/text.hpp"
#include "integrators/brownian_path.hpp"
#include "integrators/integrator.hpp"

using namespace striate;
using namespace striate::bench;

namespace {

/// Seconds of one step of `method` on a million coupled phases with the term `noise` in their rate.
double step_seconds(const std::string& method, const std::string& noise) {
  const Circuit circuit = read_circuit(
      "circuit c\ntime 1\naxis unit = 1000000\n" + std::string(noise.empty() ? "" : "noise xi[unit] ito\n") +
      "dtheta/dt = 1 + mean(sin(rename(theta, unit, other) - theta), other)" + noise + " : 1 [unit]\n");
  Method m;
  m.name = method;
  m.step = 0.01;
  Integrator integrator(m);
  integrator.start({compile<double>(circuit), {}, nullptr, {}, 0, 1e6, {}});
  return seconds([&] { integrator.advance(1e6); });
}

}  // namespace

int main() {
  omp_set_num_threads(1);
  constexpr std::size_t n = 1 << 14;
  std::vector<double> out(n), area(n);
  std::mt19937_64 engine(1);
  std::normal_distribution<double> distribution;
  const double standard = seconds([&] {
    for (double& x : out) x = distribution(engine);
    sink += out[7];
  });
  std::uint32_t step = 0;
  const double ours = seconds([&] {
    fill_normals(42, {step++, 0, 0}, 0, out);
    sink += out[7];
  });
  BrownianPath path(1, "noise xi", n);
  path.restart(0, 0.1);
  std::uint64_t at = 0;
  const double increments = seconds([&] { path.increment(at++, 0.1, out, area); });
  std::printf("ns a number: std::mt19937_64 and std::normal_distribution %.2f, fill_normals %.2f (%.1f times faster)\n",
              standard / n * 1e9, ours / n * 1e9, standard / ours);
  std::printf("ns an element and step: Brownian increment and area %.2f\n", increments / n * 1e9);
  const double euler = step_seconds("euler", "");
  std::printf("ms a step, 10^6 phases by mean field: euler %.2f", euler * 1e3);
  for (const char* method : {"euler_maruyama", "stochastic_heun", "sra1"})
    std::printf(", %s %.2f", method, step_seconds(method, " + 0.1*xi") * 1e3);
  std::printf("\n");
}
