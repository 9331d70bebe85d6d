#include <cmath>
#include "integrators/steady_state.hpp"
namespace striate {
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
}
