// Products of one matrix with several vectors, at every level, against the definition in long double.
#include "circuit/kernels/matrix.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/circuit/kernel_levels.hpp"

using namespace striate;
using striate::test::noise;
using striate::test::runnable_levels;

namespace {

template <class T>
struct Product {
  std::size_t rows, columns;
  bool transposed;
  std::vector<T> m;
  std::vector<std::vector<T>> x;

  Product(std::size_t r, std::size_t c, bool t, std::size_t vectors)
      : rows(r), columns(c), transposed(t), m(noise<T>(r * c, 1)) {
    for (std::size_t v = 0; v < vectors; ++v) x.push_back(noise<T>(t ? r : c, 2 + static_cast<unsigned>(v)));
  }

  std::vector<long double> expected(std::size_t v) const {
    std::vector<long double> out(transposed ? columns : rows, 0);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        out[transposed ? j : i] += static_cast<long double>(m[i * columns + j]) * x[v][transposed ? i : j];
    return out;
  }

  template <class F>
  std::vector<std::vector<T>> run(const F& product) const {
    std::vector<std::vector<T>> out(x.size(), std::vector<T>(transposed ? columns : rows, T(7)));
    std::vector<const T*> from;
    std::vector<T*> to;
    for (std::size_t v = 0; v < x.size(); ++v) {
      from.push_back(x[v].data());
      to.push_back(out[v].data());
    }
    product(from, to);
    return out;
  }

  template <class M>
  std::vector<std::vector<T>> with(const ProductKernels<T, M>& kernels, const std::vector<M>& stored) const {
    return run([&](auto& from, auto& to) {
      if (transposed)
        kernels.combine(stored.data(), columns, rows, columns, from.data(), from.size(), to.data());
      else
        kernels.dots(stored.data(), columns, rows, columns, from.data(), from.size(), to.data());
    });
  }
  std::vector<std::vector<T>> at_level(IsaLevel level) const { return with(kernels_at<T>(level).matrix.whole, m); }
};

template <class T>
void check_all() {
  for (const IsaLevel level : runnable_levels())
    for (const std::size_t rows : {1U, 3U, 4U, 9U, 66U})
      for (const std::size_t columns : {1U, 5U, 16U, 37U, 200U})
        for (const bool transposed : {false, true})
          for (std::size_t vectors = 1; vectors <= most_vectors; ++vectors) {
            const Product<T> p(rows, columns, transposed, vectors);
            const auto got = p.at_level(level);
            for (std::size_t v = 0; v < vectors; ++v) {
              const auto expected = p.expected(v);
              // Up to 200 products below 1, rounded after each addition.
              const auto bound = 200 * static_cast<long double>(std::numeric_limits<T>::epsilon());
              for (std::size_t i = 0; i < expected.size(); ++i)
                BOOST_TEST(std::abs(static_cast<long double>(got[v][i]) - expected[i]) <= bound,
                           rows << " x " << columns << ", vector " << v << " of " << vectors << ", element " << i);
            }
          }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(matrix_with_vectors)

BOOST_AUTO_TEST_CASE(is_the_sum_of_products) {
  check_all<double>();
  check_all<float>();
}

BOOST_AUTO_TEST_CASE(has_the_bits_of_the_rounded_matrix_where_that_is_stored_in_single_precision) {
  for (const IsaLevel level : runnable_levels())
    for (const bool transposed : {false, true})
      for (std::size_t vectors = 1; vectors <= most_vectors; ++vectors) {
        Product<double> p(21, 37, transposed, vectors);
        const std::vector<float> rounded(p.m.begin(), p.m.end());
        p.m.assign(rounded.begin(), rounded.end());
        BOOST_TEST((p.with(kernels_at<double>(level).matrix.single, rounded) == p.at_level(level)));
      }
}

BOOST_AUTO_TEST_CASE(has_the_same_bits_alone_and_in_company_and_for_any_split_into_threads) {
  for (const bool transposed : {false, true}) {
    const Product<double> together(300, 1100, transposed, 4);
    const auto split = [&](bool parallel) {
      return together.run([&](auto& from, auto& to) {
        matrix_vectors<double>(together.m.data(), together.rows, together.columns, transposed, from, to, parallel);
      });
    };
    const auto got = split(true);
    BOOST_TEST((got == split(false)));
    for (std::size_t v = 0; v < 4; ++v) {
      const auto alone = [&] {
        std::vector<double> out(got[v].size());
        const double* from = together.x[v].data();
        double* to = out.data();
        matrix_vectors<double>(together.m.data(), together.rows, together.columns, transposed, {&from, 1}, {&to, 1},
                               false);
        return out;
      };
      BOOST_TEST((alone() == got[v]));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
