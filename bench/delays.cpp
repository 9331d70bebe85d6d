// What a delay for every pair costs: N dense oscillators at a fixed step, with and without delays, on and off the grid
// of the steps; and by a method that adapts its step, to the shortest delay. Milliseconds a step, medians of 9. Usage:
// bench_delays [N]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/machine.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "integrators/integrator.hpp"

using namespace striate;
using namespace striate::bench;

namespace {

double step_seconds(std::size_t n, const std::string& method, const std::string& other) {
  const Circuit circuit =
      read_circuit("circuit c\ntime 1\naxis unit = " + std::to_string(n) + "\naxis pre = size(unit)\n" +
                   "parameter W[unit, pre] ~ uniform(0, 1) 1\nparameter slot[unit, pre] ~ uniform(1, 64) 1\n"
                   "theta(t <= 0) = index(unit)\n"
                   "dtheta/dt = 1 + sum(W*sin(" +
                   other + " - theta), pre)/size(unit) : 1 [unit]\n");
  Method m;
  m.name = method;
  if (method != "dp54") m.step = 0.01;
  Integrator integrator(m);
  integrator.start({compile<double>(circuit), {}, nullptr, {}, 0, 1e4, {}});
  const auto advance = [&](int steps) {
    for (int i = 0; i < steps; ++i) integrator.advance(1e4);
  };
  advance(144);
  constexpr int together = 8;  // what is looked up for several steps is paid for in one of them
  return seconds([&] { advance(together); }) / together;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t n = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const std::string theta = "rename(theta, unit, pre)";
  for (const char* method : {"euler", "heun", "dp54"}) {
    const double plain = step_seconds(n, method, theta);
    const double one = step_seconds(n, method, "delayed(" + theta + ", 0.32)");
    const double off = step_seconds(n, method, "delayed(" + theta + ", 0.01*slot)");
    std::printf(
        "N = %zu, %s: without delays %.3f ms; one delay %.3f (%.1f times); one for each pair %.3f (%.1f times)\n", n,
        method, plain * 1e3, one * 1e3, one / plain, off * 1e3, off / plain);
  }
}
