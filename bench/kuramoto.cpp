// Kuramoto's oscillators beside the limits of this machine and, with race_kuramoto.py, beside SciPy.
//   bench_kuramoto THREADS            dense weights beside reading the matrix once, in double and in single
//                                     precision; mean field beside its sines and cosines, ours and the C library's
//   bench_kuramoto THREADS FOLDER N   writes FOLDER/{W,omega,theta}.bin and integrates them to t = 100,
//                                     medians of three runs;
//                                     FOLDER/reference.bin is the state at the end at 1e-11
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <numbers>

#include "base/parallel.hpp"
#include "bench/measure.hpp"
#include "circuit/compile.hpp"
#include "circuit/kernels/line.hpp"
#include "circuit/kernels/table.hpp"
#include "circuit/text.hpp"
#include "integrators/integrator.hpp"

namespace {

using namespace striate;
using Numbers = std::vector<double>;

/// Processor time on one thread, as of SciPy, which neighbours disturb less; else wall time.
double seconds() {
  if (omp_get_max_threads() == 1) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Task {
  System<double> system;
  Workspace<double> workspace;
  AlignedVector<double> p, y, ydot;  // as integrators have them

  explicit Task(const Circuit& circuit)
      : system(compile<double>(circuit)),
        workspace(system.workspace()),
        p(system.parameters().size()),
        y(system.states().size()),
        ydot(y.size()) {
    const auto defaults = system.default_parameters();
    std::copy(defaults.begin(), defaults.end(), p.begin());
    system.initial(p, {}, y, workspace);
  }
  double* parameter(const std::string& name) { return p.data() + system.parameters().at(name).offset; }
  double seconds() {
    workspace.hold(p);
    return bench::median_seconds(9, [&] { system.rhs({0, y, p, {}}, ydot, workspace); });
  }
};

/// N units, each with its frequency and the coupling written out.
Circuit oscillators(std::size_t n, const std::string& parameter, const std::string& coupling) {
  return read_circuit(
      fmt::format("circuit oscillators\ntime s\naxis unit = {}\naxis other = {}\n{}\n"
                  "parameter omega[unit] = 0 1/s\ntheta_j := rename(theta, unit, other)\n"
                  "dtheta/dt = omega + {} : 1 [unit]\n",
                  n, n, parameter, coupling));
}

/// Random weights of size K/N, read as `weights` says, and random frequencies.
Task dense(std::size_t n, const std::string& weights) {
  Task task(
      oscillators(n, "parameter W[unit, other] = 0 1/s", fmt::format("sum({}*sin(theta_j - theta), other)", weights)));
  std::uint64_t state = 1;
  const auto uniform = [&] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state >> 11U) * 0x1p-53;
  };
  for (std::size_t i = 0; i < n * n; ++i) task.parameter("W")[i] = 2 * uniform() / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) task.parameter("omega")[i] = 0.87 * (2 * uniform() - 1);
  for (double& theta : task.y) theta = 2 * std::numbers::pi * uniform();
  return task;
}

void beside_memory(std::size_t n) {
  for (const auto& [name, weights, values] :
       {std::tuple{"dense", "W", n * n}, {"dense, single", "single(W)", n * n / 2}}) {
    Task task = dense(n, weights);
    const double* W = task.parameter("W");
    double sink = 0;
    const double read = bench::median_seconds(9, [&] { sink += sum(W, values, true); });
    const double rate = task.seconds();
    fmt::print("{} N = {}: rate {:.2f} ms, reading the matrix {:.2f} ms, ratio {:.2f}{}\n", name, n, rate * 1e3,
               read * 1e3, rate / read, sink == 0 ? "?" : "");
  }
}

void beside_functions(std::size_t n) {
  Task task(oscillators(n, "parameter K = 4 1/s", "K*mean(sin(theta_j - theta), other)"));
  for (std::size_t i = 0; i < n; ++i) task.y[i] = 6 * std::sin(static_cast<double>(i));
  const auto& pointwise = kernels<double>().pointwise;
  constexpr std::size_t block = 512;
  const double functions = bench::median_seconds(9, [&] {
    parallel_for(n / block, true, [&](std::size_t i) {
      for (const Pointwise op : {Pointwise::sin, Pointwise::cos})
        pointwise[op](task.y.data() + i * block, nullptr, nullptr, task.ydot.data() + i * block, block, 0);
    });
  });
  const double library = bench::median_seconds(9, [&] {
    parallel_for(n / block, true, [&](std::size_t i) {
      for (std::size_t k = i * block; k < (i + 1) * block; ++k)
        task.ydot[k] = std::sin(task.y[k]) + std::cos(task.y[k]);
    });
  });
  const double rate = task.seconds();
  fmt::print(
      "mean field N = {}: rate {:.2f} ms, a sine and a cosine of each {:.2f} ms, ratio {:.2f}; by the C library "
      "{:.2f} ms, ratio {:.2f}\n",
      n, rate * 1e3, functions * 1e3, rate / functions, library * 1e3, rate / library);
}

void save(const std::string& path, std::span<const double> values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
}

void integrate(const std::string& folder, std::size_t n) {
  Task task = dense(n, "W");
  save(folder + "/W.bin", {task.parameter("W"), n * n});
  save(folder + "/omega.bin", {task.parameter("omega"), n});
  save(folder + "/theta.bin", task.y);
  const Numbers p(task.p.begin(), task.p.end()), y0(task.y.begin(), task.y.end());
  Counters counters;
  double taken = 0;
  const auto run = [&](Problem problem, const std::string& name, double tolerance) {
    const double begin = seconds(), t1 = problem.t1;
    Method method;
    method.name = name;
    method.rtol = method.atol = tolerance;
    Integrator integrator(method);
    integrator.start(std::move(problem));
    while (integrator.advance(t1) != Stop::end) {
    }
    taken = seconds() - begin;
    counters = integrator.counters();
    return Numbers(integrator.y().begin(), integrator.y().end());
  };
  const Problem problem{task.system, p, {}, y0, 0, 100, {}};
  const Problem single{dense(n, "single(W)").system, p, {}, y0, 0, 100, {}};
  const Numbers reference = run(problem, "dp54", 1e-11);
  save(folder + "/reference.bin", reference);
  for (const auto& [of, weights] : {std::pair{&problem, ""}, {&single, "+single"}}) {
    for (const char* name : {"dp54", "adams"}) {
      for (const double tolerance : {1e-5, 3e-6, 1e-6}) {
        std::array<double, 3> times{};
        Numbers y;
        for (double& time : times) {
          y = run(*of, name, tolerance);
          time = taken;
        }
        std::sort(times.begin(), times.end());
        double error = 0;
        for (std::size_t i = 0; i < n; ++i) error = std::max(error, std::abs(y[i] - reference[i]));
        fmt::print("{}{} {:g} {:.3f} s, error {:.2e}, {} evaluations\n", name, weights, tolerance, times[1], error,
                   counters.rhs);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    fmt::print(stderr, "usage: bench_kuramoto THREADS [FOLDER N]\n");
    return 2;
  }
  omp_set_num_threads(std::stoi(argv[1]));
  if (argc == 4) {
    integrate(argv[2], std::stoul(argv[3]));
    return 0;
  }
  beside_memory(5000);
  beside_functions(1 << 20);
}
