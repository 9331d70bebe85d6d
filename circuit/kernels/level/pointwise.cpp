#include <limits>

#include "circuit/kernels/level/families.hpp"
#include "circuit/kernels/level/vector_math.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

template <class T>
STRIATE_INLINE Vec<T> load_some(const T* from, std::size_t count) {
  // Lanes past the end hold 1, which no operation finds special or slow.
  T padded[lanes<T>];
  for (std::size_t l = 0; l < lanes<T>; ++l) padded[l] = l < count ? from[l] : T(1);
  return load(padded);
}

/// out[i] = op(in[i]...), always on whole registers, so that an element in the tail gets the same instructions.
template <class T, class Op, class... In>
STRIATE_INLINE void map(std::size_t n, T* out, Op op, const In*... in) {
  constexpr std::size_t w = lanes<T>;
  std::size_t i = 0;
#pragma GCC unroll 4
  for (; i + w <= n; i += w) store<T>(out + i, op(load(in + i)...));
  if (i == n) return;
  T tail[w];
  store<T>(tail, op(load_some(in + i, n - i)...));
  for (std::size_t l = 0; i + l < n; ++l) out[i + l] = tail[l];
}

template <class T>
STRIATE_INLINE Vec<T> magnitude(Vec<T> x) {
  using Bits = typename Register<T>::bits;
  return (Vec<T>)((Bits)x & ~(Bits)broadcast<T>(T(-0.0)));
}

template <class T>
STRIATE_INLINE Vec<T> positive_part(Vec<T> x) {
  return ((x > T(0)) | (x != x)) ? x : broadcast<T>(T(0));
}

template <class T>
STRIATE_INLINE Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> one = broadcast<T>(T(1));
  const Vec<T> e = vector_exp(-magnitude<T>(x));
  return (x < T(0) ? e : one) / (one + e);
}

template <class T>
STRIATE_INLINE Vec<T> softplus(Vec<T> x) {
  return positive_part<T>(x) + vector_log1p(vector_exp(-magnitude<T>(x)));
}

/// x^k by squaring; a negative power is the reciprocal of the positive one.
template <class T>
STRIATE_INLINE Vec<T> integer_power(Vec<T> x, unsigned k) {
  Vec<T> result = broadcast<T>(T(1));
  for (; k; k >>= 1, x = x * x) {
    if (k & 1) result = result * x;
  }
  return result;
}

/// A power series where |x| < 1/4, which steps of exponential schemes seldom leave; the quotient is computed only in
/// registers with a lane beyond.
template <class T>
STRIATE_INLINE Vec<T> phi1(Vec<T> x) {
  constexpr int degree = sizeof(T) == 8 ? 11 : 5;  // x^(degree+1)/(degree+2)! is below a tenth of a rounding
  T coefficient[degree + 1] = {1};
  for (int k = 1; k <= degree; ++k) coefficient[k] = coefficient[k - 1] / T(k + 1);
  Vec<T> near = broadcast(coefficient[degree]);
  for (int k = degree; k-- > 0;) near = multiply_add(near, x, broadcast(coefficient[k]));
  const auto beyond = ~(magnitude<T>(x) < T(0.25));
  if (!any_lane(beyond)) return near;
  const Vec<T> top = vector_expm1(x);
  const Vec<T> far = top > std::numeric_limits<T>::max() ? top : top / x;
  return beyond ? far : near;
}

/// phi_k for k >= 2: the power series where |x| is small, elsewhere phi_{j+1} = (phi_j - 1/j!)/x from phi_1, which
/// loses a factor of about (j+1)/|x| in a step.
template <class T>
void phi_higher(const T* a, T* out, std::size_t n, int k) {
  const T radius = k > 2 ? T(k) / 2 : T(1);
  constexpr int most_terms = 96;
  T ratio[most_terms];  // of neighbouring series terms, without x
  int terms = 0;
  for (T term = 1; terms < most_terms && term > std::numeric_limits<T>::epsilon() / 8; ++terms) {
    ratio[terms] = T(1) / T(k + terms + 1);
    term *= radius * ratio[terms];
  }
  T inverse_factorial = 1;
  for (int j = 2; j <= k; ++j) inverse_factorial /= T(j);

  map<T>(
      n, out,
      [&](Vec<T> x) {
        const Vec<T> one = broadcast<T>(T(1));
        Vec<T> series = one;
        for (int j = terms; j-- > 0;) series = multiply_add(series, x * ratio[j], one);
        series = series * inverse_factorial;

        Vec<T> far = phi1<T>(x);
        T constant = 1;  // 1/j!
        for (int j = 1; j < k; constant /= T(++j)) {
          far = far > std::numeric_limits<T>::max() ? far : (far - constant) / x;
        }
        return magnitude<T>(x) < radius ? series : far;
      },
      a);
}

#define STRIATE_OP1(name, expression)                                                                              \
  table.fn[static_cast<std::size_t>(Pointwise::name)] = [](const T* pa, const T*, const T*, T* out, std::size_t n, \
                                                           int) {                                                  \
    map<T>(                                                                                                        \
        n, out, [](V a) -> V { return expression; }, pa);                                                          \
  }
#define STRIATE_OP2(name, expression)                                                                                 \
  table.fn[static_cast<std::size_t>(Pointwise::name)] = [](const T* pa, const T* pb, const T*, T* out, std::size_t n, \
                                                           int) {                                                     \
    map<T>(                                                                                                           \
        n, out, [](V a, V b) -> V { return expression; }, pa, pb);                                                    \
  }
#define STRIATE_OP3(name, expression)                                                                     \
  table.fn[static_cast<std::size_t>(Pointwise::name)] = [](const T* pa, const T* pb, const T* pc, T* out, \
                                                           std::size_t n, int) {                          \
    map<T>(                                                                                               \
        n, out, [](V a, V b, V c) -> V { return expression; }, pa, pb, pc);                               \
  }

}  // namespace

template <class T>
PointwiseKernels<T> pointwise_kernels() {
  using V = Vec<T>;
  PointwiseKernels<T> table{};
  STRIATE_OP2(add, a + b);
  STRIATE_OP2(sub, a - b);
  STRIATE_OP2(mul, a * b);
  STRIATE_OP2(div, a / b);
  STRIATE_OP1(neg, -a);
  STRIATE_OP2(min, ((a < b) | (a != a)) ? a : b);
  STRIATE_OP2(max, ((a > b) | (a != a)) ? a : b);
  STRIATE_OP2(pow, vector_pow(a, b));
  table.fn[static_cast<std::size_t>(Pointwise::powi)] = [](const T* pa, const T*, const T*, T* out, std::size_t n,
                                                           int k) {
    const unsigned size = k < 0 ? 0u - static_cast<unsigned>(k) : static_cast<unsigned>(k);
    if (k == 2) {
      map<T>(
          n, out, [](V a) -> V { return a * a; }, pa);
    } else if (k < 0) {
      map<T>(
          n, out, [size](V a) -> V { return T(1) / integer_power<T>(a, size); }, pa);
    } else {
      map<T>(
          n, out, [size](V a) -> V { return integer_power<T>(a, size); }, pa);
    }
  };
  STRIATE_OP1(sqrt, vector_sqrt(a));
  STRIATE_OP1(exp, vector_exp(a));
  STRIATE_OP1(log, vector_log(a));
  STRIATE_OP1(sin, vector_sin(a));
  STRIATE_OP1(cos, vector_cos(a));
  STRIATE_OP2(atan2, ((a == T(0)) & (b == T(0))) ? broadcast<T>(T(0)) : vector_atan2(a, b));
  STRIATE_OP1(tanh, vector_tanh(a));
  STRIATE_OP1(sigmoid, sigmoid<T>(a));
  STRIATE_OP1(softplus, softplus<T>(a));
  STRIATE_OP1(relu, positive_part<T>(a));
  STRIATE_OP1(abs, magnitude<T>(a));
  STRIATE_OP1(step, a != a ? a : (a > T(0) ? broadcast<T>(T(1)) : broadcast<T>(T(0))));
  STRIATE_OP3(where, a != a ? a : (a > T(0) ? b : c));
  table.fn[static_cast<std::size_t>(Pointwise::phi)] = [](const T* pa, const T*, const T*, T* out, std::size_t n,
                                                          int k) {
    if (k == 0) {
      map<T>(
          n, out, [](V a) -> V { return vector_exp(a); }, pa);
    } else if (k == 1) {
      map<T>(
          n, out, [](V a) -> V { return phi1<T>(a); }, pa);
    } else {
      phi_higher<T>(pa, out, n, k);
    }
  };
  STRIATE_OP3(muladd, multiply_add(a, b, c));
  STRIATE_OP1(copy, a);
  return table;
}

template PointwiseKernels<float> pointwise_kernels<float>();
template PointwiseKernels<double> pointwise_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
