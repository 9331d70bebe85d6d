#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/circuit/kernel_levels.hpp"

using namespace striate;
using namespace striate::test;

BOOST_AUTO_TEST_SUITE(kernels_vector)

BOOST_AUTO_TEST_CASE(combinations_have_the_bits_of_plain_loops_at_every_level_count_and_length) {
  for (const IsaLevel level : runnable_levels()) {
    const auto& vector = kernels_at<double>(level).vector;
    for (const std::size_t n : {1, 7, 8, 16, 133}) {
      std::vector<std::vector<double>> x;
      std::vector<const double*> at;
      for (unsigned j = 0; j < most_combined; ++j) x.push_back(noise<double>(n, j));
      for (const auto& v : x) at.push_back(v.data());
      const auto w = noise<double>(most_combined, 99);
      for (std::size_t count = 1; count <= most_combined; ++count) {
        std::vector<double> out(n + 1, -7.0), expected(n);
        vector.combine[count - 1](at.data(), w.data(), out.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
          expected[i] = w[0] * x[0][i];
          for (std::size_t j = 1; j < count; ++j) expected[i] = expected[i] + w[j] * x[j][i];
        }
        BOOST_TEST(std::equal(expected.begin(), expected.end(), out.begin()));
        BOOST_TEST(out[n] == -7.0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(errors_are_weighed_by_the_larger_end_of_the_step_and_nan_survives) {
  for (const IsaLevel level : runnable_levels()) {
    for (const std::size_t n : {1, 8, 13}) {
      auto x = noise<double>(n, 1);
      const auto a = noise<double>(n, 2), b = noise<double>(n, 3);
      const std::vector<double> atol(n, 0.25);
      x.back() = NAN;
      const auto before = x;
      kernels_at<double>(level).vector.weigh(x.data(), atol.data(), 0.5, a.data(), b.data(), n);
      for (std::size_t i = 0; i + 1 < n; ++i)
        BOOST_TEST(x[i] == std::abs(before[i]) / (0.25 + 0.5 * std::max(std::abs(a[i]), std::abs(b[i]))));
      BOOST_TEST(std::isnan(x.back()));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
