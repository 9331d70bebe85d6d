// Flows made maps: their equations by hand, and every derivative of them. tests/integrators compares whole runs.
#include "circuit/discretise.hpp"

#include "base/error.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/differences.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

constexpr const char* flow = R"(circuit flow
axis y = 6
axis x = 5
parameter tau[y] = [5, 6, 7, 8, 9, 10] ms
parameter w = 0.7 1
parameter sd = 1.1 1
input X[y, x] : mV
near := conv(V, gaussian(y, x, size=3, sd=sd)) : mV
dV/dt = (X + near*tanh(w*A) - V + cos(w*t/(3 ms))*(1 mV))/tau : mV [y, x]
dA/dt = (mean(V, y, x)/(2 mV) - w*A)/(4 ms) : 1
)";

constexpr Scheme schemes[] = {Scheme::euler, Scheme::heun, Scheme::rk4, Scheme::exponential_euler};

std::string refusal(const std::function<void()>& make) {
  try {
    make();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(discretised)

// A linear leak, one step h: the factor is the stability function of each scheme at z = -h/tau.
BOOST_AUTO_TEST_CASE(a_leak_is_multiplied_by_the_stability_function_of_the_scheme) {
  const Circuit leak = read_circuit("circuit leak\nparameter tau = 4 ms\ndV/dt = -V/tau : mV\n");
  const double z = -0.5;
  const double expected[] = {1 + z, 1 + z + z * z / 2, 1 + z + z * z / 2 + z * z * z / 6 + z * z * z * z / 24,
                             std::exp(z), std::exp(z)};
  for (const Scheme scheme : {Scheme::euler, Scheme::heun, Scheme::rk4, Scheme::exponential_euler, Scheme::exact}) {
    Place c(discretise(leak, scheme, 2));
    c.y = {3};
    BOOST_TEST(std::abs(c.rhs()[0] - 3 * expected[static_cast<int>(scheme)]) < 1e-15);
    BOOST_TEST(c.system.step() == 2);
  }
}

BOOST_AUTO_TEST_CASE(every_derivative_of_every_scheme_agrees_with_differences) {
  for (const Scheme scheme : schemes) BOOST_TEST_CONTEXT(static_cast<int>(scheme)) {
      Place c(discretise(read_circuit(flow), scheme, 0.8));
      c.check_first();
      c.check_second();
    }
}

BOOST_AUTO_TEST_CASE(a_discretised_circuit_prints_as_text_that_reads_back_equal_and_keeps_its_definitions) {
  for (const Scheme scheme : schemes) {
    const Circuit map = discretise(read_circuit(flow), scheme, 0.8);
    BOOST_TEST((read_circuit(to_text(map)) == map));
    BOOST_TEST(map->definitions.at(0).name == "near");
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_discretised_is_refused) {
  const Circuit map = read_circuit("circuit c\nnext(x) = x/2 : 1\n");
  const Circuit spiking = read_circuit("circuit s\ndV/dt = 1/(1 ms) : 1\nevent spike when V > 1: V = 0\n");
  BOOST_TEST(refusal([&] { discretise(map, Scheme::euler, 1); }) ==
             "circuit 'c': is a map already; only a flow can be discretised.");
  BOOST_TEST(
      refusal([&] { discretise(spiking, Scheme::euler, 1); }) ==
      "circuit 's': has the event 'spike', but a circuit with events cannot be discretised. Write it as a map that "
      "spikes by surrogate(), or take its gradient by the adjoint in time.");
  BOOST_TEST(refusal([&] { discretise(read_circuit(flow), Scheme::euler, 0); }) ==
             "circuit 'flow': step = 0 [ms], but must be positive.");
  BOOST_TEST(refusal([&] { scheme_named("rk5"); }) == "there is no scheme 'rk5'. Closest: rk4.");
  BOOST_TEST((scheme_named("heun") == Scheme::heun));
}

BOOST_AUTO_TEST_SUITE_END()
