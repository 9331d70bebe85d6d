// Spikes that hold states, travel with delays and come from sources: against closed forms.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "integrators/root.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

using Numbers = std::vector<double>;

struct Run {
  std::vector<EventRecord> events;
  Numbers times;  // of spikes
  std::vector<std::size_t> elements;
  Solution end;
  std::vector<Numbers> samples;
};

Run run_of(const Problem& p, const Method& method, const Numbers& times = {}) {
  Run run;
  Observer observer;
  observer.event = [&](const EventRecord& e) {
    run.events.push_back(e);
    for (const std::size_t i : e.fired) run.times.push_back(e.t), run.elements.push_back(i);
  };
  observer.sample = [&](double, std::span<const double> y) { run.samples.emplace_back(y.begin(), y.end()); };
  run.end = solve(p, method, times, observer);
  return run;
}

Method fixed(const std::string& name, double step) {
  Method method = named(name);
  method.step = step;
  return method;
}

const Method exact = named("dp54", 1e-11);

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_spikes)

BOOST_AUTO_TEST_CASE(a_refractory_unit_fires_at_the_closed_form_interval) {
  // T = tau_ref + tau ln((E - V_r)/(E - theta)), with the field's numbers of the integrate-and-fire unit without input.
  const Problem p = problem(
      "circuit lif\nparameter tau = 20 ms\nparameter tau_ref = 5 ms\nV(0) = -60 mV\ndV/dt = (-49 mV - V)/tau : mV\n"
      "dx/dt = 1/(1 ms) : 1\nevent spike when V > -50 mV: V = -60 mV, hold V for tau_ref\n",
      500);
  for (const char* name : {"dp54", "bs32", "adams", "bdf"}) {
    const Run run = run_of(p, named(name, 1e-10));
    BOOST_REQUIRE(run.times.size() == 9U);
    for (std::size_t k = 0; k < run.times.size(); ++k) {
      const double t = 20 * std::log(11.0) + static_cast<double>(k) * (5 + 20 * std::log(11.0));
      BOOST_TEST(std::abs(run.times[k] - t) < 1e-5, name << ": " << run.times[k] - t);  // thousands of steps of 1e-10
    }
    BOOST_TEST(std::abs(run.end.y[1] - 500) < 1e-6);  // what is not held goes on
  }
}

BOOST_AUTO_TEST_CASE(a_unit_above_its_threshold_when_the_hold_ends_fires_then) {
  const Problem p = problem(
      "circuit held\ntime ms\nV(0) = -65 mV\ndV/dt = (-35 mV - V)/(20 ms) : mV\n"
      "event spike when V > -50 mV: V = -65 mV, hold for 30 ms\nn(0) = 0\ndn/dt = 0/(1 ms) : 1\n"
      "x(0) = 0\ndx/dt = cos(t/(10 ms))/(10 ms) : 1\nevent up when x > 0.5: n = n + 1, hold for 15 ms\n",
      130);
  const Run run = run_of(p, named("dp54", 1e-10));
  Numbers spikes, ups;
  for (std::size_t i = 0; i < run.times.size(); ++i) (run.elements[i] == 0 ? spikes : ups).push_back(run.times[i]);
  const double first = 20 * std::log(2.0);
  BOOST_REQUIRE(spikes.size() == 4u);
  for (std::size_t k = 0; k < 4; ++k)
    BOOST_TEST(spikes[k] == first + 30 * static_cast<double>(k), boost::test_tools::tolerance(1e-8));
  // sin(t/10) is still above 1/2 when the 15 ms end; without a reset only its next way up, 20 pi ms later, counts.
  BOOST_TEST(ups.size() == 2u);
}

// The threshold of Kobayashi, Tsubo & Shinomoto (2009) Front Comput Neurosci 3:9: nothing resets V, which is above it
// for long. At a strong drive each hold ends in the next spike, until the threshold has come up to V.
BOOST_AUTO_TEST_CASE(a_threshold_that_rises_with_every_spike_may_stay_below_the_potential_through_a_hold) {
  const Problem p = problem(
      "circuit mat\nparameter I = 60 mV\nV(0) = 0 mV\ndV/dt = (I*where(t > 10 ms, 1, 0) - V)/(5 ms) : mV\n"
      "da/dt = -a/(10 ms) : mV\ndb/dt = -b/(200 ms) : mV\n"
      "event spike when V > 15 mV + a + b: a = a + 5 mV, b = b + 1 mV, hold for 2 ms\n",
      60);
  const Run precise = run_of(p, exact);
  Method grid = fixed("exponential_euler", 0.01);
  grid.spikes = Method::Spikes::grid;
  Numbers times;
  Observer observer;
  observer.spikes = [&](double t, std::size_t, std::span<const std::uint32_t>) { times.push_back(t); };
  solve(p, grid, {}, observer);
  BOOST_REQUIRE(precise.times.size() == times.size());
  const double first = 10 + 5 * std::log(60.0 / 45);
  for (std::size_t k = 0; k < 4; ++k)  // V rises by up to 9 mV a millisecond, faster than the threshold by 3
    BOOST_TEST(precise.times[k] == first + 2 * static_cast<double>(k), boost::test_tools::tolerance(1e-9));
  for (std::size_t k = 0; k < times.size(); ++k) BOOST_TEST(std::abs(precise.times[k] - times[k]) < 0.1);
}

BOOST_AUTO_TEST_CASE(arrivals_at_a_held_state_are_lost_or_added_at_the_release) {
  const auto text = [](const std::string& keep) {
    return "circuit pair\naxis n = 2\nparameter start[n] = [0.95, 0] 1\nparameter drive[n] = [1, 0] 1\nV(0) = start\n"
           "dV/dt = drive*0.1/(1 ms) : 1 [n]\nevent spike when V > 1: V = 0, hold V for 3 ms" +
           keep +
           "\ntrain kick \"at 2 ms and 5 ms\"\nprojection in from kick to n=0:1: all_to_all after 0.5 ms: V += 0.25\n"
           "projection out from spike[n=0:1] to n=1:2: one_to_one after 1 ms: V += 0.5\n";
  };
  for (const bool keep : {false, true}) {
    Problem p = problem(text(keep ? " keeping arrivals" : ""), 8);
    p.trains = {{"kick", {2, 5}, {0, 0}}};
    const Run run = run_of(p, exact, {3.4, 3.6, 5.4, 5.6});
    // spike at 0.5, held to 3.5; the kick of 2.5 falls into it, that of 5.5 does not
    const double kept = keep ? 0.25 : 0;
    BOOST_TEST(run.times.front() == 0.5, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(std::abs(run.samples[0][0]) < 1e-12);
    BOOST_TEST(std::abs(run.samples[1][0] - (0.01 + kept)) < 1e-12);
    BOOST_TEST(std::abs(run.samples[2][0] - (0.19 + kept)) < 1e-12);
    BOOST_TEST(std::abs(run.samples[3][0] - (0.46 + kept)) < 1e-12);
    BOOST_TEST(run.samples[0][1] == 0.5);  // the pair's first spike came after 1 ms
  }
}

BOOST_AUTO_TEST_CASE(a_jump_that_a_source_makes_at_a_held_state_is_lost_on_both_engines) {
  for (const char* keep : {"", " keeping arrivals"}) {
    Problem p = problem(
        "circuit held\nV(0) = 9.5 mV\ndV/dt = 1 [mV/ms] : mV\ntrain k: V = V + 3 mV\n"
        "event spike when V > 10 mV: V = 0 mV, hold V for 5 ms" +
            std::string(keep) + "\n",
        8);
    p.trains = {{"k", {2, 3, 7}, {0, 0, 0}}};
    Method grid = fixed("euler", 0.5);
    grid.spikes = Method::Spikes::grid;
    for (const Method& method : {exact, grid}) {
      const Run run = run_of(p, method, {1, 2, 3, 4, 5, 6, 8});
      const Numbers V{0, 0, 0, 0, 0, 0.5, 5.5};  // the spike of 0.5 ms holds until 5.5 ms
      for (std::size_t i = 0; i < V.size(); ++i)
        BOOST_TEST(std::abs(run.samples[i][0] - V[i]) < 1e-9, method.name << " at " << i << ": " << run.samples[i][0]);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_another_event_assigns_to_a_held_state_is_not_lost) {
  const Problem p = problem(
      "circuit held\nz(0) = 1\nclk(0) = 0\ndz/dt = 1/(1 ms) : 1\ndclk/dt = 1/(1 ms) : 1\n"
      "event a when clk > 5: z = 2, hold z for 4 ms\nevent b when clk > 7: z = z + 10\n",
      12);
  Method grid = fixed("rk4", 0.5);
  grid.spikes = Method::Spikes::grid;
  for (const Method& method : {exact, grid}) {
    const Run run = run_of(p, method, {4, 6, 8, 9, 12});
    const Numbers z{5, 2, 12, 12, 15};
    for (std::size_t i = 0; i < z.size(); ++i)
      BOOST_TEST(std::abs(run.samples[i][0] - z[i]) < 1e-9, method.name << " at " << i << ": " << run.samples[i][0]);
  }
}

BOOST_AUTO_TEST_CASE(what_happens_at_one_instant_happens_in_the_order_of_the_circuit_on_both_engines) {
  Method grid = fixed("rk4", 0.5), precise = grid;
  grid.spikes = Method::Spikes::grid;
  const auto ends = [&](Problem p, const Numbers& y) {
    for (const Method& method : {exact, precise, grid}) {
      const Run run = run_of(p, method);
      for (std::size_t i = 0; i < y.size(); ++i)
        BOOST_TEST(std::abs(run.end.y[i] - y[i]) < 1e-9, method.name << " " << i << ": " << run.end.y[i]);
    }
  };
  // at 5 and 10 ms: both add
  ends(problem("circuit both\ndg/dt = 0 : 1\nda/dt = 1/(1 ms) : 1\ndb/dt = 1/(1 ms) : 1\n"
               "event ea when a > 5: g = g + 1, a = 0\nevent eb when b > 5: g = g + 1, b = 0\n",
               12),
       {4, 2, 2});
  // 1, doubled to 2, then 102, of which d reads 2; 204, 304
  ends(problem("circuit order\nz(0) = 1\ndz/dt = 0 : 1\ndq/dt = 0 : 1\ndclk/dt = 1/(1 ms) : 1\n"
               "event c when clk > 5: z = 2*z, clk = 0\nevent d when clk > 5: z = z + 100, q = z\n",
               12),
       {304, 204, 2});
  // at 3 ms twice 2 g + 1, then 10 more: 3, 13; at 7 ms 27; at 8 ms 37
  Problem trains = problem("circuit t\ndg/dt = 0 : 1\ntrain r: g = 2*g + 1\ntrain s: g = g + 10\n", 10);
  trains.trains = {{"r", {3, 3, 7}, {0, 0, 0}}, {"s", {3, 8}, {0, 0}}};
  ends(trains, {37});
}

BOOST_AUTO_TEST_CASE(potentials_of_synapses_have_their_closed_form) {
  // Fact: alpha current, 500 pA, tau_s 0.3, tau_m 10, C 250 pF; spike at 1.132123512 ms, delay 1 ms, read at 3 and 6
  // ms.
  Problem p = problem(
      "circuit alpha\nparameter w = 500 pA\nparameter tau_s = 0.3 ms\nparameter tau_m = 10 ms\nparameter C = 250 pF\n"
      "axis n = 1\ndV/dt = -V/tau_m + I/C : mV [n]\ndI/dt = -I/tau_s + y : pA [n]\ndy/dt = -y/tau_s : pA/ms [n]\ntrain "
      "s[n]\n"
      "projection in from s to n: one_to_one after 1 ms: y += w*exp(1)/tau_s\n",
      6);
  p.trains = {{"s", {1.132123512}, {0}}};
  const Run alpha = run_of(p, exact, {3, 6});
  // nine printed decimals of the time and ten of the value
  BOOST_TEST(std::abs(alpha.samples[0][0] - 1.2237180270) < 1e-9);
  BOOST_TEST(std::abs(alpha.samples[1][0] - 1.1773370092) < 1e-9);
  // Exponential current into tau_m 20, R 100 MOhm: 16.2 pA with tau_s 5 peaks at 0.25513 mV after 9.2420 ms.
  Problem q = problem(
      "circuit exponential\naxis n = 1\ndV/dt = (-V + I*0.1 [Gohm])/(20 ms) : mV [n]\ndI/dt = -I/(5 ms) : pA "
      "[n]\ntrain s[n]\n"
      "projection in from s to n: one_to_one: I += 16.2 pA\n",
      20);
  q.trains = {{"s", {0}, {0}}};
  const Run psp = run_of(q, exact, {9.2419624074659375});
  const double peak = 16.2 * 0.1 * 5 / 15 * (std::exp(-9.2419624074659375 / 20) - std::exp(-9.2419624074659375 / 5));
  BOOST_TEST(psp.samples[0][0] == peak, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(std::abs(psp.samples[0][0] - 0.25513) < 1e-5);
}

BOOST_AUTO_TEST_CASE(a_crossing_inside_one_step_is_found) {
  // A current that decays within a fraction of the step lifts V over its threshold and lets it fall again.
  const std::string text =
      "circuit blip\nV(0) = 0\nI(0) = 1\ndV/dt = (30*I - V)/(20 ms) : 1\ndI/dt = -I/(2 ms) : 1\n"
      "event spike when V > 2.3: V = 0\n";
  // V = 30/9 (e^{-t/20} - e^{-t/2}): maximum 30/9 (0.1^{1/9} - 0.1^{10/9}) = 2.3223 at (20/9) ln 10 = 5.1 ms
  const double top = (30.0 / 9) * (std::pow(0.1, 1.0 / 9) - std::pow(0.1, 10.0 / 9));
  BOOST_REQUIRE(top > 2.3);
  for (const double step : {0.5, 1.0, 2.0}) {
    const Run run = run_of(problem(text, 16), fixed("rk4", step));
    BOOST_TEST(run.times.size() == 1U, "step " << step);
  }
  for (const char* name : {"bs32", "dp54", "adams", "bdf"}) {
    const Run run = run_of(problem(text, 16), named(name, 1e-6));
    BOOST_REQUIRE(run.times.size() == 1U);
    const auto v = [](double t) { return (30.0 / 9) * (std::exp(-t / 20) - std::exp(-t / 2)); };
    BOOST_TEST(std::abs(v(run.times[0]) - 2.3) < 1e-4, name);  // global error of a tolerance of 1e-6
  }
}

BOOST_AUTO_TEST_CASE(the_interior_maximum_of_a_quartic_is_its_own) {
  // q = -(s - 0.3)^2 ((s - 2)^2 + 0.5) + 0.1: maximum 0.1 at 0.3
  const auto q = [](double s) { return 0.1 - (s - 0.3) * (s - 0.3) * ((s - 2) * (s - 2) + 0.5); };
  const auto top = interior_maximum({q(0), q(0.25), q(0.5), q(0.75), q(1)});
  BOOST_REQUIRE(top.has_value());
  BOOST_TEST(*top == 0.3, boost::test_tools::tolerance(1e-7));  // flat top: root of rounding
  BOOST_TEST(!interior_maximum({-5, -4, -3, -2, -1}).has_value());
  BOOST_TEST(!interior_maximum({-9, -9.1, -9.05, -9.2, -9}).has_value());
}

BOOST_AUTO_TEST_CASE(poisson_spikes_have_the_statistics_of_their_rate) {
  const std::string head = "circuit source\naxis n = 200\nparameter r = 50 Hz\ndc/dt = 0 : 1 [n]\n";
  Problem p = problem(head + "poisson s[n] rate r: c = c + 1\n", 1000);
  p.seed = 5;
  const Run run = run_of(p, exact);
  double sum = 0, squares = 0;
  for (const double c : run.end.y) sum += c, squares += c * c;
  const double mean = sum / 200, variance = squares / 200 - mean * mean;
  // 200 counts of mean 50: the mean has sd 0.5, the variance 50 sqrt(2/200) = 5; four of them
  BOOST_TEST(std::abs(mean - 50) < 2);
  BOOST_TEST(std::abs(variance - 50) < 20);
  // A rate that changes gives as many as its integral: 50 Hz (1 + sin)/... over whole periods.
  Problem q = problem(head + "poisson s[n] rate r*(1 + sin(2*pi*t/(100 ms))): c = c + 1\n", 1000);
  q.seed = 6;
  const Run changing = run_of(q, exact);
  double total = 0, rising = 0;
  for (const double c : changing.end.y) total += c;
  for (const double t : changing.times) rising += std::fmod(t, 100) < 50 ? 1 : 0;
  BOOST_TEST(std::abs(total / 200 - 50) < 2);
  // the first half of a period holds 1/2 + 1/pi of the spikes; sd sqrt(0.82 0.18/10000) = 0.004
  BOOST_TEST(std::abs(rising / total - (0.5 + 1 / 3.141592653589793)) < 0.016);
}

// Rates that are nothing but a pulse in a long run: 100 sources with 500 Hz for 10 ms, or 1000 Hz exp(-((t - m)/4
// ms)^2).
BOOST_AUTO_TEST_CASE(a_brief_pulse_of_a_rate_is_not_missed) {
  const auto count = [](const std::string& rate, double duration) {
    return static_cast<double>(run_of(problem("circuit pulse\ntime ms\naxis n = 100\npoisson one[n] rate " + rate +
                                                  "\ndk/dt = -k/(50 ms) : 1 [n]\n"
                                                  "projection P from one to n: one_to_one after 1 ms: k += 1\n",
                                              duration),
                                      named("dp54"))
                                   .times.size());
  };
  const double pulse = count("where(t > 2.303 s, 500 Hz, 0 Hz)*where(t < 2.313 s, 1, 0)", 10000);
  BOOST_TEST(std::abs(pulse - 500) < 5 * std::sqrt(500.0));
  const double bell = 100 * 1000 * 0.004 * std::sqrt(std::numbers::pi);
  BOOST_TEST(std::abs(count("1000 Hz*exp(-((t - 2.31 s)/(4 ms))^2)", 10000) - bell) < 5 * std::sqrt(bell));
}

BOOST_AUTO_TEST_CASE(a_run_with_spikes_resumes_bit_for_bit) {
  const std::string text = R"(circuit net
seed 2
axis n = 6
axis s = 4
V(0) = -60 mV
dV/dt = (-60 mV - V + g*(0 mV - V)/(10 nS))/(20 ms) : mV [n]
dg/dt = -g/(5 ms) : nS [n]
dx/dt = -x/(20 ms) : 1 [n]
w(0) = 3 nS
dw/dt = 0 : nS [rec]
event spike when V > -50 mV: V = -60 mV, x = x + 1, hold V for 4 ms keeping arrivals
poisson in[s] rate 200 Hz
poisson wave[s] rate 100 Hz*(1 + cos(t/(7 ms)))
projection first from in to n: fixed_in(count=2) after 1.5 ms: g += 12 nS
projection second from wave to n: fixed_in(count=2) after uniform(0.2 ms, 3 ms): g += 9 nS, V += 0.1 mV
projection rec from spike to n: random(probability=0.5) after 2 ms: g += w, on arrival: w = max(w - 0.1 nS*post(x), 0 nS),
  back from spike: w = min(w + 0.1 nS*pre(x), 6 nS)
)";
  for (const char* name : {"dp54", "bs32", "rk4", "bdf"}) {
    Problem p = problem(text, 60);
    p.seed = 11;
    p.checkpoints = {13, 29.5, 47};
    const Method method = std::string(name) == "rk4" ? fixed("rk4", 0.1) : named(name, 1e-6);
    std::vector<Checkpoint> saved;
    Numbers spikes;
    Observer observer;
    observer.checkpoint = [&](const Checkpoint& c) { saved.push_back(c); };
    observer.event = [&](const EventRecord& e) { spikes.insert(spikes.end(), e.fired.size(), e.t); };
    const Solution whole = solve(p, method, {}, observer);
    BOOST_TEST(spikes.size() > 50U);
    BOOST_TEST(saved.size() == 3U);
    for (const Checkpoint& c : saved) {
      Numbers rest;
      Observer again;
      again.event = [&](const EventRecord& e) { rest.insert(rest.end(), e.fired.size(), e.t); };
      const Solution end = resume(p, method, c, {}, again);
      BOOST_TEST(end.y == whole.y, boost::test_tools::per_element());
      BOOST_TEST(end.counters.steps == whole.counters.steps);
      BOOST_REQUIRE(rest.size() <= spikes.size());
      BOOST_TEST(std::equal(rest.begin(), rest.end(), spikes.end() - static_cast<std::ptrdiff_t>(rest.size())));
    }
  }
}

BOOST_AUTO_TEST_CASE(pairs_of_spikes_change_a_weight_by_the_closed_form) {
  // A pair dt = t_post - t_pre: A_plus exp(-dt/tau_plus), or -A_minus exp(dt/tau_minus).
  const std::string text = R"(circuit stdp
axis pre_cell = 1
axis post_cell = 1
parameter A_plus = 0.01 1
parameter A_minus = 0.0105 1
parameter tau_plus = 17 ms
parameter tau_minus = 34 ms
dx/dt = -x/tau_plus : 1 [pre_cell]
dy/dt = -y/tau_minus : 1 [post_cell]
w(0) = 0.5
dw/dt = 0 : 1 [syn]
train before[pre_cell]: x = x + 1
train after[post_cell]: y = y + 1
projection syn from before to post_cell: all_to_all: on arrival: w = max(w - A_minus*post(y), 0), back from after: w = min(w + A_plus*pre(x), 1)
)";
  for (const double dt : {-40.0, -10.0, -1.0, 1.0, 10.0, 40.0}) {
    Problem p = problem(text, 200);
    p.trains = {{"before", {100}, {0}}, {"after", {100 + dt}, {0}}};
    const Run run = run_of(p, exact);
    const double change = dt > 0 ? 0.01 * std::exp(-dt / 17) : -0.0105 * std::exp(dt / 34);
    BOOST_TEST(std::abs(run.end.y[2] - 0.5 - change) < 1e-11);  // the traces' tolerance
  }
  Problem many = problem(text, 200);
  Numbers all;
  std::vector<std::uint32_t> zeros(100);
  for (int i = 0; i < 100; ++i) all.push_back(50 + i);
  many.trains = {{"before", all, zeros}, {"after", {10}, {0}}};
  BOOST_TEST(run_of(many, exact).end.y[2] >= 0);
}

BOOST_AUTO_TEST_CASE(an_order_of_the_text_does_not_decide_what_arrives) {
  // The order of equal arrivals changes nothing: shuffled pairs give the same bits.
  const auto text = [](const std::string& pairs) {
    return "circuit order\naxis n = 3\nV(0) = 0\ndV/dt = -V/(10 ms) : 1 [n]\nevent spike when V > 1: V = 0\ntrain "
           "s[n]\n"
           "projection in from s to n: pairs(list=[" +
           pairs + "]) after 1 ms: V += 0.4\n";
  };
  Numbers ends[2];
  const std::string lists[] = {"0, 0, 1, 0, 2, 0, 0, 1, 1, 2", "2, 0, 1, 2, 0, 1, 1, 0, 0, 0"};
  for (int i = 0; i < 2; ++i) {
    Problem p = problem(text(lists[i]), 20);
    p.trains = {{"s", {2, 2, 2, 5}, {0, 1, 2, 1}}};
    ends[i] = run_of(p, exact).end.y;
  }
  BOOST_TEST(ends[0] == ends[1], boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_cannot_go_on_says_why) {
  const auto refused = [](Problem p, const std::string& part) {
    std::string said = "no error";
    try {
      run_of(p, exact);
    } catch (const std::exception& e) {
      said = e.what();
    }
    BOOST_TEST(said.find(part) != std::string::npos, said << "\nlacks: " << part);
  };
  // two units that excite each other without delay, for ever
  refused(problem("circuit loop\naxis n = 2\nV(0) = 0.9\ndV/dt = 0.1/(1 ms) + index(n)*0.001/(1 ms) : 1 [n]\n"
                  "event spike when V > 1: V = 0\nprojection p from spike to n: all_to_all: V += 2\n",
                  10),
          "set each other off at one time, 'spike[");
  refused(problem("circuit loop\naxis n = 2\nV(0) = 0.9 + 0.01*index(n)\ndV/dt = 0.1/(1 ms) : 1 [n]\n"
                  "event spike when V > 1: V = -1\nprojection p from spike to n: all_to_all(self=false): V += 3\n",
                  10),
          "set each other off");
  refused(problem("circuit up\nparameter r = 0 mV\nV(0) = -60 mV\ndV/dt = 10 mV/(1 ms) : mV\nu(0) = 1\ndu/dt = 0 : 1\n"
                  "event spike when V > -50 mV: V = r - 40 mV*u\n",
                  10),
          "still 10 above its threshold, and has none to cross: it would have to spike again at once");
  refused(problem("circuit fast\nV(0) = 0\ndV/dt = 2e6 [1/ms] : 1\nevent s when V > 1: V = 0\n", 100),
          "spikes without pause: 1000 times");
  refused(problem("circuit t\naxis n = 2\ndV/dt = 0 : 1 [n]\ntrain s[n]: V = V + 1\n", 10), "no spikes are given");
  Problem wrong = problem("circuit t\naxis n = 2\ndV/dt = 0 : 1 [n]\ntrain s[n]: V = V + 1\n", 10);
  wrong.trains = {{"s", {1}, {2}}};
  refused(wrong, "is of element 2");
  for (const bool grid : {false, true}) {
    const auto refused_by = [&](const std::vector<SpikeTrain>& trains, const char* words) {
      Problem p = wrong;
      p.trains = trains;
      Method method = named(grid ? "euler" : "dp54");
      if (grid) method.step = 0.1, method.spikes = Method::Spikes::grid;
      BOOST_CHECK_EXCEPTION(solve(p, method), Error,
                            [&](const Error& e) { return std::string(e.what()).find(words) != std::string::npos; });
    };
    refused_by({}, "no spikes are given");
    refused_by({{"s", {1}, {2}}}, "is of element 2");
    refused_by({{"s", {1}, {0}}, {"zz", {1}, {0}}}, "no source of recorded spikes 'zz'");
    refused_by({{"s", {1}, {0}}, {"s", {2}, {1}}}, "given twice");
    refused_by({{"s", {1, 2}, {0}}}, "2 times, but 1 elements");
    refused_by({{"s", {NAN}, {0}}}, "has the time nan");
  }
  refused(problem("circuit d\naxis n = 2\nparameter d = -1 ms\ndV/dt = 1/(1 ms) : 1 [n]\nevent s when V > 1: V = 0\n"
                  "projection p from s to n: all_to_all after d: V += 0.1\n",
                  10),
          "arrives after it left");
  refused(problem("circuit h\nparameter tau = -1 ms\ndV/dt = 1/(1 ms) : 1\nevent s when V > 1: V = 0, hold V for tau\n",
                  10),
          "a time is not negative");
  const Problem busy = problem("circuit busy\ndV/dt = -V/(5 ms) : 1\npoisson s rate 1e6 Hz\n", 20);
  Method few = named("dp54");
  few.max_steps = 1000;
  BOOST_CHECK_EXCEPTION(run_of(busy, few), Failure, [](const Failure& e) {
    return std::string(e.what()).find("Let sources spike less often") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
