#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "base/error.hpp"
#include "sim/spike_distance.hpp"

using namespace striate;

namespace {

const auto tight = boost::test_tools::tolerance(1e-11);  // published digits; sums of some ten terms round at 1e-15

double square(double x) { return x * x; }

std::vector<double> drawn(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(0, 100);
  std::vector<double> t(n);
  for (double& x : t) x = uniform(generator);
  std::sort(t.begin(), t.end());
  return t;
}

/// The squared distance of van Rossum by its definition as a double sum over all pairs of spikes of the two trains,
/// with the integral of the product of two kernels `lag` apart.
double double_sum(const std::vector<double>& a, const std::vector<double>& b, double decay, double rise) {
  const auto overlap = [&](double lag) {
    const double cross = decay * rise / (decay + rise);
    const double slow = (decay / 2 - cross) * std::exp(-lag / decay);
    return rise == 0 ? slow : slow + (rise / 2 - cross) * std::exp(-lag / rise);
  };
  std::vector<std::pair<double, double>> signs;
  for (const double t : a) signs.emplace_back(t, 1);
  for (const double t : b) signs.emplace_back(t, -1);
  double sum = 0;
  for (const auto& [t, s] : signs)
    for (const auto& [u, r] : signs) sum += s * r * overlap(std::abs(t - u));
  return sum / (2 * overlap(0));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spike_train_distances)

BOOST_AUTO_TEST_CASE(van_rossum_has_the_published_values_and_limits) {
  using V = std::vector<double>;
  BOOST_TEST(square(van_rossum(V{10, 20, 30}, V{12, 24, 30}, 10)) == .484096925911, tight);
  BOOST_TEST(square(van_rossum(V{0}, V{5}, 10)) == .393469340287, tight);
  BOOST_TEST(square(van_rossum(V{12, 32}, V{32, 52}, 100)) == .329679953964, tight);
  BOOST_TEST(square(van_rossum(V{32, 52}, V{42}, 10)) == .899576400894, tight);
  BOOST_TEST(square(van_rossum(V{3}, V{}, 10)) == 0.5, tight);
  BOOST_TEST(square(van_rossum(V{3}, V{}, 10, 2)) == 0.5, tight);
  BOOST_TEST(square(van_rossum(V{1, 2, 3}, V{1.5, 9}, 1e-3)) == 2.5, tight);  // counts all spikes
  BOOST_TEST(square(van_rossum(V{1, 2, 3}, V{1.5}, 1e9)) == 2.0,              // counts their difference,
             boost::test_tools::tolerance(1e-8));                             // up to lags over decay
}

BOOST_AUTO_TEST_CASE(van_rossum_in_one_sweep_is_the_sum_over_all_pairs) {
  for (const double rise : {0.0, 2.0, 25.0})
    for (unsigned seed = 0; seed < 5; ++seed) {
      const auto a = drawn(40 + seed, seed), b = drawn(30, 100 + seed);
      BOOST_TEST(square(van_rossum(a, b, 10, rise)) == double_sum(a, b, 10, rise), tight);
      BOOST_TEST(van_rossum(a, a, 10, rise) == 0);
      BOOST_TEST(van_rossum(a, b, 10, rise) == van_rossum(b, a, rise > 0 ? rise : 10, rise > 0 ? 10 : 0), tight);
    }
}

BOOST_AUTO_TEST_CASE(victor_purpura_has_the_published_values_and_limits) {
  using V = std::vector<double>;
  BOOST_TEST(victor_purpura(V{10, 20, 30}, V{12, 24, 30}, .1) == .6, tight);
  BOOST_TEST(victor_purpura(V{10, 20, 30}, V{12, 24, 30}, 1) == 4.0, tight);
  BOOST_TEST(victor_purpura(V{10, 20, 30, 40}, V{15, 25, 35, 45}, .1) == 2.0, tight);
  BOOST_TEST(victor_purpura(V{12, 32}, V{18, 60}, .1) == 2.6, tight);
  BOOST_TEST(victor_purpura(V{12, 32}, V{32, 52}, .01) == .4, tight);
  BOOST_TEST(victor_purpura(V{12}, V{20, 20}, .1) == 1.8, tight);
  BOOST_TEST(victor_purpura(V{1}, V{2.9}, 1) == 1.9, tight);
  BOOST_TEST(victor_purpura(V{1}, V{3.1}, 1) == 2, tight);
  BOOST_TEST(victor_purpura(V{1, 2, 3}, V{2.5}, 0) == 2);
  BOOST_TEST(victor_purpura(V{1, 2, 3}, V{2, 4}, HUGE_VAL) == 3);  // 5 less 2 for the one coincidence
}

BOOST_AUTO_TEST_CASE(isi_and_spike_distances_have_the_published_values) {
  using V = std::vector<double>;
  const V a{.2, .4, .6, .7}, b{.3, .45, .8, .9, .95};
  BOOST_TEST(isi_distance(a, b, {0, 1}) == .4375, tight);
  BOOST_TEST(spike_distance(a, b, {0, 1}) == .397286355644, tight);
  BOOST_TEST(isi_distance(V{.2, .4, .6}, V{.1, .4, .5, .6}, {0, 1}) == .23333333333333, tight);
  BOOST_TEST(spike_distance(V{0, 2, 5, 8}, V{0, 1, 5, 9}, {0, 10}) == .186309523809523814, tight);
  for (const auto measure : {isi_distance, spike_distance}) {
    BOOST_TEST(measure(a, a, {0, 1}) == 0, boost::test_tools::tolerance(1e-15));
    BOOST_TEST(measure(a, b, {0, 1}) == measure(b, a, {0, 1}), tight);
    BOOST_TEST(measure(V{}, V{}, {0, 1}) == 0);
    BOOST_TEST(std::isfinite(measure(V{}, V{.5}, {0, 1})));
  }
}

BOOST_AUTO_TEST_CASE(synchronisation_has_the_published_values) {
  using V = std::vector<double>;
  BOOST_TEST(spike_synchronisation(V{1, 2, 3}, V{2.1}, {0, 4}) == .5, tight);
  BOOST_TEST(spike_synchronisation(V{1, 2, 3}, V{1.5, 3}, {0, 4}) == .4, tight);
  BOOST_TEST(spike_synchronisation(V{}, V{}, {0, 4}) == 1);
  BOOST_TEST(spike_synchronisation(V{1}, V{}, {0, 4}) == 0);
}

BOOST_AUTO_TEST_CASE(a_matrix_holds_every_pair_within_the_window) {
  const std::vector<std::vector<double>> trains{drawn(20, 1), drawn(30, 2), {}, drawn(25, 3)};
  const auto matrix = spike_distances(trains, {.name = "van_rossum", .decay = 5, .window = {20, 70}});
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      std::vector<double> a, b;
      std::ranges::copy_if(trains[i], std::back_inserter(a), [](double t) { return t >= 20 && t <= 70; });
      std::ranges::copy_if(trains[j], std::back_inserter(b), [](double t) { return t >= 20 && t <= 70; });
      BOOST_TEST(square(matrix[i * 4 + j]) == double_sum(a, b, 5, 0), tight);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_measure_and_no_train_is_an_error) {
  const SpikeWindow w{0, 10};
  BOOST_CHECK_THROW(spike_measure({.name = "van_rosum", .decay = 1, .window = w}), Error);
  BOOST_CHECK_THROW(spike_measure({.name = "van_rossum", .window = w}), Error);
  BOOST_CHECK_THROW(spike_measure({.name = "van_rossum", .decay = 2, .rise = 2, .window = w}), Error);
  BOOST_CHECK_THROW(spike_measure({.name = "victor_purpura", .cost = -1, .window = w}), Error);
  BOOST_CHECK_THROW(spike_measure({.name = "isi_distance", .window = {3, 3}}), Error);
  BOOST_CHECK_THROW(spike_distances({{2, 1}}, {.name = "isi_distance", .window = w}), Error);
  BOOST_CHECK_THROW(spike_distances({{1, NAN}}, {.name = "isi_distance", .window = w}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
