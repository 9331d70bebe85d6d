#include "integrators/continuation.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "integrators/lyapunov.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;
using std::numbers::pi;

namespace {

ContinuationSettings over(const std::string& parameter, double low, double high) {
  ContinuationSettings s;
  s.parameter = parameter;
  s.low = low;
  s.high = high;
  return s;
}

std::vector<SpecialPoint> of_kind(const Branch& branch, Bifurcation kind) {
  std::vector<SpecialPoint> found;
  for (const auto& s : branch.special)
    if (s.kind == kind) found.push_back(s);
  return found;
}

/// dz/dt = (a + 2i) z - (1 + i/2)|z|^2 z
const char* normal_form =
    "circuit normal_form\ntime ms\nparameter a = -0.5 1\nx(0) = 0\ny(0) = 0\nr2 := x^2 + y^2\n"
    "dx/dt = (a*x - 2*y - r2*(x - y/2))/(1 ms) : 1\ndy/dt = (a*y + 2*x - r2*(y + x/2))/(1 ms) : 1\n";

/// The chimera of two populations: order r of the one that drifts, and the phase psi between them.
const char* chimera = R"(circuit chimera
time s
parameter A = 0.2 1
parameter beta = 0.1 1
alpha := pi/2 - beta
mu := (1 + A)/2
nu := (1 - A)/2
r(0) = 0.72915
psi(0) = -0.20941
dr/dt = (1 - r^2)/2*(mu*r*cos(alpha) + nu*cos(psi - alpha))/(1 s) : 1
dpsi/dt = ((1 + r^2)/(2*r)*(mu*r*sin(alpha) - nu*sin(psi - alpha)) - mu*sin(alpha) - nu*r*sin(psi + alpha))/(1 s) : 1
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_continuation)

BOOST_AUTO_TEST_CASE(the_saddle_node_normal_form_turns_back_at_zero) {
  // x' = a + x^2: x = -+sqrt(-a), stable below 0, the fold at a = 0, x = 0.
  const auto branches = continue_branches(
      problem("circuit fold\ntime ms\nparameter a = -1 1\nx(0) = -1\ndx/dt = (a + x^2)/(1 ms) : 1\n", 1),
      over("a", -1.5, 1));
  BOOST_TEST(branches.size() == 1u);
  const auto folds = of_kind(branches[0], Bifurcation::fold);
  BOOST_REQUIRE(folds.size() == 1u);
  BOOST_TEST(branches[0].special.size() == 1u);
  BOOST_TEST(std::abs(folds[0].at.parameter) < 1e-9);
  BOOST_TEST(std::abs(folds[0].at.y[0]) < 1e-6);  // the square root of what the parameter is known to
  for (const auto& p : branches[0].points) {
    BOOST_TEST(std::abs(p.parameter + p.y[0] * p.y[0]) < 1e-9);
    BOOST_TEST((p.unstable == 1) == (p.y[0] > 0));
  }
  BOOST_TEST(branches[0].points.front().parameter == -1.5, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(branches[0].points.back().parameter == -1.5, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(an_unfolded_cusp_has_two_folds_at_their_closed_form) {
  // x' = a + x - x^3: folds at x = +-1/sqrt(3), a = -+2/(3 sqrt(3)).
  const auto branch = continue_branches(
      problem("circuit cusp\ntime ms\nparameter a = -1 1\nx(0) = -1.3\ndx/dt = (a + x - x^3)/(1 ms) : 1\n", 1),
      over("a", -1, 1))[0];
  const auto folds = of_kind(branch, Bifurcation::fold);
  BOOST_REQUIRE(folds.size() == 2u);
  const double a = 2 / (3 * std::sqrt(3));
  BOOST_TEST(folds[0].at.parameter == a, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(folds[1].at.parameter == -a, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(the_hopf_normal_form_has_its_point_and_its_cycles_of_closed_amplitude_and_period) {
  const auto branches = continue_branches(problem(normal_form, 1), over("a", -1, 1));
  BOOST_REQUIRE(branches.size() == 2u);
  const auto hopf = of_kind(branches[0], Bifurcation::hopf);
  BOOST_REQUIRE(hopf.size() == 1u);
  BOOST_TEST(std::abs(hopf[0].at.parameter) < 1e-9);
  BOOST_TEST(branches[1].cycles);
  for (const auto& p : branches[1].points) {
    BOOST_TEST(std::abs(p.y[0] * p.y[0] + p.y[1] * p.y[1] - p.parameter) < 1e-7);
    BOOST_TEST(p.period == 2 * pi / (2 - p.parameter / 2), boost::test_tools::tolerance(1e-6));
    BOOST_TEST(p.unstable == 0u);
  }
  BOOST_TEST(branches[1].points.back().parameter == 1, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(a_pitchfork_is_a_branch_point) {
  const auto branch = continue_branches(
      problem("circuit pitchfork\ntime ms\nparameter a = -1 1\nx(0) = 0\ndx/dt = (a*x - x^3)/(1 ms) : 1\n", 1),
      over("a", -1, 1))[0];
  const auto points = of_kind(branch, Bifurcation::branch_point);
  BOOST_REQUIRE(points.size() == 1u);
  BOOST_TEST(std::abs(points[0].at.parameter) < 1e-8);
}

BOOST_AUTO_TEST_CASE(the_chimera_of_two_populations_is_born_breathes_and_is_lost_where_it_must) {
  auto settings = over("A", 0.05, 0.5);
  settings.step = 0.03;
  const auto branches = continue_branches(problem(chimera, 1), settings);
  BOOST_REQUIRE(branches.size() >= 2u);
  // Fold and Hopf: the zeros of the rates with the determinant, or the trace, of their Jacobian, by SciPy's fsolve.
  const auto folds = of_kind(branches[0], Bifurcation::fold);
  BOOST_REQUIRE(folds.size() == 1u);
  BOOST_TEST(std::abs(folds[0].at.parameter - 0.1783409) < 1e-7);
  BOOST_TEST(std::abs(folds[0].at.y[0] - 0.82064244) < 1e-6);
  const auto hopf = of_kind(branches[0], Bifurcation::hopf);
  BOOST_REQUIRE(hopf.size() == 1u);
  BOOST_TEST(std::abs(hopf[0].at.parameter - 0.27777548) < 1e-8);
  // The cycle is lost between 0.353 and 0.354 in direct integrations.
  const auto lost = of_kind(branches[1], Bifurcation::homoclinic);
  BOOST_REQUIRE(lost.size() == 1u);
  BOOST_TEST((0.353 < lost[0].at.parameter && lost[0].at.parameter < 0.354));
  for (const auto& p : branches[1].points)
    if (std::abs(p.parameter - 0.28) < 1e-3) BOOST_TEST(std::abs(p.period - 33.9) < 0.5);  // breathing at 0.28
}

BOOST_AUTO_TEST_CASE(what_cannot_be_continued_is_refused) {
  BOOST_CHECK_THROW(continue_branches(problem(normal_form, 1), over("b", -1, 1)), Error);
  BOOST_CHECK_THROW(continue_branches(problem(normal_form, 1), over("a", 0, 1)), Error);
  BOOST_CHECK_THROW(
      continue_branches(problem("circuit grows\ntime ms\nparameter a = 1 1\ndx/dt = (a + exp(x))/(1 ms) : 1\n", 1),
                        over("a", 0, 2)),
      Failure);
}

BOOST_AUTO_TEST_CASE(the_largest_lyapunov_exponents_of_known_flows) {
  const char* lorenz =
      "circuit lorenz\ntime 1\nx(0) = 1\ny(0) = 1\nz(0) = 20\ndx/dt = 10*(y - x) : 1\n"
      "dy/dt = x*(28 - z) - y : 1\ndz/dt = x*y - 8/3*z : 1\n";
  LyapunovSettings s{.transient = 20, .duration = 2000, .step = 0.01};
  const auto chaotic = lyapunov_exponent(problem(lorenz, 1), s);
  // 0.9056 (Viswanath 1998); the course of 2000 units scatters by its own standard error.
  BOOST_TEST(std::abs(chaotic.value - 0.9056) < 4 * chaotic.standard_error + 0.003);
  BOOST_TEST(chaotic.standard_error < 0.02);
  // A cycle is neutral along itself; beside a fixed point the slowest rate decides.
  BOOST_TEST(std::abs(lyapunov_exponent(problem(normal_form, 1, {0.1, 0}), {20, 100, 0.01, 0}).value + 0.5) < 1e-6);
}

BOOST_AUTO_TEST_CASE(the_largest_exponent_of_identical_oscillators_in_phase_is_0_or_their_repulsion) {
  // theta_i' = K mean sin(theta_j - theta_i) in phase: eigenvalue 0 along the cycle, -K across it.
  for (const double K : {0.7, -0.7}) {
    const auto text =
        "circuit phases\ntime ms\naxis unit = 8\naxis other = 8\ntheta_j := rename(theta, unit, other)\n"
        "parameter K = " +
        std::to_string(K) +
        " 1\ntheta(0) = 0.3\n"
        "dtheta/dt = (1 + K*mean(sin(theta_j - theta), other))/(1 ms) : 1 [unit]\n";
    const auto found = lyapunov_exponent(problem(text, 1), {20, 50, 0.05, 0});
    BOOST_TEST(std::abs(found.value - std::max(0.0, -K)) < 1e-4);
  }
}

BOOST_AUTO_TEST_SUITE_END()
