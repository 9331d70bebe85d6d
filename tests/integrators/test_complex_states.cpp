// A complex state is a pair of real ones to every method.
#include <boost/test/unit_test.hpp>

#include <complex>

#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;

BOOST_AUTO_TEST_SUITE(complex_states)

BOOST_AUTO_TEST_CASE(turn_and_decay_by_every_method_of_flows) {
  const auto system = compile<double>(read_circuit(R"(circuit spiral
time s
z(0) = 1 + 0.5*i
dz/dt = (-0.3 + 2*i)*z*1 [1/s] : complex 1
)"));
  const std::complex<double> expected = std::complex<double>(1, 0.5) * std::exp(std::complex<double>(-0.3, 2));
  for (const auto& name : test::flow_methods()) {
    Method method;
    method.name = name;
    const bool fixed = name == "euler" || name == "heun" || name == "rk4" || name == "exponential_euler";
    if (fixed) method.step = 1e-4;
    if (name.starts_with("imex")) method.implicit = {"z_re", "z_im"};
    method.rtol = method.atol = 1e-8;
    const Solution solution = solve({system, {}, {}, {}, 0, 1, {}}, method);
    // Euler's first order at 1e-4: |lambda|^2 h/2 = 2e-4; the others' tolerances add up over some hundred steps.
    const double tolerance = name == "euler" || name == "exponential_euler" ? 5e-4 : 2e-6;
    BOOST_TEST(std::abs(std::complex<double>(solution.y[0], solution.y[1]) - expected) < tolerance, name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
