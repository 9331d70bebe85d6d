#include "circuit/kernels/level/families.hpp"
#include "circuit/kernels/level/operations.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

/// out[i] = op(in[i]...), always on whole registers, so that an element in the tail gets the same instructions.
template <class T, class Op, class... In>
STRIATE_INLINE void map(std::size_t n, T* out, Op op, const In*... in) {
  constexpr std::size_t w = lanes<T>;
  std::size_t i = 0;
#pragma GCC unroll 4
  for (; i + w <= n; i += w) store<T>(out + i, op(load(in + i)...));
  if (i == n) return;
  store_some<T>(out + i, n - i, op(load_some(in + i, n - i)...));
}

template <class T>
PointwiseFn<T>& entry(PointwiseKernels<T>& table, Pointwise op) {
  return table.fn[static_cast<std::size_t>(op)];
}

#define STRIATE_OP1(name)                                                                           \
  entry(table, Pointwise::name) = [](const T* pa, const T*, const T*, T* out, std::size_t n, int) { \
    map<T>(                                                                                         \
        n, out, [](V a) -> V { return op_##name<T>(a); }, pa);                                      \
  }
#define STRIATE_OP2(name)                                                                              \
  entry(table, Pointwise::name) = [](const T* pa, const T* pb, const T*, T* out, std::size_t n, int) { \
    map<T>(                                                                                            \
        n, out, [](V a, V b) -> V { return op_##name<T>(a, b); }, pa, pb);                             \
  }
#define STRIATE_OP3(name)                                                                                 \
  entry(table, Pointwise::name) = [](const T* pa, const T* pb, const T* pc, T* out, std::size_t n, int) { \
    map<T>(                                                                                               \
        n, out, [](V a, V b, V c) -> V { return op_##name<T>(a, b, c); }, pa, pb, pc);                    \
  }

}  // namespace

template <class T>
PointwiseKernels<T> pointwise_kernels() {
  using V = Vec<T>;
  PointwiseKernels<T> table{};
  STRIATE_OP2(add);
  STRIATE_OP2(sub);
  STRIATE_OP2(mul);
  STRIATE_OP2(div);
  STRIATE_OP1(neg);
  STRIATE_OP2(min);
  STRIATE_OP2(max);
  STRIATE_OP2(pow);
  STRIATE_OP1(sqrt);
  STRIATE_OP1(exp);
  STRIATE_OP1(log);
  STRIATE_OP1(sin);
  STRIATE_OP1(cos);
  STRIATE_OP2(atan2);
  STRIATE_OP1(tanh);
  STRIATE_OP1(sigmoid);
  STRIATE_OP1(softplus);
  STRIATE_OP1(relu);
  STRIATE_OP1(abs);
  STRIATE_OP1(single);
  STRIATE_OP1(step);
  STRIATE_OP3(where);
  STRIATE_OP3(muladd);
  STRIATE_OP1(copy);
  entry(table, Pointwise::powi) = [](const T* pa, const T*, const T*, T* out, std::size_t n, int k) {
    if (k == 2) {
      map<T>(
          n, out, [](V a) -> V { return op_powi<T>(a, 2); }, pa);
    } else {
      map<T>(
          n, out, [k](V a) -> V { return op_powi<T>(a, k); }, pa);
    }
  };
  entry(table, Pointwise::phi) = [](const T* pa, const T*, const T*, T* out, std::size_t n, int k) {
    if (k == 0) {
      map<T>(
          n, out, [](V a) -> V { return vector_exp(a); }, pa);
    } else if (k == 1) {
      map<T>(
          n, out, [](V a) -> V { return phi1<T>(a); }, pa);
    } else {
      map<T>(n, out, HigherPhi<T>(k), pa);
    }
  };
  table.sine_and_cosine = [](const T* x, T* sine, T* cosine, std::size_t n) {
    constexpr std::size_t w = lanes<T>;
    V s, c;
    std::size_t i = 0;
    for (; i + w <= n; i += w) {
      sine_and_cosine<T>(load(x + i), s, c);
      store<T>(sine + i, s);
      store<T>(cosine + i, c);
    }
    if (i == n) return;
    sine_and_cosine<T>(load_some(x + i, n - i), s, c);
    store_some<T>(sine + i, n - i, s);
    store_some<T>(cosine + i, n - i, c);
  };
  return table;
}

template PointwiseKernels<float> pointwise_kernels<float>();
template PointwiseKernels<double> pointwise_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
