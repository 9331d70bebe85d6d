// A model of spikes on a grid of times: seconds for a second of its time, and what its synapses take.
// usage: bench_spikes MODEL METHOD single|double REPEATS [SETTING=VALUE...] [regime=NAME]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/machine.hpp"
#include "circuit/compile.hpp"
#include "integrators/deliveries.hpp"
#include "integrators/integrator.hpp"
#include "models/library.hpp"

using namespace striate;

namespace {

/// Spikes of every event after the first fifth of the run, by element.
using Trains = std::vector<std::vector<std::vector<float>>>;

struct Measured {
  double build = 0, run = 0;
  double sent = 0;  ///< spikes times synapses
  Trains trains;
};

Measured measure(const System<double>& system, const Method& method, const std::vector<std::vector<double>>& synapses) {
  const auto seconds = [start = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(start, now)).count();
  };
  Measured m;
  for (const auto& event : system.events()) m.trains.emplace_back(event.size);
  auto lap = seconds;
  Integrator integrator(method);
  integrator.observe([&](double t, std::size_t e, std::span<const std::uint32_t> ids) {
    for (const auto i : ids) {
      m.sent += synapses[e][i];
      if (t > 200) m.trains[e][i].push_back(static_cast<float>(t));
    }
  });
  lap();
  integrator.start({system, {}, {}, {}, 0, 1000, {}});
  m.build = lap();
  while (integrator.advance(1000) != Stop::end) {
  }
  m.run = lap();
  return m;
}

/// Mean rate [Hz] and coefficient of variation of intervals, of all elements that cross a threshold.
std::pair<double, double> statistics(const System<double>& system, const Trains& trains) {
  double spikes = 0, elements = 0, cv = 0, regular = 0;
  for (std::size_t e = 0; e < trains.size(); ++e) {
    if (system.events()[e].cause != Cause::crossing) continue;
    for (const auto& t : trains[e]) {
      ++elements;
      spikes += static_cast<double>(t.size());
      if (t.size() < 5) continue;
      const double n = static_cast<double>(t.size() - 1), mean = (t.back() - t.front()) / n;
      double square = 0;
      for (std::size_t k = 1; k < t.size(); ++k) square += std::pow(t[k] - t[k - 1] - mean, 2) / n;
      cv += std::sqrt(square) / mean;
      ++regular;
    }
  }
  return {spikes / elements / 0.8, cv / std::max(1.0, regular)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    fmt::print("usage: bench_spikes MODEL METHOD single|double REPEATS [SETTING=VALUE...] [regime=NAME]\n");
    return 2;
  }
  Method method;
  method.name = argv[2];
  method.spikes = Method::Spikes::grid;
  method.single = std::string(argv[3]) == "single";
  method.step = 0.1;
  std::map<std::string, double> settings;
  std::string regime;
  for (int i = 5; i < argc; ++i) {
    const std::string word = argv[i];
    const auto sign = word.find('=');
    const std::string name = word.substr(0, sign), value = word.substr(sign + 1);
    if (name == "regime")
      regime = value;
    else
      settings[name] = std::atof(value.c_str());
  }
  Circuit circuit = model(argv[1], settings);
  if (!regime.empty()) circuit = circuit.with_parameters(circuit.regime(regime).values);
  const auto system = compile<double>(circuit);
  const auto p = system.default_parameters();

  double bytes = 0, synapses = 0;
  std::vector<std::vector<double>> of;  // by event and element
  for (const auto& event : system.events()) of.emplace_back(event.size);
  for (std::size_t k = 0; k < system.projections().size(); ++k) {
    const Deliveries<float> deliveries(system, k, p, method.step, std::vector<std::size_t>(circuit->states.size()), 1);
    bytes += static_cast<double>(deliveries.bytes());
    synapses += static_cast<double>(deliveries.synapses());
    auto& counts = of[system.projections()[k].event];
    for (std::uint32_t i = 0; i < counts.size(); ++i)
      counts[i] += static_cast<double>(deliveries.count(std::span(&i, 1)));
  }
  std::vector<Measured> runs;
  for (int i = 0; i < std::atoi(argv[4]); ++i) runs.push_back(measure(system, method, of));
  std::sort(runs.begin(), runs.end(), [](const Measured& a, const Measured& b) { return a.run < b.run; });
  const Measured& m = runs[runs.size() / 2];
  const auto [rate, cv] = statistics(system, m.trains);
  // In each step a state is read and written, and so is each slot of arrivals; an event reads 4 bytes or so of its
  // synapse, and reads and writes one number.
  const double value = method.single ? 4 : 8;
  const double steps = 1000 / method.step;
  const double moved =
      steps * value * 4 * static_cast<double>(system.states().size()) + m.sent * (bytes / synapses + 2 * value);
  const double working_set = 4 * value * static_cast<double>(system.states().size()) + bytes;
  fmt::print("build_s {}\nrun_s {}\nrate_hz {}\ncv {}\nevents {}\nsynapses {}\nbytes_per_synapse {}\nfloor_s {}\n",
             m.build, m.run, rate, cv, m.sent, synapses, bytes / synapses,
             moved / bench::triad(static_cast<std::size_t>(working_set / 24)));
}
