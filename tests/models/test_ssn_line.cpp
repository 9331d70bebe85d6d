#include <fmt/format.h>

#include <algorithm>

#include "tests/models/march.hpp"

using namespace striate;
using test::in_regime;
using test::March;

namespace {

constexpr std::size_t centre = 50;
const std::vector<double> lengths{0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 16};

/// Steady r_E in the middle for each length; steady states do not depend on the time constants.
std::vector<double> size_tuning(March& march, double c) {
  std::vector<double> response;
  march.parameter("tau_E") = 10;
  march.parameter("tau_I") = 4;
  march.parameter("c") = c;
  for (const double length : lengths) {
    march.parameter("length") = length;
    march.start();
    march.settle(0.4, 1e-9);
    response.push_back(march.get("r_E", centre));
  }
  return response;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ssn_line)

BOOST_AUTO_TEST_CASE(the_rate_is_the_one_of_the_equations) {
  for (const char* regime : {"n20", "n22"})
    test::check_rate(std::string("ssn_line ") + regime, in_regime(model("ssn_line"), regime), 20);
}

BOOST_AUTO_TEST_CASE(the_best_length_shrinks_with_contrast_and_suppression_grows) {
  struct Row {
    double c, peak, length, far, SI;
  };
  const std::pair<std::string, std::vector<Row>> tables[] = {
      {"n20", {{5, 0.381, 3.5, 0.362, 0.05}, {10, 2.001, 2.5, 1.315, 0.34}, {50, 18.92, 1.0, 5.767, 0.70}}},
      {"n22", {{5, 0.622, 2.5, 0.495, 0.20}, {10, 2.870, 1.5, 1.216, 0.58}, {50, 14.82, 0.5, 3.982, 0.73}}}};
  for (const auto& [regime, rows] : tables) {
    March march(in_regime(model("ssn_line"), regime));
    for (const auto& row : rows) {
      const auto response = size_tuning(march, row.c);
      const auto best = std::max_element(response.begin(), response.end());
      const double SI = 1 - response.back() / *best;
      const std::string what = fmt::format("{} at c = {:g}", regime, row.c);
      BOOST_TEST(lengths[static_cast<std::size_t>(best - response.begin())] == row.length, what);
      BOOST_TEST(std::abs(*best - row.peak) < 6e-4 * row.peak + 5e-4, what << ": peak " << *best);
      BOOST_TEST(std::abs(response.back() - row.far) < 6e-4, what << ": at 16 deg " << response.back());
      BOOST_TEST(std::abs(SI - row.SI) < 0.0051, what << ": SI " << SI);
      // settle leaves 1e-9 a ms; the slowest modes take up to some hundred ms.
      test::check_against(test::reference(fmt::format("ssn_line {} c={:g}", regime, row.c), "centre"), response, 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(more_drive_to_inhibition_lowers_it_in_the_middle) {
  std::vector<double> r_I;
  for (const double more : {0.0, 1.0}) {
    March march(model("ssn_line"));
    march.parameter("tau_E") = 10;
    march.parameter("tau_I") = 4;
    march.parameter("h_I") = more;
    march.settle(0.4, 1e-9);
    r_I.push_back(march.get("r_I", centre));
  }
  BOOST_TEST(r_I[1] < r_I[0] - 1e-3, r_I[0] << " and " << r_I[1]);
}

BOOST_AUTO_TEST_SUITE_END()
