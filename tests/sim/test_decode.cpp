#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "sim/decode.hpp"
#include "sim/linear_decoder.hpp"
#include "sim/score.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

constexpr double turn = 2 * std::numbers::pi;

std::vector<double> positions(std::size_t n) {
  std::vector<double> p;
  for (std::size_t k = 0; k < n; ++k) p.push_back(static_cast<double>(k) / static_cast<double>(n));
  return p;
}

std::vector<double> bump(const std::vector<double>& p, double centre, double kappa) {
  std::vector<double> r;
  for (const double x : p) r.push_back(0.2 + 1.5 * std::exp(kappa * (std::cos(turn * (x - centre)) - 1)));
  return r;
}

BOOST_AUTO_TEST_CASE(Decoders_find_the_centre_of_a_von_mises_curve) {
  const auto p = positions(32);
  for (const double centre : {0.005, 0.11, 0.5, 0.93, 0.99}) {  // also between the last and the first
    const auto r = bump(p, centre, 2.0);
    // Evenly sampled, the first harmonic is exact up to aliasing of harmonics 31 and up.
    BOOST_CHECK_SMALL(decode(Decoder::population_vector, r, p, true) - centre, 1e-12);
    BOOST_CHECK_SMALL(decode(Decoder::fit, r, p, true) - centre, 1e-7);    // its search stops at steps of 1e-9
    BOOST_CHECK_SMALL(decode(Decoder::peak, r, p, true) - centre, 0.001);  // a parabola is not a von Mises curve
  }
}

BOOST_AUTO_TEST_CASE(The_peak_of_a_line_may_lie_at_its_end) {
  const std::vector<double> r{5, 2, 1, 4}, p{0, 1. / 3, 2. / 3, 1};
  BOOST_CHECK_EQUAL(decode(Decoder::peak, r, p, false), 0);
}

BOOST_AUTO_TEST_CASE(A_fit_on_a_line_takes_its_ends_for_ends) {
  std::vector<double> p, r(19);
  for (int k = 0; k < 19; ++k) p.push_back(k / 18.0);
  for (const double centre : {0.3, 0.72, 0.92, 1.0}) {
    for (std::size_t k = 0; k < r.size(); ++k) r[k] = 2 + std::exp(-std::pow((p[k] - centre) / 0.2, 2) / 2);
    BOOST_CHECK_SMALL(decode(Decoder::fit, r, p, false) - centre, 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(A_symmetric_response_points_nowhere) {
  const auto p = positions(8);
  BOOST_CHECK(std::isnan(decode(Decoder::population_vector, std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0}, p, true)));
  BOOST_CHECK(std::isnan(decode(Decoder::peak, std::vector<double>(8, 0.3), p, true)));
  BOOST_CHECK(std::isnan(decode(Decoder::population_vector, std::vector<double>(8, 0.0), p, true)));
}

BOOST_AUTO_TEST_CASE(A_response_that_is_no_number_has_no_feature) {
  const auto p = positions(8);
  for (const double bad : {std::nan(""), HUGE_VAL})
    for (const Decoder decoder : {Decoder::population_vector, Decoder::peak, Decoder::fit}) {
      auto r = bump(p, 0.3, 2);
      r[6] = bad;
      BOOST_CHECK(std::isnan(decode(decoder, r, p, true)));
    }
}

BOOST_AUTO_TEST_CASE(A_misspelt_decoder_is_refused_with_the_nearest) {
  BOOST_CHECK_EXCEPTION(decoder_named("peek"), Error, says("peek", "peak"));
}

BOOST_AUTO_TEST_CASE(A_linear_decoder_reads_angles_that_lie_linearly_in_the_responses) {
  std::vector<std::vector<double>> responses;
  std::vector<double> angles;
  const auto response = [](double a) {
    return std::vector<double>{3 + 2 * std::cos(a), 1 - std::sin(a), 0.5 * std::cos(a) + std::sin(a), 7};
  };
  for (int i = 0; i < 12; ++i) {
    angles.push_back(turn * i / 12);
    responses.push_back(response(angles.back()));
  }
  const LinearDecoder exact(responses, angles, 0);
  for (const double a : {-3.0, -0.4, 0.7, 2.5}) BOOST_CHECK_SMALL(exact.read(response(a)) - a, 1e-12);
  BOOST_CHECK_THROW(LinearDecoder({{1}, {2}}, {0, 1}, 0), Error);
}

BOOST_AUTO_TEST_CASE(A_linear_decoder_learns_from_a_part_of_the_circle) {
  std::vector<std::vector<double>> responses;
  std::vector<double> angles;
  const auto response = [](double a) { return std::vector<double>{std::cos(a), std::sin(a)}; };
  for (int i = 0; i <= 6; ++i) {
    angles.push_back(turn * i / 24);
    responses.push_back(response(angles.back()));
  }
  const LinearDecoder part(responses, angles, 0);
  for (const double a : {-2.0, 0.1, 0.7, 1.5}) BOOST_CHECK_SMALL(part.read(response(a)) - a, 1e-12);
}

BOOST_AUTO_TEST_CASE(A_ridge_shrinks_the_weights_by_the_closed_form) {
  std::vector<std::vector<double>> responses;
  std::vector<double> angles;
  for (int i = 0; i < 8; ++i) {
    angles.push_back(turn * i / 8);
    responses.push_back({std::cos(angles.back()), std::sin(angles.back()) + std::cos(angles.back())});
  }
  const LinearDecoder ridged(responses, angles, 8);
  // z1 = sqrt2 c, z2 = c + s; Z'Z = 8 [[1, g], [g, 1]], g = 1/sqrt2; Z'Y = 4 [[sqrt2, 0], [1, 1]].
  // (Z'Z + 8 I)^-1 = [[2, -g], [-g, 2]]/(8 (4 - 1/2)).
  const double g = 1 / std::sqrt(2.0);
  const double c1 = (2 * std::sqrt(2.0) - g) / 7;
  const double c2 = (-g * std::sqrt(2.0) + 2) / 7;
  const double s1 = -g / 7;
  const double s2 = 2.0 / 7;
  const double z1 = std::sqrt(2.0) * 0.3;
  const double z2 = 0.3 + 0.8;
  BOOST_CHECK_SMALL(ridged.read(std::vector<double>{0.3, 1.1}) - std::atan2(s1 * z1 + s2 * z2, c1 * z1 + c2 * z2),
                    1e-12);
}

BOOST_AUTO_TEST_CASE(Scores_are_pearson_and_root_mean_square_over_known_pairs) {
  const double nan = std::nan("");
  const Score s = score(std::vector<double>{1, 2, nan, 4, 9}, std::vector<double>{2, 1, 5, 6, nan});
  // Pairs (1,2), (2,1), (4,6): means 7/3 and 3; covariance 7, variances 14/3 and 14.
  BOOST_CHECK_EQUAL(s.n, 3U);
  BOOST_CHECK_CLOSE(s.r, 7.0 / std::sqrt(14.0 / 3 * 14), 1e-10);
  BOOST_CHECK_CLOSE(s.rms, std::sqrt(2.0), 1e-10);
  BOOST_CHECK(std::isnan(score(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}).r));
  BOOST_CHECK(std::isnan(score(std::vector<double>{1, 2}, std::vector<double>{1, 2}).r));
}

BOOST_AUTO_TEST_CASE(Interpolation_is_linear_inside_and_constant_outside) {
  const std::vector<double> x{0, 1, 3};
  const std::vector<double> y{5, 7, 3};
  BOOST_CHECK_EQUAL(interpolate(x, y, -2), 5);
  BOOST_CHECK_EQUAL(interpolate(x, y, 0.5), 6);
  BOOST_CHECK_EQUAL(interpolate(x, y, 2), 5);
  BOOST_CHECK_EQUAL(interpolate(x, y, 9), 3);
}

}  // namespace
