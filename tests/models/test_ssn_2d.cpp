#include "tests/models/march.hpp"

#include <algorithm>

using namespace striate;
using test::in_regime;
using test::March;

namespace {

constexpr int K = 6;
constexpr int side = 31;
constexpr int middle = side / 2;
constexpr std::size_t centre = (3 * side + middle) * side + middle;  // channel of 90 deg

/// A disc of radius `radius` at 90 deg; beyond it, where `surround` is given, gratings of that difference of
/// orientation.
void show(March& march, double contrast, double radius, const double* surround = nullptr) {
  const double drive = std::pow(contrast, 3.5) / (std::pow(11, 3.5) + std::pow(contrast, 3.5));
  for (int k = 0; k < K; ++k)
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const bool inside = std::hypot(y - middle, x - middle) <= radius;
        double apart = std::abs(30.0 * k - 90 - (inside || !surround ? 0 : *surround));
        apart = std::min(apart, 180 - apart);
        march.input()[static_cast<std::size_t>((k * side + y) * side + x)] =
            inside || surround ? drive * std::exp(-apart * apart / 800) : 0;
      }
  march.start();
  march.settle(0.8, 1e-6);
}

std::vector<double> size_tuning(March& march, double contrast, const std::vector<double>& radii) {
  std::vector<double> r;
  for (const double radius : radii) {
    show(march, contrast, radius);
    r.push_back(march.get("r_E", centre));
  }
  return r;
}

March network(const std::string& regime) {
  March march(in_regime(model("ssn_2d", {{"orientation", K}, {"y", side}, {"x", side}}), regime));
  march.parameter("tau_I") = 5;  // steady states do not depend on it; they are reached sooner
  return march;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ssn_2d)

BOOST_AUTO_TEST_CASE(the_rate_is_the_one_of_the_equations) {
  test::check_rate("ssn_2d paper", in_regime(model("ssn_2d", {{"orientation", 6}, {"y", 17}, {"x", 16}}), "paper"), 20);
}

BOOST_AUTO_TEST_CASE(the_best_size_shrinks_as_contrast_grows_and_the_surround_suppresses) {
  March march = network("paper");
  const std::vector<double> radii{2, 3, 6, 12};
  const auto low = size_tuning(march, 8, radii);
  const auto high = size_tuning(march, 16.4, radii);
  // Both marches end where no rate changes by 1e-6 Hz a ms or less; the slowest mode takes some hundred ms.
  const auto independent = test::reference("ssn_2d discs of radius 3", "centre");
  BOOST_TEST(std::abs(low[1] - independent.at("0")) < 5e-4, low[1] << " against " << independent.at("0"));
  BOOST_TEST(std::abs(high[1] - independent.at("1")) < 5e-4, high[1] << " against " << independent.at("1"));
  BOOST_TEST(low[2] > low[1]);
  BOOST_TEST(low[2] > low[3]);
  BOOST_TEST(high[1] > high[0]);
  BOOST_TEST(high[1] > 1.5 * high[2]);
  BOOST_TEST(high[3] < 0.3 * high[1]);
}

BOOST_AUTO_TEST_CASE(a_surround_of_the_same_orientation_suppresses_most) {
  March march = network("paper");
  std::vector<double> r;
  for (const double surround : {0.0, 30.0, 60.0, 90.0}) {
    show(march, 16.4, 3, &surround);
    r.push_back(march.get("r_E", centre));
  }
  for (std::size_t i = 1; i < r.size(); ++i) BOOST_TEST(r[i] > r[i - 1]);
}

BOOST_AUTO_TEST_CASE(without_far_excitation_the_surround_suppresses_far_less) {
  March march = network("no_far");
  const auto high = size_tuning(march, 16.4, {3, 12});
  BOOST_TEST(high[1] > 0.6 * high[0]);  // below 0.3 with it
}

BOOST_AUTO_TEST_SUITE_END()
