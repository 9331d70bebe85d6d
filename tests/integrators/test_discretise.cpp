// A discretised circuit, iterated, against the fixed-step integrator of the same scheme.
#include "circuit/discretise.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>

#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

constexpr const char* coupled = R"(circuit coupled
axis y = 9
axis x = 8
parameter w = 0.9 1
input I : 1
r(0) = exp(-offset_y^2/4)
dr/dt = (relu(I + w*conv(r, box(y, x, size=3)) + cos(t/(2 ms))) - r)/(6 ms) : 1 [y, x]
dm/dt = (mean(r^2, y, x) - m)/(3 ms) : 1
offset_y := index(y) - 4
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(discretised_runs)

// 200 steps of 0.25 ms; the graph folds h w_j as the integrator multiplies it, so only the order of additions inside
// the rate may differ: 1e-13 of values of order 1.
BOOST_AUTO_TEST_CASE(iterating_the_map_is_the_fixed_step_integrator) {
  const Circuit flow = read_circuit(coupled);
  for (const char* name : {"euler", "heun", "rk4", "exponential_euler"}) BOOST_TEST_CONTEXT(name) {
      const auto drive = std::make_shared<FunctionDrive>([](double) { return 0.3; });
      const Problem p{compile<double>(flow), {}, drive, {}, 0, 50, {}};
      const Problem q{compile<double>(discretise(flow, scheme_named(name), 0.25)), {}, drive, {}, 0, 50, {}};
      const auto integrated = solve(p, prepared(name, 0, 0.25, {})).y;
      const auto iterated = solve(q, named("iterate")).y;
      for (std::size_t i = 0; i < integrated.size(); ++i) BOOST_TEST(std::abs(integrated[i] - iterated[i]) < 1e-13);
    }
}

// dV/dt = (pulses + ramp - V)/tau, pulses of 1 from 10 to 15 and to 14 ms and the ramp from 12 ms on, in closed form;
// steps of 1 and of 0.1 ms, whose multiples are rounded. The integrator stops at the jumps: the map does as well with
// jumps on its grid.
BOOST_AUTO_TEST_CASE(jumps_on_the_grid_fall_between_two_steps) {
  const Circuit flow = read_circuit(
      "circuit pulse\ntime ms\nparameter onset = 10 ms\nparameter tau = 10 ms\n"
      "dV/dt = (where(t > onset, 1, 0)*where(t < onset + 5 ms, 1, 0) + step(2 ms - abs(t - onset - 2 ms)) "
      "+ relu(t - 12 ms)/(10 ms) - V)/tau : 1\n");
  const auto rise = [](double s) { return s > 0 ? 1 - std::exp(-s / 10) : 0.0; };
  const auto ramp = [](double s) { return s > 0 ? s / 10 - 1 + std::exp(-s / 10) : 0.0; };
  const auto exact = [&](double t) { return 2 * rise(t - 10) - rise(t - 14) - rise(t - 15) + ramp(t - 12); };
  for (const auto& [name, tolerance] : {std::pair{"euler", 0.1}, std::pair{"heun", 3e-3}, std::pair{"rk4", 2e-6}})
    for (const double step : {1.0, 0.1}) {
      const Problem p{compile<double>(flow), {}, nullptr, {}, 0, 20, {}};
      const Problem q{compile<double>(discretise(flow, scheme_named(name), step)), {}, nullptr, {}, 0, 20, {}};
      std::vector<double> times, integrated;
      for (int k = 1; k <= 20; ++k) times.push_back(k);
      Observer observer;
      observer.sample = [&](double, std::span<const double> y) { integrated.push_back(y[0]); };
      solve(p, prepared(name, 0, step, {}), times, observer);
      const std::vector<double> run = std::exchange(integrated, {});
      solve(q, named("iterate"), times, observer);
      for (std::size_t k = 0; k < times.size(); ++k) {
        BOOST_TEST(std::abs(integrated[k] - run[k]) < 1e-12, name << " " << step << " at " << times[k]);
        BOOST_TEST(std::abs(integrated[k] - exact(times[k])) < tolerance, name << " " << step << " at " << times[k]);
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()
