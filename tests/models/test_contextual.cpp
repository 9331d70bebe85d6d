#include <fmt/format.h>
#include <algorithm>

#include "tests/models/march.hpp"

using namespace striate;
using test::in_regime;
using test::March;

namespace {

/// The steady state in the middle of a grid of side `side`, with drive X inside the centred square of side `block`.
std::pair<double, double> steady(std::size_t side, std::size_t block, double X) {
  const std::size_t K = 5;
  March march(
      model("contextual",
            {{"feature", static_cast<double>(K)}, {"y", static_cast<double>(side)}, {"x", static_cast<double>(side)}}));
  const std::size_t from = side / 2 - block / 2;
  for (std::size_t k = 0; k < K; ++k)
    for (std::size_t y = from; y < from + block; ++y)
      for (std::size_t x = from; x < from + block; ++x) march.input()[(k * side + y) * side + x] = X;
  march.start();
  march.settle(0.5, 1e-11);
  const std::size_t middle = (2 * side + side / 2) * side + side / 2;
  return {march.get("I", middle), march.get("O", middle)};
}

/// Positive root of a I^2 + b I = xi X.
double fixed_point(double a, double b, double X) { return (-b + std::sqrt(b * b + 4 * a * 4.5 * X)) / (2 * a); }

}  // namespace

BOOST_AUTO_TEST_SUITE(contextual)

BOOST_AUTO_TEST_CASE(the_rate_is_the_one_of_the_equations) {
  for (const char* regime : {"paper", "mely", "refit"})
    test::check_rate(std::string("contextual ") + regime,
                     in_regime(model("contextual", {{"feature", 7}, {"y", 17}, {"x", 16}}), regime));
}

BOOST_AUTO_TEST_CASE(an_isolated_pixel_settles_where_the_quadratic_says) {
  struct Row {
    double X, I, O;
  };
  for (const auto& row : {Row{0.1, 0.097023, 0.388091}, Row{0.25, 0.219401, 0.877603}, Row{0.5, 0.387840, 1.551360},
                          Row{1, 0.655016, 2.620063}}) {
    // The lit pixel lies in the hole of its own near and far rings, but its neighbours' O, which its I excites through
    // P, would come back through T; a grid of one pixel has no neighbours.
    const auto [I, O] = steady(1, 1, row.X);
    BOOST_TEST(std::abs(I - fixed_point(4, 4.25, row.X)) < 1e-9);
    BOOST_TEST(std::abs(I - row.I) < 6e-7);
    BOOST_TEST(std::abs(O - row.O) < 6e-7);
  }
}

BOOST_AUTO_TEST_CASE(equal_features_and_space_satisfy_the_uniform_quadratic) {
  struct Row {
    double X, I, O;
  };
  for (const auto& row : {Row{0.1, 0.037931, 0.303445}, Row{0.25, 0.084287, 0.674299}, Row{0.5, 0.146649, 1.173191},
                          Row{1, 0.243857, 1.950857}}) {
    const double I = fixed_point(32, 10.65, row.X);
    BOOST_TEST(std::abs(I - row.I) < 6e-7);
    BOOST_TEST(std::abs(8 * I - row.O) < 6e-7);
    // A uniform state is a zero of the rate wherever the far ring lies inside the grid.
    const std::size_t side = 31;
    March march(
        model("contextual", {{"feature", 5}, {"y", static_cast<double>(side)}, {"x", static_cast<double>(side)}}));
    std::fill(march.input().begin(), march.input().end(), row.X);
    std::fill(march.state().begin(), march.state().begin() + 5 * side * side, I);
    std::fill(march.state().begin() + 5 * side * side, march.state().end(), 8 * I);
    const auto f = march.rate(march.state());
    for (const std::size_t layer : {0, 1})
      for (std::size_t k = 0; k < 5; ++k) BOOST_TEST(std::abs(f[((layer * 5 + k) * side + 15) * side + 15]) < 1e-14);
    BOOST_TEST(std::abs(f[0]) > 1e-3);  // at the border it is none
  }
}

BOOST_AUTO_TEST_CASE(broad_facilitation_has_the_weights_published) {
  struct Row {
    int K;
    double own, next, second;
  };
  for (const auto& row :
       {Row{6, 0.5320, 0.2187, 0.0152}, Row{16, 0.1774, 0.1607, 0.1195}, Row{25, 0.1109, 0.1067, 0.0950},
        Row{32, 0.0858, 0.0839, 0.0783}, Row{64, 0.0422, 0.0420, 0.0413}}) {
    March march(model("contextual", {{"feature", static_cast<double>(row.K)}, {"y", 1}, {"x", 1}}));
    const auto middle = static_cast<std::size_t>(row.K / 2);
    march.state().assign(march.state().size(), 0);
    march.state()[middle] = 1;
    const auto Q = march.observed("Q");
    const std::vector<double> got{Q[middle], Q[middle - 1], Q[middle - 2]};
    const std::vector<double> published{row.own, row.next, row.second};
    for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(std::abs(got[i] - published[i]) < 6e-5);
    test::check_against(test::reference(fmt::format("contextual K={}", row.K), "own channel and next two"), got, 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(unordered_features_share_alike) {
  const int K = 6;
  March march(model("contextual", {{"feature", K}, {"y", 1}, {"x", 1}, {"ordered", 0}}));
  march.state().assign(march.state().size(), 0);
  march.state()[2] = 1;
  const auto Q = march.observed("Q");
  // Own channel: the peak of the ordered weights, 0.5320; the rest in equal parts.
  for (std::size_t k = 0; k < K; ++k) BOOST_TEST(std::abs(Q[k] - (k == 2 ? 0.5320 : (1 - 0.5320) / 5)) < 6e-5);
}

BOOST_AUTO_TEST_CASE(both_samplings_of_the_feature_axis_are_offered) {
  const auto closed = model("contextual", {{"feature", 25}}).axis("feature").coordinates();
  const auto open = model("contextual", {{"feature", 24}, {"feature.closed", 0}}).axis("feature").coordinates();
  BOOST_TEST(closed.back() == 1.0);
  BOOST_TEST(open.back() == 23.0 / 24, boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(a_lesion_takes_away_its_pool_and_nothing_else) {
  const Circuit circuit = model("contextual", {{"feature", 7}, {"y", 17}, {"x", 16}});
  const std::pair<const char*, std::vector<const char*>> lesions[] = {
      {"no_U", {"alpha", "mu"}}, {"no_T", {"beta", "nu"}},           {"no_P", {"gamma"}},
      {"no_Q", {"delta"}},       {"no_divisive", {"alpha", "beta"}}, {"no_subtractive", {"mu", "nu"}}};
  for (const auto& [name, silenced] : lesions) {
    const auto& values = circuit.regime(name).values;
    BOOST_TEST_REQUIRE(values.size() == silenced.size());
    for (std::size_t i = 0; i < silenced.size(); ++i) {
      BOOST_TEST(values[i].first == silenced[i]);
      BOOST_TEST(values[i].second[0] == 0);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
