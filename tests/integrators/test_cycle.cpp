#include "integrators/cycle.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;
using std::numbers::pi;

namespace {

/// dz/dt = (1 + 2i) z - (1 + b i)|z|^2 z: |z| = 1, angular frequency 2 - b.
std::string stuart_landau(double b) {
  return "circuit stuart_landau\ntime ms\nparameter b = " + std::to_string(b) +
         " 1\nx(0) = 0.3\ny(0) = 0\nr2 := x^2 + y^2\n"
         "dx/dt = (x - 2*y - r2*(x - b*y))/(1 ms) : 1\ndy/dt = (y + 2*x - r2*(y + b*x))/(1 ms) : 1\n";
}

/// E and I of Wilson and Cowan with the parameters of preset G1 at P = 1.4.
const char* wilson_cowan = R"(circuit wilson_cowan
time ms
E(0) = 0.1
I(0) = 0.05
dE/dt = (-E + (1 - E)*sigmoid(1.5*(16*E - 12*I + 1.4 - 3)))/(2.5 ms) : 1
dI/dt = (-I + (1 - I)*sigmoid(1.5*(15*E - 3*I - 3)))/(3.75 ms) : 1
)";

CycleSettings after(double transient, std::size_t samples = 0, const std::string& origin = "") {
  CycleSettings s;
  s.transient = transient;
  s.samples = samples;
  s.origin = origin;
  return s;
}

/// The point of the mesh at a phase that was asked for.
std::size_t point_at(const Cycle& c, double phase) {
  for (std::size_t k = 0; k < c.phase.size(); ++k)
    if (std::abs(c.phase[k] - phase) < 1e-12) return k;
  throw std::runtime_error("no such phase");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_cycle)

BOOST_AUTO_TEST_CASE(the_cycle_of_the_hopf_normal_form_has_its_closed_period_amplitude_and_multiplier) {
  for (const double b : {0.0, 0.5, -1.0}) {
    const Cycle c = find_cycle(problem(stuart_landau(b), 1), after(20));
    // The mesh is adapted to 1e-10 a step, over some hundred steps.
    BOOST_TEST(c.period == 2 * pi / (2 - b), boost::test_tools::tolerance(1e-8));
    for (std::size_t k = 0; k < c.phase.size(); ++k)
      BOOST_TEST(std::hypot(c.y[2 * k], c.y[2 * k + 1]) == 1.0, boost::test_tools::tolerance(1e-8));
    BOOST_TEST(c.multipliers.size() == 2u);
    BOOST_TEST(std::abs(c.multipliers[0] - 1.0) < 1e-7);
    BOOST_TEST(c.multipliers[1].real() == std::exp(-2 * c.period), boost::test_tools::tolerance(1e-4));
    BOOST_TEST(c.stable);
  }
}

BOOST_AUTO_TEST_CASE(the_phase_response_of_a_radial_isochron_clock_and_of_a_sheared_one_are_the_closed_forms) {
  for (const double b : {0.0, 0.5}) {
    const PhaseResponse r = phase_response(problem(stuart_landau(b), 1), after(20, 8, "x"));
    const double omega = 2 - b;
    BOOST_TEST(r.defect < 1e-7);
    for (int k = 0; k < 8; ++k) {
      // x is largest at theta = 0; Z = (-sin - b cos, cos - b sin)/omega in time.
      const double theta = 2 * pi * k / 8;
      const std::size_t at = point_at(r.cycle, k / 8.0);
      BOOST_TEST(std::abs(r.cycle.y[2 * at] - std::cos(theta)) < 1e-7);
      BOOST_TEST(std::abs(r.z[2 * at] - (-std::sin(theta) - b * std::cos(theta)) / omega) < 1e-6);
      BOOST_TEST(std::abs(r.z[2 * at + 1] - (std::cos(theta) - b * std::sin(theta)) / omega) < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_state_that_comes_to_rest_at_zero_is_no_part_of_the_cycle) {
  for (const double transient : {30.0, 60.0}) {
    const Cycle c = find_cycle(problem(stuart_landau(1) + "m(0) = 1\ndm/dt = -m/(1 ms) : 1\n", 1), after(transient));
    const Cycle alone = find_cycle(problem(stuart_landau(1), 1), after(transient));
    BOOST_TEST(c.period == alone.period, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(several_turns_are_not_taken_for_one_where_a_rate_jumps) {
  const std::string turning =
      "circuit r\ntime ms\nx(0) = 1\ny(0) = 0.1\nr2 := x^2 + y^2\ndx/dt = (0.5*x - y - x*r2)/(1 ms) : 1\n"
      "dy/dt = (x + 0.5*y - y*r2)/(1 ms) : 1\n";
  for (const double transient : {20.0, 50.0, 77.0, 100.0}) try {
      const Cycle c = find_cycle(problem(turning + "dq/dt = (-q + step(x))/(1 ms) : 1\n", 1), after(transient));
      BOOST_TEST(c.period == 2 * pi, boost::test_tools::tolerance(1e-6));
    } catch (const Failure& failure) {
      BOOST_TEST((std::string(failure.what()).find("smooth them") != std::string::npos), failure.what());
    }
}

BOOST_AUTO_TEST_CASE(an_angle_in_degrees_is_refused) {
  CycleSettings settings = after(40);
  settings.angles = {"phi"};
  BOOST_CHECK_EXCEPTION(
      find_cycle(problem("circuit d\ntime ms\ndphi/dt = 36 deg/(1 ms)*(1 + 0.5*sin(phi)) : deg\n", 1), settings), Error,
      [](const Error& e) { return std::string(e.what()).find("'phi' is in [deg]") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(the_phase_response_of_a_theta_neuron_is_that_of_the_quadratic_integrate_and_fire_neuron) {
  // theta' = 1 - cos + (1 + cos) I is v' = v^2 + I with v = tan(theta/2), period pi/sqrt(I), 0 at v = 0 (theta = 0);
  // a push dv is one of theta by 2/(1 + v^2), so Z_theta = (1 + v^2)/2 * (1/(v^2 + I)).
  const PhaseResponse r = [] {
    CycleSettings s = after(30, 16, "theta");
    s.angles = {"theta"};
    return phase_response(problem("circuit theta\ntime ms\ntheta(0) = 1\nparameter I = 0.04 1\n"
                                  "dtheta/dt = (1 - cos(theta) + (1 + cos(theta))*I)/(1 ms) : 1\n",
                                  1),
                          s);
  }();
  BOOST_TEST(r.cycle.period == pi / 0.2, boost::test_tools::tolerance(1e-8));
  BOOST_TEST(r.cycle.turns[0] == 2 * pi);
  for (int k = 0; k < 16; ++k) {
    const double v = 0.2 * std::tan(pi * k / 16.0);
    if (k == 8) continue;  // v is infinite
    const std::size_t at = point_at(r.cycle, k / 16.0);
    BOOST_TEST(r.z[at] == (1 + v * v) / 2 / (v * v + 0.04), boost::test_tools::tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(the_gamma_cycle_of_a_wilson_cowan_pair_has_the_tabulated_period_and_phase_response) {
  // Computed independently with a Runge-Kutta method and a backward integration of the adjoint, to four digits.
  const PhaseResponse r = phase_response(problem(wilson_cowan, 1), after(300, 8, "E"));
  BOOST_TEST(std::abs(r.cycle.period - 15.85925) < 1e-5);
  BOOST_TEST(std::abs(r.cycle.y[0] - 0.40686) < 1e-5);
  BOOST_TEST(std::abs(r.cycle.y[1] - 0.36574) < 1e-5);
  const double z_E[] = {-26.8437, -6.8784, 7.5953, 24.0001, 44.2675, 52.9402, 24.9998, -20.7796};
  const double z_I[] = {15.7119, -8.9015, -21.0041, -34.7527, -47.1772, -42.1192, -2.5298, 26.3140};
  for (int k = 0; k < 8; ++k) {
    const std::size_t at = point_at(r.cycle, k / 8.0);
    BOOST_TEST(std::abs(r.z[2 * at] - z_E[k]) < 2e-3);
    BOOST_TEST(std::abs(r.z[2 * at + 1] - z_I[k]) < 2e-3);
  }
}

BOOST_AUTO_TEST_CASE(a_push_moves_the_phase_as_the_response_says) {
  const PhaseResponse r = phase_response(problem(wilson_cowan, 1), after(300, 8, "E"));
  const std::size_t at = point_at(r.cycle, 0.625);
  const double period = r.cycle.period;
  const auto later = [&](double push) {
    Problem p = problem(wilson_cowan, 20 * period, {r.cycle.y[2 * at] + push, r.cycle.y[2 * at + 1]});
    Method m = named("dp54", 1e-12);
    m.atol = 1e-14;
    return solve(p, m).y;
  };
  // After twenty periods only the phase is left of a push; the state then moves along f by Z times the push.
  const auto ahead = later(1e-5), behind = later(-1e-5);
  Orbit orbit(problem(wilson_cowan, 1));
  std::vector<double> f(2);
  orbit.rate(ahead, f);
  const double measured = ((ahead[0] - behind[0]) * f[0] + (ahead[1] - behind[1]) * f[1]) / (f[0] * f[0] + f[1] * f[1]);
  BOOST_TEST(measured / 2e-5 == r.z[2 * at], boost::test_tools::tolerance(1e-4));
}

BOOST_AUTO_TEST_CASE(what_has_no_cycle_is_refused_or_fails_with_the_reason) {
  BOOST_CHECK_EXCEPTION(find_cycle(problem(linear_ei, 1), after(500)), Failure,
                        [](const Failure& e) { return std::string(e.what()).find("at rest") != std::string::npos; });
  BOOST_CHECK_THROW(find_cycle(problem(stuart_landau(0), 1), after(0)), Error);
  BOOST_CHECK_THROW(find_cycle(problem(stuart_landau(0), 1), after(20, 0, "z")), Error);
  BOOST_CHECK_EXCEPTION(
      find_cycle(problem("circuit driven\ntime ms\nx(0) = 0\ndx/dt = cos(t/(1 ms))/(1 ms) : 1\n", 1), after(20)), Error,
      [](const Error& e) { return std::string(e.what()).find("time itself") != std::string::npos; });
  // Two uncoupled clocks: each keeps its own phase.
  const std::string twice =
      "circuit clocks\ntime ms\naxis unit = 2\nx(0) = 0.3\ny(0) = 0.1*index(unit)\n"
      "dx/dt = (x - 2*y - (x^2 + y^2)*x)/(1 ms) : 1 [unit]\ndy/dt = (y + 2*x - (x^2 + y^2)*y)/(1 ms) : 1 [unit]\n";
  BOOST_CHECK_THROW(phase_response(problem(twice, 1), after(20)), Failure);
  // Lotka & Volterra's cycles are a family around a state of rest, whose frequency is 1.
  BOOST_CHECK_EXCEPTION(
      phase_response(
          problem("circuit prey\ntime 1\nx(0) = 1.5\ny(0) = 1\ndx/dt = x*(1 - y) : 1\ndy/dt = y*(x - 1) : 1\n", 1),
          after(100, 256)),
      Failure, [](const Failure& e) { return std::string(e.what()).find("conservative") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(an_angle_that_nobody_named_is_named_where_no_cycle_is_found) {
  const auto theta = problem("circuit theta\ntime 1\ndth/dt = 1 - cos(th) + (1 + cos(th))*0.25 : 1\n", 1);
  BOOST_CHECK_EXCEPTION(find_cycle(theta, after(50)), Failure, [](const Failure& e) {
    return std::string(e.what()).find("th only moves one way") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
