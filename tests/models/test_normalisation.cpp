#include "tests/models/march.hpp"

using namespace striate;
using test::in_regime;
using test::March;

namespace {
constexpr std::size_t at_45 = 9;
constexpr std::size_t at_135 = 27;

std::vector<double> response(double c_1, double c_2) {
  March march(model("normalisation"));
  march.parameter("c_1") = c_1;
  march.parameter("c_2") = c_2;
  return march.observed("R");
}
}  // namespace

BOOST_AUTO_TEST_SUITE(normalisation)

BOOST_AUTO_TEST_CASE(every_regime_has_the_response_of_the_formula) {
  for (const char* regime : {"one_grating", "equal", "winner"}) BOOST_TEST_CONTEXT(regime) {
      March march(in_regime(model("normalisation"), regime));
      test::check_against(test::reference(std::string("normalisation ") + regime, "R"), march.observed("R"), 1e-14);
    }
}

BOOST_AUTO_TEST_CASE(a_blank_gives_the_base_line_and_half_contrast_half_the_response) {
  for (const double R : response(0, 0)) BOOST_TEST(R == 0.022);
  BOOST_TEST(response(6.89, 0)[at_45] == 0.022 + 0.908 / 2, boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(equal_contrasts_share_the_response) {
  const double half = response(12, 12)[at_45] / response(12, 0)[at_45];
  BOOST_TEST(half > 0.39);  // the range of the data
  BOOST_TEST(half < 0.70);
  BOOST_TEST(response(12, 12)[at_45] == response(12, 12)[at_135], boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(at_a_contrast_ratio_of_four_the_winner_takes_all) {
  BOOST_TEST(response(50, 12)[at_135] < 0.1 * response(0, 12)[at_135]);
  BOOST_TEST(response(50, 12)[at_45] > 0.9 * response(50, 0)[at_45]);  // data: 0.89 of 0.93
}

BOOST_AUTO_TEST_SUITE_END()
