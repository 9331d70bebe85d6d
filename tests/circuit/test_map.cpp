// Maps: their text, their executable form, and the products that learning needs, against finite differences.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <random>

#include "circuit/compile.hpp"
#include "circuit/text.hpp"

using namespace striate;

namespace {

using Numbers = std::vector<double>;

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

Numbers noise(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Numbers v(n);
  for (auto& x : v) x = uniform(random);
  return v;
}

double dot(const Numbers& a, const Numbers& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}

struct Cell {
  Cell()
      : system(compile<double>(read_circuit(cell))),
        workspace(system.workspace()),
        p(noise(system.parameters().size(), 1)),
        y(noise(system.states().size(), 2)),
        u(noise(system.inputs().size(), 3)) {}
  At<double> at() const { return {1.5, y, p, u}; }

  System<double> system;
  Workspace<double> workspace;
  Numbers p, y, u;
};

/// The gradient of `value` with respect to `x` by central differences of fourth order: step 1e-3, truncation about
/// 1e-12, rounding about 1e-13.
Numbers differences(Numbers& x, const std::function<double()>& value) {
  Numbers gradient;
  const double h = 1e-3;
  for (auto& element : x) {
    const double middle = element;
    const auto f = [&](double d) {
      element = middle + d;
      return value();
    };
    gradient.push_back((8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h));
    element = middle;
  }
  return gradient;
}

void check_close(const Numbers& found, const Numbers& expected) {
  BOOST_REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) BOOST_TEST(std::abs(found[i] - expected[i]) < 1e-10);
}

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

BOOST_AUTO_TEST_CASE(vjp_and_jvp_are_those_of_the_next_state) {
  Cell c;
  const Numbers lambda = noise(c.y.size(), 4);
  const auto value = [&] {
    Numbers next(c.y.size());
    c.system.rhs(c.at(), next, c.workspace);
    return dot(lambda, next);
  };
  Numbers ybar(c.y.size()), pbar(c.p.size()), ubar(c.u.size());
  c.system.vjp(c.at(), lambda, {ybar, pbar, ubar}, c.workspace);
  check_close(ybar, differences(c.y, value));
  check_close(pbar, differences(c.p, value));
  check_close(ubar, differences(c.u, value));
  const Numbers vy = noise(c.y.size(), 5), vp = noise(c.p.size(), 6);
  Numbers out(c.y.size());
  c.system.jvp(c.at(), {vy, vp}, out, c.workspace);
  BOOST_TEST(std::abs(dot(lambda, out) - dot(ybar, vy) - dot(pbar, vp)) < 1e-13);
}

BOOST_AUTO_TEST_CASE(a_circuit_may_keep_the_definitions_wanted) {
  const Circuit circuit = read_circuit(cell).with_definitions({"energy"});
  const auto system = compile<double>(circuit);
  BOOST_TEST(system.observables().names() == std::vector<std::string>{"energy"});
  Cell c;
  auto workspace = system.workspace();
  Numbers all(c.system.observables().size()), one(1);
  c.system.observe(c.at(), all, c.workspace);
  system.observe(c.at(), one, workspace);
  BOOST_TEST(one[0] == all[c.system.observables().at("energy").offset]);
}

BOOST_AUTO_TEST_CASE(second_is_the_gradient_of_a_product_of_the_jacobian) {
  Cell c;
  const Numbers v = noise(c.y.size(), 4), lambda = noise(c.y.size(), 5);
  const auto value = [&] {
    Numbers out(c.y.size());
    c.system.jvp(c.at(), {v}, out, c.workspace);
    return dot(lambda, out);
  };
  Numbers ybar(c.y.size()), pbar(c.p.size()), alone(c.y.size());
  c.system.second(c.at(), v, lambda, {ybar, pbar}, c.workspace);
  check_close(ybar, differences(c.y, value));
  check_close(pbar, differences(c.p, value));
  c.system.second(c.at(), v, lambda, {alone}, c.workspace);
  for (std::size_t i = 0; i < alone.size(); ++i) BOOST_TEST(std::abs(alone[i] - ybar[i]) < 1e-14);
}

// What depends on inputs is kept while they do not change, and made again when parameters or inputs do.
BOOST_AUTO_TEST_CASE(a_changed_input_or_parameter_is_seen_after_others_were_kept) {
  Cell c;
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
