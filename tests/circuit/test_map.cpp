// Maps: their text, their executable form, and the products that learning needs, against finite differences.
#include <boost/test/unit_test.hpp>

#include "circuit/text.hpp"
#include "tests/circuit/differences.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

/// A small recurrent cell with everything that a product has to pass through: a gate, a coupling, a reduction, time.
constexpr const char* cell = R"(circuit cell "a gated cell"
time ms
step 0.5 ms

axis unit = 5
axis out = 5
parameter W[out, unit] = 0.3 1
parameter b[unit] = [0.1, -0.2, 0.3, -0.1, 0.2] 1
parameter k = 0.4 1
input X[unit] : 1
front := tanh(X*b) : 1
gate := sigmoid(b + k*h) : 1
sent := rename(matmul(W, h*gate, over=unit), out, unit) : 1
energy := sum(h^2*b, unit) + k*sum(X*h, unit) : 1
h(0) = k*X + b^2
next(h) = gate*h + (1 - gate)*tanh(front - sent/(1 + mean(h^2, unit)) + k*t/(10 ms)) : 1 [unit]
w(0) = mean(b, unit)*k
next(w) = w/2 + k*energy : 1 "a trace"
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(maps)

BOOST_AUTO_TEST_CASE(a_map_prints_as_text_that_reads_back_equal) {
  const Circuit circuit = read_circuit(cell);
  BOOST_TEST(circuit.is_map());
  BOOST_TEST(circuit->step == 0.5);
  const std::string text = to_text(circuit);
  BOOST_TEST(text.find("step 0.5 [ms]") != std::string::npos);
  BOOST_TEST(text.find("next(w) = ") != std::string::npos);
  BOOST_TEST((read_circuit(text) == circuit));
  BOOST_TEST(to_text(read_circuit(text)) == text);
}

BOOST_AUTO_TEST_CASE(the_step_may_be_given_in_another_unit_of_time_and_anywhere) {
  const Circuit circuit = read_circuit("circuit c\nnext(x) = x/2 : 1\nstep 0.002 s\ntime ms\n");
  BOOST_TEST(circuit->step == 2);
  BOOST_TEST(read_circuit("circuit c\nnext(x) = x/2 : 1\n")->step == 1);
}

BOOST_AUTO_TEST_CASE(the_builder_writes_the_same_map_as_the_text) {
  CircuitBuilder b("c", "ms");
  const Expr a = b.parameter("a", 0.5, "1");
  const Expr x = b.state("x", "mV", {}, quantity(1, "mV"));
  b.next(x, a * x);
  b.step(2);
  BOOST_TEST((b.build() == read_circuit("circuit c\nstep 2 ms\nparameter a = 0.5 1\nx(0) = 1 mV\nnext(x) = a*x : mV")));
}

BOOST_AUTO_TEST_CASE(a_map_gives_the_next_state) {
  const auto system =
      compile<double>(read_circuit("circuit c\ntime 1\nparameter r = 3.5 1\nx(0) = 0.5\nnext(x) = r*x*(1 - x) : 1"));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  Numbers x{0.5}, next(1);
  BOOST_TEST(system.is_map());
  BOOST_TEST(system.step() == 1);
  // The logistic map by hand: 0.5, 0.875, 0.3828125.
  system.rhs({0, x, p, {}}, next, workspace);
  BOOST_TEST(next[0] == 0.875);
  system.rhs({1, next, p, {}}, x, workspace);
  BOOST_TEST(x[0] == 0.3828125);
}

BOOST_AUTO_TEST_CASE(products_are_those_of_the_next_state) {
  Place c(read_circuit(cell));
  c.check_first();
}

BOOST_AUTO_TEST_CASE(a_circuit_may_keep_the_definitions_wanted) {
  const Circuit circuit = read_circuit(cell).with_definitions({"energy"});
  const auto system = compile<double>(circuit);
  BOOST_TEST(system.observables().names() == std::vector<std::string>{"energy"});
  Place c(read_circuit(cell));
  auto workspace = system.workspace();
  Numbers all(c.system.observables().size()), one(1);
  c.system.observe(c.at(), all, c.workspace);
  system.observe(c.at(), one, workspace);
  BOOST_TEST(one[0] == all[c.system.observables().at("energy").offset]);
}

BOOST_AUTO_TEST_CASE(second_is_the_gradient_of_a_product_of_the_jacobian) {
  Place c(read_circuit(cell));
  c.check_second();
  const Numbers v = noise(c.y.size(), 4), lambda = noise(c.y.size(), 5);
  Numbers ybar(c.y.size(), 1.0), pbar(c.p.size()), alone(c.y.size());  // products are added
  c.system.second(c.at(), v, lambda, {ybar, pbar}, c.workspace);
  c.system.second(c.at(), v, lambda, {alone}, c.workspace);
  for (std::size_t i = 0; i < alone.size(); ++i) BOOST_TEST(std::abs(1 + alone[i] - ybar[i]) < 1e-14);
}

// What depends on inputs is kept while they do not change, and made again when parameters or inputs do.
BOOST_AUTO_TEST_CASE(a_changed_input_or_parameter_is_seen_after_others_were_kept) {
  Place c(read_circuit(cell));
  const auto next = [&](Workspace<double>& workspace) {
    Numbers out(c.y.size());
    c.system.rhs(c.at(), out, workspace);
    return out;
  };
  next(c.workspace);
  for (const bool input : {true, false, true}) {
    (input ? c.u : c.p)[1] += 0.25;
    auto fresh = c.system.workspace();
    BOOST_TEST(next(c.workspace) == next(fresh));
    c.y[0] += 0.5;
    BOOST_TEST(next(c.workspace) == next(fresh));
  }
}

BOOST_AUTO_TEST_SUITE_END()
