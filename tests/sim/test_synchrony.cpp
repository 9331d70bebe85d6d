// Measures of synchrony of phases that are known.
#include "sim/synchrony.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"

using namespace striate;
using std::numbers::pi;

BOOST_AUTO_TEST_SUITE(synchrony)

BOOST_AUTO_TEST_CASE(order_is_1_in_phase_0_when_spread_and_its_moments_count_clusters) {
  std::vector<double> same(9, 0.7), spread, pairs;
  for (int i = 0; i < 8; ++i) spread.push_back(2 * pi * i / 8);
  for (int i = 0; i < 8; ++i) pairs.push_back(i % 2 * pi + 0.3);
  BOOST_TEST(std::abs(order_parameter(same) - std::polar(1.0, 0.7)) < 1e-15);
  BOOST_TEST(std::abs(order_parameter(spread)) < 1e-15);
  BOOST_TEST(std::abs(order_parameter(pairs)) < 1e-15);
  BOOST_TEST(std::abs(order_parameter(pairs, 2) - std::polar(1.0, 0.6)) < 1e-14);
  BOOST_TEST(std::abs(order_parameter({})) == 0);
}

BOOST_AUTO_TEST_CASE(order_of_chance_is_of_the_size_of_the_root_of_N) {
  RandomStream random(3, "phases", 0);
  double mean = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> theta;
    for (int i = 0; i < 500; ++i) theta.push_back(random.uniform(0, 2 * pi));
    mean += std::abs(order_parameter(theta)) / 200;
  }
  // Rayleigh: sqrt(pi/(4 N)) = 0.03963, with an error of 0.0207/sqrt(200) = 0.0015.
  BOOST_TEST(std::abs(mean - std::sqrt(pi / 2000)) < 5e-3);
}

BOOST_AUTO_TEST_CASE(local_order_sees_the_window_alone) {
  // Half in phase, half turning by pi from place to place.
  std::vector<double> theta(20);
  for (std::size_t i = 10; i < 20; ++i) theta[i] = pi * static_cast<double>(i);
  const auto line = local_order(theta, 1, false);
  BOOST_TEST(std::abs(line[0] - 1) < 1e-15);
  BOOST_TEST(std::abs(line[5] - 1) < 1e-15);
  BOOST_TEST(std::abs(line[15] - 1.0 / 3) < 1e-14);
  BOOST_TEST(std::abs(line[19]) < 1e-14);  // two places of the line, in opposition
  BOOST_TEST(std::abs(local_order(theta, 1, true)[19] - 1.0 / 3) < 1e-14);
  BOOST_CHECK_THROW(local_order(theta, 10, true), Error);
}

BOOST_AUTO_TEST_CASE(link_order_weighs_the_links_that_are_there) {
  const std::vector<double> theta{0, 0, pi};
  BOOST_TEST(std::abs(link_order(theta, std::vector<double>{0, 1, 0, 1, 0, 0, 0, 0, 0}) - 1) < 1e-15);
  BOOST_TEST(std::abs(link_order(theta, std::vector<double>{0, 1, 1, 0, 0, 0, 0, 0, 0})) < 1e-15);
  BOOST_TEST(link_order(theta, std::vector<double>(9, 0.0)) == 0);
  BOOST_CHECK_THROW(link_order(theta, std::vector<double>(6, 1.0)), Error);
}

BOOST_AUTO_TEST_CASE(metastability_and_chimera_index_are_variances_over_time_and_over_communities) {
  // Community 0 stays at 1, community 1 alternates between 0.2 and 0.6: variance 0.04 * 4/3 of four samples.
  const std::vector<double> r{1, 0.2, 1, 0.6, 1, 0.2, 1, 0.6};
  BOOST_TEST(std::abs(metastability(r, 2) - (0 + 0.04 * 4 / 3) / 2) < 1e-15);
  // Two communities d apart: d^2/2.
  BOOST_TEST(std::abs(chimera_index(r, 2) - (0.64 / 2 + 0.16 / 2) / 2) < 1e-15);
  BOOST_CHECK_THROW(metastability(r, 3), Error);
  BOOST_CHECK_THROW(metastability(std::vector<double>{1, 1}, 2), Error);
  BOOST_CHECK_THROW(chimera_index(r, 1), Error);
}

BOOST_AUTO_TEST_CASE(phases_lock_whatever_their_difference) {
  std::vector<double> a, b, c;
  for (int i = 0; i < 100; ++i) {
    a.push_back(0.3 * i);
    b.push_back(0.3 * i - 1.1);
    c.push_back(0.3 * i + 2 * pi * i / 100);
  }
  BOOST_TEST(std::abs(phase_locking_value(a, b) - 1) < 1e-14);
  BOOST_TEST(phase_locking_value(a, c) < 1e-14);
  BOOST_CHECK_THROW(phase_locking_value(a, std::vector<double>(3)), Error);
}

BOOST_AUTO_TEST_SUITE_END()
