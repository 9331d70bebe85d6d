#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "integrators/linear_combination.hpp"

using striate::LinearCombination;

BOOST_AUTO_TEST_SUITE(integrators_linear_combination)

BOOST_AUTO_TEST_CASE(it_is_the_sum_of_its_terms_in_their_order) {
  // No terms, all counts up to the most, and sizes of no, one and several blocks with a ragged end.
  for (const std::size_t size : {0, 1, 5, 2048, 40001}) {
    std::vector<std::vector<double>> x(16, std::vector<double>(size));
    for (std::size_t j = 0; j < x.size(); ++j) {
      for (std::size_t i = 0; i < size; ++i) x[j][i] = std::sin(static_cast<double>(i * (j + 1)));
    }
    for (std::size_t count = 0; count <= x.size(); ++count) {
      LinearCombination sum;
      std::vector<double> expected(size, 0.0), out(size, -1.0);
      for (std::size_t j = 0; j < count; ++j) {
        const double weight = 1.0 / static_cast<double>(j + 3);
        sum.add(weight, x[j].data());
        for (std::size_t i = 0; i < size; ++i) expected[i] += weight * x[j][i];
      }
      sum.store(out);
      BOOST_TEST_CONTEXT(size << " elements, " << count << " terms") BOOST_TEST((out == expected));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_term_of_weight_zero_is_not_read) {
  const std::vector<double> x = {1, 2}, none = {NAN, NAN};
  std::vector<double> out(2);
  LinearCombination sum;
  sum.add(0, none.data());
  sum.add(3, x.data());
  sum.store(out);
  BOOST_TEST(out[1] == 6.0);
}

BOOST_AUTO_TEST_SUITE_END()
