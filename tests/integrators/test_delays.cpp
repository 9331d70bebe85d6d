// Delays: orders and closed solutions, delays for each element, what a restart and a jump do to the past.
#include <omp.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "base/error.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

std::string scalar(double tau) {
  return "circuit c\ntime 1\nparameter tau = " + std::to_string(tau) +
         " 1\ny(t <= 0) = 1\ndy/dt = -delayed(y, tau) : 1\n";
}

/// y' = -y(t - tau) with y = 1 before 0, by the method of steps: sum over k of (-1)^k (t - (k-1) tau)^k / k!, as long
/// as the brackets are positive (Bellman & Cooke 1963, 3.4).
double exact(double t, double tau) {
  double sum = 1, factorial = 1;
  for (int k = 1; t - (k - 1) * tau > 0; ++k) {
    factorial *= k;
    sum += (k % 2 ? -1 : 1) * std::pow(t - (k - 1) * tau, k) / factorial;
  }
  return sum;
}

double error_of(const std::string& method, double setting, double tau) {
  const Problem p = problem(scalar(tau), 5);
  const Method m = prepared(method, setting, setting, {});
  return std::abs(solve(p, m).y[0] - exact(5, tau));
}

std::string refusal(const std::string& text, const std::string& method, double step = 0) {
  try {
    Method m;
    m.name = method;
    m.step = step;
    solve(problem(text, 1), m);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

Method fixed(const std::string& name, double step) {
  Method m;
  m.name = name;
  m.step = step;
  return m;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_delays)

// One delay on the grid of the steps, and one that is not: the run then stops where derivatives jump.
BOOST_AUTO_TEST_CASE(fixed_steps_keep_their_order) {
  for (const double tau : {1.0, 0.732}) {
    for (const auto& [name, order] : {std::pair{"euler", 1}, std::pair{"heun", 2}, std::pair{"rk4", 4}}) {
      // Over two halvings: steps that are cut at a stop make one of them scatter.
      const double slope = std::log2(error_of(name, 0.1, tau) / error_of(name, 0.025, tau)) / 2;
      BOOST_TEST_CONTEXT(name << " tau " << tau << ": order " << slope)
      BOOST_TEST(slope > order - 0.25);
    }
    BOOST_TEST(error_of("rk4", 0.025, tau) < 1e-8);
  }
}

// Errors over five delays against the tolerance; an adaptive method may miss its local tolerance by some tens in all.
BOOST_AUTO_TEST_CASE(adaptive_methods_follow_their_tolerance) {
  for (const char* name : {"bs32", "dp54", "adams", "bdf", "arkode_bs32", "arkode_dp54", "zonneveld43"})
    for (const double tolerance : {1e-5, 1e-8})
      BOOST_TEST_CONTEXT(name << " " << tolerance << ": " << error_of(name, tolerance, 0.732))
  BOOST_TEST(error_of(name, tolerance, 0.732) < 50 * tolerance);
}

// y = cos t solves y' = -y(t - pi/2) when it was cos t before: no derivative jumps, and the past is a function.
BOOST_AUTO_TEST_CASE(the_past_may_be_a_function_of_time) {
  const Problem p = problem(
      "circuit c\ntime 1\nconstant quarter = 1.5707963267948966\ny(t <= 0) = cos(t)\ndy/dt = -delayed(y, quarter) : "
      "1\n",
      10);
  for (const char* name : {"bs32", "dp54", "adams"})
    BOOST_TEST(std::abs(solve(p, prepared(name, 1e-9, 0, {})).y[0] - std::cos(10)) < 1e-7, name);
  const double coarse = std::abs(solve(p, fixed("rk4", 0.05)).y[0] - std::cos(10));
  const double fine = std::abs(solve(p, fixed("rk4", 0.025)).y[0] - std::cos(10));
  BOOST_TEST(std::abs(std::log2(coarse / fine) - 4) < 0.3);
}

// A delay for each pair of units beside the same equations with their four delays written out. One is zero.
BOOST_AUTO_TEST_CASE(delays_of_elements_are_those_of_scalars) {
  const Problem pairs = problem(R"(circuit pairs
time 1
axis unit = 2
parameter w[unit] = [1, 2] 1
D := array([0, 0.3, 0.51, 0.2], unit=2, other=2)
theta(t <= 0) = w*t
dtheta/dt = w + sum(0.5*sin(delayed(rename(theta, unit, other), D) - theta), other) : 1 [unit]
)",
                                4);
  const Problem written = problem(R"(circuit written
time 1
a(t <= 0) = t
b(t <= 0) = 2*t
da/dt = 1 + 0.5*sin(delayed(b, 0.3) - a) : 1
db/dt = 2 + 0.5*sin(delayed(a, 0.51) - b) + 0.5*sin(delayed(b, 0.2) - b) : 1
)",
                                  4);
  // Sines are taken before the delay on the left, after it on the right: what lies between the points of interpolation
  // differs by the order of the polynomials; the adaptive runs follow their tolerance.
  for (const auto& [method, tolerance] :
       {std::pair{fixed("rk4", 0.01), 1e-9}, std::pair{fixed("heun", 0.01), 1e-5},
        std::pair{prepared("dp54", 1e-9, 0, {}), 1e-7}, std::pair{prepared("bs32", 1e-8, 0, {}), 1e-6}}) {
    const auto x = solve(pairs, method).y;
    const auto y = solve(written, method).y;
    BOOST_TEST(std::abs(x[0] - y[0]) < tolerance, method.name);
    BOOST_TEST(std::abs(x[1] - y[1]) < tolerance, method.name);
  }
}

// In phase theta = Omega t with Omega = omega - K sin(Omega tau) (Yeung & Strogatz 1999), at 40 units and one delay.
BOOST_AUTO_TEST_CASE(identical_oscillators_turn_together_at_the_delayed_frequency) {
  const Problem p = problem(R"(circuit c
time 1
axis unit = 40
theta(t <= 0) = 2*t + 0.1*sin(index(unit))
dtheta/dt = 2 + 1.5*mean(sin(delayed(rename(theta, unit, other), 0.4) - theta), other) : 1 [unit]
)",
                            60);
  double omega = 2;
  for (int i = 0; i < 200; ++i) omega = 2 - 1.5 * std::sin(omega * 0.4);
  std::vector<std::vector<double>> at;
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) { at.emplace_back(y.begin(), y.end()); };
  const std::vector<double> times{50, 60};
  solve(p, prepared("dp54", 1e-9, 0, {}), times, observer);
  BOOST_TEST(std::abs((at[1][3] - at[0][3]) / 10 - omega) < 1e-7);
  BOOST_TEST(std::abs(at[1][3] - at[1][17]) < 1e-7);
}

// delayed(delayed(y, a), b) is delayed(y, a + b), also before the start; expressions are delayed as a whole.
BOOST_AUTO_TEST_CASE(delays_nest_and_take_expressions) {
  const std::string head = "circuit c\ntime 1\ny(t <= 0) = cos(t) + 2\nx(0) = 0\ndy/dt = -y : 1\n";
  const auto end = [&](const std::string& rate) {
    return solve(problem(head + "dx/dt = " + rate + " : 1\n", 3), prepared("dp54", 1e-10, 0, {})).y[1];
  };
  BOOST_TEST(std::abs(end("delayed(delayed(y, 0.4), 0.6)") - end("delayed(y, 1)")) < 1e-8);
  BOOST_TEST(std::abs(end("delayed(y^2*exp(t), 0.5)") - end("delayed(y, 0.5)^2*exp(t - 0.5)")) < 1e-7);
  BOOST_TEST(std::abs(end("delayed(y, 0)") - end("y")) < 1e-9);
}

// A jump of y at t = 1 from 1 to 3 reaches x at t = 1.7: x(2) = 1 + 2*0.3, to the rounding of the event's time.
BOOST_AUTO_TEST_CASE(a_jump_comes_back_after_the_delay) {
  for (const char* name : {"dp54", "bs32", "adams", "rk4"}) {
    const Problem p = problem(
        "circuit c\ntime 1\ny(t <= 0) = 1\ns(0) = 0\ndy/dt = 0 : 1\nds/dt = 1 : 1\n"
        "dx/dt = delayed(y, 0.7) - 0.5 : 1\nevent up when s > 1: y = 3\n",
        2);
    const auto y = solve(p, prepared(name, 1e-8, 0.13, {})).y;
    BOOST_TEST(std::abs(y[2] - (1 + 2 * 0.3)) < 1e-9, name);
  }
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_threads_or_on_a_restart) {
  Problem p = problem(R"(circuit c
time 1
axis unit = 130
D := 0.1 + 0.003*abs(index(unit) - rename(index(unit), unit, other))
theta(t <= 0) = t*(1 + sin(index(unit)))
dtheta/dt = 1 + sin(index(unit)) + mean(sin(delayed(rename(theta, unit, other), D) - theta), other) : 1 [unit]
)",
                      0.6);
  p.checkpoints = {0.3};
  for (const Method& method : {fixed("rk4", 0.05), fixed("heun", 0.037), prepared("bs32", 1e-6, 0, {})}) {
    std::vector<double> whole;
    Checkpoint saved;
    for (const int threads : {1, 3}) {
      const int before = omp_get_max_threads();
      omp_set_num_threads(threads);
      Observer observer;
      observer.checkpoint = [&](const Checkpoint& c) { saved = c; };
      const auto y = solve(p, method, {}, observer).y;
      omp_set_num_threads(before);
      if (whole.empty()) whole = y;
      BOOST_TEST(std::equal(y.begin(), y.end(), whole.begin()), method.name);
    }
    const auto rest = resume(p, method, saved).y;
    BOOST_TEST(std::equal(rest.begin(), rest.end(), whole.begin()), method.name);
  }
}

// In the middle of a run of equal steps, where an adaptive method could not be saved.
BOOST_AUTO_TEST_CASE(a_fixed_step_run_resumes_anywhere) {
  const Problem p = problem(scalar(0.732), 5);
  for (const Method& method : {fixed("rk4", 0.05), fixed("heun", 0.037), fixed("euler", 0.1)}) {
    Integrator integrator(method);
    integrator.start(p);
    for (int i = 0; i < 17; ++i) integrator.advance(5);
    const Checkpoint saved = integrator.save();
    BOOST_TEST(resume(p, method, saved).y[0] == solve(p, method).y[0], method.name);
  }
}

BOOST_AUTO_TEST_CASE(delays_are_refused_where_they_cannot_be_served) {
  BOOST_TEST(refusal(scalar(-0.5), "dp54") ==
             "c: a delay = -0.5 1, but must not be negative. Check its sign and parameters.");
  BOOST_TEST(
      refusal(scalar(0.05), "rk4", 0.1) ==
      "c: a delay = 0.05 1, but must be zero or at least the step of 0.1 1. Shorten the step, or round the delay to "
      "it.");
  const std::string zero = "circuit c\ntime 1\ny(t <= 0) = 1\ndy/dt = -delayed(y, 0) : 1\n";
  BOOST_TEST(refusal(zero, "bdf") ==
             "c: has a delay of zero, whose derivative bdf would miss. Write the undelayed value as it stands, or use "
             "adams.");
  try {
    solve(problem(scalar(1), 1), prepared("imex3", 1e-6, 0, {"y"}));
    BOOST_TEST(false);
  } catch (const Error& e) {
    BOOST_TEST(std::string(e.what()) ==
               "c: has delays, but 'imex3' takes none. Use dp54, bs32, adams or bdf, or a fixed-step method.");
  }
}

BOOST_AUTO_TEST_SUITE_END()
