#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "base/error.hpp"
#include "integrators/root.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

BOOST_AUTO_TEST_SUITE(integrators_events)

BOOST_AUTO_TEST_CASE(dense_output_keeps_the_accuracy_of_the_steps) {
  const Problem p = problem(linear_ei, 40);
  for (const std::string& name : flow_methods()) {
    Integrator integrator(prepared(name, 1e-6, 0.02, {"I"}));
    integrator.start(p);
    double at_steps = 0, between = 0;
    std::vector<double> y(2);
    const auto error = [](double t, std::span<const double> v) {
      const Pair exact = linear_ei_exact(t);
      return std::max(std::abs(v[0] - exact[0]), std::abs(v[1] - exact[1]));
    };
    for (double previous = 0; integrator.advance(100) != Stop::end; previous = integrator.t()) {
      at_steps = std::max(at_steps, error(integrator.t(), integrator.y()));
      for (double s : {0.15, 0.5, 0.8}) {
        const double t = previous + s * (integrator.t() - previous);
        integrator.dense(t, y);
        between = std::max(between, error(t, y));
      }
    }
    // The interpolant's error has the order of the method but its own constant; it stays at the tolerance, 1e-6.
    BOOST_TEST_CONTEXT(name << ": steps " << at_steps << ", between " << between) {
      BOOST_TEST(between < std::max(1.5 * at_steps, 3e-6));
    }
  }
}

BOOST_AUTO_TEST_CASE(outputs_come_at_exactly_the_requested_times) {
  const std::vector<double> times = {0, 0, 1e-9, 7.25, 7.25, 40};
  for (const std::string& name : flow_methods()) {
    std::vector<double> seen;
    Observer observer;
    observer.sample = [&](double t, std::span<const double>) { seen.push_back(t); };
    solve(problem(linear_ei, 40), prepared(name, 1e-4, 0.3, {"I"}), times, observer);
    BOOST_TEST(seen == times, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_root_is_bracketed_to_rounding_from_above) {
  for (double power : {1.0, 3.0, 9.0}) {
    int calls = 0;
    const auto g = [&](double t) {
      ++calls;
      return std::copysign(std::pow(std::abs(t - 0.3), power), t - 0.3);
    };
    const double root = first_zero(0, g(0), 1, g(1), g);
    BOOST_TEST(g(root) >= 0);
    BOOST_TEST(std::abs(root - 0.3) < 3e-15);  // the bracket's final width, four roundings of 1
    BOOST_TEST(calls < 180);                   // three per bisection at worst
  }
}

BOOST_AUTO_TEST_CASE(an_integrate_and_fire_unit_fires_at_the_closed_form_interval) {
  // tau V' = E - V, V from 0 to threshold 1: interval tau log(E / (E - 1)).
  const Problem p =
      problem("circuit lif\ntime ms\nV(0) = 0\ndV/dt = (1.5 - V)/(10 ms) : 1\nevent spike when V > 1: V = 0\n", 100);
  const double interval = 10 * std::log(3.0);
  for (const std::string& name : flow_methods()) {
    std::vector<EventRecord> events;
    Observer observer;
    observer.event = [&](const EventRecord& e) { events.push_back(e); };
    const bool first_order = name == "euler";
    const Solution s = solve(p, prepared(name, 1e-8, first_order ? 1e-3 : 0.1, {"V"}), {}, observer);
    BOOST_TEST_CONTEXT(name) {
      BOOST_REQUIRE(events.size() == 9u);
      BOOST_TEST(s.counters.events == 9u);
      BOOST_TEST(s.counters.restarts == 9u);
      for (std::size_t k = 0; k < events.size(); ++k) {
        // Errors of the intervals add up; Euler's is first order in its step of 1e-3, Heun's second in 0.1.
        const double each = first_order ? 2e-3 : name == "heun" ? 4e-4 : 5e-6;
        BOOST_TEST(std::abs(events[k].t - static_cast<double>(k + 1) * interval) < static_cast<double>(k + 1) * each);
        BOOST_TEST(std::abs(events[k].before[0] - 1) < 1e-12);  // located to rounding on the interpolant
        BOOST_TEST(events[k].after[0] == 0.0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_bouncing_ball_keeps_its_closed_form_bounces) {
  // Height 1, gravity 2, restitution 0.5: bounces at 1, 2, 2.5, 2.75, ...
  const Problem p = problem(
      "circuit ball\ntime ms\nh(0) = 1\nv(0) = 0\ndh/dt = v/(1 ms) : 1\ndv/dt = -2/(1 ms) : 1\n"
      "event bounce when 0 > h: v = -0.5*v\n",
      2.9);
  for (const char* name : {"bs32", "dp54", "zonneveld43", "heun", "rk4"}) {
    std::vector<double> times;
    Observer observer;
    observer.event = [&](const EventRecord& e) {
      times.push_back(e.t);
      BOOST_TEST(e.after[1] == -0.5 * e.before[1]);
    };
    solve(p, prepared(name, 1e-6, 0.03, {}), {}, observer);
    const std::vector<double> exact = {1, 2, 2.5, 2.75, 2.875};
    BOOST_TEST_CONTEXT(name) {
      BOOST_REQUIRE(times.size() == exact.size());
      // Quadratic motion is exact for every one of these methods; what is left is rounding, amplified by 1/speed.
      for (std::size_t i = 0; i < exact.size(); ++i) BOOST_TEST(std::abs(times[i] - exact[i]) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_flight_shorter_than_a_step_still_ends_in_a_bounce) {
  // Bounces at 1, 2, 2.5, ..., 3 - 2^(1 - k), the last ones many in a step.
  for (const char* jump : {"v = -0.5*v", "v = -0.5*v, h = 0"}) {
    const Problem p = problem(
        std::string("circuit ball\ntime ms\nh(0) = 1\nv(0) = 0\ndh/dt = v/(1 ms) : 1\ndv/dt = -2/(1 ms) : 1\n") +
            "event bounce when -h > 0: " + jump + "\n",
        2.999);
    for (const char* name : {"bs32", "dp54", "heun", "rk4"}) {
      std::vector<double> times;
      Observer observer;
      observer.event = [&](const EventRecord& e) { times.push_back(e.t); };
      solve(p, prepared(name, 1e-6, 0.7, {}), {}, observer);
      BOOST_TEST_CONTEXT(name << ", " << jump) {
        BOOST_REQUIRE(times.size() == 11);
        // Rounding of one bounce, divided by its speed of 2^(1 - k), shifts those after it.
        for (std::size_t k = 0; k < times.size(); ++k)
          BOOST_TEST(std::abs(times[k] - (3 - std::pow(2.0, 1.0 - static_cast<double>(k)))) < 1e-11);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_ball_that_comes_to_rest_stops_the_run_in_place_of_falling_through_the_floor) {
  // At 3 ms its bounces have no end.
  const Problem p = problem(
      "circuit ball\ntime ms\nh(0) = 1\nv(0) = 0\ndh/dt = v/(1 ms) : 1\ndv/dt = -2/(1 ms) : 1\n"
      "event bounce when -h > 0: v = -0.5*v, h = 0\n",
      4);
  for (const char* name : {"bs32", "dp54", "rk4"})
    BOOST_CHECK_EXCEPTION(solve(p, prepared(name, 1e-6, 0.1, {})), Failure, [](const Failure& f) {
      return std::string(f.what()).find("ever faster") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(an_output_at_an_event_has_the_state_after_it_and_the_event_both) {
  const Problem p = problem("circuit c\ntime ms\ny(0) = 0\ndy/dt = 1/(1 ms) : 1\nevent e when y > 1: y = -3\n", 2);
  std::vector<double> samples;
  double before = 0, after = 0;
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) { samples.push_back(y[0]); };
  observer.event = [&](const EventRecord& e) { before = e.before[0], after = e.after[0]; };
  const std::vector<double> times = {1.0};
  solve(p, prepared("rk4", 1, 0.25, {}), times, observer);
  BOOST_REQUIRE(samples.size() == 1u);
  BOOST_TEST(samples[0] == -3.0);
  BOOST_TEST(before == 1.0);
  BOOST_TEST(after == -3.0);
}

BOOST_AUTO_TEST_CASE(an_event_at_the_very_end_comes_before_the_output_there) {
  const Problem p = problem("circuit c\ntime 1\nx(0) = -1\ndx/dt = 1 : 1\nevent tick when x > 0: x = -5\n", 1);
  // whose steps of a quarter add up to 1 without rounding
  for (const char* name : {"euler", "heun"}) {
    std::vector<double> seen;
    std::size_t events = 0;
    Observer observer;
    observer.sample = [&](double, std::span<const double> y) { seen.push_back(y[0]); };
    observer.event = [&](const EventRecord&) { ++events; };
    const auto end = solve(p, prepared(name, 1e-6, 0.25, {}), std::vector{1.0}, observer);
    BOOST_TEST(seen.size() == 1u);
    BOOST_TEST(seen[0] == -5, name);
    BOOST_TEST(events == 1u, name);
    BOOST_TEST(end.y[0] == -5, name);
  }
}

BOOST_AUTO_TEST_CASE(two_units_that_cross_together_fire_together) {
  const Problem p =
      problem("circuit c\ntime ms\naxis i = 3\ny(0) = 0\ndy/dt = 1/(1 ms) : 1 [i]\nevent e when y > 1: y = 0\n", 2.5);
  std::vector<std::size_t> fired;
  Observer observer;
  observer.event = [&](const EventRecord& e) { fired.insert(fired.end(), e.fired.begin(), e.fired.end()); };
  solve(p, prepared("bs32", 1e-6, 0, {}), {}, observer);
  const std::vector<std::size_t> expected = {0, 1, 2, 0, 1, 2};
  BOOST_TEST(fired == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_step_of_the_drive_costs_no_accuracy_when_it_is_a_breakpoint) {
  const auto drive = std::make_shared<FunctionDrive>([](double t) { return t < 1.7 ? 0.0 : 1.0; }, std::vector{1.7});
  for (const std::string& name : flow_methods()) {
    Problem p = problem("circuit c\ntime ms\ninput u : 1\ny(0) = 0\ndy/dt = (u - y)/(2 ms) : 1\n", 5);
    p.drive = drive;
    const bool first_order = name == "euler";
    const std::vector<double> times = {1.7, 5};
    std::vector<double> y;
    Observer observer;
    observer.sample = [&](double, std::span<const double> v) { y.push_back(v[0]); };
    const Solution s = solve(p, prepared(name, 1e-8, first_order ? 1e-4 : 0.1, {"y"}), times, observer);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(y[0] == 0.0);  // nothing of the step is seen before it
      // Heun: second order at 0.1; the rest: fourth order at 0.1, or 1e-8 per step.
      BOOST_TEST(std::abs(y[1] - (1 - std::exp(-1.65))) < (first_order ? 1e-4 : name == "heun" ? 1e-3 : 1e-6));
      BOOST_TEST(s.counters.restarts == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_guard_on_the_drive_fires_at_its_jump) {
  Problem p = problem(
      "circuit c\ntime ms\ninput u : 1\ny(0) = 0\ndy/dt = 0*y/(1 ms) : 1\nevent e when u > 0.5: y = y + 1\n", 5);
  p.drive = std::make_shared<FunctionDrive>([](double t) { return t < 2 ? 0.0 : 1.0; }, std::vector{2.0});
  for (const char* name : {"rk4", "bs32", "bdf"}) {
    std::vector<double> times;
    Observer observer;
    observer.event = [&](const EventRecord& e) { times.push_back(e.t); };
    const Solution s = solve(p, prepared(name, 1e-6, 0.3, {}), {}, observer);
    BOOST_REQUIRE(times.size() == 1u);
    BOOST_TEST(times[0] == 2.0);
    BOOST_TEST(s.y[0] == 1.0);
  }
}

// A phase at a constant rate, which any step solves, spikes at the start of every turn but the first.
BOOST_AUTO_TEST_CASE(every_period_of_a_guard_that_oscillates_in_a_state_is_an_event) {
  const Problem p = problem(
      "circuit phases\naxis n = 3\nparameter f[n] = [40, 50, 60] Hz\ndtheta/dt = 2*pi*f : 1 [n]\ndc/dt = 0 : 1 [n]\n"
      "event spike when sin(theta - 0.1) > 0: c = c + 1\n",
      1000);
  for (const char* name : {"bs32", "dp54", "arkode_dp54", "adams", "bdf"}) {
    std::vector<std::vector<double>> times(3);
    Observer observer;
    observer.event = [&](const EventRecord& e) {
      for (const std::size_t i : e.fired) times[i].push_back(e.t);
    };
    const Solution s = solve(p, named(name), {}, observer);
    for (std::size_t i = 0; i < 3; ++i) {
      const double period = 100.0 / (4 + static_cast<double>(i));
      BOOST_TEST_CONTEXT(name << " " << i) {
        BOOST_TEST(s.y[3 + i] == std::round(1000 / period), boost::test_tools::tolerance(1e-12));
        BOOST_REQUIRE(times[i].size() == static_cast<std::size_t>(std::round(1000 / period)));
        for (std::size_t k = 0; k < times[i].size(); ++k)
          BOOST_TEST(std::abs(times[i][k] - (static_cast<double>(k) + 0.1 / (2 * std::numbers::pi)) * period) < 1e-3);
      }
    }
  }
}

// V = 5 (1 - e^{-t/30}) under an oscillation, whose crossings a fine grid counts.
BOOST_AUTO_TEST_CASE(every_period_of_a_guard_that_oscillates_in_time_is_an_event) {
  const auto guard = [](double t) { return 5 * (1 - std::exp(-t / 30)) * std::sin(2 * std::numbers::pi * t / 7) - 1; };
  std::vector<double> exact;
  for (int k = 0; k < 30'000; ++k)
    if (guard(0.01 * k) < 0 && guard(0.01 * (k + 1)) >= 0) exact.push_back(0.01 * k);
  const Problem p = problem(
      "circuit wave\ntime ms\nz(0) = 0\ndV/dt = (5 mV - V)/(30 ms) : mV\ndz/dt = 0 : 1\n"
      "event up when V*sin(2*pi*t/(7 ms)) > 1 mV: z = z + 1\n",
      300);
  for (const char* name : {"bs32", "dp54", "adams", "bdf", "rk4"}) {
    Method method = named(name);
    if (method.step > 0) method.step = 5;
    std::vector<double> times;
    Observer observer;
    observer.event = [&](const EventRecord& e) { times.push_back(e.t); };
    solve(p, method, {}, observer);
    BOOST_TEST_CONTEXT(name) {
      BOOST_REQUIRE(times.size() == exact.size());
      for (std::size_t k = 0; k < exact.size(); ++k) BOOST_TEST(std::abs(times[k] - exact[k]) < 0.02);
    }
  }
}

// Guards whose values between the ends of a step follow from few: those of neurons are, and cost no more.
BOOST_AUTO_TEST_CASE(guards_of_the_first_degree_are_told_from_others) {
  const auto affine = [](const std::string& guard) {
    return problem(
               "circuit c\ninput X : 1\nparameter th = 2 1\nparameter tau = 3 ms\nV(0) = 0\nW(0) = 0\n"
               "dV/dt = X/(1 ms) : 1\ndW/dt = 0 : 1\nevent e when " +
                   guard + ": W = W + 1\n",
               1)
        .system.events()[0]
        .affine;
  };
  for (const char* guard : {"V > th", "exp(th)*V - W/th > -(V + 1)*2", "V > t/tau", "1 > 0"})
    BOOST_TEST(affine(guard), guard);
  for (const char* guard : {"V*W > th", "sin(V) > th", "V > sin(t/tau)", "V > X", "abs(V) > th", "th/V > 1",
                            "W + where(V > 1, 1, -1) > 0", "V^2 > th", "max(V, W) > th"})
    BOOST_TEST(!affine(guard), guard);
}

// x' = e^x from 0 ends at t = 1: over 60 it is faster than any step, and over 700 no more a number.
BOOST_AUTO_TEST_CASE(an_upstroke_faster_than_time_is_resolved_ends_in_its_event) {
  const Problem p = problem("circuit c\ntime 1\nx(0) = 0\ndx/dt = exp(x) : 1\nevent up when x > 60: x = 0\n", 30.5);
  for (const char* name : {"bs32", "dp54", "arkode_bs32", "adams", "bdf"}) {
    const Solution s = solve(p, named(name, 1e-7));
    BOOST_TEST(s.counters.events == 30, name);
    BOOST_TEST(std::abs(s.y[0] - std::log(2)) < 1e-3, name << ": " << s.y[0]);
  }
}

// A guard that jumps, or that a delayed value takes over its threshold, where another event lies: it fires once.
BOOST_AUTO_TEST_CASE(what_crosses_at_the_time_of_another_event_is_not_lost) {
  const auto counted = [](const std::string& guards, const Method& m) {
    const Problem p = problem(
        "circuit c\ntime 1\nk(0) = 0\ndk/dt = 0 : 1\np(0) = 0\ndp/dt = 1 : 1\n"
        "z(t <= 0) = t\ndz/dt = 1 : 1\n" +
            guards,
        6.5);
    return solve(p, m).y[0];
  };
  const std::vector<Method> methods{prepared("dp54", 1e-9, 0, {}),  prepared("bs32", 1e-9, 0, {}),
                                    prepared("adams", 1e-9, 0, {}), prepared("bdf", 1e-9, 0, {}),
                                    prepared("rk4", 0, 0.1, {}),    prepared("euler", 0, 0.13, {})};
  for (const Method& m : methods) {
    for (const std::string guard : {"where(t > 4, 1, 0)", "step(t - 4)"})
      for (const std::string pace : {"4", "2", "1", "0.8"})
        BOOST_TEST(counted("event late when " + guard + " > 0.5: k = k + 1\nevent pace when p > " + pace + ": p = 0\n",
                           m) == 1,
                   m.name << " " << guard << " " << pace);
    for (const double delayed : {2.0, 0.5, 1.3, 0.1, 0.7, 1.9, 2.7})
      BOOST_TEST(counted("event late when delayed(z, 1) > " + std::to_string(delayed) +
                             ": k = k + 1\nevent other when p > " + std::to_string(delayed + 1) + ": p = 0\n",
                         m) == 1,
                 m.name << " " << delayed);
  }
  // Each turn of a saw-tooth is seen a delay later, where the next one ends.
  for (const Method& m : methods)
    BOOST_TEST(counted("event fire when z > 3: z = 0\nevent late when delayed(z, 1) > 2: k = k + 1\n", m) == 2, m.name);
}

BOOST_AUTO_TEST_SUITE_END()
