// One circuit, one loss, every way to its gradient: they must give the same numbers.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "circuit/discretise.hpp"
#include "integrators/adjoint.hpp"
#include "integrators/bptt.hpp"
#include "integrators/fixed_point.hpp"
#include "integrators/sensitivities.hpp"
#include "integrators/steady_state.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

using Numbers = std::vector<double>;

/// Two smooth populations on a ring, with parameters of every kind and initial states that depend on one.
constexpr const char* ring = R"(circuit ring
axis n = 12
parameter tau_E = 10 ms in (0, inf)
parameter tau_I = 4 ms in (0, inf)
parameter w[n] = [0.9, 1.1, 1, 1, 0.8, 1, 1.2, 1, 1, 0.7, 1, 1] 1
parameter sd = 1.5 1 in (0, inf)
parameter start = 0.3 1
input X[n] : 1
E(0) = start*w
I(0) = 0
near := conv(E, gaussian(n, size=7, sd=sd), border=circular)
dE/dt = (-E + softplus(X + 0.8*near - 0.9*I*E))/tau_E : 1 [n]
dI/dt = (-I + softplus(w*E + 0.5*mean(E, n) - 0.5))/tau_I : 1 [n]
)";

const Circuit& circuit() {
  static const Circuit c = read_circuit(ring);
  return c;
}

Numbers image() {
  Numbers u(12);
  for (std::size_t i = 0; i < 12; ++i) u[i] = 0.4 + 0.3 * std::cos(static_cast<double>(i));
  return u;
}

double squares(std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
  double value = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double w = 1 + 0.1 * static_cast<double>(i);
    value += w * y[i] * y[i];
    ybar[i] += 2 * w * y[i];
  }
  return value;
}

Problem flow(double t1) {
  return {compile<double>(circuit()), {}, std::make_shared<ConstantDrive>(image()), {}, 0.0, t1, {}};
}

Gradient<double> through_steps(Scheme scheme, double t1, std::size_t steps) {
  const auto map = compile<double>(discretise(circuit(), scheme, t1 / static_cast<double>(steps)));
  auto workspace = map.workspace();
  const Numbers p = map.default_parameters(), u = image();
  const Loss<double> last = [steps](std::size_t n, std::span<const double> y, std::span<double> ybar,
                                    std::span<double> pbar) { return n == steps ? squares(n, y, ybar, pbar) : 0.0; };
  return bptt<double>({map, p, {}, 0, steps, [&](std::size_t) { return std::span<const double>(u); }}, last, workspace)
      .gradient;
}

double distance(const Numbers& a, const Numbers& b) {
  double d = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) d += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
  return std::sqrt(d / size);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_five_ways)

BOOST_AUTO_TEST_CASE(the_derivative_of_the_steps_converges_to_that_of_the_flow_with_the_order_of_the_scheme) {
  const Numbers end{15};
  const auto exact = adjoint(flow(15), named("adams", 1e-12), end, squares).gradient;
  const std::map<Scheme, double> orders = {
      {Scheme::euler, 1}, {Scheme::heun, 2}, {Scheme::rk4, 4}, {Scheme::exponential_euler, 1}};
  for (const auto& [scheme, order] : orders) {
    const double coarse = distance(through_steps(scheme, 15, 20).p, exact.p),
                 fine = distance(through_steps(scheme, 15, 40).p, exact.p);
    BOOST_TEST(std::abs(std::log2(coarse / fine) - order) < 0.25,
               "scheme " << static_cast<int>(scheme) << ": " << std::log2(coarse / fine));
  }
  BOOST_TEST(distance(through_steps(Scheme::rk4, 15, 400).p, exact.p) < 1e-9);
  BOOST_TEST(distance(through_steps(Scheme::rk4, 15, 400).y0, exact.y0) < 1e-9);
}

BOOST_AUTO_TEST_CASE(at_a_steady_state_all_five_agree_with_differences) {
  // Relaxed for forty of the slowest time constants: what is left of the start is below 1e-12.
  const double t1 = 400;
  const Numbers end{t1};
  SteadySettings tight;
  tight.tolerance = 1e-13;
  const auto loss_at = [&](const Numbers& p) {
    Problem problem = flow(1);
    problem.p = p;
    const auto y = steady_state(problem, tight).y;
    Numbers ybar(y.size());
    return squares(0, y, ybar, {});
  };
  const Problem problem = flow(t1);
  const Numbers p = problem.system.default_parameters(), u = image();
  Numbers difference(p.size());
  for (std::size_t k = 0; k < p.size(); ++k) {
    const double h = 2e-3;
    for (const auto& [shift, weight] : std::map<double, double>{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}}) {
      Numbers moved = p;
      moved[k] += shift * h;
      difference[k] += weight * loss_at(moved) / (12 * h);
    }
  }
  // Fourth order at h = 2e-3: 1e-11 times a fifth derivative, and 1e-13/h of rounding.
  const double bound = 1e-8;
  for (const char* name : {"adams", "bdf"})
    BOOST_TEST(distance(adjoint(problem, named(name, 1e-11), end, squares).gradient.p, difference) < bound);

  std::vector<std::string> names;
  for (const Field& f : problem.system.parameters()) names.push_back(f.name);
  const auto s = sensitivities(problem, named("adams", 1e-11), unit_directions(problem.system, names), end);
  Numbers ybar(24), forward(p.size());
  squares(0, s.y[0], ybar, {});
  for (std::size_t k = 0; k < p.size(); ++k)
    for (std::size_t i = 0; i < 24; ++i) forward[k] += ybar[i] * s.s[0][k][i];
  BOOST_TEST(distance(forward, difference) < bound);

  BOOST_TEST(distance(through_steps(Scheme::heun, t1, 400).p, difference) < bound);

  const auto y = steady_state(flow(1), tight).y;
  Numbers g(24);
  squares(0, y, g, {});
  auto workspace = problem.system.workspace();
  for (const auto* name : {"neumann", "gmres", "anderson"}) {
    FixedPointSettings settings;
    settings.solver = fixed_point_solver_named(name);
    settings.tolerance = 1e-11;
    settings.products = 500;
    Numbers pbar(p.size());
    const auto report = fixed_point_vjp<double>(problem.system, {0, y, p, u}, g, {{}, pbar}, settings, workspace);
    BOOST_TEST(distance(pbar, difference) < bound, name);
    BOOST_TEST(report.forward_residual < 1e-11);
    BOOST_TEST(report.warnings.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
