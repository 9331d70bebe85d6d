// Sums over pairs are found a fast form: the same number as the double sum, and no array over pairs.
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/derive.hpp"
#include "circuit/program/couplings.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/evaluation.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

struct Coupling {
  std::string name;
  std::string sum;        ///< over `other`; theta_j is theta at the other unit
  std::string algorithm;  ///< what it becomes, with its number of products
};

/// N units with a state, weights, and two positions; `coupling` is the sum.
std::string circuit_text(const std::string& coupling, std::size_t n) {
  return "circuit pairs\ntime s\naxis unit = " + std::to_string(n) + "\naxis other = " + std::to_string(n) +
         R"(
parameter W[unit, other] = 0.5 1
parameter A[unit, other] = 0.3 1
parameter alpha = 0.4 1
parameter lag[unit] = 0.2 1
parameter width = 3 1
parameter omega[unit] = 1 Hz
weight_j := rename(weight, unit, other)
weight := 1 + 0.5*cos(0.7*index(unit))
position := 0.1*index(unit)
distance := position - rename(position, unit, other)
theta_j := rename(theta, unit, other)
dtheta/dt = omega + 1 Hz*()" +
         coupling + ") : 1 [unit]\n";
}

const std::vector<Coupling>& couplings() {
  static const std::vector<Coupling> all{
      {"all to all", "sum(sin(theta_j - theta), other)", "mean field"},
      {"with a lag", "mean(sin(theta_j - theta - alpha), other)", "mean field"},
      {"with a lag of each unit", "mean(sin(theta_j - theta - lag), other)", "mean field"},
      {"in an angular unit", "mean(sin(in(theta_j - theta, deg)), other)", "mean field"},
      {"with weights of the sender", "sum(weight_j*sin(theta_j - theta), other)", "mean field"},
      {"with weights of both", "sum(weight*weight_j*sin(theta_j - theta)/10, other)", "mean field"},
      {"higher harmonics", "mean(sin(theta_j - theta + alpha) - sin(alpha) + 0.2*sin(2*(theta_j - theta)), other)",
       "mean field"},
      {"a cosine kernel on a ring", "mean((1 + alpha*cos(distance))*sin(theta - theta_j + alpha), other)",
       "mean field"},
      {"dense", "sum(W*sin(theta_j - theta), other)", "2 matrix products"},
      {"dense, in single precision", "sum(single(W)*sin(theta_j - theta), other)", "2 matrix products"},
      {"dense with a lag", "sum(W*sin(theta_j - theta - alpha), other)", "2 matrix products"},
      {"dense with a lag of each pair", "sum(W*sin(theta_j - theta - A), other)", "4 matrix products"},
      {"dense with two weights", "sum(W*A*sin(theta_j - theta), other)", "2 matrix products"},
      {"diffusive", "sum(W*(theta_j - theta), other)", "1 matrix products"},
      {"a square", "mean(cos(theta_j - theta)^2, other)", "mean field"},
      {"a cube", "mean(sin(theta_j - theta)^3, other)", "mean field"},
      {"a matrix product written out", "sum(W*theta_j, other)", "1 matrix products"},
      {"an exponential kernel", "mean(exp(-abs(distance)*width)*sin(theta_j - theta), other)", "2 matrix products"},
  };
  return all;
}

/// The rate of the one state, with every parameter array and theta at spread values.
struct Evaluated {
  Expr rate;
  Bindings at;
};
Evaluated evaluated(const Circuit& circuit) {
  Evaluated e{circuit->states[0].equation, {}};
  unsigned seed = 1;
  for (const auto& p : circuit->parameters)
    e.at.emplace_back(
        p.variable, p.variable.shape().rank() == 0 ? p.value : spread_values(p.variable.shape().size(), seed++, -1, 1));
  const Expr& theta = circuit->states[0].variable;
  e.at.emplace_back(theta, spread_values(theta.shape().size(), seed++, -3, 3));
  return e;
}

bool has_array_over_pairs(const std::vector<Expr>& roots, std::size_t n) {
  for (const auto& e : topological_order(roots)) {
    bool varies = false;
    for (const auto& below : topological_order({e}))
      varies = varies || (below->op == Op::variable && below->kind != VariableKind::parameter);
    if (varies && e.shape().size() >= n * n) return true;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(couplings_among_units)

BOOST_AUTO_TEST_CASE(equal_the_double_sum) {
  // 40 terms of order 1: some hundred roundings.
  for (const auto& c : couplings()) {
    BOOST_TEST_CONTEXT(c.name) {
      const auto e = evaluated(read_circuit(circuit_text(c.sum, 40)));
      const auto plain = naive_value(e.rate, e.at);
      BOOST_TEST(distance(compiled_value<double>(e.rate, e.at), plain) <= 1e-13 * std::max(1.0, largest(plain)));
    }
  }
}

BOOST_AUTO_TEST_CASE(say_what_they_became) {
  for (const auto& c : couplings()) {
    BOOST_TEST_CONTEXT(c.name) {
      const auto choices = compile<double>(read_circuit(circuit_text(c.sum, 40))).algorithms();
      BOOST_TEST_REQUIRE(choices.size() == 1U);
      BOOST_TEST(choices[0].algorithm == c.algorithm);
      BOOST_TEST(choices[0].operation.starts_with("sum over other of ["));
    }
  }
}

BOOST_AUTO_TEST_CASE(leave_no_array_over_pairs_in_the_rate_and_its_derivatives) {
  for (const auto& c : couplings()) {
    BOOST_TEST_CONTEXT(c.name) {
      const Circuit circuit = read_circuit(circuit_text(c.sum, 40));
      const Expr& rate = circuit->states[0].equation;
      const Expr& theta = circuit->states[0].variable;
      const Expr v = variable(VariableKind::argument, "v", theta.shape(), theta.unit());
      const Expr g = variable(VariableKind::argument, "g", theta.shape(), rate.unit().pow(-1));
      std::vector<Expr> wrt{theta};
      for (const auto& p : circuit->parameters)
        if (p.variable.shape().rank() < 2) wrt.push_back(p.variable);
      std::vector<Expr> graphs{rate, jvp({rate}, {{theta, v}})[0]};
      for (const auto& e : vjp({{rate, g}}, wrt))
        if (e) graphs.push_back(e);
      std::vector<AlgorithmChoice> choices;
      for (const auto& e : factor_couplings(graphs, choices)) BOOST_TEST(!has_array_over_pairs({e}, 40));
      // ... and the derivatives are those of the double sum.
      auto [value, at] = evaluated(circuit);
      at.emplace_back(v, spread_values(40, 71));
      at.emplace_back(g, spread_values(40, 72));
      for (const auto& e : graphs) {
        const auto plain = naive_value(e, at);
        BOOST_TEST(distance(compiled_value<double>(e, at), plain) <= 1e-12 * std::max(1.0, largest(plain)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(of_weights_by_distance_are_convolutions_on_long_axes) {
  for (const char* kernel : {"exp(-abs(distance)*width)", "exp(-(distance/width)^2)",
                             "exp(-min(abs(distance), 15 - abs(distance))*width)", "where(distance > 0.35, 1, 0)"}) {
    BOOST_TEST_CONTEXT(kernel) {
      const Circuit circuit =
          read_circuit(circuit_text("mean(" + std::string(kernel) + "*sin(theta_j - theta - alpha), other)", 150));
      BOOST_TEST(compile<double>(circuit).algorithms()[0].algorithm == "2 convolutions");
      const auto e = evaluated(circuit);
      BOOST_TEST(distance(compiled_value<double>(e.rate, e.at), naive_value(e.rate, e.at)) <= 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(of_weights_by_coordinates_are_convolutions_where_those_are_evenly_spaced) {
  std::string squares = "0";
  for (int i = 1; i < 150; ++i) squares += ", " + std::to_string(0.01 * i * i);
  for (const auto& [away, algorithm] : {std::pair{"coordinate(unit) - coordinate(other)", "2 convolutions"},
                                        {"coordinate(unit) - rename(coordinate(unit), unit, other)", "2 convolutions"},
                                        {"rename(bent, odd, unit) - rename(bent, odd, other)", "2 matrix products"}}) {
    const Circuit circuit = read_circuit(
        "circuit c\ntime s\naxis unit = 150 in [0.3, 4.2) mm\naxis other = size(unit) in [0.3, 4.2) mm\n"
        "axis odd = 150\nparameter alpha = 0.3 1\nbent := array([" +
        squares +
        "], odd=150)*1 [mm]\n"
        "dtheta/dt = 1 Hz*mean(exp(-abs(" +
        std::string(away) + ")/(0.4 mm))*sin(rename(theta, unit, other) - theta - alpha), other) : 1 [unit]\n");
    BOOST_TEST(compile<double>(circuit).algorithms()[0].algorithm == algorithm);
    const auto e = evaluated(circuit);
    BOOST_TEST(distance(compiled_value<double>(e.rate, e.at), naive_value(e.rate, e.at)) <= 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(of_weights_that_only_look_like_distances_are_not) {
  for (const char* kernel : {"exp(-abs(position + rename(position, unit, other)))", "exp(-position*width*distance)",
                             "exp(-abs(distance))*lag"}) {
    BOOST_TEST_CONTEXT(kernel) {
      const Circuit circuit =
          read_circuit(circuit_text("mean(" + std::string(kernel) + "*sin(theta_j - theta), other)", 150));
      const auto e = evaluated(circuit);
      const auto plain = naive_value(e.rate, e.at);
      BOOST_TEST(distance(compiled_value<double>(e.rate, e.at), plain) <= 1e-12 * std::max(1.0, largest(plain)));
    }
  }
}

BOOST_AUTO_TEST_CASE(on_a_sheet_are_convolutions_in_two_dimensions) {
  const Circuit circuit = read_circuit(R"(circuit sheet
time s
axis y = 12
axis x = 14
axis y2 = 12
axis x2 = 14
parameter width = 2 1
away := (index(y) - index(y2))^2 + (index(x) - index(x2))^2
dtheta/dt = 1 Hz*sum(exp(-sqrt(away)/width)*sin(rename(rename(theta, y, y2), x, x2) - theta), y2, x2) : 1 [y, x]
)");
  BOOST_TEST(compile<double>(circuit).algorithms()[0].algorithm == "2 convolutions");
  const auto e = evaluated(circuit);
  BOOST_TEST(distance(compiled_value<double>(e.rate, e.at), naive_value(e.rate, e.at)) <= 1e-12);
}

BOOST_AUTO_TEST_CASE(that_do_not_factor_stay_the_plain_sum) {
  for (const char* coupling :
       {"mean(tanh(theta_j - theta), other)", "mean((theta_j - theta)^2, other)",
        "mean((theta_j - theta)*(2*theta_j - theta), other)", "sum(W*exp(theta_j*theta), other)",
        "mean(1/(1 + (theta_j - theta)^2), other)", "mean(((theta_j - theta)/2)^2, other)",
        "mean(sin((theta_j - theta)/2)^2, other)", "mean(0.3*sin(2*(theta_j - theta))*sin(theta_j - theta), other)",
        "sum(W*theta_j*sin(theta_j - theta)^2, other)",
        "mean(sin((theta_j - theta)/2)^2 + 2*sin(theta_j - theta)^2, other)",
        "sum(A*(theta_j - theta)*sin(theta_j - theta), other)"}) {
    BOOST_TEST_CONTEXT(coupling) {
      const Circuit circuit = read_circuit(circuit_text(coupling, 20));
      BOOST_TEST(compile<double>(circuit).algorithms().empty());
      const auto e = evaluated(circuit);
      const auto plain = naive_value(e.rate, e.at);
      BOOST_TEST(distance(compiled_value<double>(e.rate, e.at), plain) <= 1e-13 * std::max(1.0, largest(plain)));
    }
  }
}

BOOST_AUTO_TEST_CASE(of_squared_sines_keep_their_digits_near_synchrony) {
  // Angles within 2e-9 of one another: their squares lie far below the rounding of 1.
  for (const char* coupling :
       {"mean(sin((theta_j - theta)/2)^2, other)", "mean(sin(theta_j - theta)*weight_j*sin(theta_j - theta), other)",
        "sum(A*(theta_j - theta)*sin(theta_j - theta), other)"}) {
    BOOST_TEST_CONTEXT(coupling) {
      auto e = evaluated(read_circuit(circuit_text("1e18*" + std::string(coupling), 40)));
      for (auto& [variable, values] : e.at) {
        if (variable->name == "omega") values.assign(40, 0);
        if (variable->name != "theta") continue;
        for (auto& x : values) x = 2 + 1e-9 * x;
      }
      const auto plain = naive_value(e.rate, e.at);
      BOOST_TEST(largest(plain) > 0.01);
      BOOST_TEST(distance(compiled_value<double>(e.rate, e.at), plain) <= 1e-13 * largest(plain));
    }
  }
}

BOOST_AUTO_TEST_CASE(of_products_of_different_differences_still_factor) {
  // Two sines at different places, and a sine beside the difference of another quantity, as second derivatives have.
  const Circuit circuit = read_circuit(R"(circuit c
time s
axis unit = 40
axis other = size(unit)
axis third = size(unit)
x(0) = index(unit)
dx/dt = 1 Hz*mean(sin(rename(theta, unit, other) - theta)*(rename(x, unit, other) - x), other) : 1 [unit]
dtheta/dt = 1 Hz*mean(mean(sin(rename(theta, unit, other) - theta)*sin(rename(theta, unit, third) - theta), other), third) : 1 [unit]
)");
  for (const auto& choice : compile<double>(circuit).algorithms()) BOOST_TEST(choice.algorithm == "mean field");
  BOOST_TEST(compile<double>(circuit).algorithms().size() >= 2U);
}

BOOST_AUTO_TEST_CASE(of_a_million_units_are_a_mean_field_but_not_a_plain_sum) {
  const auto system =
      compile<double>(read_circuit("circuit many\ntime s\naxis a = 1000000\naxis b = 1000000\n"
                                   "dx/dt = 1 Hz*mean(sin(rename(x, a, b) - x), b) : 1 [a]\n"));
  BOOST_TEST(system.algorithms()[0].algorithm == "mean field");
  BOOST_CHECK_THROW(read_circuit("circuit many\ntime s\naxis a = 1000000\naxis b = 1000000\n"
                                 "dx/dt = 1 Hz*mean(tanh(rename(x, a, b) - x), b) : 1 [a]\n"),
                    Error);
}

BOOST_AUTO_TEST_CASE(of_units_beyond_the_caches_are_one_sine_of_each) {
  constexpr std::size_t n = 1 << 17;
  const auto system =
      compile<double>(read_circuit("circuit many\ntime s\naxis a = 131072\naxis b = 131072\nparameter lag = 0.4 1\n"
                                   "dx/dt = 1 Hz*mean(sin(rename(x, a, b) - x - lag), b) : 1 [a]\n"));
  auto workspace = system.workspace();
  const std::vector<double> x = spread_values(n, 1, -3, 3), p = system.default_parameters();
  std::vector<double> rate(n);
  system.rhs({0, x, p, {}}, rate, workspace);
  for (const std::size_t i : {std::size_t{0}, n / 3, n - 1}) {
    long double sum = 0;
    for (const double other : x) sum += std::sin(static_cast<long double>(other) - x[i] - 0.4L);
    // Sums of 10^5 sines, each within an ulp.
    BOOST_TEST(std::abs(static_cast<double>(sum / n) - rate[i]) <= 1e-15);
  }
}

BOOST_AUTO_TEST_CASE(need_memory_for_units_only) {
  // A mean field of 2000 units: some arrays of 16 kB, where one array over pairs would take 32 MB.
  const auto system = compile<double>(read_circuit(circuit_text("mean(sin(theta_j - theta), other)", 2000)));
  BOOST_TEST(system.workspace_bytes() < 1000000U);
}

BOOST_AUTO_TEST_SUITE_END()
