#include "base/random.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <set>
#include <vector>

using namespace striate;

BOOST_AUTO_TEST_SUITE(random_numbers)

// numpy.random.Philox (the same Philox 4x64-10) with key (7, FNV-1a("cue")) and the counter before {1, 2, 3, 4}:
// validation/reference/random_words.py prints these.
BOOST_AUTO_TEST_CASE(words_are_those_of_numpy) {
  const auto words = RandomKey(7, "cue").bits({1, 2, 3, 4});
  const std::vector<std::uint64_t> expected = {0x5a275d04d178740d, 0x069cfa78da9747de, 0xa118c2dcf868b258,
                                               0x95b60814459a119d};
  BOOST_TEST(words == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_seed_purpose_and_counter_word_gives_other_numbers) {
  const std::set<std::uint64_t> firsts = {
      RandomKey(1, "a").bits({0, 0, 0, 0})[0], RandomKey(2, "a").bits({0, 0, 0, 0})[0],
      RandomKey(1, "b").bits({0, 0, 0, 0})[0], RandomKey(1, "a").bits({1, 0, 0, 0})[0],
      RandomKey(1, "a").bits({0, 1, 0, 0})[0], RandomKey(1, "a").bits({0, 0, 1, 0})[0],
      RandomKey(1, "a").bits({0, 0, 0, 1})[0]};
  BOOST_TEST(firsts.size() == 7u);
}

BOOST_AUTO_TEST_CASE(stream_reads_the_words_of_its_counters_in_turn) {
  RandomStream stream(3, "images", 17);
  for (std::uint64_t block = 0; block < 3; ++block)
    for (const std::uint64_t word : RandomKey(3, "images").bits({block, 17, 0, 0})) BOOST_TEST(stream.bits() == word);
}

// 100,000 draws: tolerances are four standard errors of each sample moment of the stated distribution.
BOOST_AUTO_TEST_CASE(moments_are_those_of_the_distribution) {
  const RandomKey key(11, "moments");
  const double n = 100'000;
  double mean_u = 0, square_u = 0, mean_z = 0, square_z = 0, fourth_z = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const double u = key.uniform({i, 0, 0, 0});
    const double z = key.normal({i, 1, 0, 0});
    BOOST_REQUIRE(u > 0);
    BOOST_REQUIRE(u < 1);
    mean_u += u / n;
    square_u += u * u / n;
    mean_z += z / n;
    square_z += z * z / n;
    fourth_z += z * z * z * z / n;
  }
  BOOST_TEST(std::abs(mean_u - 1.0 / 2) < 4 * std::sqrt(1.0 / 12 / n));
  BOOST_TEST(std::abs(square_u - 1.0 / 3) < 4 * std::sqrt(4.0 / 45 / n));
  BOOST_TEST(std::abs(mean_z) < 4 * std::sqrt(1 / n));
  BOOST_TEST(std::abs(square_z - 1) < 4 * std::sqrt(2 / n));
  BOOST_TEST(std::abs(fourth_z - 3) < 4 * std::sqrt(96 / n));
}

// Chi-square with 6 degrees of freedom exceeds 22.46 with probability 0.001.
BOOST_AUTO_TEST_CASE(below_is_uniform_over_the_integers) {
  RandomStream stream(5, "die", 0);
  std::vector<double> counts(7);
  const double n = 70'000;
  for (int i = 0; i < 70'000; ++i) counts.at(stream.below(7)) += 1;
  double chi_square = 0;
  for (const double c : counts) chi_square += (c - n / 7) * (c - n / 7) / (n / 7);
  BOOST_TEST(chi_square < 22.46);
}

BOOST_AUTO_TEST_SUITE_END()
