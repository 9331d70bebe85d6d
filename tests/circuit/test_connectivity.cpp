#include <omp.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"
#include "circuit/connectivity.hpp"

using namespace striate;
using Rule = Connectivity::Rule;

namespace {

Population line(std::size_t size, std::size_t begin, std::size_t end, const std::string& name = "neuron") {
  return {{{name, size, begin, end}}};
}
Population line(std::size_t size) { return line(size, 0, size); }

Population sheet(std::size_t side, double length, const std::string& prefix, bool circular = true) {
  const double spacing = length / static_cast<double>(side);
  return {{{prefix + "y", side, 0, side, 0, spacing, circular}, {prefix + "x", side, 0, side, 0, spacing, circular}}};
}

std::vector<std::size_t> out_degrees(const Connections& c) {
  std::vector<std::size_t> n;
  for (std::size_t i = 0; i + 1 < c.row.size(); ++i) n.push_back(c.row[i + 1] - c.row[i]);
  return n;
}

std::vector<std::size_t> in_degrees(const Connections& c, std::size_t targets) {
  std::vector<std::size_t> n(targets);
  for (const auto t : c.target) ++n[t];
  return n;
}

bool ascending_rows(const Connections& c, bool repeats = false) {
  for (std::size_t i = 0; i + 1 < c.row.size(); ++i)
    for (std::size_t k = c.row[i] + 1; k < c.row[i + 1]; ++k)
      if (repeats ? c.target[k] < c.target[k - 1] : c.target[k] <= c.target[k - 1]) return false;
  return true;
}

bool same(const Connections& a, const Connections& b) { return a.row == b.row && a.target == b.target; }

/// Pearson's statistic of counts that should all be `mean`.
double chi_square(const std::vector<std::size_t>& counts, double mean) {
  double sum = 0;
  for (const auto n : counts) sum += (static_cast<double>(n) - mean) * (static_cast<double>(n) - mean) / mean;
  return sum;
}

/// Whether chi-square of k classes lies within five standard deviations, sqrt(2k), of its mean k.
bool plausible(double statistic, double k) { return std::abs(statistic - k) < 5 * std::sqrt(2 * k); }

bool refused(const Connectivity& rule, const Population& pre, const Population& post, const std::string& words) {
  try {
    connect(rule, pre, post, 1, "exc");
  } catch (const Error& e) {
    BOOST_TEST_INFO(e.what());
    const std::string text = e.what();
    const bool found = text.find(words) != std::string::npos && text.find("exc") != std::string::npos;
    BOOST_CHECK_MESSAGE(found, text);
    return found;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(connectivity)

BOOST_AUTO_TEST_CASE(all_to_all_and_one_to_one_join_the_members_of_blocks) {
  const auto pre = line(10, 2, 5), post = line(10, 1, 4);
  const auto all = connect({.rule = Rule::all_to_all, .self = false}, pre, post, 0, "p");
  BOOST_TEST(all.row == (std::vector<std::uint64_t>{0, 2, 4, 7}), boost::test_tools::per_element());
  BOOST_TEST(std::vector<std::uint32_t>(all.target.begin(), all.target.end()) ==
                 (std::vector<std::uint32_t>{1, 3, 1, 2, 1, 2, 3}),
             boost::test_tools::per_element());
  const auto one = connect({.rule = Rule::one_to_one}, pre, post, 0, "p");
  BOOST_TEST(std::vector<std::uint32_t>(one.target.begin(), one.target.end()) == (std::vector<std::uint32_t>{1, 2, 3}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(members_of_a_block_of_a_sheet_are_numbered_row_major) {
  const Population block{{{"y", 4, 1, 3}, {"x", 5, 3, 5}}};
  BOOST_TEST(block.elements() == (std::vector<std::uint32_t>{8, 9, 13, 14}), boost::test_tools::per_element());
  BOOST_TEST(Population{}.elements() == (std::vector<std::uint32_t>{0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(random_takes_every_pair_with_one_probability) {
  const double p = 0.02;
  const auto c = connect({.rule = Rule::random, .probability = p, .self = false}, line(2000), line(2000), 3, "p");
  BOOST_TEST(ascending_rows(c));
  const double pairs = 2000.0 * 1999.0, mean = pairs * p;
  // Binomial: standard deviation sqrt(n p (1 - p)), five of them.
  BOOST_TEST(std::abs(static_cast<double>(c.size()) - mean) < 5 * std::sqrt(mean * (1 - p)));
  for (std::size_t i = 0; i < 2000; ++i)
    for (std::size_t k = c.row[i]; k < c.row[i + 1]; ++k) BOOST_REQUIRE(c.target[k] != i);
  // Degrees are binomial: their spread is below the Poisson one by 1 - p.
  BOOST_TEST(plausible(chi_square(in_degrees(c, 2000), 1999 * p) / (1 - p), 2000));
  BOOST_TEST(plausible(chi_square(out_degrees(c), 1999 * p) / (1 - p), 2000));
}

BOOST_AUTO_TEST_CASE(probabilities_of_nought_and_one_take_none_and_all) {
  BOOST_TEST(connect({.rule = Rule::random, .probability = 0}, line(50), line(50), 3, "p").size() == 0);
  BOOST_TEST(connect({.rule = Rule::random, .probability = 1}, line(50), line(50), 3, "p").size() == 2500);
}

BOOST_AUTO_TEST_CASE(fixed_degrees_are_exact_and_partners_evenly_probable) {
  for (const bool repeats : {false, true}) {
    const Connectivity in{.rule = Rule::fixed_in, .count = 80, .self = false, .repeats = repeats};
    const auto c = connect(in, line(1000), line(1000), 5, "p");
    BOOST_TEST(ascending_rows(c, repeats));
    BOOST_TEST(in_degrees(c, 1000) == std::vector<std::size_t>(1000, 80), boost::test_tools::per_element());
    // Without repeats the out-degree is a sum of 999 choices of probability q = 80/999.
    const double shrink = repeats ? 1 : 1 - 80.0 / 999;
    BOOST_TEST(plausible(chi_square(out_degrees(c), 80) / shrink, 1000));

    Connectivity out = in;
    out.rule = Rule::fixed_out;
    const auto d = connect(out, line(1000), line(1000), 5, "p");
    BOOST_TEST(out_degrees(d) == std::vector<std::size_t>(1000, 80), boost::test_tools::per_element());
    BOOST_TEST(plausible(chi_square(in_degrees(d, 1000), 80) / shrink, 1000));
  }
}

BOOST_AUTO_TEST_CASE(nearly_full_degrees_leave_out_each_partner_equally_often) {
  const auto c =
      connect({.rule = Rule::fixed_out, .count = 90, .self = false}, line(2000), line(2000, 500, 600), 9, "p");
  BOOST_TEST(ascending_rows(c));
  BOOST_TEST(out_degrees(c) == std::vector<std::size_t>(2000, 90), boost::test_tools::per_element());
  auto in = in_degrees(c, 2000);
  std::vector<std::size_t> left_out;
  for (std::size_t i = 500; i < 600; ++i) left_out.push_back(2000 - in[i]);
  BOOST_TEST(plausible(chi_square(left_out, 200) / 0.9, 100));
}

BOOST_AUTO_TEST_CASE(a_fixed_total_is_exact_with_and_without_repeats) {
  for (const bool repeats : {false, true}) {
    for (const std::uint64_t count : {5000ULL, 150000ULL}) {  // 2.5 and 75 % of the pairs
      const auto c =
          connect({.rule = Rule::fixed_total, .count = count, .repeats = repeats}, line(500), line(400), 7, "p");
      BOOST_TEST(c.size() == count);
      BOOST_TEST(ascending_rows(c, repeats));
      const double q = repeats ? 0 : static_cast<double>(count) / 200000;
      BOOST_TEST(plausible(chi_square(out_degrees(c), static_cast<double>(count) / 500) / (1 - q), 500));
      BOOST_TEST(plausible(chi_square(in_degrees(c, 400), static_cast<double>(count) / 400) / (1 - q), 400));
    }
  }
  const auto all = connect({.rule = Rule::fixed_total, .count = 380, .self = false}, line(20), line(20), 7, "p");
  BOOST_TEST(out_degrees(all) == std::vector<std::size_t>(20, 19), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(repeated_pairs_are_as_frequent_as_in_independent_draws) {
  const auto c = connect({.rule = Rule::fixed_total, .count = 40000, .repeats = true}, line(200), line(200), 2, "p");
  std::size_t distinct = 0;
  for (std::size_t i = 0; i < 200; ++i)
    distinct += std::set<std::uint32_t>(c.target.begin() + static_cast<std::ptrdiff_t>(c.row[i]),
                                        c.target.begin() + static_cast<std::ptrdiff_t>(c.row[i + 1]))
                    .size();
  // n draws of n pairs leave n (1 - 1/n)^n = n/e out; the variance is n (1/e - 2/e^2).
  const double expected = 40000 * (1 - std::exp(-1.0)), sd = std::sqrt(40000 * (std::exp(-1.0) - 2 * std::exp(-2.0)));
  BOOST_TEST(std::abs(static_cast<double>(distinct) - expected) < 5 * sd);
}

BOOST_AUTO_TEST_CASE(gaussian_targets_lie_at_normal_displacements_on_the_torus) {
  // Sheet of 2.4 deg in 120 elements onto one of half the density; sd 0.15: mean distance sd sqrt(pi/2).
  const auto pre = sheet(120, 2.4, ""), post = sheet(60, 2.4, "i");
  const double sd = 0.15;
  const auto c = connect({.rule = Rule::gaussian_out, .count = 20, .sd = sd}, pre, post, 4, "p");
  BOOST_TEST(ascending_rows(c));
  BOOST_TEST(out_degrees(c) == std::vector<std::size_t>(14400, 20), boost::test_tools::per_element());
  const Distance distance(pre, post, "p");
  double mean = 0, square = 0;
  for (std::size_t i = 0; i < 14400; ++i)
    for (std::size_t k = c.row[i]; k < c.row[i + 1]; ++k) {
      const double d = distance(i, c.target[k]);
      mean += d / 288000;
      square += d * d / 288000;
    }
  // Rounding to places 0.04 apart adds 0.04^2/12 to each axis. That no place is taken twice pushes the 20 of a row
  // outwards: of 2 pi sd^2/0.04^2 = 88 places within reach, about 20/88/4 of the draws are repeated.
  const double expected = 2 * (sd * sd + 0.04 * 0.04 / 12);
  BOOST_TEST(square > expected);
  BOOST_TEST(square < 1.25 * expected);
  BOOST_TEST(std::abs(mean * mean / square - std::numbers::pi / 4) < 0.02);  // Rayleigh's shape
  // Every place is equally popular; without repeats the spread is below Poisson's.
  BOOST_TEST(chi_square(in_degrees(c, 3600), 80) < 3600 + 5 * std::sqrt(7200.0));

  const auto in = connect({.rule = Rule::gaussian_in, .count = 20, .sd = sd}, pre, post, 4, "p");
  BOOST_TEST(in_degrees(in, 3600) == std::vector<std::size_t>(3600, 20), boost::test_tools::per_element());
  BOOST_TEST(ascending_rows(in));
}

BOOST_AUTO_TEST_CASE(gaussian_partners_repeat_where_that_is_asked_for) {
  // 40 draws from about 2 pi 0.5^2 = 1.6 places. Rounded to whole places, sd 1/2 gives 1 with P(1 < |z| < 3) = .31460
  // and 2 with .0026992.
  const auto pre = sheet(64, 64, "");
  const Connectivity often{.rule = Rule::gaussian_out, .count = 40, .sd = 0.5, .repeats = true};
  const auto c = connect(often, pre, pre, 4, "p");
  BOOST_TEST(ascending_rows(c, true));
  BOOST_TEST(out_degrees(c) == std::vector<std::size_t>(4096, 40), boost::test_tools::per_element());
  const Distance distance(pre, pre, "p");
  double square = 0;
  for (std::size_t i = 0; i < 4096; ++i)
    for (std::size_t k = c.row[i]; k < c.row[i + 1]; ++k) square += std::pow(distance(i, c.target[k]), 2) / 163840;
  BOOST_TEST(std::abs(square - 2 * (0.3146 + 4 * 0.0026992)) < 0.01);
}

BOOST_AUTO_TEST_CASE(sparse_gaussian_displacements_have_the_standard_deviation_asked_for) {
  const auto pre = sheet(256, 25.6, "");
  const auto c = connect({.rule = Rule::gaussian_out, .count = 2, .sd = 2}, pre, pre, 4, "p");
  const Distance distance(pre, pre, "p");
  double square = 0;
  for (std::size_t i = 0; i < 65536; ++i)
    for (std::size_t k = c.row[i]; k < c.row[i + 1]; ++k) square += std::pow(distance(i, c.target[k]), 2) / 131072;
  // d^2/(2 sd^2) is exponential: relative standard error 1/sqrt(131072) = 0.0028, four of them; 2 of 2500 places
  // repeat.
  BOOST_TEST(square == 8.0, boost::test_tools::tolerance(0.012));
}

BOOST_AUTO_TEST_CASE(gaussian_displacements_beyond_an_open_edge_are_drawn_again) {
  const auto open = sheet(32, 3.2, "", false);
  const auto c = connect({.rule = Rule::gaussian_out, .count = 30, .sd = 1, .self = false}, open, open, 4, "p");
  BOOST_TEST(c.size() == 32 * 32 * 30);
  const Distance distance(open, open, "p");
  BOOST_TEST(distance(0, 32 * 32 - 1) == 3.1 * std::sqrt(2.0), boost::test_tools::tolerance(1e-12));  // no short way
  for (std::size_t i = 0; i < 1024; ++i)
    for (std::size_t k = c.row[i]; k < c.row[i + 1]; ++k) BOOST_REQUIRE(c.target[k] != i);
}

BOOST_AUTO_TEST_CASE(distances_go_the_short_way_round) {
  const auto ring = sheet(10, 10, "");
  const Distance distance(ring, ring, "p");
  BOOST_TEST(distance(0, 9) == 1.0);
  BOOST_TEST(distance(0, 99) == std::sqrt(2.0), boost::test_tools::tolerance(1e-15));
  BOOST_TEST(distance(5, 0) == 5.0);
}

BOOST_AUTO_TEST_CASE(listed_pairs_are_sorted_and_say_where_they_came_from) {
  const Connectivity rule{.rule = Rule::pairs, .pre = {2, 0, 2, 0}, .post = {1, 3, 0, 3}};
  const auto c = connect(rule, line(4, 0, 3), line(4), 0, "p");
  BOOST_TEST(c.row == (std::vector<std::uint64_t>{0, 2, 2, 4}), boost::test_tools::per_element());
  BOOST_TEST(std::vector<std::uint32_t>(c.target.begin(), c.target.end()) == (std::vector<std::uint32_t>{3, 3, 0, 1}),
             boost::test_tools::per_element());
  BOOST_TEST(c.given == (std::vector<std::uint64_t>{1, 3, 2, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_synapses_depend_on_seed_and_name_and_not_on_the_number_of_threads) {
  const auto pre = sheet(20, 1, "");
  const std::vector<Connectivity> rules{{.rule = Rule::random, .probability = 0.1},
                                        {.rule = Rule::fixed_in, .count = 30},
                                        {.rule = Rule::fixed_out, .count = 300, .repeats = true},
                                        {.rule = Rule::fixed_total, .count = 60000},
                                        {.rule = Rule::fixed_total, .count = 60000, .self = false, .repeats = true},
                                        {.rule = Rule::gaussian_in, .count = 40, .sd = 0.2},
                                        {.rule = Rule::gaussian_out, .count = 40, .sd = 0.2}};
  const int threads = omp_get_max_threads();
  for (const auto& rule : rules) {
    omp_set_num_threads(1);
    const auto one = connect(rule, pre, pre, 1, "p");
    omp_set_num_threads(3);
    BOOST_TEST(same(one, connect(rule, pre, pre, 1, "p")));
    BOOST_TEST(!same(one, connect(rule, pre, pre, 2, "p")));
    BOOST_TEST(!same(one, connect(rule, pre, pre, 1, "q")));
  }
  omp_set_num_threads(threads);
}

BOOST_AUTO_TEST_CASE(rules_that_do_not_fit_say_so) {
  const auto ten = line(10);
  BOOST_TEST(refused({.rule = Rule::all_to_all}, ten, line(10, 4, 4), "target has no elements"));
  BOOST_TEST(refused({.rule = Rule::one_to_one}, ten, line(9), "10 sources and 9 targets"));
  BOOST_TEST(refused({.rule = Rule::random, .probability = 1.5}, ten, ten, "probability = 1.5"));
  BOOST_TEST(refused({.rule = Rule::fixed_in, .count = 11}, ten, ten, "11, but there are 10 sources"));
  BOOST_TEST(refused({.rule = Rule::fixed_out, .count = 10, .self = false}, ten, ten, "there are 9 targets"));
  BOOST_TEST(refused({.rule = Rule::fixed_out, .count = 0}, ten, ten, "count = 0"));
  BOOST_TEST(refused({.rule = Rule::fixed_total, .count = 101}, ten, ten, "100 pairs"));
  BOOST_TEST(refused({.rule = Rule::gaussian_out, .count = 2, .sd = -1}, ten, ten, "sd = -1"));
  BOOST_TEST(refused({.rule = Rule::gaussian_out, .count = 2, .sd = 1e300}, ten, ten, "wider than 10^9 elements"));
  // 2^61 + 1 partners of each of 10: ten of them are 10 modulo 2^64.
  const std::uint64_t many = (std::uint64_t{1} << 61U) + 1;
  BOOST_TEST(refused({.rule = Rule::fixed_in, .count = many, .repeats = true}, ten, ten, "synapses"));
  BOOST_TEST(refused({.rule = Rule::gaussian_out, .count = 9, .sd = 1e-3}, ten, ten, "fewer partners"));
  BOOST_TEST(refused({.rule = Rule::gaussian_out, .count = 2, .sd = 1}, ten, sheet(3, 1, ""), "axes in pairs"));
  BOOST_TEST(refused({.rule = Rule::pairs, .pre = {10}, .post = {0}}, ten, ten, "pair 0 names the source element 10"));
  BOOST_TEST(refused({.rule = Rule::pairs, .pre = {1, 2}, .post = {0}}, ten, ten, "2 sources and 1 targets"));
  // 4e9 elements each: told before anything is drawn.
  BOOST_TEST(refused({.rule = Rule::all_to_all}, line(4000000000), line(4000000000), "synapses need"));
}

BOOST_AUTO_TEST_SUITE_END()
