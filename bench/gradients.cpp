// Every way to a gradient on a small, a stiff and a large circuit: error against a reference at 1e-12, time, memory.
// usage: bench_gradients [PAGE.md]    rewrites the tables of the page (docs/gradients.md) between its markers
// Each measurement runs in a process of its own, so that its peak memory is its own.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include "bench/measure.hpp"
#include "circuit/compile.hpp"
#include "circuit/discretise.hpp"
#include "circuit/text.hpp"
#include "integrators/adjoint.hpp"
#include "integrators/bptt.hpp"
#include "integrators/fixed_point.hpp"
#include "integrators/sensitivities.hpp"
#include "integrators/steady_state.hpp"

using namespace striate;

namespace {

using Numbers = std::vector<double>;

/// Excitation and inhibition with near coupling: the same equations on a ring and on a grid with features.
std::string text(const std::string& axes, const std::string& over, double tau_I) {
  return "circuit c\n" + axes + "parameter tau_E = 10 ms in (0, inf)\nparameter tau_I = " + std::to_string(tau_I) +
         " ms in (0, inf)\nparameter w_EE = 0.8 1\nparameter w_EI = 0.9 1\nparameter w_IE = 1.1 1\nparameter pool = "
         "0.5 1\n"
         "parameter sd = 1.5 1 in (0, inf)\nparameter start = 0.3 1\nE(0) = start\nI(0) = 0\n"
         "X := 0.4 + 0.3*cos(0.37*index(x))" +
         (over == "x" ? "" : "*cos(0.21*index(y))*cos(0.8*index(f))") + "\nnear := conv(E, gaussian(" +
         (over == "x" ? "x" : "y, x") +
         ", size=7, sd=sd), border=circular)\n"
         "dE/dt = (-E + softplus(X + w_EE*near - w_EI*I*E))/tau_E : 1 [" +
         over +
         "]\n"
         "dI/dt = (-I + softplus(w_IE*E + pool*mean(E, " +
         over + ") - 0.5))/tau_I : 1 [" + over + "]\n";
}

struct Case {
  std::string name, text, method;
  double step;  // of the explicit schemes [ms]
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"small", text("axis x = 12\n", "x", 4), "adams", 0.5},
      {"stiff", text("axis x = 12\n", "x", 0.05), "bdf", 0.05},
      {"large", text("axis x = 48\naxis y = 48\naxis f = 8\n", "y, x, f", 4), "adams", 0.5},
  };
  return all;
}

constexpr double transient = 20, settled = 300;  // ms

double squares(std::span<const double> y, std::span<double> ybar) {
  double value = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double w = 1 + 0.1 * static_cast<double>(i % 24);
    value += w * y[i] * y[i];
    ybar[i] += 2 * w * y[i];
  }
  return value;
}

/// One way on one circuit: the gradient towards all parameters.
class Ways {
 public:
  explicit Ways(const Case& c) : case_(c), circuit_(read_circuit(c.text)), system_(compile<double>(circuit_)) {}

  Numbers back_through(Scheme scheme, double step, double t1, std::size_t states = 0) const {
    const auto steps = static_cast<std::size_t>(std::lround(t1 / step));
    const auto map = compile<double>(discretise(circuit_, scheme, step));
    auto workspace = map.workspace();
    const Numbers p = map.default_parameters();
    const Loss<double> last = [steps](std::size_t n, std::span<const double> y, std::span<double> ybar,
                                      std::span<double>) { return n == steps ? squares(y, ybar) : 0.0; };
    const std::size_t memory =
        states == 0 ? std::numeric_limits<std::size_t>::max() : states * map.states().size() * sizeof(double);
    return bptt<double>({map, p, {}, 0, steps, {}}, last, workspace, memory).gradient.p;
  }

  Numbers by_adjoint(double tolerance, double t1) const {
    const Numbers end{t1};
    return adjoint(problem(t1), method(tolerance), end,
                   [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
                     return squares(y, ybar);
                   })
        .gradient.p;
  }

  Numbers by_sensitivities(double tolerance) const {
    const Numbers end{transient};
    const auto s = sensitivities(problem(transient), method(tolerance),
                                 unit_directions(system_, system_.parameters().names()), end);
    Numbers ybar(system_.states().size()), gradient;
    squares(s.y[0], ybar);
    for (const auto& row : s.s[0]) {
      gradient.push_back(0);
      for (std::size_t i = 0; i < row.size(); ++i) gradient.back() += ybar[i] * row[i];
    }
    return gradient;
  }

  Numbers by_differences(double tolerance, double h) const {
    Numbers gradient, ybar(system_.states().size());
    const auto loss = [&](const Numbers& p) {
      Problem moved = problem(transient);
      moved.p = p;
      return squares(solve(moved, method(tolerance)).y, ybar);
    };
    const Numbers p = system_.default_parameters();
    for (std::size_t k = 0; k < p.size(); ++k) {
      Numbers up = p, down = p;
      up[k] += h;
      down[k] -= h;
      gradient.push_back((loss(up) - loss(down)) / (2 * h));
    }
    return gradient;
  }

  Numbers at_steady_state(FixedPointSolver solver, double steady, double tolerance) const {
    SteadySettings settings;
    settings.tolerance = steady;
    const auto y = steady_state(problem(1), settings).y;
    const Numbers p = system_.default_parameters();
    Numbers g(y.size()), gradient(p.size());
    squares(y, g);
    FixedPointSettings fixed;
    fixed.solver = solver;
    fixed.tolerance = tolerance;
    fixed.products = 1000;
    auto workspace = system_.workspace();
    fixed_point_vjp<double>(system_, {0, y, p, {}}, g, {{}, gradient}, fixed, workspace);
    return gradient;
  }

  double step() const { return case_.step; }

 private:
  Problem problem(double t1) const { return {system_, {}, nullptr, {}, 0, t1, {}}; }
  Method method(double tolerance) const {
    Method m;
    m.name = case_.method;
    m.rtol = tolerance;
    m.atol = tolerance / 10;
    return m;
  }

  const Case& case_;
  Circuit circuit_;
  System<double> system_;
};

struct Way {
  std::string name;
  bool steady;  // which loss: of the state after 20 ms, or of the steady state
  std::function<Numbers(const Ways&)> gradient;
};

const std::vector<Way>& ways() {
  using enum Scheme;
  using enum FixedPointSolver;
  static const std::vector<Way> all = {
      {"reference", false, [](const Ways& w) { return w.by_adjoint(1e-12, transient); }},
      {"reference", true, [](const Ways& w) { return w.at_steady_state(gmres, 1e-12, 1e-12); }},
      {"bptt, euler", false, [](const Ways& w) { return w.back_through(euler, w.step(), transient); }},
      {"bptt, heun", false, [](const Ways& w) { return w.back_through(heun, w.step(), transient); }},
      {"bptt, rk4", false, [](const Ways& w) { return w.back_through(rk4, w.step(), transient); }},
      {"bptt, rk4, 10 states kept", false, [](const Ways& w) { return w.back_through(rk4, w.step(), transient, 14); }},
      {"bptt, exponential euler, 0.5 ms", false,
       [](const Ways& w) { return w.back_through(exponential_euler, 0.5, transient); }},
      {"adjoint, 1e-4", false, [](const Ways& w) { return w.by_adjoint(1e-4, transient); }},
      {"adjoint, 1e-6", false, [](const Ways& w) { return w.by_adjoint(1e-6, transient); }},
      {"adjoint, 1e-8", false, [](const Ways& w) { return w.by_adjoint(1e-8, transient); }},
      {"sensitivities, 1e-6", false, [](const Ways& w) { return w.by_sensitivities(1e-6); }},
      {"differences of a loss at 1e-6", false, [](const Ways& w) { return w.by_differences(1e-6, 1e-4); }},
      {"differences of a loss at 1e-10", false, [](const Ways& w) { return w.by_differences(1e-10, 1e-4); }},
      {"bptt, rk4, through 300 ms", true, [](const Ways& w) { return w.back_through(rk4, w.step(), settled); }},
      {"adjoint, 1e-6, through 300 ms", true, [](const Ways& w) { return w.by_adjoint(1e-6, settled); }},
      {"fixed point, neumann, 1e-6", true, [](const Ways& w) { return w.at_steady_state(neumann, 1e-9, 1e-6); }},
      {"fixed point, anderson, 1e-6", true, [](const Ways& w) { return w.at_steady_state(anderson, 1e-9, 1e-6); }},
      {"fixed point, gmres, 1e-6", true, [](const Ways& w) { return w.at_steady_state(gmres, 1e-9, 1e-6); }},
  };
  return all;
}

std::string reference_file(const std::string& folder, std::size_t c, bool steady) {
  return fmt::format("{}/{}_{}", folder, c, steady);
}

/// In the child: "ERROR SECONDS MIB" on standard output.
void measure(std::size_t c, std::size_t w, const std::string& folder) {
  const Way& way = ways()[w];
  const Ways circuit(cases()[c]);
  const double before = bench::peak_mib();
  Numbers gradient;
  std::vector<double> seconds;
  for (double total = 0; seconds.empty() || (seconds.size() < 5 && total < 2);) {
    const auto start = std::chrono::steady_clock::now();
    gradient = way.gradient(circuit);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    total += seconds.back();
  }
  const double memory = bench::peak_mib() - before;
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2), seconds.end());
  const std::string file = reference_file(folder, c, way.steady);
  if (way.name == "reference") {
    std::ofstream out(file);
    for (double x : gradient) out << fmt::format("{:.17g}\n", x);
  }
  std::ifstream in(file);
  double distance = 0, size = 0;
  for (double x : gradient) {
    double r = 0;
    in >> r;
    distance += (x - r) * (x - r);
    size += r * r;
  }
  fmt::print("{} {} {}\n", std::sqrt(distance / size), seconds[seconds.size() / 2], memory);
}

std::string table(const std::string& self, const std::string& folder, bool steady) {
  std::string out = "|";
  for (const Case& c : cases()) out += fmt::format(" | {}: error | ms | MiB", c.name);
  out += " |\n| --- |";
  for (std::size_t i = 0; i < cases().size(); ++i) out += " ---: | ---: | ---: |";
  out += "\n";
  for (std::size_t w = 0; w < ways().size(); ++w) {
    if (ways()[w].steady != steady) continue;
    std::string row = "| " + ways()[w].name + " |";
    for (std::size_t c = 0; c < cases().size(); ++c) {
      FILE* child = popen(fmt::format("{} {} {} {}", self, c, w, folder).c_str(), "r");
      double error = NAN, seconds = NAN, memory = NAN;
      const bool read = child && std::fscanf(child, "%lf %lf %lf", &error, &seconds, &memory) == 3;
      if (child) pclose(child);
      row += read ? fmt::format(" {:.0e} | {:.3g} | {:.0f} |", error, 1e3 * seconds, memory) : " failed | | |";
    }
    std::cerr << row << "\n";
    if (ways()[w].name != "reference") out += row + "\n";
  }
  return out;
}

void replace(std::string& page, const std::string& name, const std::string& text) {
  const std::string begin = "<!-- begin " + name + " -->\n", end = "<!-- end " + name + " -->";
  const auto from = page.find(begin), to = page.find(end);
  if (from == std::string::npos || to == std::string::npos) throw std::runtime_error("the page has no marker " + name);
  page.replace(from + begin.size(), to - from - begin.size(), text);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4) {
    measure(std::stoul(argv[1]), std::stoul(argv[2]), argv[3]);
    return 0;
  }
  const auto folder = std::filesystem::temp_directory_path() / "striate_gradients";
  std::filesystem::create_directories(folder);
  const std::string course = table(argv[0], folder, false), steady = table(argv[0], folder, true);
  std::filesystem::remove_all(folder);
  fmt::print("{}\n{}", course, steady);
  if (argc < 2) return 0;
  std::stringstream page;
  page << std::ifstream(argv[1]).rdbuf();
  std::string text = page.str();
  replace(text, "course", course);
  replace(text, "steady", steady);
  std::ofstream(argv[1]) << text;
}
