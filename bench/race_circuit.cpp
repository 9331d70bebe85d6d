// Our side of bench/race_circuit.py: integrates bench/near_far.circuit for 200 ms with several methods and tolerances.
//   bench_race_circuit CIRCUIT FOLDER THREADS
// writes FOLDER/X.bin (the input, [theta, y, x]) and FOLDER/reference.bin (the state at the eight output times, most of
// them in the transient), and prints one line a run:
//   method tolerance seconds(median of 5) max_error rhs_evaluations
// The error is the largest at any output time, relative to the largest state.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>

#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "integrators/integrator.hpp"

namespace {

using namespace striate;

/// A disc of one orientation inside a field of another.
std::vector<double> centre_surround(std::size_t channels, std::size_t side) {
  std::vector<double> x(channels * side * side);
  for (std::size_t k = 0; k < channels; ++k)
    for (std::size_t i = 0; i < side * side; ++i) {
      const double dy = static_cast<double>(i / side) - static_cast<double>(side) / 2;
      const double dx = static_cast<double>(i % side) - static_cast<double>(side) / 2;
      const bool centre = std::hypot(dy, dx) < 10;
      const double theta = centre ? 0 : std::numbers::pi / 6;
      const double preferred = std::numbers::pi * static_cast<double>(k) / static_cast<double>(channels);
      x[k * side * side + i] = (centre ? 1 : 0.6) * std::exp(2 * (std::cos(2 * (theta - preferred)) - 1));
    }
  return x;
}

const std::vector<double> times = {5, 10, 20, 40, 70, 100, 150, 200};

void save(const std::string& path, const std::vector<double>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(double)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: bench_race_circuit CIRCUIT FOLDER THREADS\n");
    return 2;
  }
  omp_set_num_threads(std::stoi(argv[3]));
  std::ifstream file(argv[1]);
  std::stringstream text;
  text << file.rdbuf();
  const auto system = compile<double>(read_circuit(text.str(), argv[1]));
  const std::string folder = argv[2];
  const auto input = centre_surround(16, 64);
  save(folder + "/X.bin", input);
  Problem problem{system, system.default_parameters(), std::make_shared<ConstantDrive>(input), {}, 0, 200, {}};

  struct Run {
    std::vector<double> y;  // [time, state]
    std::uint64_t rhs = 0;
  };
  const auto run = [&](const std::string& name, double tolerance, Run& result) {
    Method method;
    method.name = name;
    method.rtol = tolerance;
    method.atol = tolerance / 10;
    result.y.clear();
    result.y.reserve(times.size() * system.states().size());
    Observer observer;
    observer.sample = [&](double, std::span<const double> y) { result.y.insert(result.y.end(), y.begin(), y.end()); };
    result.rhs = solve(problem, method, times, observer).counters.rhs;
  };
  Run reference;
  run("dp54", 1e-11, reference);
  save(folder + "/reference.bin", reference.y);
  double largest = 0;
  for (const double v : reference.y) largest = std::max(largest, std::abs(v));

  Run solution;
  for (const std::string name : {"bs32", "dp54"}) {
    for (int sixths = 18; sixths <= 40; ++sixths) {  // errors 1.5 apart: a peer's is met closely from below
      const double tolerance = std::pow(10.0, -sixths / 6.0);
      std::vector<double> seconds;
      for (int repeat = 0; repeat < 5; ++repeat) {
        const auto start = std::chrono::steady_clock::now();
        run(name, tolerance, solution);
        seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      }
      std::sort(seconds.begin(), seconds.end());
      double error = 0;
      for (std::size_t i = 0; i < solution.y.size(); ++i)
        error = std::max(error, std::abs(solution.y[i] - reference.y[i]));
      fmt::print("{} {:.1e} {:.6f} {:.3e} {}\n", name, tolerance, seconds[2], error / largest, solution.rhs);
    }
  }
}
