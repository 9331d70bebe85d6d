// Transforms and spectra of signals whose spectra are known.
#include "sim/fourier.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"

using namespace striate;
using std::numbers::pi;

namespace {

std::vector<double> sampled(std::size_t n, double dt, const auto& f) {
  std::vector<double> x;
  for (std::size_t i = 0; i < n; ++i) x.push_back(f(static_cast<double>(i) * dt));
  return x;
}

std::vector<double> noise(std::size_t n, std::uint64_t sample) {
  RandomStream random(7, "test signal", sample);
  std::vector<double> x;
  for (std::size_t i = 0; i < n; ++i) x.push_back(random.normal());
  return x;
}

std::size_t peak(const std::vector<double>& x) {
  return static_cast<std::size_t>(std::max_element(x.begin(), x.end()) - x.begin());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fourier_analysis)

BOOST_AUTO_TEST_CASE(the_transform_is_the_sum_of_its_definition_at_any_length) {
  for (const std::size_t n : {1U, 2U, 5U, 12U, 31U}) {
    std::vector<Complex> x;
    for (std::size_t i = 0; i < n; ++i) x.emplace_back(std::cos(3.0 * i * i), std::sin(1.0 + i));
    const auto got = fourier(x);
    const auto back = fourier(got, false);
    for (std::size_t k = 0; k < n; ++k) {
      Complex sum;
      for (std::size_t i = 0; i < n; ++i) sum += x[i] * std::polar(1.0, -2 * pi * static_cast<double>(i * k) / n);
      BOOST_TEST(std::abs(got[k] - sum) < 1e-12);
      BOOST_TEST(std::abs(back[k] - x[k]) < 1e-13);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_analytic_signal_of_a_cosine_is_a_phasor) {
  for (const std::size_t n : {128U, 135U}) {
    const auto x = sampled(n, 1.0 / n, [](double t) { return 2 + 3 * std::cos(2 * pi * 5 * t + 0.4); });
    const auto z = analytic_signal(x);
    for (std::size_t i = 0; i < n; ++i)
      BOOST_TEST(std::abs(z[i] - 2.0 - std::polar(3.0, 2 * pi * 5 * static_cast<double>(i) / n + 0.4)) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_band_pass_keeps_its_band_in_phase_and_removes_the_rest) {
  const double dt = 1e-3;
  const auto wanted = [](double t) { return std::sin(2 * pi * 15 * t); };
  const auto x = sampled(
      2000, dt, [&](double t) { return 5 + wanted(t) + std::sin(2 * pi * 0.5 * t) + std::sin(2 * pi * 200 * t); });
  const auto y = band_pass(x, dt, 5, 40);
  // Gains: 1 - 6e-8 at 15 Hz, 3e-8 at 0.5 Hz, 4e-7 at 200 Hz; the first and last half second see the ends.
  for (std::size_t i = 600; i < 1400; ++i) BOOST_TEST(std::abs(y[i] - wanted(static_cast<double>(i) * dt)) < 5e-3);
}

BOOST_AUTO_TEST_CASE(a_density_integrates_to_the_variance) {
  const double dt = 0.01;
  const auto x = noise(1 << 15, 1);
  const auto s = spectrum(x, dt, 256);
  double total = 0;
  for (const double p : s.xx) total += p * s.frequency[1];
  // White noise of variance 1: 255 segments of 128 frequencies leave 1%; its density is 2 dt.
  BOOST_TEST(std::abs(total - 1) < 0.03);
  BOOST_TEST(std::abs(s.xx[64] / (2 * dt) - 1) < 0.3);
  const auto sine = spectrum(sampled(4096, dt, [](double t) { return 2 * std::sin(2 * pi * 12.5 * t); }), dt, 256);
  BOOST_TEST(sine.frequency[peak(sine.xx)] == 12.5);
  total = 0;
  for (const double p : sine.xx) total += p * sine.frequency[1];
  BOOST_TEST(std::abs(total - 2) < 1e-6);  // half the squared amplitude; the window is periodic
}

BOOST_AUTO_TEST_CASE(coherence_is_that_of_the_shared_part) {
  // y = s + n, x = s + m: coherency 1/2 at every frequency; chance among 511 segments is about 0.05.
  const std::size_t n = 1 << 15;
  const auto shared = noise(n, 1), first = noise(n, 2), second = noise(n, 3);
  std::vector<double> x(n), y(n);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = shared[i] + first[i];
    y[i] = shared[i] + second[i];
  }
  const auto s = spectra(x, y, 1, 128);
  double mean = 0;
  for (const auto& c : s.coherency) mean += std::abs(c) / static_cast<double>(s.coherency.size());
  BOOST_TEST(std::abs(mean - 0.5) < 0.02);
  const auto apart = spectra(first, second, 1, 128);
  for (const auto& c : apart.coherency) BOOST_TEST(std::abs(c) < 0.25);
  // A copy that lags by 2 samples has coherence 1 and the phase of its lag.
  std::vector<double> late(n);
  for (std::size_t i = 2; i < n; ++i) late[i] = shared[i - 2];
  const auto lag = spectra(shared, late, 1, 128);
  BOOST_TEST(std::abs(lag.coherency[16]) > 0.98);
  BOOST_TEST(std::abs(std::arg(lag.coherency[16]) - 2 * 2 * pi * 16 / 128) < 0.02);
}

BOOST_AUTO_TEST_CASE(a_travelling_wave_peaks_at_its_frequency_and_wave_number) {
  const std::size_t times = 200, places = 64;
  const double dt = 0.01, spacing = 0.5;
  for (const double sign : {1.0, -1.0}) {
    std::vector<double> x;
    for (std::size_t t = 0; t < times; ++t)
      for (std::size_t i = 0; i < places; ++i)
        x.push_back(1 + std::cos(2 * pi *
                                 (10 * static_cast<double>(t) * dt - sign * 0.125 * static_cast<double>(i) * spacing)));
    const auto s = space_time_spectrum(x, places, dt, spacing);
    double strongest = 0, speed = 0;
    for (std::size_t f = 0; f < times; ++f)
      for (std::size_t k = 0; k < places; ++k)
        if (s.frequency[f] > 0 && s.power[f * places + k] > strongest) {
          strongest = s.power[f * places + k];
          speed = s.frequency[f] / s.wave_number[k];
        }
    BOOST_TEST(std::abs(speed - sign * 80) < 1e-9);
    BOOST_TEST(std::abs(strongest - 0.25 * static_cast<double>(times * places)) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_analysed_is_refused) {
  const std::vector<double> gap{1, 2, std::nan(""), 4}, short_one(10);
  BOOST_CHECK_THROW(analytic_signal(gap), Error);
  BOOST_CHECK_THROW(analytic_signal({}), Error);
  BOOST_CHECK_THROW(band_pass(short_one, 0.01, 5, 60), Error);
  BOOST_CHECK_THROW(spectra(short_one, short_one, 1, 8), Error);
  BOOST_CHECK_THROW(spectrum(short_one, 0, 4), Error);
  BOOST_CHECK_THROW(space_time_spectrum(short_one, 3, 1, 1), Error);
}

BOOST_AUTO_TEST_SUITE_END()
