// Kernels given as formula have the values and slopes of their definitions, summed in long double.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <numbers>

#include "circuit/derive.hpp"
#include "circuit/expr.hpp"
#include "tests/circuit/evaluation.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

using Numbers = std::vector<double>;

struct Weight {
  long double value, slope;  ///< before they are divided by their sum; slope by the kernel's width
};

struct Defined {
  Numbers value, slope;
};

Defined normalised(std::int64_t size, const std::function<Weight(long double)>& weight) {
  std::vector<Weight> weights;
  Weight total{0, 0};
  for (std::int64_t i = 0; i < size; ++i) {
    weights.push_back(weight(static_cast<long double>(i - size / 2)));
    total.value += weights.back().value;
    total.slope += weights.back().slope;
  }
  Defined result;
  for (const auto& w : weights) {
    result.value.push_back(static_cast<double>(w.value / total.value));
    result.slope.push_back(static_cast<double>((w.slope - w.value / total.value * total.slope) / total.value));
  }
  return result;
}

void require_is(const Defined& expected, const std::function<Expr(const Expr&)>& kernel, double width) {
  const Expr argument = variable(VariableKind::argument, "width", {}, {});
  const Expr one = variable(VariableKind::argument, "one", {}, {});
  const Bindings at{{argument, {width}}, {one, {1}}};
  BOOST_TEST(distance(compiled_value<double>(kernel(Expr(width)), {}), expected.value) <= 1e-15);
  BOOST_TEST(distance(compiled_value<double>(kernel(argument), at), expected.value) <= 1e-15);
  const Expr slope = jvp({kernel(argument)}, {{argument, one}})[0];
  BOOST_TEST(distance(compiled_value<double>(slope, at), expected.slope) <= 1e-14 * std::max(1.0, 1 / width));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels_by_formula)

BOOST_AUTO_TEST_CASE(a_wrapped_gaussian_is_the_sum_of_its_images_at_any_width) {
  for (const std::int64_t size : {1, 2, 4, 7, 8})
    for (const double sd : {0.3, 0.499 * size, 0.501 * size, 0.75 * size, 1.0 * size, 2.5 * size, 20.0 * size}) {
      BOOST_TEST_CONTEXT(size << " elements, sd " << sd) {
        const auto images = static_cast<int>(12 * sd / static_cast<double>(size)) + 12;
        const Defined expected = normalised(size, [&](long double offset) {
          Weight sum{0, 0};
          for (int image = -images; image <= images; ++image) {
            const long double z = (offset + static_cast<long double>(image * size)) / sd;
            sum.value += std::exp(-z * z / 2);
            sum.slope += std::exp(-z * z / 2) * z * z / sd;
          }
          return sum;
        });
        require_is(
            expected, [&](const Expr& width) { return wrapped_gaussian("f", size, width); }, sd);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_von_mises_kernel_is_finite_at_any_concentration) {
  for (const double kappa : {0.5, 2.0, 300.0, 800.0, 1e4, -2.0, -800.0}) {
    BOOST_TEST_CONTEXT("kappa " << kappa) {
      const Defined expected = normalised(8, [&](long double offset) {
        const long double cosine = std::cos(offset * std::numbers::pi_v<long double> / 4);
        const long double value = std::exp(kappa * cosine);
        return Weight{value, value * cosine};
      });
      require_is(
          expected, [](const Expr& width) { return von_mises("f", 8, width); }, kappa);
    }
  }
}

BOOST_AUTO_TEST_CASE(kernels_of_an_array_of_widths_each_sum_to_1) {
  const Expr sd = array({0.5, 1, 3}, {{"unit", 3}});
  for (const Expr& kernel : {gaussian({"y", "x"}, 5, sd), von_mises("x", 5, sd), wrapped_gaussian("x", 5, sd)}) {
    std::vector<std::string> offsets;
    for (const auto& axis : kernel.shape())
      if (axis.name != "unit") offsets.push_back(axis.name);
    BOOST_TEST(distance(compiled_value<double>(sum(kernel, offsets), {}), {1, 1, 1}) <= 1e-15);
  }
}

BOOST_AUTO_TEST_SUITE_END()
