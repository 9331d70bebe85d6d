// Neuron models against spike times computed independently: an eighth-order Runge-Kutta method at a tolerance of 1e-12
// with its own location of events.
#include <cmath>

#include "circuit/compile.hpp"
#include "integrators/integrator.hpp"
#include "tests/models/march.hpp"

using namespace striate;
using test::in_regime;

namespace {

using Numbers = std::vector<double>;

struct Spiking {
  Numbers times;
  Numbers y;
};

Spiking run(const Circuit& circuit, double t1, std::vector<SpikeTrain> trains = {}, std::uint64_t seed = 1) {
  Problem p{compile<double>(circuit), {}, nullptr, {}, 0.0, t1, {}};
  p.trains = std::move(trains);
  p.seed = seed;
  Method method;
  method.name = "dp54";
  method.rtol = 1e-11;
  method.atol = 1e-11;
  Spiking result;
  Observer observer;
  observer.event = [&](const EventRecord& e) {
    for (const std::size_t i : e.fired)
      if (i == 0) result.times.push_back(e.t);
  };
  result.y = solve(p, method, {}, observer).y;
  return result;
}

void check_times(const Spiking& s, const Numbers& expected, double tolerance) {
  BOOST_REQUIRE(s.times.size() >= expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(std::abs(s.times[i] - expected[i]) < tolerance, i << ": " << s.times[i] << " " << expected[i]);
}

Numbers intervals(const Numbers& times) {
  Numbers d;
  for (std::size_t i = 1; i < times.size(); ++i) d.push_back(times[i] - times[i - 1]);
  return d;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(neurons)

BOOST_AUTO_TEST_CASE(the_leaky_unit_fires_at_its_closed_form) {
  const Spiking tonic = run(in_regime(model("lif"), "tonic"), 200);
  const double interval = 20 * std::log(11.0);
  check_times(tonic, {interval, 2 * interval + 5, 3 * interval + 10}, 1e-8);  // tolerance over the slope at threshold
  BOOST_TEST(run(in_regime(model("lif"), "resting"), 500).times.empty());
  // 15 mV from 0 with 1000 pA, C 250 pF, tau 10 ms
  check_times(run(in_regime(model("lif"), "direct"), 5), {4.700036292457}, 1e-9);
}

BOOST_AUTO_TEST_CASE(the_exponential_unit_fires_above_its_rheobase_only) {
  BOOST_TEST(run(in_regime(model("eif"), "resting"), 1000).times.empty());
  BOOST_TEST(run(model("eif").with_parameters({{"I", {552}}}), 1000).times.size() > 0U);  // rheobase 546 pA
}

BOOST_AUTO_TEST_CASE(the_adaptive_exponential_unit_keeps_the_reference_times) {
  // reference 1e-9 exact; the onset multiplies a tolerance of 1e-11 by the growth before each spike
  const Spiking s = run(in_regime(model("adex"), "paper"), 170);
  check_times(s, {11.791572835, 25.376060304, 41.196209129, 59.775663305, 81.644056523}, 1e-6);
  BOOST_TEST(std::abs(s.times[7] - 168.070987387) < 1e-6);
}

BOOST_AUTO_TEST_CASE(the_adaptive_exponential_unit_shows_its_eight_patterns) {
  const auto times = [](const char* regime) { return run(in_regime(model("adex"), regime), 500).times; };
  const auto tonic = intervals(times("tonic"));
  BOOST_REQUIRE(tonic.size() > 10U);
  // From the middle on, 250 ms or 8 tau_w, nothing of the onset is left.
  BOOST_TEST(std::abs(tonic.back() / tonic[tonic.size() / 2] - 1) < 0.001);
  const auto adapting = intervals(times("adaptation"));
  BOOST_REQUIRE(adapting.size() > 4U);
  BOOST_TEST(adapting.back() > 2 * adapting.front());
  const auto burst = intervals(times("initial_burst"));
  BOOST_REQUIRE(burst.size() > 4U);
  BOOST_TEST(burst.back() > 3 * burst.front());
  BOOST_TEST(std::abs(burst.back() / burst[burst.size() - 2] - 1) < 0.05);
  // Bursting: long intervals return at equal distances between short ones.
  for (const char* regime : {"regular_bursting", "delayed_regular_bursting"}) {
    const auto d = intervals(times(regime));
    const double longest = *std::max_element(d.begin(), d.end()), shortest = *std::min_element(d.begin(), d.end());
    BOOST_TEST(longest > 3 * shortest, regime);
    BOOST_TEST(std::count_if(d.begin(), d.end(), [&](double x) { return x > 0.7 * longest; }) >= 2, regime);
  }
  const auto accelerating = times("delayed_accelerating");
  BOOST_REQUIRE(accelerating.size() > 4U);
  const auto shrinking = intervals(accelerating);
  BOOST_TEST(accelerating.front() > 2 * shrinking.back());
  BOOST_TEST(shrinking.back() < 0.9 * shrinking.front());
  const auto transient = times("transient");
  BOOST_TEST(transient.size() > 0U);
  BOOST_TEST(transient.back() < 100);
  const auto irregular = intervals(run(in_regime(model("adex"), "irregular"), 1000).times);
  BOOST_REQUIRE(irregular.size() > 15U);
  // No period of up to five intervals repeats over the second half.
  for (std::size_t period = 1; period <= 5; ++period) {
    double largest = 0;
    for (std::size_t i = irregular.size() / 2; i + period < irregular.size(); ++i)
      largest = std::max(largest, std::abs(irregular[i + period] - irregular[i]));
    BOOST_TEST(largest > 1, "period " << period);
  }
}

BOOST_AUTO_TEST_CASE(the_quadratic_unit_keeps_the_reference_times) {
  const Spiking s = run(in_regime(model("izhikevich"), "regular_spiking"), 300);
  check_times(s, {3.127055304, 26.226024634, 71.057097328, 115.869510996, 160.681924664}, 1e-6);
  BOOST_TEST(std::abs(s.times[7] - 295.119165669) < 1e-6);
  const auto count = [](const char* regime) { return run(in_regime(model("izhikevich"), regime), 300).times.size(); };
  BOOST_TEST(count("fast_spiking") > 2 * count("regular_spiking"));
  const auto chatter = intervals(run(in_regime(model("izhikevich"), "chattering"), 300).times);
  BOOST_TEST(*std::max_element(chatter.begin(), chatter.end()) > 4 * *std::min_element(chatter.begin(), chatter.end()));
}

BOOST_AUTO_TEST_CASE(the_hodgkin_huxley_unit_keeps_the_reference_times) {
  const Spiking slow = run(in_regime(model("hodgkin_huxley"), "slow"), 60);
  BOOST_TEST(slow.times.size() == 3U);
  check_times(slow, {4.005101814, 25.763499279, 47.522307753}, 1e-7);
  BOOST_TEST(std::abs(slow.y[0] - -66.394843658) < 1e-7);
  const Spiking fast = run(in_regime(model("hodgkin_huxley"), "fast"), 60);
  check_times(fast, {2.446975515, 14.529872384, 26.610213316, 38.690545660, 50.770877988}, 1e-7);
  BOOST_TEST(std::abs(fast.y[0] - -61.094097397) < 1e-7);
}

BOOST_AUTO_TEST_CASE(the_spike_response_unit_is_the_sum_of_its_kernels) {
  // One input cell, all spikes recorded: u by the kernels and the last spike. The sum of kernels is 9 +- 2.5 mV: twice
  // the threshold, from which on the unit would fire without pause, is 4 standard deviations away.
  const Circuit circuit = model("srm0", {{"input_cell", 1}});
  Numbers inputs, outputs;
  Problem p{compile<double>(circuit.with_parameters({{"rate", {450}}, {"w", {40}}})), {}, nullptr, {}, 0.0, 200, {}};
  p.seed = 3;
  Method method;
  method.name = "dp54";
  method.rtol = 1e-11;
  method.atol = 1e-11;
  Observer observer;
  observer.event = [&](const EventRecord& e) {
    for (const std::size_t i : e.fired) (i == 0 ? outputs : inputs).push_back(e.t);
  };
  std::size_t compared = 0;
  const auto& states = p.system.states();
  observer.sample = [&](double t, std::span<const double> y) {
    double u = 0;
    for (const double f : inputs) u += 0.1 * 40 * 5 / (10 - 5) * (std::exp(-(t - f) / 10) - std::exp(-(t - f) / 5));
    if (!outputs.empty()) u -= 10 * std::exp(-(t - outputs.back()) / 10);
    BOOST_TEST(std::abs(y[states.at("eta").offset] + y[states.at("psp").offset] - u) < 1e-8);
    ++compared;
  };
  Numbers times;
  for (int i = 1; i < 200; ++i) times.push_back(i);
  solve(p, method, times, observer);
  BOOST_TEST(compared == 199U);
  BOOST_TEST(outputs.size() > 3U);
}

BOOST_AUTO_TEST_CASE(conductances_of_poisson_inputs_have_their_mean) {
  const Circuit circuit = model("lif_conductance");
  const Spiking s = run(circuit.with_parameters({{"V_th", {1e3}}, {"r_E", {40}}}), 200, {}, 4);
  BOOST_TEST(s.times.empty());
  BOOST_TEST(run(in_regime(circuit, "alone"), 300).times.size() > 3U);
}

BOOST_AUTO_TEST_CASE(short_term_depression_settles_at_its_closed_form) {
  // Regular spikes at T: x before each = (1 - e^{-T/tau})/(1 - (1 - U) e^{-T/tau}); the release is U x.
  const Circuit circuit = read_circuit(R"(circuit depression
axis cell = 1
axis target = 1
parameter U = 0.5 1
parameter tau_rec = 800 ms
x(0) = 1
dx/dt = (1 - x)/tau_rec : 1 [cell]
dr/dt = 0 : 1 [cell]
dg/dt = 0 : nS [target]
train s[cell]: r = U*x, x = x - U*x
projection depressing from s to target: all_to_all after 1 ms: g += 2 nS*pre(r)
)");
  SpikeTrain train{"s", {}, {}};
  for (int k = 0; k < 60; ++k) train.t.push_back(50.0 * (k + 1)), train.element.push_back(0);
  const Spiking all = run(circuit, 3040, {train}), but_last = run(circuit, 2990, {train});
  const double decay = std::exp(-50.0 / 800), x = (1 - decay) / (1 - 0.5 * decay);
  // 60 spikes leave (0.5 e^{-1/16})^60 of the start
  BOOST_TEST(all.y[2] - but_last.y[2] == 2 * 0.5 * x, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(the_slow_receptor_gates_by_the_incomplete_gamma_function) {
  // s' = -s/tau_d + alpha x (1 - s), x' = -x/tau_r, x += 1: long after a spike s = (k_0 + k_1' s_-) e^{-t/tau_d} with
  // k_0 = (alpha tau_r)^(tau_r/tau_d) gamma(1 - tau_r/tau_d, alpha tau_r) and k_1' = e^{-alpha tau_r}.
  const Circuit circuit = read_circuit(R"(circuit nmda
axis cell = 1
axis neuron = 1
parameter tau_d = 100 ms
parameter tau_r = 2 ms
parameter alpha = 0.5 1/ms
parameter Mg = 1 1
parameter g = 0.2 nS
V(0) = -50 mV
ds/dt = -s/tau_d + alpha*x*(1 - s) : 1 [cell]
dx/dt = -x/tau_r : 1 [cell]
total := sum(s, cell)
current := g*V/(1 + Mg*exp(-0.062 [1/mV]*V)/3.57)*total : pA
dV/dt = 0 : mV [neuron]
train spikes[cell]: x = x + 1
)");
  const Spiking s = run(circuit, 60, {{"spikes", {0}, {0}}});
  const double a = 1 - 0.02, x = 1.0;
  double gamma = 0, term = 1 / a;  // lower incomplete gamma by its series
  for (int n = 1; n < 40; ++n) gamma += term, term *= x / (a + n);
  gamma *= std::pow(x, a) * std::exp(-x);
  // 60 ms leave e^{-30} of x
  BOOST_TEST(s.y[0] == gamma * std::exp(-0.6), boost::test_tools::tolerance(1e-8));
}

BOOST_AUTO_TEST_SUITE_END()
