#include "tests/models/march.hpp"

#include <algorithm>

using namespace striate;
using test::in_regime;
using test::March;

namespace {
const std::map<std::string, double> small{{"feature", 7}, {"y", 17}, {"x", 16}};

std::vector<double> rate(const Circuit& circuit) {
  March march(circuit);
  for (std::size_t i = 0; i < march.input().size(); ++i) march.input()[i] = static_cast<double>((53 * i + 7) % 97) / 97;
  for (std::size_t i = 0; i < march.state().size(); ++i)
    march.state()[i] = static_cast<double>((37 * i + 11) % 101) / 101;
  return march.rate(march.state());
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  BOOST_TEST_REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(crf_ecrf)

BOOST_AUTO_TEST_CASE(the_rate_is_the_one_of_the_equations) {
  test::check_rate("crf_ecrf divisive_ratio", in_regime(model("crf_ecrf", small), "divisive_ratio"));
}

BOOST_AUTO_TEST_CASE(it_is_the_contextual_circuit_where_the_two_pools_have_one_ratio) {
  const Circuit compact =
      model("crf_ecrf", small)
          .with_parameters({{"c_far", {2}}, {"c_broad", {0.5}}, {"alpha", {0.7}}, {"mu", {0.4}}, {"gamma", {1.2}}});
  const Circuit full =
      model("contextual", small)
          .with_parameters(
              {{"alpha", {0.7}}, {"beta", {1.4}}, {"mu", {0.4}}, {"nu", {0.8}}, {"gamma", {1.2}}, {"delta", {0.6}}});
  BOOST_TEST(largest_difference(rate(compact), rate(full)) <
             1e-14);  // rates of order 1; the terms are added in another order
}

BOOST_AUTO_TEST_CASE(no_share_of_the_far_surround_gives_the_published_set) {
  // Rates of H1 above the threshold fall by T beta/eta and T nu/eta; c_far can match one of them only.
  const auto published = rate(model("contextual", small));
  for (const char* regime : {"divisive_ratio", "subtractive_ratio"})
    BOOST_TEST(largest_difference(rate(in_regime(model("crf_ecrf", small), regime)), published) > 1e-2);
}

BOOST_AUTO_TEST_CASE(a_surround_of_the_same_feature_suppresses_in_both_regimes) {
  std::vector<double> kept;
  for (const char* regime : {"divisive_ratio", "subtractive_ratio"}) {
    std::vector<double> response;
    for (const int half : {2, 14}) {
      March march(in_regime(model("crf_ecrf", {{"feature", 7}, {"y", 31}, {"x", 31}}), regime));
      for (int y = -half; y <= half; ++y)
        for (int x = -half; x <= half; ++x)
          march.input()[static_cast<std::size_t>((3 * 31 + 15 + y) * 31 + 15 + x)] = 1;
      march.start();
      march.settle(0.4, 1e-6);
      response.push_back(march.get("H2", (3 * 31 + 15) * 31 + 15));
    }
    kept.push_back(response[1] / response[0]);
  }
  BOOST_TEST(kept[0] < 0.9);
  BOOST_TEST(kept[0] < kept[1]);
  BOOST_TEST(kept[1] < 0.99);
}

BOOST_AUTO_TEST_SUITE_END()
