// Derivatives through spikes, arrivals and releases: against closed forms, each other and differences.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <tuple>

#include "base/error.hpp"
#include "integrators/adjoint.hpp"
#include "integrators/sensitivities.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

using Numbers = std::vector<double>;

double weight(std::size_t n) { return 1 + 0.7 * std::sin(1.3 * static_cast<double>(n) + 0.4); }

/// Of each spike in its order, by its element and how many that had: spikes of others do not change it.
class Weights {
 public:
  double next(std::size_t element) { return weight(5 * element + 3 * count_[element]++); }

 private:
  std::map<std::size_t, std::size_t> count_;
};

double sample_loss(std::span<const double> y, std::span<double> ybar) {
  double value = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    value += 1e-3 * weight(i) * y[i] * y[i] / 2;
    ybar[i] += 1e-3 * weight(i) * y[i];
  }
  return value;
}

/// What happens in a run, in its order: kind, element or synapse, projection. The derivative is that at one order:
/// where two of these change places (an arrival just before a spike and just after it) the loss has a kink.
using Order = std::vector<std::tuple<int, std::size_t, std::size_t>>;

/// Times of all spikes, each with its own weight, and squares of states.
struct Both {
  const Numbers times;
  double operator()(const Problem& p, const Method& method, std::size_t& spikes, Order& order) const {
    double loss = 0;
    Numbers ybar(p.system.states().size());
    Observer observer;
    spikes = 0;
    order.clear();
    Weights weights;
    observer.instant = [&](const EventRecord& e) {
      for (const Change& change : e.changes) {
        const int kind = static_cast<int>(change.kind);
        for (const std::size_t i : change.elements) order.emplace_back(kind, i, 0);
        for (const Arrival& a : change.arrivals) order.emplace_back(kind, a.synapse, a.projection);
      }
    };
    observer.event = [&](const EventRecord& e) {
      for (const std::size_t i : e.fired) loss += weights.next(i) * e.t, ++spikes;
    };
    observer.sample = [&](double, std::span<const double> y) { loss += sample_loss(y, ybar); };
    solve(p, method, times, observer);
    return loss;
  }
};

/// Every parameter's derivative three ways.
void compare_all(Problem p, const std::string& name, const Numbers& times, std::size_t least_spikes) {
  if (p.p.empty()) p.p = p.system.default_parameters();
  const Method method = named(name, 1e-11);
  const Both both{times};
  std::size_t spikes = 0;
  Order order, there;
  const double loss = both(p, method, spikes, order);
  BOOST_REQUIRE(spikes >= least_spikes);
  const auto of_states = [&](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    return sample_loss(y, ybar);
  };
  Weights weights;
  const auto of_spikes = [&](const SpikeTime& spike, double& tbar) {
    tbar = weights.next(spike.element);
    return tbar * spike.t;
  };
  const Adjoint a = adjoint(p, method, times, of_states, std::size_t{1} << 28, of_spikes);
  BOOST_TEST(std::abs(a.gradient.loss - loss) < 1e-9 * std::abs(loss));
  BOOST_TEST(a.spikes.size() == spikes);
  std::vector<std::string> names;
  for (const Field& f : p.system.parameters()) names.push_back(f.name);
  const auto directions = unit_directions(p.system, names);
  const Sensitivities s = sensitivities(p, method, directions, times);
  for (std::size_t k = 0; k < directions.size(); ++k) {
    double forward = 0;
    Weights again;
    for (std::size_t i = 0; i < spikes; ++i) forward += again.next(s.spikes[i].element) * s.spike_times[i][k];
    for (std::size_t i = 0; i < times.size(); ++i) {
      Numbers ybar(p.system.states().size());
      sample_loss(s.y[i], ybar);
      for (std::size_t j = 0; j < ybar.size(); ++j) forward += ybar[j] * s.s[i][k][j];
    }
    // Fourth-order differences: h^4 times a fifth derivative, and the loss's rounding over h. Within 2 h nothing may
    // change places.
    double difference = 0, h = 1e-4 * std::max(std::abs(p.p[k]), 0.1);
    bool same = false;
    for (int halvings = 0; !same && halvings < 10; ++halvings, h /= 2) {
      difference = 0;
      same = true;
      for (const auto& [shift, factor] : std::map<double, double>{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}}) {
        Problem moved = p;
        moved.p[k] += shift * h;
        std::size_t moved_spikes = 0;
        difference += factor * both(moved, method, moved_spikes, there) / (12 * h);
        same = same && there == order;
        if (!same) break;
      }
    }
    BOOST_REQUIRE(same);
    const std::string what = name + " " + p.system.parameters().element_name(k);
    const double size = std::max(std::abs(difference), 1e-3 * std::abs(loss));
    BOOST_TEST(std::abs(forward - difference) < 1e-5 * size,
               what << ": forward " << forward << ", difference " << difference);
    BOOST_TEST(std::abs(a.gradient.p[k] - forward) < 1e-5 * size,
               what << ": adjoint " << a.gradient.p[k] << ", forward " << forward);
  }
}

const std::string wiring = R"(
event spike when V > theta: V = V_r, hold V for tau_ref
projection exc from spike[n=0:3] to n: pairs(list=[0, 1, 0, 2, 0, 3, 1, 0, 1, 3, 2, 0, 2, 1, 2, 3]) after d_E: E += w_E
projection inh from spike[n=3:4] to n: all_to_all(self=false) after d_I: I += w_I
projection kicks from in to n: one_to_one after d_in: E += w_in
parameter w_E[exc] ~ uniform(2, 5) 1
parameter d_E[exc] ~ uniform(0.6 ms, 3 ms) ms
parameter w_I[inh] ~ uniform(2, 5) 1
parameter d_I = 1.1 ms
parameter w_in = 24 1
parameter d_in = 0.3 ms
parameter theta = -50 mV
parameter V_r = -61 mV
parameter tau_ref = 2 ms
train in[n]
)";

Problem driven(const std::string& text, double t1) {
  Problem p = problem(text, t1);
  SpikeTrain train{"in", {}, {}};
  for (std::uint32_t k = 0; k < 30; ++k) {
    train.t.push_back(0.7 + 1.9 * k + 0.3 * std::sin(5.0 * k));
    train.element.push_back((k * 7) % 4);
  }
  std::sort(train.t.begin(), train.t.end());
  p.trains = {train};
  return p;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_spike_gradients)

// The drive takes V over the threshold long before the hold ends: all spikes but the first begin with a release.
BOOST_AUTO_TEST_CASE(spikes_at_the_end_of_a_hold_move_with_it) {
  for (const char* name : {"adams", "bdf"})
    compare_all(
        problem(
            "circuit held\ntime ms\naxis n = 2\nparameter I = 30 mV\nparameter th = -50 mV\nparameter hold_time = 14 "
            "ms\n"
            "parameter w = 2 mV\nV(0) = -65 mV\ndV/dt = (-65 mV - V + I*(1 + index(n)/20))/(10 ms) : mV [n]\n"
            "event spike when V > th: V = -65 mV, hold for hold_time\nU(0) = -65 mV\n"
            "dU/dt = (-65 mV - U)/(10 ms) : mV [n]\nprojection p from spike to n: one_to_one after 1.5 ms: U += w\n",
            60),
        name, {13, 37, 60}, 4);
}

BOOST_AUTO_TEST_CASE(the_moment_of_one_spike_has_the_closed_form_of_its_derivative) {
  // tau_m = 2 tau_s, one input of w at 0: a = (1 + sqrt(1 - 4 theta/w))/2, t = -tau_m ln a,
  // dt/dw = -tau_m theta/(w^2 a (2a - 1)).
  Problem p = problem(
      "circuit closed\naxis n = 1\nparameter w = 5 1\nparameter theta = 1 1\nparameter d = 0 ms\nV(0) = 0\n"
      "dV/dt = (I - V)/(20 ms) : 1 [n]\ndI/dt = -I/(10 ms) : 1 [n]\ntrain s[n]\nevent spike when V > theta: V = -9\n"
      "projection in from s to n: one_to_one after d: I += w\n",
      12);
  p.trains = {{"s", {0}, {0}}};
  const Method method = named("adams", 1e-12);
  const auto directions = unit_directions(p.system, std::vector<std::string>{"w", "theta", "d"});
  const Sensitivities s = sensitivities(p, method, directions, {});
  BOOST_REQUIRE(s.spikes.size() == 2U);
  BOOST_TEST(std::abs(s.spikes[1].t - 6.470142623149) < 1e-9);
  BOOST_TEST(std::abs(s.spike_times[1][0] - -2.472135955) < 1e-8);
  BOOST_TEST(std::abs(s.spike_times[1][1] - 5 * 2.472135955) < 1e-7);  // t depends on theta/w alone
  BOOST_TEST(std::abs(s.spike_times[1][2] - 1) < 1e-9);
  BOOST_TEST(s.spike_times[0][0] == 0);  // the source keeps its time
  const auto none = [](std::size_t, std::span<const double>, std::span<double>, std::span<double>) { return 0.0; };
  const Adjoint a = adjoint(p, method, {}, none, std::size_t{1} << 28, [](const SpikeTime& spike, double& tbar) {
    tbar = spike.spike == 1 ? 1 : 0;
    return tbar * spike.t;
  });
  BOOST_TEST(std::abs(a.gradient.p[p.system.parameters().at("w").offset] - -2.472135955) < 1e-8);
  BOOST_TEST(std::abs(a.gradient.p[p.system.parameters().at("d").offset] - 1) < 1e-9);
}

BOOST_AUTO_TEST_CASE(conductances_delays_and_refractory_times_carry_their_derivatives) {
  const std::string text =
      "circuit coba\nseed 4\naxis n = 4\nparameter tau_m = 20 ms\nparameter tau_E = 5 ms\n"
      "parameter tau_I = 10 ms\nparameter drive[n] = [19, 17.5, 16, 18] mV\nV(0) = -60 mV + index(n)*1 mV\n"
      "dV/dt = (-60 mV - V + drive - E*V/10 + I*(-80 mV - V)/10)/tau_m : mV [n]\n"
      "dE/dt = -E/tau_E : 1 [n]\ndI/dt = -I/tau_I : 1 [n]" +
      wiring;
  compare_all(driven(text, 50), "adams", {20.2, 50}, 50);
}

BOOST_AUTO_TEST_CASE(adaptation_and_exponential_onset_carry_their_derivatives) {
  const std::string text =
      "circuit adex\nseed 4\naxis n = 4\nparameter C = 200 pF\nparameter g_L = 10 nS\nparameter tau_w = 50 ms\n"
      "parameter a = 2 nS\nparameter b = 20 pA\nparameter Delta = 2 mV\nparameter E_L = -65 mV\n"
      "parameter current[n] = [420, 470, 520, 450] pA\nparameter tau_s = 6 ms\nV(0) = E_L\n"
      "dV/dt = (g_L*(E_L - V) + g_L*Delta*exp((V - theta)/Delta) - u + current + (E - I)*10 pA)/C : mV [n]\n"
      "du/dt = (a*(V - E_L) - u)/tau_w : pA [n]\ndE/dt = -E/tau_s : 1 [n]\ndI/dt = -I/tau_s : 1 [n]" +
      wiring;
  std::string held = text;
  held.replace(held.find("when V > theta: V = V_r"), 23, "when V > 0 mV: V = V_r, u = u + b");
  compare_all(driven(held, 40), "adams", {17.7}, 24);
}

BOOST_AUTO_TEST_CASE(spikes_without_a_reset_carry_their_derivatives) {
  const std::string text = R"(circuit hh
axis n = 2
parameter g_Na = 100 1/ms
parameter g_K = 30 1/ms
parameter current[n] = [2.5, 2.2] mV/ms
parameter w = 3 mV/ms
parameter d = 1.7 ms
parameter tau_s = 4 ms
parameter mute = 3 ms
v := V + 63 mV
am := 1.28/(1 ms)/exprel((13 mV - v)/(4 mV))
bm := 1.4/(1 ms)/exprel((v - 40 mV)/(5 mV))
ah := 0.128/(1 ms)*exp((17 mV - v)/(18 mV))
bh := 4/(1 ms)/(1 + exp((40 mV - v)/(5 mV)))
an := 0.16/(1 ms)/exprel((15 mV - v)/(5 mV))
bn := 0.5/(1 ms)*exp((10 mV - v)/(40 mV))
V(0) = -60 mV
m(0) = 0.06
h(0) = 0.99
n_K(0) = 0.09
dV/dt = -(V + 60 mV)/(20 ms) - g_Na*m^3*h*(V - 50 mV) - g_K*n_K^4*(V + 90 mV) + current + s : mV [n]
dm/dt = am*(1 - m) - bm*m : 1 [n]
dh/dt = ah*(1 - h) - bh*h : 1 [n]
dn_K/dt = an*(1 - n_K) - bn*n_K : 1 [n]
ds/dt = -s/tau_s : mV/ms [n]
event spike when V > -20 mV: hold for mute
projection p from spike to n: all_to_all(self=false) after d: s += w
)";
  compare_all(problem(text, 30), "bdf", {30}, 4);
}

BOOST_AUTO_TEST_CASE(kept_arrivals_plastic_synapses_and_relative_resets_carry_their_derivatives) {
  const std::string text = R"(circuit plastic
axis n = 3
parameter drive[n] = [1.5, 1.3, 1.7] 1
parameter tau = 10 ms
parameter theta = 1 1
parameter tau_ref = 1.5 ms
parameter jump = 0.12 1
parameter A = 0.02 1
parameter B = 0.03 1
parameter d = 0.9 ms
parameter U = 0.4 1
parameter k = 0.9 1
w(0) = k
V(0) = 0.1*index(n)
r(0) = 0
x(0) = 1
dV/dt = (drive - V)/tau : 1 [n]
dx/dt = (1 - x)/(30 ms) : 1 [n]
dr/dt = 0 : 1 [n]
dy/dt = -y/(15 ms) : 1 [n]
dw/dt = 0 : 1 [syn]
dc/dt = -c/(12 ms) : 1 [syn]
event spike when V > theta: V = V - theta, y = y + 1, r = U*x, x = x - U*x, hold V for tau_ref keeping arrivals
projection syn from spike to n: all_to_all(self=false) after d: V += jump*w*pre(r), on arrival: w = w - A*w*post(y), c = c + 1,
  back from spike: w = w + B*c
)";
  compare_all(problem(text, 45), "adams", {20, 45}, 10);
}

// Kicks that begin the hold, those that fall into it and are lost, and those that only add.
BOOST_AUTO_TEST_CASE(jumps_of_a_source_at_states_that_it_makes_spike_carry_their_derivatives) {
  Problem p = problem(
      "circuit kicked\ntime ms\nparameter drive = 0.9 1\nparameter tau = 10 ms\nparameter theta = 1 1\n"
      "parameter kick = 0.4 1\nparameter tau_ref = 2 ms\nV(0) = 0\ndV/dt = (drive - V)/tau : 1\ntrain k: V = V + kick\n"
      "event spike when V > theta: V = V - theta, hold V for tau_ref\n",
      30);
  p.trains = {{"k", {3.1, 6.3, 7.1, 12, 15.2, 21, 22, 25, 27.3}, {0, 0, 0, 0, 0, 0, 0, 0, 0}}};
  for (const char* name : {"adams", "bdf"}) compare_all(p, name, {9, 14, 30}, 12);
}

BOOST_AUTO_TEST_CASE(moving_thresholds_two_events_and_delays_by_distance_carry_their_derivatives) {
  const std::string text = R"(circuit mixed
axis n = 4 in [0, 2) mm circular
axis m = 2 in [0, 2) mm circular
parameter drive[n] = [14, 13, 12.5, 14.5] mV
parameter tau = 12 ms
parameter gap = 0.3 1
parameter theta_0 = 10 mV
parameter tau_theta = 25 ms
parameter rise = 1.5 mV
parameter keep = 0.2 1
parameter dip = 1 mV
parameter tau_ref = 1.7 ms
parameter speed = 0.4 mm/ms
parameter d_0 = 0.7 ms
parameter reach = 0.6 mm
parameter w = 1.4 mV
parameter w_n = 0.3 1
parameter tau_n = 40 ms
parameter half = 6 mV
parameter fast = 9 mV
parameter wave = 2 mV
parameter period = 17 ms
theta(0) = theta_0
V(0) = 0.7*index(n)*1 mV
dV/dt = (-V + drive + E + wave*sin(t/period) + N*(40 mV - V)/(1 + exp(-V/half)) + gap*(mean(V, n) - V))/tau : mV [n]
dtheta/dt = (theta_0 - theta)/tau_theta : mV [n]
dE/dt = -E/(4 ms) : mV [n]
dN/dt = -N/tau_n : 1 [n]
dU/dt = (-U + fast + F)/(6 ms) : mV [m]
dF/dt = -F/(3 ms) : mV [m]
event spike when V > theta: V = keep*V - dip, theta = theta + rise, hold V, E for tau_ref
event pulse when U > 8 mV: U = -dip, F = F/2
projection a from spike to n: all_to_all(self=false) after d_0 + distance(a)/speed: E += w*exp(-distance(a)/reach), N += w_n
projection b from spike to m: all_to_all after d_0: F += w
projection c from pulse to n: pairs(list=[0, 0, 0, 2, 1, 1, 1, 3]) after 1.2*d_0: V += -w/3
)";
  compare_all(problem(text, 60), "adams", {25, 60}, 15);
}

// Two events at one instant, whatever their order: at 5/a ms and 10/a ms z grows by w and v.
BOOST_AUTO_TEST_CASE(events_at_one_instant_have_a_derivative_unless_it_depends_on_their_order) {
  const auto sum = [](const std::string& second) {
    return problem(
        "circuit both\ntime ms\nparameter w = 3 1\nparameter v = 4 1\nz(0) = 0\nx(0) = 0\ny(0) = 0\n"
        "dz/dt = 0 : 1\ndx/dt = 1/(1 ms) : 1\ndy/dt = 1/(1 ms) : 1\n"
        "event ex when x > 5: z = z + w, x = 0\nevent ey when y > 5: z = " +
            second + ", y = 0\n",
        12);
  };
  const Problem p = sum("z + v");
  const auto directions = unit_directions(p.system, std::vector<std::string>{"w", "v"});
  const Sensitivities s = sensitivities(p, named("adams", 1e-8), directions, Numbers{12});
  BOOST_TEST(s.y[0][0] == 14.0);
  for (std::size_t k = 0; k < 2; ++k) BOOST_TEST(s.s[0][k][0] == 2.0);
  BOOST_CHECK_EXCEPTION(sensitivities(sum("2*z"), named("adams", 1e-8), directions, Numbers{12}), Error,
                        [](const Error& e) { return std::string(e.what()).find("their order") != std::string::npos; });
}

// x' = a e^x from 0 has its pole at 1/a, and is -log(1 - (a t - k)) after k of them: dx/da = t/(1 - (a t - k)).
BOOST_AUTO_TEST_CASE(an_upstroke_faster_than_time_is_resolved_carries_its_derivative) {
  const Problem p = problem(
      "circuit c\ntime 1\nparameter a = 1 1\nx(0) = 0\ndx/dt = a*exp(x) : 1\nevent up when x > 60: x = 0\n", 12.5);
  for (const char* name : {"adams", "bdf"}) {
    const Sensitivities s =
        sensitivities(p, named(name, 1e-9), unit_directions(p.system, std::vector<std::string>{"a"}), Numbers{12.5});
    BOOST_TEST(s.spikes.size() == 12U);
    BOOST_TEST(s.s[0][0][0] == 25, boost::test_tools::tolerance(1e-4));
  }
}

BOOST_AUTO_TEST_CASE(grazing_is_refused_and_silence_is_told) {
  // V = sin t touches 1 with slope 0
  const Problem graze = problem(
      "circuit graze\nparameter theta = 1 1\nV(0) = 0\nU(0) = 1\ndV/dt = U/(1 ms) : 1\ndU/dt = -V/(1 ms) : 1\n"
      "event spike when V > theta - 1e-13: V = 0\n",
      3);
  const auto directions = unit_directions(graze.system, std::vector<std::string>{"theta"});
  try {
    const Sensitivities s = sensitivities(graze, named("adams", 1e-13), directions, {});
    // Rounding may keep it below: then it is silent, and said so.
    BOOST_TEST(s.silent == std::vector<std::string>{"spike"}, boost::test_tools::per_element());
  } catch (const Failure& e) {
    BOOST_TEST(std::string(e.what()).find("grazes") != std::string::npos);
  }
  const Problem quiet = problem(
      "circuit quiet\naxis n = 3\nparameter drive[n] = [2, 0.5, 2] 1\nV(0) = 0.01*index(n)\ndV/dt = (drive - V)/(10 "
      "ms) : 1 [n]\n"
      "event spike when V > 1: V = 0\n",
      30);
  const Sensitivities s =
      sensitivities(quiet, named("adams", 1e-8), unit_directions(quiet.system, std::vector<std::string>{"drive"}), {});
  BOOST_TEST(s.silent == std::vector<std::string>{"spike [1]"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
