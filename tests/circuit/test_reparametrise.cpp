// Parameters that are expressions of free ones.
#include "circuit/reparametrise.hpp"

#include "base/error.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/differences.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

constexpr const char* text = R"(circuit c
axis a = 3
axis b = 3
parameter tau = 5 ms in (0, inf) "time constant"
parameter share = 0.25 1 in (0, 1)
parameter V_max = -40 mV in (-inf, -20)
parameter W[a, b] = [1, 2, 3, 4, 5, 6, 7, 8, 10] 1
parameter M[a, b] = 0.5 1
parameter free = 2 1
input X[b] : 1
x(0) = share
dx/dt = (mean(matmul(W + 2*M, X, over=[b]), a)*share - x*free + (V_max/(1 mV)))/tau : 1
regime slow: tau = 50 ms
regime half: share = 0.5 1
)";

Numbers rate(const Circuit& c) {
  Place place(c);
  return place.rhs();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reparametrised)

// exp and log of one value each: a relative error of a few roundings.
BOOST_AUTO_TEST_CASE(the_circuit_computes_the_same_from_free_parameters) {
  const Circuit plain = read_circuit(text);
  Circuit c = positive(plain, "tau");
  c = bounded(c, "share", 0, 1);
  c = by_range(c, "V_max");
  BOOST_TEST(std::abs(rate(c)[0] - rate(plain)[0]) < 1e-14);
  // A value keeps a billionth of its bound, or of the distance between two, away from it.
  const double expected[] = {std::log(5), std::log((0.25 - 1e-9) / (0.75 - 1e-9)), std::log(20 - 20e-9)};
  const char* names[] = {"log_tau", "logit_share", "log_V_max"};
  for (int i = 0; i < 3; ++i) BOOST_TEST(std::abs(c.parameter(names[i]).value[0] - expected[i]) < 1e-15);
  Place place(c);
  place.check_first();
  BOOST_TEST((read_circuit(to_text(c)) == c));
  BOOST_TEST((by_range(plain, "free") == plain));
  const Circuit ranged = by_range(by_range(plain, "tau"), "share");
  BOOST_TEST((ranged.parameter("log_tau").value == c.parameter("log_tau").value));
  // Regimes that set a transformed parameter no longer apply.
  BOOST_TEST(positive(plain, "tau")->regimes.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_symmetric_parameter_is_symmetric_to_the_last_bit) {
  const Circuit c = symmetric(read_circuit(text), "W", "a", "b").with_definitions({"W"});
  Place place(c);
  const std::size_t offset = place.system.parameters().at("free_W").offset;
  const Numbers moved = noise(9, 7);
  std::copy(moved.begin(), moved.end(), place.p.begin() + static_cast<std::ptrdiff_t>(offset));
  Numbers W(9);
  place.system.observe(place.at(), W, place.workspace);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) {
      BOOST_TEST(W[3 * i + j] == W[3 * j + i]);
      BOOST_TEST(W[3 * i + j] == 0.5 * (moved[3 * i + j] + moved[3 * j + i]));
    }
  Place all(symmetric(read_circuit(text), "W", "a", "b"));
  all.check_first();
}

BOOST_AUTO_TEST_CASE(tied_parameters_are_one) {
  const Circuit c = tied(read_circuit(text), "M", "W");
  Place place(c), plain(read_circuit(text));
  const Field& m = plain.system.parameters().at("M");
  const Field& w = plain.system.parameters().at("W");
  for (std::size_t i = 0; i < m.size; ++i) plain.p[m.offset + i] = plain.p[w.offset + i];
  BOOST_TEST(std::abs(place.rhs()[0] - plain.rhs()[0]) < 1e-14);
  place.check_first();
}

// The mean of two values of a range lies in it, and one value for two parameters in the ranges of both.
BOOST_AUTO_TEST_CASE(symmetric_and_tied_parameters_keep_their_ranges) {
  const Circuit plain = read_circuit(
      "circuit c\naxis a = 2\naxis b = 2\nparameter W[a, b] = [1, 2, 3, 4] 1 in (0, 5)\n"
      "parameter V = 30 mV in (0, 50]\nparameter U = 0.02 V in [0.01, 0.1)\nz := W*V/U\n");
  const Circuit c = symmetric(plain, "W", "a", "b");
  Numbers p(6);
  const auto values = [&](double moved) {
    for (const auto& parameter : c->parameters)
      if (parameter.variable->name == "logit_free_W") p = {moved, -moved, moved, moved, 30, 0.02};
    return original_parameters(plain, c, p);
  };
  for (const double moved : {-30.0, 0.0, 30.0})
    for (std::size_t i = 0; i < 4; ++i) {
      BOOST_TEST(values(moved)[i] > 0);
      BOOST_TEST(values(moved)[i] < 5);
      BOOST_TEST(values(moved)[1] == values(moved)[2]);
    }
  BOOST_TEST(tied(plain, "V", "U").parameter("U").range.str() == "[0.01, 0.05]");
  BOOST_TEST(tied(plain, "U", "V").parameter("V").range.str() == "[10, 50]");
}

BOOST_AUTO_TEST_CASE(original_values_follow_from_transformed_ones) {
  const Circuit plain = read_circuit(text);
  const Circuit c = symmetric(tied(bounded(positive(plain, "tau"), "share", 0, 1), "M", "W"), "W", "a", "b");
  Place place(c);
  const auto set = [&](const char* name, double value) { place.p[place.system.parameters().at(name).offset] = value; };
  set("log_tau", std::log(7));
  set("logit_share", 0);
  set("free", 3);
  const Numbers p = original_parameters(plain, c, place.p);
  const Numbers expected{7, 0.5, -40, 1, 3, 5, 3, 5, 7, 5, 7, 10, 1, 3, 5, 3, 5, 7, 5, 7, 10, 3};
  check_close(p, expected, 1e-14);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_says_why) {
  const auto refused = [](const std::function<void()>& make) -> std::string {
    try {
      make();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  const Circuit plain = read_circuit(text);
  BOOST_TEST(
      refused([&] { positive(plain, "V_max"); }) ==
      "circuit 'c': parameter 'V_max' = -40 [mV] lies on or beyond the bound that it is to keep. Start it inside.");
  BOOST_TEST(refused([&] { bounded(plain, "share", 1, 0); }) ==
             "circuit 'c': parameter 'share' is to lie between 1 and 0, but bounds are finite and run upwards.");
  BOOST_TEST(
      refused([&] { symmetric(plain, "W", "a", "c"); }) ==
      "circuit 'c': parameter 'W' [a=3, b=3] cannot be symmetric in 'a' and 'c': they must be two axes of one length.");
  BOOST_TEST(refused([&] { tied(plain, "share", "W"); }) ==
             "circuit 'c': parameter 'share' scalar cannot be tied to 'W' [a=3, b=3]: their shapes differ.");
  const Circuit apart = read_circuit(
      "circuit c\nparameter p = 1 1 in [0, 5]\nparameter q = 7 1 in [6, 9]\nparameter r = 6 1 in (5, 6]\n"
      "parameter s = 4 1 in [0, 5]\ninput u : 1\no := p*q*r*s*u\n");
  BOOST_TEST(refused([&] { tied(apart, "q", "p"); }) ==
             "circuit 'c': parameter 'q' in [6, 9] cannot be tied to 'p' in [0, 5]: no value lies in both.");
  BOOST_TEST(refused([&] { tied(apart, "r", "p"); }) ==
             "circuit 'c': parameter 'r' in (5, 6] cannot be tied to 'p' in [0, 5]: no value lies in both.");
  BOOST_TEST(refused([&] { tied(apart, "p", "s"); }) == "no error");
  BOOST_TEST(refused([&] { symmetric(plain, "W", "a", "a"); }).find("two axes of one length") != std::string::npos);
  BOOST_TEST(refused([&] { positive(plain, "tua"); }) == "circuit 'c': no parameter 'tua'. Closest: tau.");
}

BOOST_AUTO_TEST_SUITE_END()
