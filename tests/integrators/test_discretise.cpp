// A discretised circuit, iterated, against the fixed-step integrator of the same scheme.
#include "circuit/discretise.hpp"

#include <boost/test/unit_test.hpp>

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

BOOST_AUTO_TEST_SUITE_END()
