// What the kinks of a rectifier do to each adaptive method: error of the worst unit against work, for a hard and a
// smooth rectifier in the same circuit. The table is in docs/integrators.md.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "integrators/integrator.hpp"

using namespace striate;

namespace {

/// 400 units on a ring with a near and a far surround; the input differs from unit to unit, and so does the time at
/// which each crosses its threshold.
Problem ring(const std::string& rectified) {
  const std::string text =
      "circuit ring\ntime ms\naxis i = 400 in [0, 360] deg circular\n"
      "E(0) = 0\nI(0) = 0\n"
      "S := 1.2*exp(3*(cos(coordinate(i) - 60 deg) - 1))\n"
      "P := conv(E, gaussian(i, size=121, sd=20), border=circular)\n"
      "Q := conv(I, gaussian(i, size=241, sd=60), border=circular)\n"
      "drive_E := S - (0.8*E + 0.25)*Q - 0.05\n"
      "drive_I := 20*P - 0.1\n"
      "dE/dt = (-E + " +
      rectified +
      "(drive_E)))/(10 ms) : 1 [i]\n"
      "dI/dt = (-I + " +
      rectified + "(drive_I)))/(15 ms) : 1 [i]\n";
  return {compile<double>(read_circuit(text)), {}, nullptr, {}, 0.0, 200.0, {}};
}

const std::vector<double> times = {5, 10, 20, 40, 70, 100, 150, 200};

struct Run {
  std::vector<double> y;
  double work = 0;  // evaluations; a product with the Jacobian counts two
};

Run run(const Problem& problem, const std::string& name, double tolerance) {
  Method method;
  method.name = name;
  method.rtol = tolerance;
  method.atol = tolerance / 10;
  if (name.starts_with("imex")) method.implicit = {"E"};
  Run result;
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) { result.y.insert(result.y.end(), y.begin(), y.end()); };
  const Counters c = solve(problem, method, times, observer).counters;
  result.work = static_cast<double>(c.rhs + 2 * c.jvp);
  return result;
}

double worst(const Run& a, const Run& b) {
  double e = 0;
  for (std::size_t i = 0; i < a.y.size(); ++i) e = std::max(e, std::abs(a.y[i] - b.y[i]));
  return e;
}

}  // namespace

int main() {
  const std::vector<std::string> methods = {"bs32", "zonneveld43", "dp54", "adams", "bdf", "imex3"};
  const std::vector<double> goals = {1e-3, 1e-4, 1e-5, 1e-6, 1e-7};
  for (const auto& [title, rectified] :
       {std::pair{"hard rectifier, relu(x)", "relu("}, {"smooth rectifier, softplus(20 x)/20", "0.05*softplus(20*"}}) {
    const std::string function = rectified;
    const Problem problem = ring(function);
    const Run reference = run(problem, "dp54", 1e-12), second = run(problem, "zonneveld43", 1e-11);
    fmt::print("\n{}: evaluations until the worst unit's error is below ...   (two references agree to {:.0e})\n",
               title, worst(reference, second));
    fmt::print("| method |");
    for (double goal : goals) fmt::print(" {:.0e} |", goal);
    fmt::print(" error at rtol 1e-5 |\n");
    for (const std::string& name : methods) {
      std::vector<std::pair<double, double>> points;  // work, error; as the tolerance falls by thirds of a decade
      double at_default = 0;
      for (int k = 6; k <= 30; ++k) {
        const double tolerance = std::pow(10.0, -k / 3.0);
        const Run r = run(problem, name, tolerance);
        points.emplace_back(r.work, worst(r, reference));
        if (k == 15) at_default = points.back().second;
      }
      fmt::print("| {} |", name);
      for (double goal : goals) {
        // Reached for good: every tighter tolerance stays below the goal too.
        std::size_t first = points.size();
        while (first > 0 && points[first - 1].second < goal) --first;
        if (first == points.size())
          fmt::print(" - |");
        else
          fmt::print(" {:.0f} |", points[first].first);
      }
      fmt::print(" {:.0e} |\n", at_default);
    }
  }
}
