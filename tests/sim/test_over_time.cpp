#include "sim/over_time.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

BOOST_AUTO_TEST_SUITE(over_time_suite)

struct Wave {
  std::vector<double> t, x;
  /// 2 + 3 sin(2 pi f t + 1), every `step` up to 10.
  explicit Wave(double f, double step = 0.001) {
    for (int i = 0; i * step <= 10 + 1e-9; ++i) {
      t.push_back(i * step);
      x.push_back(2 + 3 * std::sin(2 * std::numbers::pi * f * t.back() + 1));
    }
  }
  double operator()(const std::string& how, double from = 0) const {
    return over_time(over_time_named(how), t, x, from);
  }
};

BOOST_AUTO_TEST_CASE(a_sine_has_its_mean_range_and_frequency) {
  const Wave wave(4);
  // The extremes are missed by at most (2 pi f step/2)^2/2 of the amplitude; the mean over whole periods is exact to
  // rounding; a passage is interpolated with an error of the third order, far below 1e-8 of ten periods.
  BOOST_CHECK_CLOSE(wave("largest"), 5, 1e-2);
  BOOST_CHECK_SMALL(wave("smallest") + 1, 5e-4);
  BOOST_CHECK_CLOSE(wave("peak_to_peak"), 6, 1e-2);
  BOOST_CHECK_CLOSE(wave("mean"), 2, 1e-9);
  BOOST_CHECK_CLOSE(wave("frequency"), 4, 1e-4);
  BOOST_CHECK_CLOSE(wave("frequency", 5), 4, 1e-4);
  BOOST_CHECK_EQUAL(wave("last"), wave.x.back());
}

BOOST_AUTO_TEST_CASE(only_what_lies_from_the_start_on_counts) {
  const std::vector<double> t{0, 1, 2, 3};
  const std::vector<double> x{9, 1, 2, 4};
  BOOST_CHECK_EQUAL(over_time(OverTime::largest, t, x, 1), 4);
  BOOST_CHECK_EQUAL(over_time(OverTime::mean, t, x, 1), (1.5 + 3) / 2);
  BOOST_CHECK_EQUAL(over_time(OverTime::mean, t, x, 3), 4);
}

BOOST_AUTO_TEST_CASE(a_time_that_lies_at_the_start_but_for_rounding_counts) {
  std::vector<double> t;
  for (int i = 0; i < 11; ++i) t.push_back(i * 0.3);
  BOOST_TEST(t[3] < 0.9);  // by rounding
  std::vector<double> x(11, 5);
  x[3] = 1;
  BOOST_CHECK_EQUAL(over_time(OverTime::smallest, t, x, 0.9), 1);
}

BOOST_AUTO_TEST_CASE(the_mean_of_angles_is_that_of_directions) {
  const std::vector<double> t{0, 1, 2};
  // 170, 190 (as -170) and 170 deg by trapezia: halves of 170 and 190.
  BOOST_CHECK_CLOSE(std::abs(over_time(OverTime::mean, t, std::vector<double>{170, -170, 170}, 0, 360)), 180, 1e-9);
  BOOST_CHECK_CLOSE(over_time(OverTime::mean, t, std::vector<double>{20, 40, 20}, 0, 360), 30, 1e-9);
  BOOST_CHECK(std::isnan(over_time(OverTime::mean, t, std::vector<double>{0, 90, 0}, 0, 180)));
}

BOOST_AUTO_TEST_CASE(what_lacks_a_number_has_no_extremes) {
  const std::vector<double> t{0, 1, 2};
  for (const std::size_t bad : {0U, 1U, 2U}) {
    std::vector<double> x{1, 2, 3};
    x[bad] = std::nan("");
    for (const OverTime how : {OverTime::mean, OverTime::largest, OverTime::smallest, OverTime::peak_to_peak})
      BOOST_CHECK(std::isnan(over_time(how, t, x, 0)));
  }
  BOOST_CHECK_EQUAL(over_time(OverTime::largest, t, std::vector<double>{std::nan(""), 2, 3}, 1), 3);
}

BOOST_AUTO_TEST_CASE(what_hardly_moves_has_frequency_zero_and_what_passes_once_has_none) {
  const std::vector<double> t{0, 1, 2, 3, 4};
  const std::vector<double> later{0, 10, 11, 12, 13, 14};
  BOOST_CHECK_EQUAL(over_time(OverTime::frequency, later, std::vector<double>{0, 1, 1.0001, 1, 1.0001, 1}, 10), 0);
  BOOST_CHECK_EQUAL(over_time(OverTime::frequency, t, std::vector<double>{1, 1.000001, 1, 1.000001, 1}, 0), 0);
  BOOST_CHECK(std::isnan(over_time(OverTime::frequency, t, std::vector<double>{0, 1, 2, 3, 4}, 0)));
}

BOOST_AUTO_TEST_CASE(an_offset_does_not_change_the_frequency) {
  Wave wave(4);
  for (double& x : wave.x) x += 10000;
  BOOST_CHECK_CLOSE(wave("frequency"), 4, 1e-4);
  BOOST_CHECK_CLOSE(wave("frequency", 5), 4, 1e-4);
}

BOOST_AUTO_TEST_CASE(a_misspelt_reduction_names_the_nearest) {
  BOOST_CHECK_EXCEPTION(over_time_named("frequncy"), std::exception, says("frequency"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
