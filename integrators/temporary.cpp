#include <cmath>
#include "integrators/steady_state.hpp"
namespace striate {
std::vector<double> Drive::breakpoints(double, double) const { return {}; }
std::vector<std::string> method_names() { return {"rk4"}; }
SteadyState steady_state(const Problem& p, const SteadySettings& s) {
  SteadyState r;
  auto ws = p.system.workspace();
  std::vector<double> u(p.system.inputs().size());
  p.drive->evaluate(0, u);
  r.y.resize(p.system.states().size());
  p.system.initial(p.p, u, r.y, ws);
  auto f = r.y;
  for (int k = 0; k < 3000; ++k) {
    p.system.rhs({0, r.y, p.p, u}, f, ws);
    double m = 0;
    for (size_t i = 0; i < f.size(); ++i) {
      r.y[i] += f[i];
      m = std::max(m, std::abs(f[i]));
    }
    r.residual = m;
    r.counters.rhs++;
    if (m < s.tolerance) break;
  }
  return r;
}
Solution solve(const Problem& p, const Method&, std::span<const double> times, const Observer& o) {
  Solution s;
  auto ws = p.system.workspace();
  std::vector<double> u(p.system.inputs().size()), y(p.system.states().size()), f(y.size());
  p.drive->evaluate(0, u);
  p.system.initial(p.p, u, y, ws);
  double t = 0;
  size_t k = 0;
  double h = 0.1;
  for (;;) {
    while (k < times.size() && t >= times[k] - 1e-9) {
      o.sample(times[k], y);
      ++k;
    }
    if (k == times.size()) break;
    p.drive->evaluate(t, u);
    p.system.rhs({t, y, p.p, u}, f, ws);
    for (size_t i = 0; i < y.size(); ++i) y[i] += h * f[i];
    t += h;
    s.counters.steps++;
  }
  return s;
}
}  // namespace striate
