#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "tests/circuit/kernel_levels.hpp"

using namespace striate;
using striate::test::runnable_levels;

namespace {

using Wide = long double;
template <class T>
constexpr T inf = std::numeric_limits<T>::infinity();
template <class T>
constexpr T nan = std::numeric_limits<T>::quiet_NaN();

template <class T>
std::vector<T> apply(IsaLevel level, Pointwise op, const std::vector<T>& a, const std::vector<T>& b = {},
                     const std::vector<T>& c = {}, int k = 0) {
  std::vector<T> out(a.size());
  kernels_at<T>(level).pointwise[op](a.data(), b.data(), c.data(), out.data(), a.size(), k);
  return out;
}

/// |got - want| in units of the last place of T at `want`.
template <class T>
Wide ulps(T got, Wide want) {
  const T nearest = static_cast<T>(want);
  if (std::isnan(want)) return std::isnan(got) ? 0 : inf<T>;
  if (std::isnan(got)) return inf<T>;
  if (std::isinf(nearest) || std::isinf(got)) return got == nearest ? 0 : inf<T>;
  const T size = std::max(std::abs(nearest), std::numeric_limits<T>::min());
  const Wide unit = static_cast<Wide>(std::nextafter(size, inf<T>)) - static_cast<Wide>(size);
  return std::abs(static_cast<Wide>(got) - want) / unit;
}

/// phi_k by its power series in long double for |x| < 20, by the recurrence elsewhere.
Wide phi(int k, Wide x) {
  if (k == 0) return std::exp(x);
  if (std::abs(x) > 20) {
    Wide value = std::expm1(x) / x;
    Wide factorial = 1;
    for (int j = 1; j < k; ++j) {
      factorial *= j;
      value = (value - 1 / factorial) / x;
    }
    return value;
  }
  // e^{x} times the series of phi(-x)'s mirror image would cancel for x < 0; sum the integral instead:
  // phi_k(x) = sum_j x^j/(j+k)! for x >= 0, and by Kummer e^x 1F1(k; k+1; -x)/k! with positive terms for x < 0.
  Wide factorial = 1;
  for (int j = 2; j <= k; ++j) factorial *= j;
  Wide sum = 0;
  if (x >= 0) {
    Wide term = 1 / factorial;
    for (int j = 0; j < 200; ++j) {
      sum += term;
      term *= x / (j + k + 1);
    }
    return sum;
  }
  Wide term = 1;  // (-x)^j/j!
  for (int j = 0; j < 200; ++j) {
    sum += term * k / (k + j);
    term *= -x / (j + 1);
  }
  return std::exp(x) * sum / factorial;
}

struct Function {
  std::string name;
  Pointwise op;
  std::function<Wide(Wide)> exact;
  double low, high;      // of double arguments
  double low_f, high_f;  // of float arguments
  double bound = 4;      // ulp
  int k = 0;
};

const std::vector<Function>& functions() {
  static const std::vector<Function> all{
      {"exp", Pointwise::exp, [](Wide x) { return std::exp(x); }, -760, 720, -110, 90},
      {"exp near 0", Pointwise::exp, [](Wide x) { return std::exp(x); }, -1, 1, -1, 1},
      {"log", Pointwise::log, [](Wide x) { return std::log(x); }, 1e-300, 1e3, 1e-30, 1e3},
      {"log near 1", Pointwise::log, [](Wide x) { return std::log(x); }, 0.9, 1.1, 0.9, 1.1},
      {"sin", Pointwise::sin, [](Wide x) { return std::sin(x); }, -20, 20, -20, 20},
      {"sin of large", Pointwise::sin, [](Wide x) { return std::sin(x); }, -1e9, 1e9, -1e5, 1e5},
      {"cos", Pointwise::cos, [](Wide x) { return std::cos(x); }, -20, 20, -20, 20},
      {"cos of large", Pointwise::cos, [](Wide x) { return std::cos(x); }, -1e9, 1e9, -1e5, 1e5},
      {"tanh", Pointwise::tanh, [](Wide x) { return std::tanh(x); }, -25, 25, -12, 12},
      {"tanh near 0", Pointwise::tanh, [](Wide x) { return std::tanh(x); }, -1e-3, 1e-3, -1e-3, 1e-3},
      {"sqrt", Pointwise::sqrt, [](Wide x) { return std::sqrt(x); }, 0, 1e6, 0, 1e6, 0.5},
      // Sums and quotients of functions that err by up to 4 ulp each.
      {"sigmoid", Pointwise::sigmoid, [](Wide x) { return 1 / (1 + std::exp(-x)); }, -760, 760, -110, 110, 6},
      {"softplus", Pointwise::softplus,
       [](Wide x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, -760, 760, -110, 110, 6},
      {"phi_0", Pointwise::phi, [](Wide x) { return phi(0, x); }, -50, 50, -50, 50, 4, 0},
      {"phi_1", Pointwise::phi, [](Wide x) { return phi(1, x); }, -50, 50, -50, 50, 6, 1},
      // The recurrence passes the error of phi_1 on, times about (j+1)/radius a step.
      {"phi_2", Pointwise::phi, [](Wide x) { return phi(2, x); }, -50, 50, -50, 50, 6, 2},
      {"phi_3", Pointwise::phi, [](Wide x) { return phi(3, x); }, -50, 50, -50, 50, 9, 3},
      {"phi_4", Pointwise::phi, [](Wide x) { return phi(4, x); }, -50, 50, -50, 50, 12, 4},
      {"phi_2 near 0", Pointwise::phi, [](Wide x) { return phi(2, x); }, -2, 2, -2, 2, 6, 2},
      {"phi_3 near 0", Pointwise::phi, [](Wide x) { return phi(3, x); }, -3, 3, -3, 3, 9, 3},
      {"phi_4 near 0", Pointwise::phi, [](Wide x) { return phi(4, x); }, -4, 4, -4, 4, 12, 4},
  };
  return all;
}

template <class T>
void check_functions() {
  std::mt19937_64 random(7);
  for (const IsaLevel level : runnable_levels()) {
    for (const Function& f : functions()) {
      const bool narrow = sizeof(T) == 4;
      std::uniform_real_distribution<double> uniform(narrow ? f.low_f : f.low, narrow ? f.high_f : f.high);
      std::vector<T> x(20011);
      for (T& v : x) v = static_cast<T>(uniform(random));
      const std::vector<T> y = apply<T>(level, f.op, x, {}, {}, f.k);
      Wide worst = 0;
      T where = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const Wide error = ulps(y[i], f.exact(x[i]));
        if (!(error <= worst)) worst = error, where = x[i];
      }
      BOOST_TEST_MESSAGE(f.name << (narrow ? " float " : " double ") << isa_name(level) << ": " << double(worst)
                                << " ulp at " << where);
      BOOST_CHECK_MESSAGE(worst <= f.bound, f.name << (narrow ? " float " : " double ") << isa_name(level)
                                                   << " errs by " << double(worst) << " ulp at " << where);
    }
  }
}

template <class T>
bool same(T a, T b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

template <class T>
void expect(Pointwise op, const std::vector<T>& a, const std::vector<T>& b, const std::vector<T>& c,
            const std::vector<T>& want, int k = 0) {
  for (const IsaLevel level : runnable_levels()) {
    const std::vector<T> got = apply<T>(level, op, a, b, c, k);
    for (std::size_t i = 0; i < a.size(); ++i) {
      BOOST_CHECK_MESSAGE(same(got[i], want[i]), "operation " << int(op) << " at " << isa_name(level) << ", element "
                                                              << i << ": " << got[i] << " instead of " << want[i]);
    }
  }
}

template <class T>
void check_special_values() {
  const T i = inf<T>, n = nan<T>, tiny = std::numeric_limits<T>::denorm_min();
  using P = Pointwise;
  expect<T>(P::min, {1, 2, n, 1, n, i, -i}, {2, 1, 1, n, n, 3, 3}, {}, {1, 1, n, n, n, 3, -i});
  expect<T>(P::max, {1, 2, n, 1, n, i, -i}, {2, 1, 1, n, n, 3, 3}, {}, {2, 2, n, n, n, i, 3});
  expect<T>(P::relu, {1, -1, 0, n, i, -i, tiny}, {}, {}, {1, 0, 0, n, i, 0, tiny});
  expect<T>(P::abs, {1, -1, T(-0.0), n, -i}, {}, {}, {1, 1, 0, n, i});
  expect<T>(P::neg, {1, 0, n, i}, {}, {}, {-1, T(-0.0), n, -i});
  expect<T>(P::step, {1, 0, T(-0.0), -1, n, i, -i, tiny}, {}, {}, {1, 0, 0, 0, n, 1, 0, 1});
  expect<T>(P::where, {1, 0, -1, n, i, 1}, {5, n, n, 5, 5, n}, {n, 6, 7, 6, n, 6}, {5, 6, 7, n, 5, n});
  expect<T>(P::exp, {0, i, -i, n, 1000, -1000}, {}, {}, {1, i, 0, n, i, 0});
  expect<T>(P::log, {1, i, 0, T(-0.0), -1, n}, {}, {}, {0, i, -i, -i, n, n});
  expect<T>(P::sqrt, {4, i, 0, -1, n}, {}, {}, {2, i, 0, n, n});
  expect<T>(P::sin, {0, i, -i, n}, {}, {}, {0, n, n, n});
  expect<T>(P::cos, {0, i, -i, n}, {}, {}, {1, n, n, n});
  const T half = std::numbers::pi_v<T> / 2;
  expect<T>(P::atan2, {0, T(-0.0), 0, 1, -1, n, 1, i}, {0, 0, 1, 0, 0, 1, n, 1}, {},
            {0, 0, 0, half, -half, n, n, half});
  expect<T>(P::tanh, {0, i, -i, n, 1000, -1000}, {}, {}, {0, 1, -1, n, 1, -1});
  expect<T>(P::sigmoid, {0, i, -i, n, 1000, -1000}, {}, {}, {T(0.5), 1, 0, n, 1, 0});
  expect<T>(P::single, {i, -i, n, 0.1, -0.0}, {}, {}, {i, -i, n, static_cast<T>(0.1F), -0.0});
  expect<T>(P::softplus, {i, -i, n, 1000, -1000}, {}, {}, {i, 0, n, 1000, 0});
  expect<T>(P::pow, {0, 0, -2, -2, n, 1, -8, i, 2, 0}, {0, -1, 3, -1, 0, n, T(0.5), -1, n, 2}, {},
            {1, i, -8, T(-0.5), 1, 1, n, 0, n, 0});
  expect<T>(P::powi, {2, -2, 0, n, i}, {}, {}, {8, -8, 0, n, i}, 3);
  expect<T>(P::powi, {2, -2, 0, n, i}, {}, {}, {T(0.25), T(0.25), i, n, 0}, -2);
  expect<T>(P::powi, {2, 0, n, i}, {}, {}, {1, 1, 1, 1}, 0);
  expect<T>(P::powi, {3, -3}, {}, {}, {9, 9}, 2);
  for (const int k : {0, 1, 2, 3, 4}) {
    T at_zero = 1;
    for (int j = 2; j <= k; ++j) at_zero /= T(j);
    expect<T>(P::phi, {0, T(-0.0), i, -i, n}, {}, {}, {at_zero, at_zero, i, 0, n}, k);
  }
  expect<T>(P::add, {1, i, n}, {2, -i, 1}, {}, {3, n, n});
  expect<T>(P::sub, {1, i, n}, {2, i, 1}, {}, {-1, n, n});
  expect<T>(P::mul, {3, i, n}, {2, 0, 1}, {}, {6, n, n});
  expect<T>(P::div, {3, 1, 0}, {2, 0, 0}, {}, {T(1.5), i, n});
  expect<T>(P::muladd, {3, i, 2}, {2, 1, n}, {1, -i, 1}, {7, n, n});
  expect<T>(P::copy, {3, n, T(-0.0)}, {}, {}, {3, n, T(-0.0)});
}

/// Bits of every element, computed among others in a long block, alone, at an odd address and in place.
template <class T>
void check_bits_do_not_depend_on_place() {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<T> uniform(-3, 3);
  std::vector<T> a(509), b(a.size()), c(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = uniform(random), b[i] = uniform(random), c[i] = uniform(random);
  // Neighbours that send a vector function down its slow path must not change an ordinary element.
  for (std::size_t i = 5; i < a.size(); i += 23) {
    const T odd[] = {nan<T>, inf<T>, -inf<T>, T(0), T(1e30), T(-1e30), std::numeric_limits<T>::denorm_min()};
    a[i] = odd[(i / 23) % 7];
  }
  for (const IsaLevel level : runnable_levels()) {
    for (int op = 0; op < int(Pointwise::count_); ++op) {
      const auto fn = kernels_at<T>(level).pointwise[Pointwise(op)];
      BOOST_REQUIRE(fn != nullptr);
      for (const int k : {1, 3}) {
        std::vector<T> whole(a.size()), alone(a.size()), shifted(a.size() + 1), in_place = a;
        fn(a.data(), b.data(), c.data(), whole.data(), a.size(), k);
        for (std::size_t i = 0; i < a.size(); ++i) fn(&a[i], &b[i], &c[i], &alone[i], 1, k);
        fn(a.data() + 1, b.data() + 1, c.data() + 1, shifted.data() + 1, a.size() - 1, k);
        shifted[0] = whole[0];
        fn(in_place.data(), b.data(), c.data(), in_place.data(), a.size(), k);
        const std::size_t bytes = a.size() * sizeof(T);
        const std::string what = "operation " + std::to_string(op) + " at " + std::string(isa_name(level));
        BOOST_CHECK_MESSAGE(std::memcmp(whole.data(), alone.data(), bytes) == 0, what << " alone");
        BOOST_CHECK_MESSAGE(std::memcmp(whole.data(), shifted.data(), bytes) == 0, what << " shifted");
        BOOST_CHECK_MESSAGE(std::memcmp(whole.data(), in_place.data(), bytes) == 0, what << " in place");
      }
    }
  }
}

/// Sine and cosine at once: near those of long double, and each element's bits its own.
template <class T>
void check_sine_and_cosine() {
  constexpr bool narrow = sizeof(T) == 4;
  std::mt19937_64 random(5);
  for (const IsaLevel level : runnable_levels()) {
    const auto both = kernels_at<T>(level).pointwise.sine_and_cosine;
    for (const double range : {1e-3, 1.0, 20.0, narrow ? 8e3 : 9.9e5, narrow ? 1e5 : 1e9}) {
      std::uniform_real_distribution<double> uniform(-range, range);
      std::vector<T> x(20011), sine(x.size()), cosine(x.size()), in_place;
      for (T& v : x) v = static_cast<T>(uniform(random));
      const T odd[] = {0, inf<T>, -inf<T>, nan<T>, T(1e30), std::numeric_limits<T>::denorm_min()};
      for (std::size_t i = 0; i < std::size(odd); ++i) x[37 * (i + 1)] = odd[i];
      both(x.data(), sine.data(), cosine.data(), x.size());
      Wide worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        worst = std::max({worst, ulps(sine[i], std::sin(Wide(x[i]))), ulps(cosine[i], std::cos(Wide(x[i])))});
      BOOST_CHECK_MESSAGE(worst <= 4, isa_name(level) << " errs by " << double(worst) << " ulp up to " << range);
      for (const bool first : {true, false}) {
        in_place = x;
        std::vector<T> other(x.size());
        both(in_place.data(), first ? in_place.data() : other.data(), first ? other.data() : in_place.data(), x.size());
        BOOST_TEST(std::memcmp(in_place.data(), (first ? sine : cosine).data(), x.size() * sizeof(T)) == 0);
      }
      std::vector<T> s(x.size()), c(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) both(&x[i], &s[i], &c[i], 1);
      BOOST_TEST(std::memcmp(s.data(), sine.data(), x.size() * sizeof(T)) == 0);
      BOOST_TEST(std::memcmp(c.data(), cosine.data(), x.size() * sizeof(T)) == 0);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels_pointwise)

BOOST_AUTO_TEST_CASE(functions_agree_with_long_double_libm) {
  check_functions<double>();
  check_functions<float>();
}

BOOST_AUTO_TEST_CASE(sine_and_cosine_at_once_agree_with_long_double_libm) {
  check_sine_and_cosine<double>();
  check_sine_and_cosine<float>();
}

BOOST_AUTO_TEST_CASE(powers_agree_with_long_double_libm) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> base(1e-3, 50), exponent(-20, 20);
  for (const IsaLevel level : runnable_levels()) {
    std::vector<double> x(20011), p(x.size());
    for (double& v : x) v = base(random);
    for (double& v : p) v = exponent(random);
    const auto power = apply<double>(level, Pointwise::pow, x, p);
    const auto fifth = apply<double>(level, Pointwise::powi, x, {}, {}, 5);
    for (std::size_t i = 0; i < x.size(); ++i) {
      BOOST_REQUIRE_LE(ulps(power[i], std::pow(Wide(x[i]), Wide(p[i]))), 4);
      BOOST_REQUIRE_LE(ulps(fifth[i], std::pow(Wide(x[i]), Wide(5))), 3);  // three roundings
    }
  }
}

BOOST_AUTO_TEST_CASE(angles_agree_with_long_double_libm) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> uniform(-3, 3);
  for (const IsaLevel level : runnable_levels()) {
    std::vector<double> y(20011), x(y.size());
    for (double& v : y) v = uniform(random);
    for (double& v : x) v = uniform(random);
    const auto angle = apply<double>(level, Pointwise::atan2, y, x);
    for (std::size_t i = 0; i < x.size(); ++i) BOOST_REQUIRE_LE(ulps(angle[i], std::atan2(Wide(y[i]), Wide(x[i]))), 4);
  }
}

BOOST_AUTO_TEST_CASE(special_values_survive) {
  check_special_values<double>();
  check_special_values<float>();
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_block_length_or_place) {
  check_bits_do_not_depend_on_place<double>();
  check_bits_do_not_depend_on_place<float>();
}

BOOST_AUTO_TEST_CASE(the_level_can_be_lowered_but_not_raised) {
  BOOST_CHECK(choose_isa_level("", IsaLevel::v3) == IsaLevel::v3);
  BOOST_CHECK(choose_isa_level("v2", IsaLevel::v4) == IsaLevel::v2);
  BOOST_CHECK_THROW(choose_isa_level("v4", IsaLevel::v3), Error);
  BOOST_CHECK_THROW(choose_isa_level("avx", IsaLevel::v4), Error);
}

BOOST_AUTO_TEST_SUITE_END()
