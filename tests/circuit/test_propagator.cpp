// The exact step of linear circuits: beside closed forms of potentials, and values of NEST's own acceptance tests.
#include "circuit/propagator.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "circuit/discretise.hpp"
#include "circuit/program/function.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/differences.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

std::string circuit_text(const std::string& lines) { return "circuit c\n" + lines; }

/// The states after `steps` steps of size h from the initial ones.
std::vector<double> run(const std::string& lines, double h, int steps) {
  Place c(discretise(read_circuit(circuit_text(lines)), Scheme::exact, h));
  c.system.initial(c.p, c.u, c.y, c.workspace);
  for (int i = 0; i < steps; ++i) c.y = c.rhs();
  return c.y;
}

std::string refusal(const std::string& lines) {
  try {
    discretise(read_circuit(circuit_text(lines)), Scheme::exact, 0.1);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

double difference_of(std::vector<double> z) {
  std::vector<Expr> e;
  for (const double x : z) e.push_back(Expr(x));
  return constant_value(exp_difference(e))[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(propagator)

// nest/nest-simulator: testsuite/pytests/neurons/test_iaf_ps_dc_accuracy.py: 1000 pA into tau 10 ms, C 250 pF; V = 40
// mV (1 - e^(-t/tau)). Adding up 40960 steps rounds each to half a unit of 1.8e-15: 1e-13 is what a random walk of them
// reaches.
BOOST_AUTO_TEST_CASE(a_constant_current_charges_a_membrane_exactly_at_any_step) {
  const std::string membrane =
      "parameter C = 250 pF\nparameter tau = 10 ms\nparameter I = 1000 pA\nV(0) = 0\ndV/dt = -V/tau + I/C : mV\n";
  for (int power = 0; power <= 13; ++power) {
    const double h = std::ldexp(1, -power);
    BOOST_TEST(std::abs(run(membrane, h, 5 << power)[0] - 15.738773611494664) < 1e-13);
  }
  for (int power = 0; power <= 6; ++power)
    BOOST_TEST(std::abs(run(membrane, std::ldexp(1, -power), 500 << power)[0] - 40 * -std::expm1(-50.0)) < 1e-9);
}

// V(t) = R I tau_s/(tau_m - tau_s) (e^(-t/tau_m) - e^(-t/tau_s)): the peaks of Vogels & Abbott's four weights.
BOOST_AUTO_TEST_CASE(an_exponential_current_gives_the_closed_potential) {
  for (const auto& [w, tau_s, peak] :
       {std::tuple{16.2, 5.0, 0.25513}, {13.23, 5.0, 0.20836}, {-90.0, 10.0, -2.25}, {-139.5, 10.0, -3.4875}}) {
    const std::string text = fmt::format(
        "parameter tau_s = {} ms\nparameter R = 0.1 Gohm\nparameter tau_m = 20 ms\nI(0) = {} pA\nV(0) = 0\n"
        "dI/dt = -I/tau_s : pA\ndV/dt = (R*I - V)/tau_m : mV\n",
        tau_s, w);
    const double t = 20 * tau_s / (20 - tau_s) * std::log(20 / tau_s);
    const auto y = run(text, t / 64, 64);
    BOOST_TEST(std::abs(y[0] - w * std::exp(-t / tau_s)) < 1e-13);
    const double exact = 0.1 * w * tau_s / (20 - tau_s) * (std::exp(-t / 20) - std::exp(-t / tau_s));
    BOOST_TEST(std::abs(y[1] - exact) < 1e-14);
    BOOST_TEST(std::abs(y[1] - peak) < 5e-6);  // the digits printed
  }
}

// nest/nest-simulator: testsuite/pytests/neurons/test_iaf_ps_psp_accuracy.py: alpha current of peak 500 pA.
BOOST_AUTO_TEST_CASE(an_alpha_current_gives_the_potentials_of_nests_test) {
  const std::string text =
      "parameter tau_s = 0.3 ms\nparameter tau_m = 10 ms\nparameter C = 250 pF\ny(0) = 500 pA * "
      "2.718281828459045/tau_s\n"
      "I(0) = 0\nV(0) = 0\ndy/dt = -y/tau_s : pA/ms\ndI/dt = y - I/tau_s : pA\ndV/dt = I/C - V/tau_m : mV\n";
  // The digits printed there.
  for (const int steps : {1, 3, 64}) {
    BOOST_TEST(std::abs(run(text, 0.867876488 / steps, steps)[2] - 1.2237180270) < 5e-9);
    BOOST_TEST(std::abs(run(text, 3.867876488 / steps, steps)[2] - 1.1773370092) < 5e-9);
  }
}

// Three time constants, equal, close and far: independent of the order and consistent between one step and many.
BOOST_AUTO_TEST_CASE(chains_of_any_time_constants_take_one_long_step_as_many_short_ones) {
  for (const auto& [a, b, c] : {std::tuple{2.0, 2.0, 2.0},
                                {2.0, 2.0 + 1e-9, 10.0},
                                {0.01, 5.0, 100.0},
                                {10.0, 2.0, 1.999},
                                {1.0, 1.0, 7.0},
                                {3.0, 0.5, 3.0}}) {
    const std::string text = fmt::format(
        "axis n = 2\nparameter a = {} ms\nparameter b = {} ms\nparameter c = {} ms\nparameter k[n] = [1, 2] 1/ms\n"
        "x(0) = 1\ny(0) = 2\nz(0) = 0.5\n"
        "dx/dt = -x/a + 0.3 [1/ms] : 1\ndy/dt = 2*k*x - y/b : 1 [n]\ndz/dt = (y + 0.1*x - z)/c : 1 [n]\n",
        a, b, c);
    const auto one = run(text, 6, 1), many = run(text, 6.0 / 128, 128);
    for (std::size_t i = 0; i < one.size(); ++i)
      BOOST_TEST(one[i] == many[i], boost::test_tools::tolerance(1e-13));  // 128 roundings
  }
}

BOOST_AUTO_TEST_CASE(divided_differences_of_exp_are_accurate_near_and_far) {
  // By the definition in long double where that is accurate; by derivatives of exp over factorials where all are equal.
  BOOST_TEST(difference_of({0.3, 0.3}) == std::exp(0.3), boost::test_tools::tolerance(1e-15));
  BOOST_TEST(difference_of({-1, -1, -1, -1}) == std::exp(-1.0) / 6, boost::test_tools::tolerance(4e-15));
  const auto naive = [](long double a, long double b, long double c) {
    const long double ab = (std::exp(a) - std::exp(b)) / (a - b), bc = (std::exp(b) - std::exp(c)) / (b - c);
    return static_cast<double>((ab - bc) / (a - c));
  };
  for (const auto& [a, b, c] : {std::tuple{-0.1, -0.5, -1.7},
                                {-5.0, -0.2, 0.0},
                                {-40.0, -1.0, -3.0},
                                {-0.3, 0.6, 0.2},
                                {-1.3, -0.4, -0.9},
                                {-200.0, -0.01, -2.0}})
    BOOST_TEST(difference_of({a, b, c}) == naive(a, b, c), boost::test_tools::tolerance(2e-14));
  BOOST_TEST(difference_of({-0.1, -0.1 + 1e-10, -0.1 - 1e-10}) == std::exp(-0.1) / 2,
             boost::test_tools::tolerance(1e-15));
  const double two_close = difference_of({-3, -3 + 1e-9, -1});
  BOOST_TEST(two_close == difference_of({-3, -3, -1}), boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(derivatives_of_the_exact_step_agree_with_differences) {
  Place c(discretise(
      read_circuit(circuit_text(
          "axis n = 3\nparameter a = 2 ms\nparameter b[n] = [2, 2.5, 9] ms\nparameter c = 11 ms\ninput u : 1\n"
          "dx/dt = (u - x)/a : 1\ndy/dt = (x - y)/b : 1 [n]\ndz/dt = (y - z)/c : 1 [n]\n")),
      Scheme::exact, 0.8));
  c.check_first();
}

BOOST_AUTO_TEST_CASE(rates_that_are_not_solved_exactly_are_refused_by_name) {
  const std::string solves =
      ", but exact solves rates that are linear in the states, element by element, with constant "
      "coefficients. Use exponential_euler, or another method.";
  BOOST_TEST(refusal("dg/dt = -g/(5 ms) : 1\ndV/dt = -g*V/(5 ms) : 1\n") ==
             "circuit 'c': the rate of V is not linear" + solves);
  BOOST_TEST(refusal("input u : 1\ndV/dt = -u*V/(5 ms) : 1\n") ==
             "circuit 'c': the rate of V multiplies V by u" + solves);
  BOOST_TEST(refusal("dV/dt = (cos(t/(1 ms)) - V)/(5 ms) : 1\n") ==
             "circuit 'c': the rate of V depends on the time" + solves);
  BOOST_TEST(refusal("axis n = 3\ndV/dt = (mean(V, n) - V)/(5 ms) : 1 [n]\n") ==
             "circuit 'c': the rate of V is not linear" + solves);
  BOOST_TEST(refusal("dV/dt = (w - V)/(5 ms) : 1\ndw/dt = (V - w)/(9 ms) : 1\n").find("depend on each other") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
