#include "sim/midpoint.hpp"

#define BOOST_BIND_GLOBAL_PLACEHOLDERS  // Boost 1.74's JSON reader asks for them
#include <boost/property_tree/json_parser.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace {

using striate::midpoint;

BOOST_AUTO_TEST_CASE(A_psychometric_curve_has_its_own_midpoint) {
  std::vector<double> x, y;
  for (int i = -5; i <= 5; ++i) {
    x.push_back(20.0 * i);
    y.push_back(std::tanh((x.back() - 12.5) / 30));
  }
  // An exact fit: the library stops at relative changes of 1e-8, quadratically convergent.
  BOOST_CHECK_SMALL(midpoint(x, y) - 12.5, 1e-6);
  y[3] = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_SMALL(midpoint(x, y) - 12.5, 1e-6);
}

BOOST_AUTO_TEST_CASE(Midpoints_of_scattered_points_are_SciPy_s) {
  boost::property_tree::ptree reference;
  read_json(STRIATE_SOURCE_DIR "/validation/reference/motion_induction.json", reference);
  const auto numbers = [](const boost::property_tree::ptree& tree) {
    std::vector<double> result;
    for (const auto& [key, child] : tree) result.push_back(std::stod(child.data()));
    return result;
  };
  const std::vector<double> coherence = numbers(reference.get_child("coherence"));
  const std::vector<double> midpoints = numbers(reference.get_child("pse_percent"));
  std::size_t i = 0;
  // Both stop where the squares change by less than 1e-8 of themselves: the root of that, over a slope of order one.
  for (const auto& [key, row] : reference.get_child("projection"))
    BOOST_TEST_CONTEXT("width " << i) BOOST_CHECK_SMALL(100 * midpoint(coherence, numbers(row)) - midpoints[i++], 0.05);
  BOOST_CHECK_EQUAL(i, midpoints.size());
}

BOOST_AUTO_TEST_CASE(A_falling_curve_has_the_midpoint_of_its_mirror_image) {
  std::vector<double> x, y;
  for (int i = -10; i <= 10; ++i) {
    x.push_back(0.2 * i);
    y.push_back(-std::tanh((x.back() - 0.4) / 0.7));
  }
  BOOST_CHECK_SMALL(midpoint(x, y) - 0.4, 1e-6);
  // Steps from one side to the other between 0.4 and 0.6: any x0 there fits.
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] < 0.5 ? 1 : -1;
  BOOST_TEST(std::abs(midpoint(x, y) - 0.5) < 0.1);
}

BOOST_AUTO_TEST_CASE(What_no_psychometric_curve_fits_has_no_midpoint) {
  const std::vector<double> x{-2, -1, 0, 1, 2};
  for (const std::vector<double>& y : {std::vector<double>{5, 5, 5, 5, 5},
                                       {0, 0, 0, 0, 0},
                                       {0.3, 0.3, 0.3, 0.3, 0.3},
                                       {1, 0, -1, 0, 1},
                                       // tanh((x + 8)/5): its midpoint is a guess from here.
                                       {std::tanh(1.2), std::tanh(1.4), std::tanh(1.6), std::tanh(1.8), std::tanh(2)}})
    BOOST_TEST_CONTEXT(y[0] << ", " << y[1]) BOOST_TEST(std::isnan(midpoint(x, y)));
}

BOOST_AUTO_TEST_CASE(Two_points_have_no_midpoint) {
  BOOST_TEST(std::isnan(midpoint(std::vector<double>{0, 1}, std::vector<double>{-1, 1})));
}

}  // namespace
