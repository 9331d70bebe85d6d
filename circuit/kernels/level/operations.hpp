#pragma once

#include <cstddef>
#include <limits>

#include "circuit/kernels/level/simd.hpp"
#include "circuit/kernels/level/vector_math.hpp"

// What each pointwise instruction does to one register. Block kernels and generated code (circuit/program/
// generated_code.hpp, which compiles this very text) both take it from here, so that they give the same bits.

namespace striate::STRIATE_LEVEL {

/// The first `count` lanes from memory; the others hold 1, which no operation finds special or slow.
template <class T>
STRIATE_INLINE Vec<T> load_some(const T* from, std::size_t count) {
  T padded[lanes<T>];
  for (std::size_t l = 0; l < lanes<T>; ++l) padded[l] = l < count ? from[l] : T(1);
  return load(padded);
}

template <class T>
STRIATE_INLINE void store_some(T* to, std::size_t count, Vec<T> v) {
  T tail[lanes<T>];
  store<T>(tail, v);
  for (std::size_t l = 0; l < count; ++l) to[l] = tail[l];
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
  const Vec<T> below = x > T(0) ? -x : x;  // -|x|, but NaN keeps its sign, so that no order of adding shows
  return positive_part<T>(x) + vector_log1p(vector_exp(below));
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

/// A power series where |x| < 1/2, which steps of exponential schemes seldom leave; the quotient is computed only in
/// registers with a lane beyond.
template <class T>
STRIATE_INLINE Vec<T> phi1(Vec<T> x) {
  constexpr int degree = sizeof(T) == 8 ? 14 : 8;  // x^(degree+1)/(degree+2)! is below a tenth of a rounding
  T coefficient[degree + 1] = {1};
  for (int k = 1; k <= degree; ++k) coefficient[k] = coefficient[k - 1] / T(k + 1);
  Vec<T> near = broadcast(coefficient[degree]);
  for (int k = degree; k-- > 0;) near = multiply_add(near, x, broadcast(coefficient[k]));
  const auto beyond = ~(magnitude<T>(x) < T(0.5));
  if (__builtin_expect(!any_lane(beyond), 1)) return near;
  const Vec<T> top = vector_expm1(x);
  const Vec<T> far = top > std::numeric_limits<T>::max() ? top : top / x;
  return beyond ? far : near;
}

/// phi_k for k >= 2: the power series where |x| is small, elsewhere phi_{j+1} = (phi_j - 1/j!)/x from phi_1, which
/// loses a factor of about (j+1)/|x| in a step.
template <class T>
class HigherPhi {
 public:
  explicit HigherPhi(int k) : k_(k), radius_(k > 2 ? T(k) / 2 : T(1)) {
    for (T term = 1; terms_ < most_terms && term > std::numeric_limits<T>::epsilon() / 8; ++terms_) {
      ratio_[terms_] = T(1) / T(k + terms_ + 1);
      term *= radius_ * ratio_[terms_];
    }
    for (int j = 2; j <= k; ++j) inverse_factorial_ /= T(j);
  }

  STRIATE_INLINE Vec<T> operator()(Vec<T> x) const {
    const Vec<T> one = broadcast<T>(T(1));
    Vec<T> series = one;
    for (int j = terms_; j-- > 0;) series = multiply_add(series, x * ratio_[j], one);
    series = series * inverse_factorial_;

    Vec<T> far = phi1<T>(x);
    T constant = 1;  // 1/j!
    for (int j = 1; j < k_; constant /= T(++j)) {
      far = far > std::numeric_limits<T>::max() ? far : (far - constant) / x;
    }
    return magnitude<T>(x) < radius_ ? series : far;
  }

 private:
  static constexpr int most_terms = 96;
  int k_;
  T radius_;
  int terms_ = 0;
  T inverse_factorial_ = 1;
  T ratio_[most_terms];  ///< of neighbouring series terms, without x
};

#define STRIATE_OP1(name, expression)         \
  template <class T>                          \
  STRIATE_INLINE Vec<T> op_##name(Vec<T> a) { \
    return expression;                        \
  }
#define STRIATE_OP2(name, expression)                   \
  template <class T>                                    \
  STRIATE_INLINE Vec<T> op_##name(Vec<T> a, Vec<T> b) { \
    return expression;                                  \
  }
#define STRIATE_OP3(name, expression)                             \
  template <class T>                                              \
  STRIATE_INLINE Vec<T> op_##name(Vec<T> a, Vec<T> b, Vec<T> c) { \
    return expression;                                            \
  }

STRIATE_OP2(add, a + b)
STRIATE_OP2(sub, a - b)
STRIATE_OP2(mul, a* b)
STRIATE_OP2(div, a / b)
STRIATE_OP1(neg, -a)
STRIATE_OP2(min, ((a < b) | (a != a)) ? a : b)
STRIATE_OP2(max, ((a > b) | (a != a)) ? a : b)
STRIATE_OP2(pow, vector_pow(a, b))
STRIATE_OP1(sqrt, vector_sqrt(a))
STRIATE_OP1(exp, vector_exp(a))
STRIATE_OP1(log, vector_log(a))
STRIATE_OP1(sin, vector_sin(a))
STRIATE_OP1(cos, vector_cos(a))
STRIATE_OP2(atan2, ((a == T(0)) & (b == T(0))) ? broadcast<T>(T(0)) : vector_atan2(a, b))
STRIATE_OP1(tanh, vector_tanh(a))
STRIATE_OP1(sigmoid, sigmoid<T>(a))
STRIATE_OP1(softplus, softplus<T>(a))
STRIATE_OP1(relu, positive_part<T>(a))
STRIATE_OP1(abs, magnitude<T>(a))
STRIATE_OP1(single, rounded_to_single(a))
STRIATE_OP1(step, a != a ? a : (a > T(0) ? broadcast<T>(T(1)) : broadcast<T>(T(0))))
STRIATE_OP3(where, a != a ? a : (a > T(0) ? b : c))
STRIATE_OP3(muladd, multiply_add(a, b, c))
STRIATE_OP1(copy, a)

#undef STRIATE_OP1
#undef STRIATE_OP2
#undef STRIATE_OP3

template <class T>
STRIATE_INLINE Vec<T> op_powi(Vec<T> a, int k) {
  if (k == 2) return a * a;
  const unsigned size = k < 0 ? 0u - static_cast<unsigned>(k) : static_cast<unsigned>(k);
  return k < 0 ? T(1) / integer_power<T>(a, size) : integer_power<T>(a, size);
}

}  // namespace striate::STRIATE_LEVEL
