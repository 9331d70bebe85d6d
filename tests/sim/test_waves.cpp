// Phases of signals and patterns of phase that are made to be known.
#include "sim/waves.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "sim/fourier.hpp"

using namespace striate;
using std::numbers::pi;

namespace {

constexpr std::size_t rows = 15, columns = 18;
constexpr double spacing = 0.4;  // mm

/// exp(i phase(x, y)) with x and y in mm from place (0, 0).
std::vector<Complex> made(const auto& phase) {
  std::vector<Complex> field;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      field.push_back(std::polar(2.0, phase(spacing * static_cast<double>(c), spacing * static_cast<double>(r))));
  return field;
}

WaveField field_of(const std::vector<Complex>& map, double frequency) {
  return wave_field({map, rows, columns, spacing}, std::vector<double>(map.size(), frequency));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(waves)

BOOST_AUTO_TEST_CASE(generalised_phase_of_a_chirp_in_noise_advances_and_follows_it) {
  const double dt = 1e-3;
  RandomStream random(11, "noise", 0);
  std::vector<double> x, chirp;
  for (int i = 0; i < 3000; ++i) {
    const double t = i * dt;
    chirp.push_back(2 * pi * (10 * t + 2 * t * t));  // 10 to 22 Hz
    x.push_back(std::cos(chirp.back()) + 0.5 * random.normal());
  }
  const auto phase = generalised_phase(band_pass(x, dt, 5, 40), dt, 0);
  const auto frequency = instantaneous_frequency(phase, dt);
  double against = 0;
  for (std::size_t i = 0; i + 1 < phase.size(); ++i) BOOST_TEST(frequency[i] >= -1e-9);
  for (std::size_t i = 300; i < 2700; ++i) against += std::cos(std::arg(phase[i]) - chirp[i]) / 2400;
  BOOST_TEST(against > 0.95);
}

BOOST_AUTO_TEST_CASE(generalised_phase_leaves_a_clean_rhythm_alone) {
  std::vector<double> x;
  for (int i = 0; i < 1000; ++i) x.push_back(std::cos(2 * pi * 10 * i * 1e-3 + 0.5));
  const auto z = generalised_phase(x, 1e-3, 5);
  for (std::size_t i = 0; i < x.size(); ++i)
    BOOST_TEST(std::abs(z[i] - std::polar(1.0, 2 * pi * 10 * static_cast<double>(i) * 1e-3 + 0.5)) < 1e-10);
  BOOST_CHECK_THROW(generalised_phase(x, 1e-3, 50), Error);  // never so fast
}

BOOST_AUTO_TEST_CASE(a_plane_wave_has_its_direction_wavelength_and_speed) {
  // k = 0.1 cycles/mm at 10 Hz: 10 mm, 100 mm/s. Differences of a linear phase are exact.
  for (const double direction : {0.0, 0.7, 2.5, -1.9}) {
    const auto map = made(
        [&](double x, double y) { return 0.3 - 2 * pi * 0.1 * (x * std::cos(direction) + y * std::sin(direction)); });
    const WaveField f = field_of(map, 10);
    BOOST_TEST(std::abs(std::remainder(f.direction - direction, 2 * pi)) < 1e-12);
    BOOST_TEST(std::abs(f.directionality - 1) < 1e-12);
    BOOST_TEST(std::abs(f.wavelength - 10) < 1e-10);
    BOOST_TEST(std::abs(f.mean_speed - 100) < 1e-9);
    BOOST_TEST(std::abs(f.speed[100] - 100) < 1e-9);
    // The same pattern turning the other way travels the other way.
    BOOST_TEST(std::abs(std::remainder(field_of(map, -10).direction - direction - pi, 2 * pi)) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_target_wave_has_its_source_where_it_starts) {
  const double x0 = 6 * spacing, y0 = 9 * spacing;
  const auto map = made([&](double x, double y) { return -2 * pi * 0.15 * std::hypot(x - x0, y - y0); });
  const WaveField f = field_of(map, 20);
  const Place source = source_point(f, rows, columns);
  BOOST_TEST(source.row == 9U);
  BOOST_TEST(source.column == 6U);
  BOOST_TEST(f.directionality < 0.4);
  const WaveTest test = target_wave_test({map, rows, columns, spacing}, source, 199, 1);
  BOOST_TEST(test.correlation > 0.9);
  BOOST_TEST(test.p == 1.0 / 200);
}

BOOST_AUTO_TEST_CASE(a_rotating_wave_turns_about_its_centre) {
  const double x0 = 8.5 * spacing, y0 = 7.5 * spacing;
  const auto map = made([&](double x, double y) { return std::atan2(y - y0, x - x0) + 0.9; });
  const WaveField f = field_of(map, 15);
  const Place centre = rotation_centre(f, rows, columns);
  BOOST_TEST((centre.row == 7U || centre.row == 8U));
  BOOST_TEST((centre.column == 8U || centre.column == 9U));
  const WaveTest test = rotating_wave_test({map, rows, columns, spacing}, centre, 199, 1);
  BOOST_TEST(test.correlation > 0.9);
  BOOST_TEST(test.p == 1.0 / 200);
}

BOOST_AUTO_TEST_CASE(noise_passes_a_wave_test_as_often_as_chance_has_it) {
  int passed = 0;
  for (std::uint64_t trial = 0; trial < 40; ++trial) {
    RandomStream random(5, "phases", trial);
    const auto map = made([&](double, double) { return random.uniform(0, 2 * pi); });
    if (target_wave_test({map, rows, columns, spacing}, {7, 9}, 99, trial).p <= 0.1) ++passed;
  }
  BOOST_TEST(passed <= 11);  // 4 expected, binomial; more than 11 has a chance of 6e-4
}

BOOST_AUTO_TEST_CASE(places_without_a_phase_are_left_out) {
  auto map = made([](double x, double) { return -2 * pi * 0.1 * x; });
  map[100] = std::numeric_limits<double>::quiet_NaN();
  map[37] = 0;  // no amplitude, no phase
  const WaveField f = field_of(map, 10);
  BOOST_TEST(std::isnan(f.x[100]));
  BOOST_TEST(std::isnan(f.x[37]));
  BOOST_TEST(std::abs(f.direction) < 0.05);
  BOOST_CHECK_THROW(field_of(std::vector<Complex>(rows * columns), 10), Error);
  BOOST_CHECK_THROW((wave_field({map, rows, 3, spacing}, std::vector<double>(45))), Error);
}

BOOST_AUTO_TEST_CASE(correlations_of_angles_are_1_for_turned_copies) {
  std::vector<double> a, turned, mirrored, x;
  for (int i = 0; i < 50; ++i) {
    a.push_back(0.37 * i * i);
    turned.push_back(a.back() + 1.2);
    mirrored.push_back(0.4 - a.back());
    x.push_back(std::cos(a.back() - 0.3));
  }
  BOOST_TEST(std::abs(circular_correlation(a, turned) - 1) < 1e-12);
  BOOST_TEST(std::abs(circular_correlation(a, mirrored) + 1) < 1e-12);
  BOOST_TEST(std::abs(circular_linear_correlation(a, x) - 1) < 1e-12);
}

BOOST_AUTO_TEST_SUITE_END()
