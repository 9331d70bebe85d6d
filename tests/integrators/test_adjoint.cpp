// Derivatives of flows by the adjoint equation and by forward sensitivities: against closed forms, against each other,
// and against differences of a tightly converged loss; through breakpoints and events.
#include "integrators/adjoint.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "integrators/evaluation.hpp"
#include "integrators/sensitivities.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

using Numbers = std::vector<double>;

auto has(const std::string& part) {
  return [part](const std::exception& e) {
    BOOST_TEST_MESSAGE(e.what());
    return std::string(e.what()).find(part) != std::string::npos;
  };
}

/// Half the squares of all states, weighted differently at every sample, and parameter 0 in it.
struct Squares {
  const Numbers& p;
  double operator()(std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double> pbar) const {
    const double weight = 1 + 0.5 * std::sin(static_cast<double>(n));
    double value = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      value += weight * p[0] * y[i] * y[i] / 2;
      ybar[i] += weight * p[0] * y[i];
      pbar[0] += weight * y[i] * y[i] / 2;
    }
    return value;
  }
};

double loss_of(const Problem& problem, const Method& method, const Numbers& times) {
  double loss = 0;
  std::size_t n = 0;
  Numbers ybar(problem.system.states().size()), pbar(problem.p.size());
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) { loss += Squares{problem.p}(n++, y, ybar, pbar); };
  solve(problem, method, times, observer);
  return loss;
}

/// Every derivative of the loss: by the adjoint, by forward sensitivities and by differences.
void compare_all(Problem problem, const std::string& name, const Numbers& times, double tolerance) {
  if (problem.p.empty()) problem.p = problem.system.default_parameters();
  const Method method = named(name, 1e-11);
  const Gradient<double> g = adjoint(problem, method, times, Squares{problem.p}).gradient;
  BOOST_TEST(std::abs(g.loss - loss_of(problem, method, times)) < 1e-12 * g.loss);

  std::vector<std::string> names;
  for (const Field& f : problem.system.parameters()) names.push_back(f.name);
  for (const Field& f : problem.system.states()) names.push_back(f.name);
  const auto directions = unit_directions(problem.system, names);
  const auto s = sensitivities(problem, method, directions, times);

  const std::size_t parameters = problem.p.size();
  double size = 0;
  for (double x : g.p) size = std::max(size, std::abs(x));
  for (double x : g.y0) size = std::max(size, std::abs(x));
  for (std::size_t k = 0; k < directions.size(); ++k) {
    double forward = 0;
    for (std::size_t n = 0; n < times.size(); ++n) {
      Numbers ybar(problem.system.states().size()), pbar(parameters);
      Squares{problem.p}(n, s.y[n], ybar, pbar);
      for (std::size_t i = 0; i < ybar.size(); ++i) forward += ybar[i] * s.s[n][k][i];
      if (k == 0) forward += pbar[0];
    }
    const double backward = k < parameters ? g.p[k] : g.y0[k - parameters];
    BOOST_TEST(std::abs(backward - forward) < tolerance * size,
               name << " element " << k << ": adjoint " << backward << ", forward " << forward);
    // Fourth-order differences: h^4 times a fifth derivative, and the 1e-11 of the loss over h.
    const double h = 1e-3;
    double difference = 0;
    for (const auto& [shift, weight] : std::map<double, double>{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}}) {
      Problem moved = problem;
      if (k < parameters) {
        moved.p[k] += shift * h;
      } else {
        if (moved.y0.empty()) {
          moved.y0.resize(problem.system.states().size());
          Evaluation(problem).initial(problem.t0, moved.y0);
        }
        moved.y0[k - parameters] += shift * h;
      }
      difference += weight * loss_of(moved, method, times) / (12 * h);
    }
    BOOST_TEST(std::abs(backward - difference) < 1e-7 * size,
               name << " element " << k << ": adjoint " << backward << ", difference " << difference);
  }
}

/// Smooth, driven, with an initial state that depends on parameters.
constexpr const char* driven = R"(circuit driven
parameter g = 0.8 1
parameter tau = 3 ms in (0, inf)
parameter w = 1.3 1
input u : 1
a(0) = g*w
b(0) = 0.1
da/dt = (-a + tanh(w*b + u))/tau : 1
db/dt = (-b + g*a - 0.3*a*b*cos(t/(4 ms)))/(2 ms) : 1
)";

/// Conductances jump at a threshold that drifts, and set off a second event.
constexpr const char* spiking = R"(circuit spiking
parameter g = 0.8 1
parameter threshold = 1 1
parameter reset = -0.2 1
parameter kick = 0.4 1
input u : 1
V(0) = g/4
w(0) = 0.1
c(0) = 0
dV/dt = (2*u - V - w)/(3 ms) : 1
dw/dt = (g*V - w)/(6 ms) : 1
dc/dt = -c/(5 ms) : 1
event spike when V > threshold + 0.1*sin(t/(3 ms)) + w/9: V = reset + 0.1*V*w, w = w + kick, c = c + kick*V
event full when c > 1.3*kick: c = c/3 + 0.05*w + t/(400 ms)
)";

class Steps : public Drive {
 public:
  void evaluate(double t, std::span<double> u) const override { u[0] = t < 4 ? 0.9 : t < 9.5 ? 0.6 + 0.05 * t : 1.1; }
  std::vector<double> breakpoints(double, double) const override { return {4, 9.5}; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_adjoint)

BOOST_AUTO_TEST_CASE(a_linear_flow_has_its_closed_form) {
  // y' = -(y - b)/tau: y(T) = b + (y0 - b) e^(-T/tau).
  const Problem p =
      problem("circuit c\nparameter b = 0.3 1\nparameter tau = 4 ms\ny(0) = 2\ndy/dt = (b - y)/tau : 1\n", 7);
  const auto value = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += 1;
    return y[0];
  };
  const Numbers end{7};
  const double e = std::exp(-7.0 / 4), slope = (2 - 0.3) * e * 7 / 16;
  for (const char* name : {"adams", "bdf"}) {
    for (const double rtol : {1e-4, 1e-6, 1e-8, 1e-10}) {
      const Method method = named(name, rtol);
      const Adjoint a = adjoint(p, method, end, value);
      const auto s =
          sensitivities(p, method, unit_directions(p.system, std::vector<std::string>{"b", "tau", "y"}), end);
      // Local errors of rtol add up over some tens of steps.
      const double bound = 30 * rtol;
      BOOST_TEST(std::abs(a.gradient.y0[0] - e) < bound);
      BOOST_TEST(std::abs(a.gradient.p[0] - (1 - e)) < bound);
      BOOST_TEST(std::abs(a.gradient.p[1] - slope) < bound);
      BOOST_TEST(std::abs(s.s[0][0][0] - (1 - e)) < bound);
      BOOST_TEST(std::abs(s.s[0][1][0] - slope) < bound);
      BOOST_TEST(std::abs(s.s[0][2][0] - e) < bound);
    }
  }
}

BOOST_AUTO_TEST_CASE(adjoint_forward_sensitivities_and_differences_agree) {
  Problem p = problem(driven, 12);
  p.drive = std::make_shared<FunctionDrive>([](double t) { return std::sin(0.7 * t); });
  const Numbers times{0, 2, 2, 5.5, 12};
  // All at tolerance 1e-11; some hundred steps.
  compare_all(p, "adams", times, 2e-9);
  compare_all(p, "bdf", times, 2e-9);
  p.y0 = {0.4, -0.2};
  compare_all(p, "adams", {3, 10}, 2e-9);  // nothing after the last sample
}

BOOST_AUTO_TEST_CASE(breakpoints_of_the_drive_cost_no_accuracy) {
  Problem p = problem(driven, 12);
  p.drive = std::make_shared<Steps>();
  compare_all(p, "adams", {4, 7, 9.5, 11}, 2e-9);
}

BOOST_AUTO_TEST_CASE(a_leaky_neuron_has_the_derivative_of_its_spike_times) {
  // V' = I - V from 0 to a threshold h, reset to r: t1 = -log(1 - h/I), then a period of log((I - r)/(I - h)).
  const Problem p = problem(
      "circuit c\nparameter I = 1.5 1\nparameter h = 1 1\nparameter r = 0.2 1\nV(0) = 0\ndV/dt = (I - V)/(1 ms) : 1\n"
      "event spike when V > h: V = r\n",
      4);
  const double I = 1.5, h = 1, r = 0.2, t1 = -std::log(1 - h / I), period = std::log((I - r) / (I - h));
  const int spikes = 1 + static_cast<int>((4 - t1) / period);
  BOOST_TEST(spikes == 4);
  const double rest = 4 - t1 - (spikes - 1) * period, e = std::exp(-rest);
  // V(4) = I - (I - r) e^-rest, d rest = -d t1 - (spikes - 1) d period.
  const auto d = [&](double rest_bar, double direct) { return direct + (I - r) * e * rest_bar; };
  const double dI = d(h / (I * I) / (1 - h / I) - (spikes - 1) * (1 / (I - r) - 1 / (I - h)), 1 - e);
  const double dh = d(-1 / (I * (1 - h / I)) - (spikes - 1) / (I - h), 0);
  const double dr = d((spikes - 1) / (I - r), e);
  const auto value = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += 1;
    return y[0];
  };
  const Numbers end{4};
  const Method method = named("adams", 1e-11);
  const Adjoint a = adjoint(p, method, end, value);
  BOOST_TEST(a.pieces == 5u);
  const auto s = sensitivities(p, method, unit_directions(p.system, std::vector<std::string>{"I", "h", "r"}), end);
  const Numbers expected{dI, dh, dr};
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(std::abs(a.gradient.p[k] - expected[k]) < 2e-9 * std::abs(expected[k]),
               a.gradient.p[k] << " " << expected[k]);
    BOOST_TEST(std::abs(s.s[0][k][0] - expected[k]) < 2e-9 * std::abs(expected[k]), s.s[0][k][0] << " " << expected[k]);
  }
}

BOOST_AUTO_TEST_CASE(events_with_moving_guards_and_events_that_set_off_events_agree_with_differences) {
  Problem p = problem(spiking, 15);
  p.drive = std::make_shared<Steps>();
  std::size_t events = 0, chains = 0;
  Observer observer;
  observer.event = [&](const EventRecord& e) { ++events, chains += e.rounds.size() > 1 ? 1 : 0; };
  solve(p, named("adams", 1e-11), {}, observer);
  BOOST_TEST(events >= 3u);
  BOOST_TEST(chains >= 1u);
  compare_all(p, "adams", {6, 15}, 1e-8);
}

BOOST_AUTO_TEST_CASE(an_event_made_by_a_jump_of_the_drive_does_not_move) {
  // u jumps over the guard at t = 4 whatever the parameters; the jump adds kick.
  Problem p = problem(
      "circuit c\nparameter tau = 3 ms\nparameter kick = 0.4 1\ninput u : 1\ny(0) = 1\ndy/dt = (u - y)/tau : 1\n"
      "event on when u > 0.7: y = y + kick*u\n",
      8);
  p.drive = std::make_shared<FunctionDrive>([](double t) { return t < 4 ? 0.2 : 0.9; }, Numbers{4});
  const auto value = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += 1;
    return y[0];
  };
  const Numbers end{8};
  const Adjoint a = adjoint(p, named("adams", 1e-11), end, value);
  // y(8) = 0.9 + (y(4) + 0.9 kick - 0.9) e, y(4) = 0.2 + 0.8 e with e = exp(-4/tau); de/dtau = 4 e/tau^2.
  const double e = std::exp(-4.0 / 3), de = 4 * e / 9, y4 = 0.2 + 0.8 * e;
  BOOST_TEST(std::abs(a.gradient.p[1] - 0.9 * e) < 1e-9);
  BOOST_TEST(std::abs(a.gradient.p[0] - (0.8 * de * e + (y4 + 0.9 * 0.4 - 0.9) * de)) < 1e-9);
}

BOOST_AUTO_TEST_CASE(uncoupled_neurons_that_fire_together_have_each_its_own_derivative) {
  const std::string one = "parameter I = 1.5 1\nV(0) = 0\ndV/dt = (I - V)/(1 ms) : 1";
  const char* event = "\nevent spike when V > 1: V = 0.2\n";
  const Problem two = problem("circuit c\naxis n = 2\n" + one + " [n]" + event, 3),
                single = problem("circuit c\n" + one + event, 3);
  const auto value = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += 1;
    return y[0];
  };
  const Numbers end{3};
  const Method method = named("adams", 1e-10);
  const Adjoint both = adjoint(two, method, end, value), alone = adjoint(single, method, end, value);
  BOOST_TEST(std::abs(both.gradient.p[0] - alone.gradient.p[0]) < 1e-8 * std::abs(alone.gradient.p[0]));
  BOOST_TEST(both.gradient.y0[1] == 0.0);
}

BOOST_AUTO_TEST_CASE(a_jump_whose_moment_a_parameter_sets_has_the_derivative_of_its_moment) {
  // x' = (I [on < t < off] - x)/tau: x(T) = I (e^(-(T - off)/tau) - e^(-(T - on)/tau)).
  const Problem p = problem(
      "circuit c\nparameter on = 2 ms\nparameter off = 5 ms\nparameter I = 1.3 1\n"
      "dx/dt = (where(t > on, I, 0) - where(t > off, I, 0) - x)/(4 ms) : 1\n",
      10);
  const auto value = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += 1;
    return y[0];
  };
  const double off = std::exp(-5.0 / 4), on = std::exp(-8.0 / 4);
  const Numbers end{10}, expected{-1.3 * on / 4, 1.3 * off / 4, off - on};
  for (const char* name : {"adams", "bdf"}) {
    const Adjoint a = adjoint(p, named(name, 1e-11), end, value);
    const auto s = sensitivities(p, named(name, 1e-11),
                                 unit_directions(p.system, std::vector<std::string>{"on", "off", "I"}), end);
    for (std::size_t k = 0; k < 3; ++k) {
      BOOST_TEST(std::abs(a.gradient.p[k] - expected[k]) < 1e-9, name << " " << a.gradient.p[k] << " " << expected[k]);
      BOOST_TEST(std::abs(s.s[0][k][0] - expected[k]) < 1e-9, name << " " << s.s[0][k][0] << " " << expected[k]);
    }
  }
}

BOOST_AUTO_TEST_CASE(moments_that_parameters_set_agree_with_differences_beside_spikes_and_a_drive) {
  // The pulse ends where the drive jumps; what the drive does there does not move.
  Problem p = problem(
      "circuit c\nparameter g = 0.9 1\nparameter centre = 3 ms\nparameter width = 1 ms\nparameter late = 7 ms\n"
      "parameter h = 0.5 1\ninput u : 1\nV(0) = g/4\nw(0) = 0.1\n"
      "dV/dt = (2*u - V - w + where(abs(t - centre) < width, g, 0))/(3 ms) : 1\n"
      "dw/dt = (g*V - w + step((t - late)/(1 ms))*V)/(6 ms) : 1\n"
      "event spike when V > h + w/9: V = 0.1*V*w, w = w + 0.2\n",
      15);
  p.drive = std::make_shared<Steps>();
  compare_all(p, "adams", {3.4, 7.5, 13}, 1e-8);
  compare_all(p, "bdf", {7.5, 13}, 1e-8);
}

BOOST_AUTO_TEST_CASE(units_that_begin_together_have_each_the_derivative_of_its_own_moment) {
  // V_i' = I_i [t > on_i] - V_i: dV_i/d on_i = -I_i e^-(T - on_i), and nothing else.
  const Problem p = problem(
      "circuit c\naxis n = 3\nparameter on[n] = 2 ms\nparameter I[n] = [1, 2, 3] 1\n"
      "dV/dt = (where(t > on, I, 0) - V)/(1 ms) : 1 [n]\n",
      5);
  const Numbers end{5};
  const auto s =
      sensitivities(p, named("adams", 1e-11), unit_directions(p.system, std::vector<std::string>{"on"}), end);
  const auto last = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[1] += 1;
    return y[1];
  };
  const Adjoint a = adjoint(p, named("adams", 1e-11), end, last);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j)
      BOOST_TEST(std::abs(s.s[0][i][j] - (i == j ? -(1.0 + static_cast<double>(i)) * std::exp(-3.0) : 0)) < 1e-8);
    BOOST_TEST(std::abs(a.gradient.p[i] - (i == 1 ? -2 * std::exp(-3.0) : 0)) < 1e-8);
  }
}

BOOST_AUTO_TEST_CASE(what_stands_beside_a_moment_that_moves_does_not_move_with_it) {
  struct Case {
    const char* text;
    std::vector<double> expected;  // dx(10)/dp
  };
  // With an event at the moment T = 3.1 at which f jumps, dx+ = (2 f- - f+) dT.
  const double x = 2.5 * (1 - std::exp(-3.1 / 5)), before = 0.5 - x / 5, after = 2 - (2 * x + 1) / 5;
  const std::vector<Case> cases{
      // a fixed jump at the same time, in this state and in another
      {"parameter T = 3 ms\ndx/dt = (where(t > T, 1, 0) + where(t > 3 ms, 0.5, 0))/(1 ms) : 1\ny(0) = 0\n"
       "dy/dt = where(t > 3 ms, 1, 0)/(1 ms) : 1\n",
       {-1}},
      // one moment that is written in two ways, which rounding sets apart
      {"parameter T = 3.1 ms\nparameter tau = 7 ms\ndx/dt = (step((t - T)/tau) + where(t > T, 1, 0))/(1 ms) : 1\n",
       {-2, 0}},
      {"parameter T = 0.3 ms\nparameter a = 0.1 ms\nparameter b = 0.2 ms\n"
       "dx/dt = (where(t > T, 1, 0) + where(t > a + b, 1, 0))/(1 ms) : 1\n",
       {-1, -1, -1}},
      {"parameter a = 3 ms\nparameter b = 3 ms\ndx/dt = (where(t > a, 1, 0) + where(2*t > a + b, 1, 0))/(1 ms) : 1\n",
       {-1.5, -0.5}},
      // an event whose moment the same parameter sets
      {"parameter T = 3.1 ms\ndx/dt = -x/(5 ms) + where(t > T, 2, 0.5)/(1 ms) : 1\ndc/dt = 1/(1 ms) : 1\n"
       "event e when c > T/(1 ms): x = 2*x + 1\n",
       {(2 * before - after) * std::exp(-6.9 / 5)}},
      // a jump of a millionth of a millionth of what another state moves by
      {"parameter T = 3 ms\ndr/dt = (1e6 - r)/(5 ms) : 1\ndx/dt = where(t > T, 1e-9, 0)/(1 ms) : 1\n", {-1e-9}},
      // comparisons that hold others
      {"parameter T = 3 ms\ndx/dt = where(relu((t - T)/(1 ms)) > 0, 1, 0)/(1 ms) : 1\n", {-1}},
      {"parameter T = 3 ms\nparameter W = 1 ms\ndx/dt = where(min(t - T, T + W - t) > 0 ms, 1, 0)/(1 ms) : 1\n",
       {0, 1}},
      {"parameter T = 3 ms\nparameter w = 1 ms\nparameter v = 0.5 ms\n"
       "dx/dt = where(abs(abs(t - T) - w) < v, 1, 0)/(1 ms) : 1\n",
       {0, 0, 4}},
  };
  for (const Case& c : cases) {
    const Problem p = problem("circuit c\nx(0) = 0\n" + std::string(c.text), 10);
    const std::size_t place = p.system.states().at("x").offset;
    const auto last = [&](std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double>) {
      ybar[place] += n == 2 ? 1 : 0;
      return y[place];
    };
    const double first = p.system.default_parameters()[0];
    const Numbers times{first, std::nextafter(first, 9), 10};
    Method method = named("adams", 1e-11);
    method.atol = 1e-20;
    const Adjoint a = adjoint(p, method, times, last);
    const auto s = sensitivities(p, method, unit_directions(p.system, p.system.parameters().names()), times);
    for (std::size_t k = 0; k < c.expected.size(); ++k) {
      const double e = c.expected[k], bound = 1e-8 * std::max(std::abs(e), e == 0 ? 1 : 0.0);
      BOOST_TEST(std::abs(a.gradient.p[k] - e) <= bound, c.text << k << ": adjoint " << a.gradient.p[k] << " " << e);
      BOOST_TEST(std::abs(s.s[2][k][place] - e) <= bound, c.text << k << ": forward " << s.s[2][k][place] << " " << e);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_direction_that_moves_no_moment_asks_nothing_of_it) {
  const Problem p = problem(
      "circuit c\nparameter a = 3 ms\nparameter b = 3 ms\nparameter k = 2 1\n"
      "dx/dt = k*where(t > a, 1, 0)*where(t > b, 1, 0)/(1 ms) : 1\n",
      8);
  const std::vector<Direction> directions{{{0, 0, 1}, {}}, {{1, 1, 0}, {}}};
  const Numbers end{8};
  const auto s = sensitivities(p, named("adams", 1e-11), directions, end);
  BOOST_TEST(std::abs(s.s[0][0][0] - 5) < 1e-9);
  BOOST_TEST(std::abs(s.s[0][1][0] + 2) < 1e-9);
}

BOOST_AUTO_TEST_CASE(moments_whose_change_has_no_known_consequence_are_refused) {
  const auto ends = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += 1;
    return y[0];
  };
  const Numbers end{8};
  const auto refused = [&](const Problem& p, const char* words) {
    BOOST_CHECK_EXCEPTION(adjoint(p, named("adams"), end, ends), Error, has(words));
    std::vector<Direction> directions(1);
    for (std::size_t i = 0; i < p.system.parameters().size(); ++i)
      directions[0].p.push_back(1 + 0.1 * static_cast<double>(i));
    BOOST_CHECK_EXCEPTION(sensitivities(p, named("adams"), directions, end), Error, has(words));
  };
  refused(problem("circuit c\nparameter a = 3 ms\nparameter b = 3 ms\n"
                  "dx/dt = where(t > a, 1, 0)*where(t > b, 1, 0)/(1 ms) : 1\n",
                  8),
          "jumps coincide");
  Problem with_drive =
      problem("circuit c\nparameter a = 4 ms\ninput u : 1\ndx/dt = where(t > a, u, 0)/(1 ms) : 1\n", 12);
  with_drive.drive = std::make_shared<Steps>();
  refused(with_drive, "jumps coincide");
  refused(problem("circuit c\nparameter a = 3 ms\nx(0) = 0.5\ndx/dt = where(t > a, 1, 0)/(1 ms) : 1\n"
                  "event s when where(t > a, 1, -1)*x > 0: x = -9\n",
                  8),
          "an event comes with a jump whose moment a parameter sets");
  refused(problem("circuit c\naxis n = 1200\nparameter a = 6 ms\n"
                  "dx/dt = mean(where(t > a*index(n)/1200, 1, 0), n)/(1 ms) : 1\n",
                  8),
          "more than 1000 times");
  const auto delayed_refused = [&](const char* text, const char* words) {
    const std::vector<Direction> direction{{{1}, {}}};
    BOOST_CHECK_EXCEPTION(sensitivities(problem(text, 8), named("dp54"), direction, end), Error, has(words));
  };
  delayed_refused(
      "circuit c\nparameter a = 3 ms\nx(t <= 0) = 1\ndx/dt = (where(t > a, 1, 0) - delayed(x, 2 ms))/(1 ms) : 1\n",
      "jumps at a time that a parameter");
  delayed_refused(
      "circuit c\nparameter a = 1 ms\nx(t <= 0) = where(t > -a, 1, 0)\ndx/dt = -delayed(x, 2 ms)/(3 ms) : 1\n",
      "jumps at a time that a parameter");
  delayed_refused(
      "circuit c\nparameter d = 2 ms\nx(t <= 0) = where(t > -1 ms, 1, 0)\ndx/dt = -delayed(x, d)/(3 ms) : 1\n",
      "delays what jumps at a time of its own");
  delayed_refused(
      "circuit c\nparameter d = 2 ms\nx(t <= 0) = 1\ndx/dt = -delayed(where(t > 3 ms, 2, 1)*x, d)/(3 ms) : 1\n",
      "delays what jumps at a time of its own");
}

BOOST_AUTO_TEST_CASE(little_memory_costs_time_and_no_accuracy) {
  Problem p = problem(pendulum, 200);
  const Numbers times{50, 200};
  p.p = {1};
  const auto squares = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += y[0];
    ybar[1] += y[1];
    return (y[0] * y[0] + y[1] * y[1]) / 2;
  };
  p.p = {};
  const Method method = named("adams", 1e-9);
  const Adjoint whole = adjoint(p, method, times, squares);
  const Adjoint little = adjoint(p, method, times, squares, 20 * 2 * sizeof(double));
  BOOST_TEST(whole.forward.steps > 500u);
  for (std::size_t i = 0; i < 2; ++i)
    BOOST_TEST(std::abs(whole.gradient.y0[i] - little.gradient.y0[i]) < 1e-6 * std::abs(whole.gradient.y0[i]));
}

BOOST_AUTO_TEST_CASE(what_has_no_such_derivative_is_refused_with_the_way_that_works) {
  const auto squares = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    ybar[0] += y[0];
    return y[0] * y[0] / 2;
  };
  const Numbers end{3};
  const Problem p = problem(pendulum, 3);
  BOOST_CHECK_EXCEPTION(adjoint(p, named("bs32"), end, squares), Error, has("only 'adams' and 'bdf'"));
  BOOST_CHECK_EXCEPTION(adjoint(p, named("rk4"), end, squares), Error, has("bptt of discretise(circuit)"));
  BOOST_CHECK_EXCEPTION(sensitivities(p, named("dp54"), {}, end), Error, has("sensitivities: method = 'dp54'"));
  BOOST_CHECK_EXCEPTION(adjoint(p, named("adams"), end, squares, 100), Error, has("must hold ten states"));
  const Numbers unsorted{2, 1};
  BOOST_CHECK_EXCEPTION(adjoint(p, named("adams"), unsorted, squares), Error, has("do not ascend"));
  BOOST_CHECK_EXCEPTION(unit_directions(p.system, std::vector<std::string>{"w"}), Error,
                        has("no parameter or state 'w'"));
  const Problem map = problem("circuit c\ny(0) = 1\nnext(y) = y/2 : 1\n", 3);
  BOOST_CHECK_EXCEPTION(adjoint(map, named("adams"), end, squares), Error,
                        has("is a map, but this differentiates a flow"));
  const auto nan = [](std::size_t, std::span<const double>, std::span<double>, std::span<double>) {
    return std::nan("");
  };
  BOOST_CHECK_EXCEPTION(adjoint(p, named("adams"), end, nan), Failure,
                        has("the loss of 'pendulum' is nan at sample 0, t = 3 ms"));
  // Two neurons that excite each other reach threshold together: who is first decides.
  const Problem pair = problem(
      "circuit c\naxis n = 2\nV(0) = 0\ns(0) = 0\ndV/dt = (1.5 - V)/(1 ms) : 1 [n]\nds/dt = -s/(1 ms) : 1 [n]\n"
      "event spike when V > 1: V = 0, s = s + mean(V, n)\n",
      3);
  BOOST_CHECK_EXCEPTION(adjoint(pair, named("adams"), end, squares), Error, has("depends on their order"));
  // The guard of an input that ramps needs the ramp.
  Problem ramp = problem("circuit c\ninput u : 1\ny(0) = 1\ndy/dt = -y/(1 ms) : 1\nevent e when u > 1: y = 1\n", 3);
  ramp.drive = std::make_shared<FunctionDrive>([](double t) { return t; });
  BOOST_CHECK_EXCEPTION(adjoint(ramp, named("adams"), end, squares), Error, has("Drive::rates"));
}

BOOST_AUTO_TEST_SUITE_END()
