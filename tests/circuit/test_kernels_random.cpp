// The normals of every level, against the generator that Random123 ships.
#include <Random123/philox.h>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <numbers>

#include "tests/circuit/kernel_levels.hpp"

using namespace striate;
using namespace striate::test;

namespace {

using Counter = std::array<std::uint32_t, 3>;

/// The four normals of a counter, by the formula of RandomKernels.
std::array<double, 4> from_words(const std::array<std::uint32_t, 4>& words) {
  const auto uniform = [&](std::size_t i) { return (words[i] + 0.5) / 4294967296.0; };
  std::array<double, 4> normals{};
  for (std::size_t half = 0; half < 2; ++half) {
    const double radius = std::sqrt(-2 * std::log(uniform(2 * half)));
    normals[2 * half] = radius * std::cos(2 * std::numbers::pi * uniform(2 * half + 1));
    normals[2 * half + 1] = radius * std::sin(2 * std::numbers::pi * uniform(2 * half + 1));
  }
  return normals;
}

// Vector functions are good to a few units in the last place; angles reach 2 pi and radii 7.
constexpr double rounding = 1e-13;

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels_random)

// Known answers of philox4x32 with ten rounds, from Random123's kat_vectors.
BOOST_AUTO_TEST_CASE(words_are_the_known_answers) {
  struct Known {
    std::array<std::uint32_t, 4> counter;
    std::uint64_t key;
    std::array<std::uint32_t, 4> words;
  };
  const Known known[] = {
      {{0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0u, ~0u, ~0u, ~0u}, ~std::uint64_t{0}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       0x299f31d0a4093822,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const IsaLevel level : runnable_levels())
    for (const Known& k : known) {
      std::vector<double> out(normals_in_group);
      kernels_at<double>(level).random.normals(k.key, k.counter.data() + 1, k.counter[0] / 64, out.data(), out.size());
      const auto expected = from_words(k.words);
      for (std::size_t i = 0; i < 4; ++i)
        BOOST_TEST(std::abs(out[k.counter[0] % 64 + 64 * i] - expected[i]) < rounding, isa_name(level));
    }
}

BOOST_AUTO_TEST_CASE(every_number_is_that_of_its_counter_whatever_the_length) {
  const Counter counter{7, 8, 9};
  const std::uint64_t key = 0x123456789abcdef0;
  for (const IsaLevel level : runnable_levels())
    for (const std::size_t n : {1, 63, 256, 700}) {
      std::vector<double> out(n + 1, -99);
      kernels_at<double>(level).random.normals(key, counter.data(), 5, out.data(), n);
      BOOST_TEST(out[n] == -99);
      for (std::size_t i = 0; i < n; ++i) {
        const auto lane = static_cast<std::uint32_t>(i % 64);
        const auto group = static_cast<std::uint32_t>(5 + i / normals_in_group);
        const auto words = r123::Philox4x32{}(
            {{64 * group + lane, 7, 8, 9}}, {{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)}});
        const auto expected = from_words({words[0], words[1], words[2], words[3]});
        BOOST_REQUIRE(std::abs(out[i] - expected[i % normals_in_group / 64]) < rounding);
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()
