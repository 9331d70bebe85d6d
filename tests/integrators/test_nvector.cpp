#include <omp.h>
#include <algorithm>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "integrators/nvector.hpp"
#include "integrators/sundials_session.hpp"

using namespace striate;

namespace {

Vector filled(std::size_t n, SUNContext context, double seed, bool max_norm = false) {
  Vector v = make_vector(n, context, max_norm);
  for (std::size_t i = 0; i < n; ++i) values(v.get())[i] = std::sin(seed + 0.7 * static_cast<double>(i));
  return v;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_nvector)

BOOST_AUTO_TEST_CASE(our_vector_operations_agree_with_plain_loops) {
  const Context context = make_context();
  for (std::size_t n : {1u, 7u, 8u, 2048u, 2049u, 40003u, 600001u}) {
    const Vector x = filled(n, context.get(), 1), y = filled(n, context.get(), 2), w = filled(n, context.get(), 3);
    Vector z(N_VClone(x.get()));
    const auto xs = values(x.get()), ys = values(y.get()), ws = values(w.get()), zs = values(z.get());
    const auto check = [&](const char* what, auto expected) {
      double worst = 0;
      for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(zs[i] - expected(i)));
      // One or two roundings of numbers below 10 (the compiler may fuse where the loop here does not).
      BOOST_TEST(worst < 4e-15, what << " n = " << n);
    };
    for (const auto& [a, b] : {std::pair{1.0, 2.5}, {2.5, 1.0}, {-1.5, 0.25}}) {
      N_VLinearSum(a, x.get(), b, y.get(), z.get());
      check("linear sum", [&, a = a, b = b](std::size_t i) { return a * xs[i] + b * ys[i]; });
    }
    N_VConst(3, z.get());
    check("const", [](std::size_t) { return 3.0; });
    N_VProd(x.get(), y.get(), z.get());
    check("prod", [&](std::size_t i) { return xs[i] * ys[i]; });
    N_VScale(1, x.get(), z.get());
    check("copy", [&](std::size_t i) { return xs[i]; });
    N_VScale(-2, x.get(), z.get());
    check("scale", [&](std::size_t i) { return -2 * xs[i]; });
    N_VAbs(x.get(), z.get());
    check("abs", [&](std::size_t i) { return std::abs(xs[i]); });
    N_VAddConst(x.get(), 4, z.get());
    check("add const", [&](std::size_t i) { return xs[i] + 4; });
    const Vector shifted(N_VClone(z.get()));
    N_VScale(1, z.get(), shifted.get());
    N_VDiv(x.get(), shifted.get(), z.get());
    check("div", [&](std::size_t i) { return xs[i] / (xs[i] + 4); });
    N_VInv(shifted.get(), z.get());
    check("inv", [&](std::size_t i) { return 1 / (xs[i] + 4); });

    double c[4] = {2, -1, 0.5, 3};
    N_Vector several[4] = {x.get(), y.get(), w.get(), x.get()};
    for (int count = 2; count <= 4; ++count) {
      N_VLinearCombination(count, c, several, z.get());
      check("linear combination", [&](std::size_t i) {
        return 2 * xs[i] - ys[i] + (count > 2 ? 0.5 * ws[i] : 0) + (count > 3 ? 3 * xs[i] : 0);
      });
    }
    N_VScale(1, x.get(), z.get());
    N_Vector in_place[3] = {z.get(), y.get(), w.get()};
    N_VLinearCombination(3, c, in_place, z.get());
    check("linear combination in place", [&](std::size_t i) { return 2 * xs[i] - ys[i] + 0.5 * ws[i]; });

    long double dot = 0, square = 0, l1 = 0;
    double top = 0, least = xs[0], weighted = 0;
    for (std::size_t i = 0; i < n; ++i) {
      dot += static_cast<long double>(xs[i]) * ys[i];
      square += static_cast<long double>(xs[i] * ws[i]) * (xs[i] * ws[i]);
      l1 += std::abs(xs[i]);
      top = std::max(top, std::abs(xs[i]));
      weighted = std::max(weighted, std::abs(xs[i] * ws[i]));
      least = std::min(least, xs[i]);
    }
    // Blocked sums err by less than a naive one: n/8 roundings within a block, far fewer between.
    const double bound = 1e-13 * static_cast<double>(n) / 100 + 1e-14;
    BOOST_TEST(std::abs(N_VDotProd(x.get(), y.get()) - static_cast<double>(dot)) < bound);
    BOOST_TEST(std::abs(N_VL1Norm(x.get()) - static_cast<double>(l1)) < bound);
    BOOST_TEST(std::abs(N_VWrmsNorm(x.get(), w.get()) -
                        std::sqrt(static_cast<double>(square) / static_cast<double>(n))) < 1e-14);
    BOOST_TEST(std::abs(N_VWL2Norm(x.get(), w.get()) - std::sqrt(static_cast<double>(square))) < 1e-12);
    BOOST_TEST(N_VMaxNorm(x.get()) == top);
    BOOST_TEST(N_VMin(x.get()) == least);
    BOOST_TEST(N_VWrmsNorm(filled(n, context.get(), 1, true).get(), w.get()) == weighted);
  }
}

BOOST_AUTO_TEST_CASE(a_vector_from_us_does_not_use_the_stock_operations_and_clones_inherit_ours) {
  const Context context = make_context();
  const Vector ours = make_vector(10, context.get());
  const Vector stock(N_VNew_Serial(10, context.get()));
  const Vector clone(N_VClone(ours.get()));
  BOOST_TEST((ours->ops->nvlinearsum != stock->ops->nvlinearsum));
  BOOST_TEST((ours->ops->nvwrmsnorm != stock->ops->nvwrmsnorm));
  BOOST_TEST((ours->ops->nvdotprod != stock->ops->nvdotprod));
  BOOST_TEST((clone->ops->nvlinearsum == ours->ops->nvlinearsum));
  BOOST_TEST((clone->ops->nvwrmsnorm == ours->ops->nvwrmsnorm));
}

BOOST_AUTO_TEST_CASE(sums_have_the_same_bits_for_any_number_of_threads) {
  const Context context = make_context();
  const Vector x = filled(600001, context.get(), 1), y = filled(600001, context.get(), 2);
  const int before = omp_get_max_threads();
  std::vector<double> dots, norms;
  for (int threads : {1, 2, 7}) {
    omp_set_num_threads(threads);
    dots.push_back(N_VDotProd(x.get(), y.get()));
    norms.push_back(N_VWrmsNorm(x.get(), y.get()));
  }
  omp_set_num_threads(before);
  BOOST_TEST(dots[0] == dots[1]);
  BOOST_TEST(dots[0] == dots[2]);
  BOOST_TEST(norms[0] == norms[1]);
  BOOST_TEST(norms[0] == norms[2]);
}

BOOST_AUTO_TEST_CASE(a_nan_is_seen_by_every_norm) {
  const Context context = make_context();
  for (std::size_t where : {0u, 5u, 2999u}) {
    for (bool max_norm : {false, true}) {
      const Vector x = filled(3000, context.get(), 1, max_norm), w = filled(3000, context.get(), 2, max_norm);
      values(x.get())[where] = NAN;
      BOOST_TEST(std::isnan(N_VWrmsNorm(x.get(), w.get())));
      BOOST_TEST(std::isnan(N_VMaxNorm(x.get())));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
