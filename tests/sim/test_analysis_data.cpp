#include "sim/analysis_data.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

/// A curve of angles in [-90, 90) deg over 0, 10, 20, 30, that climbs by 30 and comes around at its end.
AnalysisResult around() {
  AnalysisResult result;
  result.values = {20, 50, 80, -70};
  result.width = 4;
  result.row = {{"/x", "x", "deg", {0, 10, 20, 30}}};
  result.angles = {-90, 90};
  return result;
}

DataComparison compared(const std::string& rows, const AnalysisResult& result, double average_within = 0) {
  const Scratch scratch;
  Analysis a;
  a.name = "angle";
  a.comparison = Comparison{};
  a.comparison->file = scratch.path("data.csv");
  a.comparison->x_column = "x";
  a.comparison->y_column = "y";
  a.comparison->average_within = average_within;
  std::ofstream(a.comparison->file) << "x,y\n" << rows;
  return compare_with_data(a, result);
}

BOOST_AUTO_TEST_CASE(Angles_are_set_beside_data_the_shorter_way_around) {
  // 110 deg is -70; between 80 and -70 the curve passes 95.
  const std::string rows = "0,20\n10,50\n20,80\n25,95\n30,110\n";
  BOOST_TEST(compared(rows, around()).rms == 0);
  BOOST_CHECK_CLOSE(compared(rows, around()).r, 1, 1e-9);
  BOOST_CHECK_CLOSE(compared("0,200\n10,231\n20,-101\n30,-70\n", around()).rms, 0.5 * std::sqrt(2.0), 1e-9);
  AnalysisResult numbers = around();
  numbers.angles.reset();
  BOOST_CHECK_CLOSE(compared("20,80\n30,110\n", numbers).rms, 180 / std::sqrt(2.0), 1e-9);
}

BOOST_AUTO_TEST_CASE(Measured_angles_are_averaged_the_shorter_way_around) {
  const DataComparison c = compared("19.9,88\n20.1,-88\n", around(), 1);
  BOOST_TEST(c.y.size() == 1u);
  BOOST_CHECK_CLOSE(c.y[0], 90, 1e-9);
  BOOST_CHECK_CLOSE(c.rms, 10, 1e-9);
}

}  // namespace
