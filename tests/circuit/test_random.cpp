// Random initial values of parameters: reproducible, as distributed as they say, and part of the text.
#include "circuit/random.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>

#include "base/error.hpp"
#include "circuit/text.hpp"

using namespace striate;

namespace {

using Numbers = std::vector<double>;

constexpr const char* text = R"(circuit c
constant T = 8
axis k = 5000
axis a = 12
axis b = 20
parameter u[k] ~ uniform(-1, 3) 1 in [-1, 3] "flat"
parameter v[k] ~ normal(-65 mV, 2 mV) mV "bell"
parameter b1[k] ~ -log(uniform(1, T - 1)) 1
parameter b2[k] ~ -b1 1
parameter twice[k] ~ uniform(0, 1) - uniform(0, 1) 1
parameter wide[a, b] ~ orthogonal(a) 1
parameter tall[a, b] ~ orthogonal(b) 1
parameter ramp[a] ~ index(a)^2 1 "a formula"
x(0) = 0
dx/dt = -x/(1 ms) : 1
)";

double mean(const Numbers& v) {
  double s = 0;
  for (const double x : v) s += x;
  return s / static_cast<double>(v.size());
}
double variance(const Numbers& v) {
  const double m = mean(v);
  double s = 0;
  for (const double x : v) s += (x - m) * (x - m);
  return s / static_cast<double>(v.size());
}

std::string refusal(const std::string& line) {
  try {
    read_circuit("circuit c\naxis a = 3\n" + line + "\ndx/dt = -x/(1 ms) : 1\n", "c");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(random_values)

// 5000 numbers: tolerances are five standard errors of the mean and of the variance.
BOOST_AUTO_TEST_CASE(numbers_are_distributed_as_the_text_says) {
  const Circuit c = read_circuit(text);
  const Numbers& u = c.parameter("u").value;
  BOOST_TEST(std::abs(mean(u) - 1) < 5 * std::sqrt(16.0 / 12 / 5000));
  BOOST_TEST(std::abs(variance(u) - 16.0 / 12) < 5 * (16.0 / 12) * std::sqrt(0.8 / 5000));
  const Numbers& v = c.parameter("v").value;
  BOOST_TEST(std::abs(mean(v) + 65) < 5 * 2 / std::sqrt(5000));
  BOOST_TEST(std::abs(variance(v) - 4) < 5 * 4 * std::sqrt(2.0 / 5000));
  for (const double x : c.parameter("b1").value) BOOST_TEST((x < 0 && x > -std::log(7)));
  for (std::size_t i = 0; i < 5000; ++i) BOOST_TEST(c.parameter("b2").value[i] == -c.parameter("b1").value[i]);
  BOOST_TEST(std::abs(variance(c.parameter("twice").value) - 1.0 / 6) < 0.02);  // two draws, not one number twice
  BOOST_TEST(c.parameter("ramp").value[3] == 9);
}

BOOST_AUTO_TEST_CASE(orthogonal_matrices_have_orthonormal_rows_or_columns) {
  const Circuit c = read_circuit(text);
  const Numbers &wide = c.parameter("wide").value, &tall = c.parameter("tall").value;
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t j = 0; j < 12; ++j) {
      double rows = 0, columns = 0;
      for (std::size_t k = 0; k < 20; ++k) {
        rows += wide[20 * i + k] * wide[20 * j + k];
        columns += tall[20 * i + k] * tall[20 * j + k];  // the rows of `tall` are along b: its columns are these
      }
      BOOST_TEST(std::abs(rows - (i == j ? 1 : 0)) < 1e-14);
      BOOST_TEST(std::abs(columns - (i == j ? 1 : 0)) < 1e-14);
    }
}

BOOST_AUTO_TEST_CASE(the_seed_decides_and_stands_in_the_text) {
  const Circuit first = read_circuit(text), second = read_circuit(text, "c", {{"seed", 7}});
  BOOST_TEST(first.parameter("u").value == read_circuit(text).parameter("u").value);
  BOOST_TEST(first.parameter("u").value != second.parameter("u").value);
  BOOST_TEST(first.parameter("u").value != first.parameter("twice").value);
  const std::string printed = to_text(second);
  BOOST_TEST(printed.find("seed 7\n") != std::string::npos);
  BOOST_TEST(printed.find("parameter b1[k] ~ -log(uniform(1, 7)) 1\n") != std::string::npos);
  BOOST_TEST((read_circuit(printed) == second));
  BOOST_TEST(to_text(read_circuit(printed)) == printed);
  BOOST_TEST((first.with_seed(7) == second));
}

BOOST_AUTO_TEST_CASE(given_values_replace_drawn_ones) {
  const Circuit c = read_circuit(text).with_parameters({{"b1", {0.5}}});
  BOOST_TEST(to_text(c).find("parameter b1[k] = 0.5 1") != std::string::npos);
  BOOST_TEST((c.with_seed(3).parameter("b1").value == Numbers(5000, 0.5)));
}

BOOST_AUTO_TEST_CASE(the_builder_draws_the_same_numbers) {
  CircuitBuilder b("c");
  const Axis k = b.axis("k", 4);
  b.parameter("u", uniform(0.0, 1.0, Shape{k}), "1");
  const Expr x = b.state("x", "1");
  b.ddt(x, -x / quantity(1, "ms"));
  const Circuit same = read_circuit("circuit c\naxis k = 4\nparameter u[k] ~ uniform(0, 1) 1\ndx/dt = -x/(1 ms) : 1\n");
  BOOST_TEST((b.build() == same));
}

BOOST_AUTO_TEST_CASE(mistakes_are_explained) {
  BOOST_TEST(refusal("y := uniform(0, 1)") ==
             "c:3:6: uniform draws initial values of parameters only: parameter NAME[axes] ~ uniform(...).");
  BOOST_TEST(
      refusal("parameter p[a] ~ normal(0, 1 mV) ms") ==
      "c:3:11: circuit 'c': the units of parameter 'p' do not balance: its equation gives [mV], but [ms] is needed. "
      "Check a missing factor or a parameter's unit.");
  BOOST_TEST(refusal("parameter p[a] ~ orthogonal(a) 1") ==
             "c:3:18: orthogonal: every axis is one of the rows. Leave some for the columns.");
  BOOST_TEST(refusal("parameter p[a] ~ uniform(0, 1) 1 in (2, 3)").find("but must lie in (2, 3)") != std::string::npos);
  BOOST_TEST(refusal("input I : 1\nparameter p[a] ~ I*uniform(0, 1) 1") ==
             "c:4:11: circuit 'c': parameter 'p' is drawn with 'I', but only parameters before it and constants have "
             "values then.");
  BOOST_TEST(refusal("seed 1.5\nparameter p[a] ~ uniform(0, 1) 1") ==
             "c:3:6: seed = 1.5, but must be a whole number from 0, below 2^53.");
}

BOOST_AUTO_TEST_SUITE_END()
