// Circuits of spikes on a grid: CPU seconds of COBA for a second of its time, as the network grows at 80 inputs a
// neuron. usage: bench_spikes [NEURONS...]
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "circuit/compile.hpp"
#include "integrators/deliveries.hpp"
#include "integrators/integrator.hpp"
#include "models/library.hpp"

using namespace striate;

namespace {

struct Measured {
  double build = 0, run = 0, spikes = 0;
};

Measured measure(const System<double>& system, bool single) {
  Method method;
  method.name = "exponential_euler";
  method.spikes = Method::Spikes::grid;
  method.single = single;
  method.step = 0.1;
  const auto seconds = [start = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(start, now)).count();
  };
  Measured m;
  auto lap = seconds;
  Integrator integrator(method);
  integrator.observe(
      [&](double, std::size_t, std::span<const std::uint32_t> ids) { m.spikes += static_cast<double>(ids.size()); });
  lap();
  integrator.start({system, {}, {}, {}, 0, 1000, {}});
  m.build = lap();
  while (integrator.advance(1000) != Stop::end) {
  }
  m.run = lap();
  return m;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<double> sizes{1000, 4000, 40000};
  if (argc > 1) sizes.clear();
  for (int i = 1; i < argc; ++i) sizes.push_back(std::atof(argv[i]));
  fmt::print("{} threads; 1 s of COBA at 0.1 ms, medians of three\n", omp_get_max_threads());
  fmt::print("{:>8} {:>10} {:>9} {:>9} {:>8} {:>14} {:>14}\n", "neurons", "precision", "build s", "run s", "Hz",
             "ns an arrival", "bytes/synapse");
  for (const double n : sizes) {
    const Circuit circuit = model("coba", {{"N", n}, {"p", 80 / n}});
    const auto system = compile<double>(circuit.with_parameters(circuit.regime("driven").values));
    const auto p = system.default_parameters();
    const std::vector<std::size_t> offsets(circuit->states.size(), 0);
    double bytes = 0, synapses = 0;
    for (std::size_t k = 0; k < system.projections().size(); ++k) {
      const Deliveries<float> deliveries(system, k, p, 0.1, offsets);
      bytes += static_cast<double>(deliveries.bytes());
      synapses += static_cast<double>(deliveries.synapses());
    }
    for (const bool single : {false, true}) {
      std::vector<Measured> runs;
      for (int i = 0; i < 3; ++i) runs.push_back(measure(system, single));
      std::sort(runs.begin(), runs.end(), [](const Measured& a, const Measured& b) { return a.run < b.run; });
      const Measured& m = runs[1];
      fmt::print("{:>8} {:>10} {:>9.3f} {:>9.4f} {:>8.2f} {:>14.2f} {:>14.2f}\n", n, single ? "single" : "double",
                 m.build, m.run, m.spikes / n, 1e9 * m.run / (m.spikes * synapses / n), bytes / synapses);
    }
  }
}
