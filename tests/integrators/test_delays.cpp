// Delays: orders and closed solutions, delays for each element, what a restart and a jump do to the past.
#include <omp.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "base/error.hpp"
#include "circuit/discretise.hpp"
#include "integrators/adjoint.hpp"
#include "integrators/bptt.hpp"
#include "integrators/sensitivities.hpp"
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

/// d exact(t, tau)/dtau
double exact_by_delay(double t, double tau) {
  double sum = 0, factorial = 1;
  for (int k = 1; t - (k - 1) * tau > 0; ++k) {
    factorial *= k;
    sum -= (k % 2 ? -1 : 1) * k * (k - 1) * std::pow(t - (k - 1) * tau, k - 1) / factorial;
  }
  return sum;
}

/// Delays of two kinds and a delay within a delay, all made of parameters; a past that depends on a parameter; a drive.
const char* web = R"(circuit web
time ms
axis unit = 3
axis other = size(unit)
parameter W[unit, other] = [0.5, -0.8, 0.3, 1.1, 0.2, -0.4, 0.7, 0.9, -0.6] 1
parameter speed = 1.3 1/ms
parameter tau = 2.15 ms
parameter level = 0.4 1
parameter gain[unit] = [0.9, 1.2, 1.5] 1
input I : 1
tau_far := 1.37 ms + abs(index(unit) - index(other))/speed
a(t <= 0) = level*cos(t/(3 ms) + index(unit))
b(t <= 0) = level
da/dt = (-a + tanh(sum(W*delayed(rename(a, unit, other), tau_far), other) + gain*b + I))/(4 ms) : 1 [unit]
db/dt = (-b + sin(delayed(mean(a, unit)*b, tau)) + 0.3*delayed(delayed(b, tau), 3 ms))/(3 ms) : 1
)";

/// The same run with a parameter element moved.
std::vector<double> end_of(const Problem& problem, const Method& method, std::size_t element, double change) {
  Problem moved = problem;
  moved.p = problem.system.default_parameters();
  moved.p[element] += change;
  return solve(moved, method).y;
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

// The same sums with weights of parameters, which are summed as they are looked up, and with the same weights as states
// that rest, whose pairs are written out. Some delays and weights are zero. The
// weights come first among the states.
BOOST_AUTO_TEST_CASE(sums_of_delayed_values_are_those_of_written_pairs) {
  const auto circuit = [](const std::string& weights) {
    return "circuit c\ntime 1\naxis unit = 40\naxis other = size(unit)\n"
           "D := 0.01*mod + 0.3*sin(index(unit))^2*mod\n"
           "mod := min(1, abs(index(unit) - index(other)))\n"
           "w := 0.3*cos(index(unit)*index(other) + 1)*step(1.5 + sin(index(unit) + 2*index(other)) - 1)\n" +
           weights +
           "theta(t <= 0) = t*(1 + 0.1*index(unit))\nr(t <= 0) = 0.1*index(unit)\n"
           "dtheta/dt = 1 + sum(W*sin(delayed(rename(theta, unit, other), D) - theta - 0.3), other) : 1 [unit]\n"
           "dr/dt = -r + sum(W*tanh(2*delayed(rename(r, unit, other), D) - 0.1), other)/2 : 1 [unit]\n"
           "event kick when t > 0.5: r = r + cos(index(unit))\n";
  };
  const Problem sums = problem(circuit("W := w\n"), 1.2);
  const Problem pairs = problem(circuit("W(0) = w\ndW/dt = 0 : 1 [unit, other]\n"), 1.2);
  const auto said = sums.system.algorithms();
  BOOST_TEST(std::ranges::any_of(said, [](const AlgorithmChoice& c) { return c.algorithm == "2 sums with delays"; }));
  BOOST_TEST(pairs.system.delays().front().target == nullptr);
  for (const Method& method :
       {fixed("euler", 0.005), fixed("heun", 0.01), fixed("heun", 0.004), fixed("rk4", 0.01), fixed("rk4", 0.003)}) {
    const auto x = solve(sums, method).y;
    const auto y = solve(pairs, method).y;
    for (std::size_t i = 0; i < x.size(); ++i)
      BOOST_TEST(std::abs(x[i] - y[1600 + i]) < 1e-12, method.name << " " << i);
  }
  // Step sizes of adaptive methods follow all states, also those that rest: the tolerance is left.
  for (const char* name : {"bs32", "dp54", "adams"}) {
    const auto x = solve(sums, prepared(name, 1e-8, 0, {})).y;
    const auto y = solve(pairs, prepared(name, 1e-8, 0, {})).y;
    for (std::size_t i = 0; i < x.size(); ++i) BOOST_TEST(std::abs(x[i] - y[1600 + i]) < 1e-6, name << " " << i);
  }
}

// y adds up what x was 2 before: a pulse of 0.4 in its given past, which comes back however long the steps are; also
// summed over pairs.
BOOST_AUTO_TEST_CASE(a_pulse_of_the_given_past_comes_back) {
  const Problem p = problem(
      "circuit c\ntime 1\nparameter centre = 1.003 1\naxis unit = 2\naxis other = size(unit)\n"
      "parameter W[unit, other] = 0.5 1\nparameter tau[unit, other] = 2 1\n"
      "x(t <= 0) = where(abs(t + centre) < 0.2, 1, 0)*(1 + 0*index(unit))\ny(0) = 0\nz(0) = 0\ndx/dt = 0 : 1 [unit]\n"
      "dy/dt = delayed(x, 2) : 1 [unit]\ndz/dt = sum(W*delayed(rename(x, unit, other), tau), other) : 1 [unit]\n",
      4);
  for (const char* name : {"dp54", "bs32", "adams"}) {
    const auto y = solve(p, prepared(name, 1e-8, 0, {})).y;
    for (std::size_t i = 2; i < y.size(); ++i) BOOST_TEST(std::abs(y[i] - 0.4) < 1e-9, name << " " << i);
  }
}

// Steps that the shortest delay keeps at one length: sums are then taken for several of them at once. With y_j = sin(t
// + j) from its own past, z_i' = sum_j W_ij y_j(t - tau_ij) has a closed integral.
BOOST_AUTO_TEST_CASE(sums_over_steps_of_one_length_have_their_closed_integral) {
  const Problem p = problem(R"(circuit c
time 1
axis unit = 12
axis other = size(unit)
parameter W[unit, other] ~ uniform(-1, 1) 1
parameter tau[unit, other] ~ uniform(0.05, 1.5) 1
y(t <= 0) = sin(t + index(unit))
z(0) = 0
dy/dt = cos(t + index(unit)) : 1 [unit]
dz/dt = sum(W*delayed(rename(y, unit, other), tau), other) : 1 [unit]
)",
                            4);
  const auto parameters = p.system.default_parameters();
  const double* W = parameters.data() + p.system.parameters().at("W").offset;
  const double* tau = parameters.data() + p.system.parameters().at("tau").offset;
  for (const Method& method : {prepared("bs32", 1e-9, 0, {}), prepared("dp54", 1e-10, 0, {}),
                               prepared("adams", 1e-10, 0, {}), fixed("rk4", 0.01)}) {
    const auto y = solve(p, method).y;
    for (std::size_t i = 0; i < 12; ++i) {
      double z = 0;
      for (std::size_t j = 0; j < 12; ++j) {
        const double phase = static_cast<double>(j) - tau[12 * i + j];
        z += W[12 * i + j] * (std::cos(phase) - std::cos(4 + phase));
      }
      BOOST_TEST(std::abs(y[p.system.states().at("z").offset + i] - z) < 2e-8, method.name << " " << i);
    }
  }
}

// 19,600 pairs: enough to be shared out. A run that begins anew takes other sums together than the one it goes on from.
BOOST_AUTO_TEST_CASE(sums_have_the_same_bits_for_any_threads_and_after_a_restart) {
  Problem p = problem(R"(circuit c
time 1
axis unit = 140
axis other = size(unit)
parameter W[unit, other] ~ uniform(0, 1) 1
parameter tau[unit, other] ~ uniform(0.02, 0.3) 1
theta(t <= 0) = index(unit)
r(t <= 0) = 1
dtheta/dt = 1 + mean(W*sin(delayed(rename(theta, unit, other), tau) - theta), other) : 1 [unit]
dr/dt = -r + mean(W*tanh(delayed(rename(r, unit, other), tau)), other) : 1 [unit]
)",
                      1);
  p.checkpoints = {0.45, 0.61, 0.83};
  const int threads = omp_get_max_threads();
  for (const Method& method :
       {fixed("euler", 0.01), fixed("heun", 0.01), fixed("rk4", 0.01), prepared("dp54", 1e-6, 0, {})}) {
    omp_set_num_threads(1);
    const auto one = solve(p, method).y;
    for (const int n : {2, 7}) {
      omp_set_num_threads(n);
      BOOST_TEST((solve(p, method).y == one), method.name << " on " << n);
    }
    for (const double at : p.checkpoints) {
      Integrator first(method);
      first.start(p);
      while (first.t() < at) first.advance(at);
      BOOST_TEST((resume(p, method, first.save()).y == one), method.name << " from " << at);
    }
  }
  omp_set_num_threads(threads);
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

// A delay of zero is the value now, also inside and around others: x = cos t beside what it is seen as.
BOOST_AUTO_TEST_CASE(delays_of_zero_nest) {
  const Problem p = problem(R"(circuit c
time 1
axis unit = 2
parameter a = 0 1
parameter D[unit] = [0, 0] 1
x(t <= 0) = cos(t)
y(t <= 0) = -sin(t)
dx/dt = y : 1
dy/dt = -x : 1
u(0) = 0
v(0) = 0
s(0) = 0
du/dt = delayed(delayed(x, a), a) : 1
dv/dt = delayed(x*delayed(delayed(y, a)^2, a), a) : 1
ds/dt = sum(0.5*delayed(rename(delayed(delayed(x, a), a) + 0*index(unit), unit, other), D), other) : 1 [unit]
)",
                            3);
  for (const auto& [method, tolerance] :
       {std::pair{fixed("rk4", 0.01), 1e-9}, std::pair{prepared("dp54", 1e-8, 0, {}), 1e-6},
        std::pair{prepared("adams", 1e-8, 0, {}), 1e-6}}) {
    const auto z = solve(p, method).y;
    BOOST_TEST(std::abs(z[2] - std::sin(3)) < tolerance, method.name);
    BOOST_TEST(std::abs(z[3] - std::pow(std::sin(3), 3) / 3) < tolerance, method.name);
    for (const std::size_t i : {4U, 5U}) BOOST_TEST(std::abs(z[i] - std::sin(3)) < tolerance, method.name);
  }
}

// Steps of x = sin t grow to the delay, so that samples inside a step look back beyond the begin of the run's last
// steps.
BOOST_AUTO_TEST_CASE(samples_inside_a_step_look_back_as_far_as_its_begin) {
  const Problem p = problem(
      "circuit c\ntime 1\nx(t <= 0) = sin(t)\nv(t <= 0) = cos(t)\ny(0) = 0\n"
      "dx/dt = v : 1\ndv/dt = -x : 1\ndy/dt = delayed(x, 3) : 1\n",
      20);
  std::vector<double> times;
  for (int k = 1; k <= 2000; ++k) times.push_back(0.01 * k);
  for (const char* name : {"bs32", "dp54", "arkode_dp54", "adams", "bdf"})
    for (const double tolerance : {1e-4, 1e-8}) {
      std::vector<double> delayed, worst(2);
      Observer observer;
      observer.inputs = [&](const At<double>& at) { delayed.assign(at.u.begin(), at.u.end()); };
      observer.sample = [&](double t, std::span<const double> y) {
        worst[0] = std::max(worst[0], std::abs(y[0] - std::sin(t)));
        worst[1] = std::max(worst[1], std::abs(delayed[0] - std::sin(t - 3)));
      };
      solve(p, prepared(name, tolerance, 0, {}), times, observer);
      BOOST_TEST(worst[1] < 2 * worst[0], name << " " << tolerance << ": " << worst[1] << " of " << worst[0]);
    }
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

// V jumps from 0 to 1 at 1.2345, and the delay is a hundred steps: W = t - 5.2345, to rounding with every method.
BOOST_AUTO_TEST_CASE(a_jump_comes_back_between_two_steps_of_a_grid_that_began_with_it) {
  const Problem p = problem(
      "circuit c\ntime 1\nV(t <= 0) = 0\ndV/dt = 0 : 1\ndc/dt = 1 : 1\ndW/dt = delayed(V, 4) : 1\n"
      "event e when c > 1.2345: c = -100, V = 1\n",
      8);
  for (const std::string name : {"euler", "heun", "rk4", "exponential_euler"}) {
    Method m;
    m.name = name;
    m.step = 0.04;
    const auto y = solve(p, m).y;
    BOOST_TEST(std::abs(y[p.system.states().at("W").offset] - (8 - 5.2345)) < 1e-12, name);
  }
}

// x rises from 0.2 and falls from 1 to 0 whenever it gets there; y adds up x(t - tau)^2, which is known in closed form.
BOOST_AUTO_TEST_CASE(a_step_that_ends_where_a_jump_comes_back_does_not_see_it) {
  const auto squares = [](double t) {  // integral from 0 of x^2
    if (t < 0) return 0.04 * t;
    if (t < 0.8) return (std::pow(t + 0.2, 3) - 0.008) / 3;
    const double turns = std::floor(t - 0.8 + 1e-12);
    return 0.992 / 3 + turns / 3 + std::pow(t - 0.8 - turns, 3) / 3;
  };
  for (const bool by_pairs : {false, true})
    for (const double step : {0.02, 0.01, 0.037}) {
      const std::string seen = by_pairs ? "sum(w*delayed(rename(z, unit, pre), d), pre)/3" : "delayed(x^2, 0.37)";
      const Problem p = problem(
          "circuit c\ntime 1\naxis unit = 3\naxis pre = 3\nparameter w[unit, pre] = 1 1\n"
          "parameter d[unit, pre] = 0.37 1\nx(t <= 0) = 0.2\ndx/dt = 1 : 1\ny(0) = 0\n"
          "z := x^2 + 0*index(unit)\ndy/dt = " +
              seen + " : 1 [unit]\nevent s when x > 1: x = 0\n",
          9.97);
      const auto y = solve(p, prepared("rk4", step, step, {})).y;
      for (std::size_t i = 1; i < y.size(); ++i) BOOST_TEST(std::abs(y[i] - squares(9.6) + squares(-0.37)) < 1e-12);
    }
}

BOOST_AUTO_TEST_CASE(the_past_is_as_exact_as_the_run) {
  const auto at_end = [](const std::string& past, const std::string& rate, const std::string& method, double setting,
                         double t1) {
    const Problem p =
        problem("circuit c\ntime 1\nparameter k = 0 1\nx(t <= 0) = " + past + "\ndx/dt = " + rate + " : 1\n", t1);
    return solve(p, prepared(method, setting, setting, {})).y[0];
  };
  for (const std::string method : {"dp54", "bs32", "adams", "bdf"}) {
    // A past of a hundred turns, and a short delay beside one that looks far back.
    const double wave = at_end("cos(10*t)", "delayed(x, 63)", method, 1e-8, 40);
    BOOST_TEST(std::abs(wave - 1 - (std::sin(-230.0) - std::sin(-630.0)) / 10) < 1e-5);
    const double near = at_end("cos(t)", "delayed(x, 1) + k*delayed(x, 400)", method, 1e-9, 1);
    BOOST_TEST(std::abs(near - 1 - std::sin(1)) < 1e-7);
    BOOST_TEST(std::abs(at_end("where(t < 0, 2, 1)", "-delayed(x, 1)", method, 1e-9, 0.9) + 0.8) < 1e-12);
  }
  for (const std::string method : {"rk4", "heun", "euler"})
    BOOST_TEST(std::abs(at_end("where(t < 0, 2, 1)", "-delayed(x, 1)", method, 0.01, 0.9) + 0.8) < 1e-12);
}

// What is delayed jumps with the time: y(20) = sum over pairs of W (5 + D), by either form and every method.
BOOST_AUTO_TEST_CASE(sums_over_pairs_and_values_that_jump_with_the_time_are_exact) {
  const std::string head =
      "circuit c\ntime 1\naxis unit = 2\naxis other = size(unit)\nz(t <= 0) = 1\ndz/dt = 0 : 1 [unit]\n"
      "parameter W[unit, other] = [0.3, -0.2, 0.5, 0.4] 1\nparameter D[unit, other] = [1, 2.2, 0.7, 3] 1\ny(0) = 0\n";
  const double exact[] = {0.3 * 6 - 0.2 * 7.2, 0.5 * 5.7 + 0.4 * 8};
  for (const std::string jump : {"where(t > 5, 0, z)", "where(t >= 5, 0, z)"}) {
    const Problem p =
        problem(head + "dy/dt = sum(W*delayed(rename(" + jump + ", unit, other), D), other) : 1 [unit]\n", 20);
    for (const Method& m :
         {fixed("euler", 0.1), fixed("heun", 0.1), fixed("rk4", 0.1), fixed("rk4", 0.25), prepared("bs32", 1e-9, 0, {}),
          prepared("dp54", 1e-9, 0, {}), prepared("adams", 1e-9, 0, {}), prepared("bdf", 1e-9, 0, {})})
      for (const std::size_t i : {0, 1}) BOOST_TEST(std::abs(solve(p, m).y[2 + i] - exact[i]) < 1e-6, jump << m.name);
  }
  const Problem value = problem(
      "circuit c\ntime 1\nz(t <= 0) = 1\nx(t <= 0) = 0\ny(0) = 0\nw(0) = 0\ndz/dt = 0 : 1\n"
      "dx/dt = where(t > 5, 1, 0) : 1\ndy/dt = delayed(where(t > 5, 0, z), 2) : 1\n"
      "dw/dt = delayed(x, 2) : 1\n",
      20);
  for (const char* name : {"heun", "rk4"})
    for (const double step : {0.2, 0.1, 0.35, 0.7}) {
      const auto y = solve(value, fixed(name, step)).y;
      BOOST_TEST(std::abs(y[2] - 7) < 1e-9, name << " " << step);
      BOOST_TEST(std::abs(y[3] - 13 * 13 / 2.0) < 1e-9, name << " " << step);
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

BOOST_AUTO_TEST_CASE(a_past_must_be_finite_as_far_back_as_it_is_looked_at) {
  const auto looking_back = [](const char* delay) {
    return std::string("circuit logarithm\ntime 1\nx(t <= 0) = log(2 + t)\ndx/dt = -delayed(x, ") + delay + ") : 1\n";
  };
  for (const char* method : {"rk4", "dp54"})
    BOOST_TEST(refusal(looking_back("3"), method, std::string(method) == "rk4" ? 0.1 : 0) ==
               "logarithm: what delayed(x, 3) looks back to is nan at t = -3, but must be finite. Give a past that "
               "reaches back to t = -3.");
  // Beyond the delay the past may be anything: on [0, 1] x' = -log(1 + t).
  const double x = solve(problem(looking_back("1"), 1), fixed("rk4", 0.1)).y[0];
  BOOST_TEST(x == std::log(2) - (2 * std::log(2) - 1), boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(delays_are_refused_where_they_cannot_be_served) {
  BOOST_TEST(
      refusal(scalar(-0.5), "dp54") ==
      "c: the delay of delayed(y, tau) = -0.5, but must be finite and not negative. Check its sign and parameters.");
  BOOST_TEST(
      refusal(scalar(0.05), "rk4", 0.1) ==
      "c: the delay of delayed(y, tau) = 0.05, but must be zero or at least the step of 0.1. Shorten the step, or "
      "round the delay to it.");
  const std::string zero = "circuit c\ntime 1\ny(t <= 0) = 1\ndy/dt = -delayed(y, 0) : 1\n";
  BOOST_TEST(
      refusal(zero, "bdf") ==
      "c: the delay of delayed(y, 0) is zero, and bdf would miss its derivative. Write the undelayed value as it "
      "stands, or use adams.");
  BOOST_CHECK_EXCEPTION(adjoint(problem(scalar(1), 2), named("adams"), std::vector{2.0}, {}), Error,
                        [](const Error& e) {
                          return std::string(e.what()) ==
                                 "adjoint: 'c' has delays, whose adjoint CVODES lacks. Take forward sensitivities, or "
                                 "back-propagation through "
                                 "the steps of discretise(circuit).";
                        });
  try {
    solve(problem(scalar(1), 1), prepared("imex3", 1e-6, 0, {"y"}));
    BOOST_TEST(false);
  } catch (const Error& e) {
    BOOST_TEST(std::string(e.what()) ==
               "c: has delays, but 'imex3' takes none. Use dp54, bs32, adams or bdf, or a fixed-step method.");
  }
}

// The method of steps gives polynomials; the derivative is theirs. Adaptive methods: a hundred times the tolerance of a
// step over some 50 of them.
BOOST_AUTO_TEST_CASE(sensitivity_to_a_delay_is_that_of_the_closed_solution) {
  const std::vector<double> times{0.4, 1.7, 5};
  for (const double tau : {0.8, 1.25})
    for (const char* method : {"dp54", "bs32", "adams", "bdf"}) {
      const Problem p = problem(scalar(tau), 5);
      Method m = named(method, 1e-8);
      const std::vector<std::string> names{"tau"};
      const auto found = sensitivities(p, m, unit_directions(p.system, names), times);
      for (std::size_t i = 0; i < times.size(); ++i) {
        BOOST_TEST(std::abs(found.y[i][0] - exact(times[i], tau)) < 1e-6, method << " at " << times[i]);
        BOOST_TEST(std::abs(found.s[i][0][0] - exact_by_delay(times[i], tau)) < 1e-6, method << " at " << times[i]);
      }
    }
}

BOOST_AUTO_TEST_CASE(by_a_delay_a_run_must_start_where_its_past_ends) {
  Problem p = problem(scalar(0.8), 3);
  const auto derivative = [&](double y0, const char* by) {
    p.y0 = {y0};
    const std::vector<std::string> names{by};
    return sensitivities(p, named("dp54", 1e-9), unit_directions(p.system, names), std::vector{3.0}).s[0][0][0];
  };
  BOOST_CHECK_EXCEPTION(derivative(2, "tau"), Error, [](const Error& e) {
    return std::string(e.what()).starts_with("sensitivities: y starts at 2, but its past ends at 1:");
  });
  BOOST_TEST(std::abs(derivative(1, "tau") - exact_by_delay(3, 0.8)) < 1e-6);
  // y = 1 - t + ... with the past kept: linear in where it starts, by the solution that starts at 1 after a past of 0.
  BOOST_TEST(std::abs(derivative(2, "y") - derivative(1, "y")) < 1e-7);
}

// Central differences of runs at 1e-11 err by 1e-8; those by an element of the initial state leave the past alone.
BOOST_AUTO_TEST_CASE(sensitivities_through_delays_are_differences_of_runs) {
  Problem p = problem(web, 12);
  p.drive =
      std::make_shared<FunctionDrive>([](double t) { return t < 5 ? 0.2 : -0.3 * std::cos(t); }, std::vector{5.0});
  const Method m = named("dp54", 1e-10);
  const std::vector<std::string> names{"speed", "tau", "level", "gain", "W", "b"};
  const auto directions = unit_directions(p.system, names);
  const auto found = sensitivities(p, m, directions, std::vector{12.0});
  BOOST_TEST(found.s[0].size() == directions.size());
  const auto start = solve({p.system, {}, p.drive, {}, 0, 1e-9, {}}, m).y;
  for (std::size_t k = 0; k < directions.size(); ++k) {
    const double h = 1e-4;
    std::vector<double> above, below;
    if (!directions[k].p.empty()) {
      const auto element = static_cast<std::size_t>(std::ranges::find(directions[k].p, 1.0) - directions[k].p.begin());
      above = end_of(p, m, element, h);
      below = end_of(p, m, element, -h);
    } else {
      for (auto [sign, end] : {std::pair(h, &above), std::pair(-h, &below)}) {
        Problem moved = p;
        moved.y0 = start;
        for (std::size_t i = 0; i < start.size(); ++i) moved.y0[i] += sign * directions[k].y0[i];
        *end = solve(moved, m).y;
      }
    }
    for (std::size_t i = 0; i < above.size(); ++i)
      BOOST_TEST(std::abs(found.s[0][k][i] - (above[i] - below[i]) / (2 * h)) < 2e-6,
                 "direction " << k << ", state " << i);
  }
}

// Delays on the grid of the steps: the same numbers, up to the order of sums.
BOOST_AUTO_TEST_CASE(discretised_delays_take_the_steps_of_the_integrator) {
  std::string text = web;
  for (const auto& [from, to] :
       {std::pair("tau = 2.15 ms", "tau = 2.5 ms"), std::pair("1.37 ms", "1.5 ms"),
        std::pair("speed = 1.3 1/ms", "speed = 2 1/ms"), std::pair("input I : 1", "parameter I = 0.2 1")})
    text.replace(text.find(from), std::string(from).size(), to);
  const Circuit flow = read_circuit(text);
  for (const auto& [scheme, name] : {std::pair(Scheme::euler, "euler"), std::pair(Scheme::heun, "heun"),
                                     std::pair(Scheme::exponential_euler, "exponential_euler")}) {
    const auto expected = solve({compile<double>(flow), {}, nullptr, {}, 0, 10, {}}, fixed(name, 0.05)).y;
    Method iterate;
    iterate.name = "iterate";
    const auto found = solve({compile<double>(discretise(flow, scheme, 0.05)), {}, nullptr, {}, 0, 10, {}}, iterate).y;
    for (std::size_t i = 0; i < expected.size(); ++i) BOOST_TEST(std::abs(found[i] - expected[i]) < 1e-12, name << i);
  }
}

// Off the grid the past is a line, whose derivative by the delay differences know to their rounding; the bits of a
// delay that is remembered no more are none.
BOOST_AUTO_TEST_CASE(back_propagation_goes_through_delays_and_by_them) {
  std::string text = web;
  text.replace(text.find("input I : 1"), 11, "parameter I = 0.2 1");
  for (const auto scheme : {Scheme::euler, Scheme::heun}) {
    const Circuit steps = discretise(read_circuit(text), scheme, 0.1);
    BOOST_TEST((read_circuit(to_text(steps)) == steps));
    const System<double> map = compile<double>(steps);
    auto workspace = map.workspace();
    auto p = map.default_parameters();
    const Loss<double> loss = [](std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double>) {
      if (n % 20 != 0) return 0.0;
      ybar[0] += 2 * y[0];
      ybar[3] += std::cos(y[3]);
      return y[0] * y[0] + std::sin(y[3]);
    };
    const auto value = [&] { return bptt<double>({map, p, {}, 0, 100, {}}, loss, workspace).gradient; };
    const auto gradient = value();
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double h = 1e-6, kept = p[i];
      p[i] = kept + h;
      const double above = value().loss;
      p[i] = kept - h;
      const double below = value().loss;
      p[i] = kept;
      BOOST_TEST(std::abs(gradient.p[i] - (above - below) / (2 * h)) < 1e-8, map.parameters().element_name(i));
    }
    const std::size_t tau = map.parameters().at("tau").offset, speed = map.parameters().at("speed").offset;
    BOOST_TEST(std::abs(gradient.p[tau]) > 1e-3);
    p[speed] = 0.2;  // the farthest delay grows from 2.9 to 11.4 ms, more than twice
    BOOST_CHECK_THROW(value(), Failure);
  }
}

// On the grid the derivative by the delay is the mean of both sides; it tends to that of the flow with the step.
BOOST_AUTO_TEST_CASE(the_discretised_derivative_by_a_delay_tends_to_that_of_the_flow) {
  std::vector<double> errors;
  for (const double step : {0.1, 0.05, 0.025}) {
    const System<double> map = compile<double>(discretise(read_circuit(scalar(0.8)), Scheme::heun, step));
    auto workspace = map.workspace();
    const auto p = map.default_parameters();
    const auto steps = static_cast<std::size_t>(std::round(5 / step));
    const Loss<double> loss = [&](std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double>) {
      if (n < steps) return 0.0;
      ybar[0] += 1;
      return y[0];
    };
    const auto gradient = bptt<double>({map, p, {}, 0, steps, {}}, loss, workspace).gradient;
    errors.push_back(std::abs(gradient.p[0] - exact_by_delay(5, 0.8)));
  }
  BOOST_TEST(errors[2] < 2e-3, errors[0] << ", " << errors[1] << ", " << errors[2]);
  BOOST_TEST(errors[0] / errors[2] > 8);
}

BOOST_AUTO_TEST_SUITE_END()
