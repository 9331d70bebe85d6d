#include <limits>
#include <utility>

#include "circuit/kernels/level/families.hpp"
#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

// Registers of a tile: enough independent sums to hide the latency of a multiply-add.
constexpr std::size_t tile_columns = 2;
#if defined(__AVX512F__)
constexpr std::size_t tile_rows = 8;
#else
constexpr std::size_t tile_rows = 4;
#endif

/// tile_columns registers by `rows` outputs. Row 0 of the first output's window is row `shift` of `in`, of which only
/// [0, count) are there. Each row is loaded once and added to all the outputs it reaches; first and last rows reach
/// only some.
template <class T, std::size_t rows>
STRIATE_INLINE void convolve_tile(const T* in, std::ptrdiff_t in_stride, std::ptrdiff_t shift, std::ptrdiff_t count,
                                  T* out, std::size_t out_stride, const T* k, std::ptrdiff_t k_step, std::size_t taps,
                                  bool accumulate) {
  constexpr std::size_t w = lanes<T>;
  constexpr std::ptrdiff_t last_row = rows - 1;
  const auto n = static_cast<std::ptrdiff_t>(taps);
  const std::ptrdiff_t begin = -shift, end = count - shift;
  Vec<T> sum[rows][tile_columns] = {};
  const auto add = [&](std::ptrdiff_t row, std::size_t first, std::size_t last) __attribute__((always_inline)) {
    Vec<T> x[tile_columns];
#pragma GCC unroll 8
    for (std::size_t c = 0; c < tile_columns; ++c) x[c] = load(in + (row + shift) * in_stride + c * w);
#pragma GCC unroll 8
    for (std::size_t i = first; i < last; ++i) {
      const Vec<T> weight = broadcast<T>(k[(row - static_cast<std::ptrdiff_t>(i)) * k_step]);
#pragma GCC unroll 8
      for (std::size_t c = 0; c < tile_columns; ++c) sum[i][c] = multiply_add(weight, x[c], sum[i][c]);
    }
  };
#pragma GCC unroll 8
  for (std::ptrdiff_t row = 0; row < last_row; ++row) {
    if (row >= begin && row < end) add(row, 0, static_cast<std::size_t>(row + 1));
  }
  const std::ptrdiff_t stop = end < n ? end : n;
  for (std::ptrdiff_t row = begin > last_row ? begin : last_row; row < stop; ++row) add(row, 0, rows);
#pragma GCC unroll 8
  for (std::ptrdiff_t past = 0; past < last_row; ++past) {
    if (n + past >= begin && n + past < end) add(n + past, static_cast<std::size_t>(past + 1), rows);
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (std::size_t c = 0; c < tile_columns; ++c) {
      T* to = out + i * out_stride + c * w;
      store<T>(to, accumulate ? load(to) + sum[i][c] : sum[i][c]);
    }
  }
}

template <class T>
void convolve(const LineRows<T>& in, T* out, std::size_t out_stride, std::size_t rows, const T* k,
              std::ptrdiff_t k_step, std::size_t taps, bool accumulate) {
  for (std::size_t column = 0; column < bundle<T>; column += tile_columns * lanes<T>) {
    const auto tile = [&]<std::size_t height>(std::size_t i) __attribute__((always_inline)) {
      convolve_tile<T, height>(in.first + column, static_cast<std::ptrdiff_t>(in.stride),
                               static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(in.before),
                               static_cast<std::ptrdiff_t>(in.count), out + i * out_stride + column, out_stride, k,
                               k_step, taps, accumulate);
    };
    std::size_t i = 0;
    if (taps >= tile_rows) {
      for (; i + tile_rows <= rows; i += tile_rows) tile.template operator()<tile_rows>(i);
    }
    if (taps >= 2) {
      for (; i + 2 <= rows; i += 2) tile.template operator()<2>(i);
    }
    for (; i < rows; ++i) tile.template operator()<1>(i);
  }
}

template <class T, std::size_t registers>
STRIATE_INLINE void convolve_run(const T* in, T* out, std::size_t stride, const T* k, std::ptrdiff_t k_step,
                                 std::size_t taps, bool accumulate) {
  constexpr std::size_t w = lanes<T>;
  Vec<T> sum[registers] = {};
  for (std::size_t r = 0; r < taps; ++r) {
    const Vec<T> weight = broadcast<T>(k[static_cast<std::ptrdiff_t>(r) * k_step]);
#pragma GCC unroll 8
    for (std::size_t c = 0; c < registers; ++c) {
      sum[c] = multiply_add(weight, load(in + r * stride + c * w), sum[c]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t c = 0; c < registers; ++c) {
    store<T>(out + c * w, accumulate ? load(out + c * w) + sum[c] : sum[c]);
  }
}

template <class T>
void convolve_contiguous(const T* in, T* out, std::size_t count, std::size_t stride, const T* k, std::ptrdiff_t k_step,
                         std::size_t taps, bool accumulate) {
  constexpr std::size_t w = lanes<T>;
  std::size_t e = 0;
  for (; e + 8 * w <= count; e += 8 * w) convolve_run<T, 8>(in + e, out + e, stride, k, k_step, taps, accumulate);
  for (; e + w <= count; e += w) convolve_run<T, 1>(in + e, out + e, stride, k, k_step, taps, accumulate);
  if (e == count) return;
  Vec<T> sum = {};
  for (std::size_t r = 0; r < taps; ++r) {
    Vec<T> x = {};
    for (std::size_t l = 0; e + l < count; ++l) x[l] = in[e + l + r * stride];
    sum = multiply_add(broadcast<T>(k[static_cast<std::ptrdiff_t>(r) * k_step]), x, sum);
  }
  for (std::size_t l = 0; e + l < count; ++l) out[e + l] = accumulate ? out[e + l] + sum[l] : sum[l];
}

/// Block sums after van Herk (1992): a window over two blocks of `taps` rows is the sum of the first block's tail and
/// the second block's head, both of them running sums. Nothing is ever subtracted, so rounding is that of a plain sum
/// and a NaN or infinity reaches no further than its window.
template <class T>
void box(const T* in, T* out, std::size_t out_stride, std::size_t rows, T weight, std::size_t taps, bool accumulate,
         T* suffix) {
  constexpr std::size_t w = lanes<T>;
  constexpr std::size_t registers = bundle<T> / w < 4 ? bundle<T> / w : 4;
  for (std::size_t column = 0; column < bundle<T>; column += registers * w) {
    for (std::size_t block = 0; block < rows; block += taps) {
      const std::size_t count = rows - block < taps ? rows - block : taps;
      const T* x = in + block * bundle<T> + column;
      Vec<T> sum[registers] = {};
      for (std::size_t t = taps; t-- > 0;) {
#pragma GCC unroll 8
        for (std::size_t c = 0; c < registers; ++c) {
          sum[c] = sum[c] + load(x + t * bundle<T> + c * w);
          store<T>(suffix + t * bundle<T> + c * w, sum[c]);
        }
      }
      T* to = out + block * out_stride + column;
#pragma GCC unroll 8
      for (std::size_t c = 0; c < registers; ++c) sum[c] = Vec<T>{};
      for (std::size_t t = 0; t < count; ++t) {
#pragma GCC unroll 8
        for (std::size_t c = 0; c < registers; ++c) {
          const Vec<T> value = weight * (load(suffix + t * bundle<T> + c * w) + sum[c]);
          T* place = to + t * out_stride + c * w;
          store<T>(place, accumulate ? load(place) + value : value);
          if (t + 1 < count) sum[c] = sum[c] + load(x + (taps + t) * bundle<T> + c * w);
        }
      }
    }
  }
}

/// Lanes of a and b in turn, from the lower (half = 0) or upper (half = lanes/2) half of both.
template <class T, std::size_t half, std::size_t... l>
STRIATE_INLINE Vec<T> interleave(Vec<T> a, Vec<T> b, std::index_sequence<l...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(half + l / 2 + (l % 2) * lanes<T>)...);
}

/// A square of lanes x lanes: log2(lanes) perfect shuffles transpose it.
template <class T>
STRIATE_INLINE void transpose_square(const T* in, std::size_t in_stride, T* out, std::size_t out_stride) {
  constexpr std::size_t w = lanes<T>;
  constexpr auto all = std::make_index_sequence<w>();
  Vec<T> a[w], b[w];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < w; ++i) a[i] = load(in + i * in_stride);
#pragma GCC unroll 4
  for (std::size_t stage = 1; stage < w; stage *= 2) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < w / 2; ++i) {
      b[2 * i] = interleave<T, 0>(a[i], a[i + w / 2], all);
      b[2 * i + 1] = interleave<T, w / 2>(a[i], a[i + w / 2], all);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < w; ++i) a[i] = b[i];
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < w; ++i) store<T>(out + i * out_stride, a[i]);
}

template <class T>
void transpose(const T* in, std::size_t in_stride, T* out, std::size_t out_stride, std::size_t rows,
               std::size_t columns) {
  constexpr std::size_t w = lanes<T>;
  const std::size_t whole_rows = rows - rows % w, whole_columns = columns - columns % w;
  for (std::size_t j = 0; j < whole_columns; j += w) {
    for (std::size_t i = 0; i < whole_rows; i += w) {
      transpose_square(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j) {
      out[j * out_stride + i] = in[i * in_stride + j];
    }
  }
}

struct Sum {
  template <class V>
  STRIATE_INLINE static V of(V a, V b) {
    return a + b;
  }
};

struct Max {
  template <class V>
  STRIATE_INLINE static V of(V a, V b) {
    return ((a > b) | (a != a)) ? a : b;
  }
};

/// Reduces the first axis: columns that fill registers in registers, the others one by one, in the same order.
template <class T, class Op>
void reduce_rows(const T* in, std::size_t in_stride, T* out, std::size_t n, std::size_t columns) {
  constexpr std::size_t w = lanes<T>;
  std::size_t j = 0;
  for (; j + 4 * w <= columns; j += 4 * w) {
    Vec<T> value[4];
#pragma GCC unroll 4
    for (std::size_t c = 0; c < 4; ++c) value[c] = load(in + j + c * w);
    for (std::size_t i = 1; i < n; ++i) {
#pragma GCC unroll 4
      for (std::size_t c = 0; c < 4; ++c) value[c] = Op::of(value[c], load(in + i * in_stride + j + c * w));
    }
#pragma GCC unroll 4
    for (std::size_t c = 0; c < 4; ++c) store<T>(out + j + c * w, value[c]);
  }
  for (; j + w <= columns; j += w) {
    Vec<T> value = load(in + j);
    for (std::size_t i = 1; i < n; ++i) value = Op::of(value, load(in + i * in_stride + j));
    store<T>(out + j, value);
  }
  for (; j < columns; ++j) {
    T value = in[j];
    for (std::size_t i = 1; i < n; ++i) value = Op::of(value, in[i * in_stride + j]);
    out[j] = value;
  }
}

/// Four registers side by side, then a tree over registers and lanes. `at(i)` loads a register from element i,
/// `some(i)` what is left, filled up with `neutral`.
template <class T, class Op, class At, class Some>
STRIATE_INLINE T reduce(std::size_t n, T neutral, const At& at, const Some& some) {
  constexpr std::size_t w = lanes<T>;
  Vec<T> part[4];
  for (Vec<T>& p : part) p = broadcast<T>(neutral);
  std::size_t i = 0;
  for (; i + 4 * w <= n; i += 4 * w) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < 4; ++c) part[c] = Op::of(part[c], at(i + c * w));
  }
  for (; i + w <= n; i += w) part[0] = Op::of(part[0], at(i));
  if (i < n) part[1] = Op::of(part[1], some(i));
  T lane[w];
  store<T>(lane, Op::of(Op::of(part[0], part[1]), Op::of(part[2], part[3])));
  for (std::size_t half = w / 2; half > 0; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) lane[l] = Op::of(lane[l], lane[l + half]);
  }
  return lane[0];
}

template <class T>
STRIATE_INLINE Vec<T> load_filled(const T* from, std::size_t count, T fill) {
  T padded[lanes<T>];
  for (std::size_t l = 0; l < lanes<T>; ++l) padded[l] = l < count ? from[l] : fill;
  return load(padded);
}

template <class T>
T sum(const T* a, std::size_t n) {
  return reduce<T, Sum>(
      n, T(0), [&](std::size_t i) { return load(a + i); },
      [&](std::size_t i) { return load_filled(a + i, n - i, T(0)); });
}

template <class T>
T dot(const T* a, const T* b, std::size_t n) {
  return reduce<T, Sum>(
      n, T(0), [&](std::size_t i) { return load(a + i) * load(b + i); },
      [&](std::size_t i) { return load_filled(a + i, n - i, T(0)) * load_filled(b + i, n - i, T(0)); });
}

template <class T>
T max(const T* a, std::size_t n) {
  constexpr T lowest = -std::numeric_limits<T>::infinity();
  return reduce<T, Max>(
      n, lowest, [&](std::size_t i) { return load(a + i); },
      [&](std::size_t i) { return load_filled(a + i, n - i, lowest); });
}

}  // namespace

template <class T>
LineKernels<T> line_kernels() {
  return {convolve<T>,
          convolve_contiguous<T>,
          box<T>,
          transpose<T>,
          reduce_rows<T, Sum>,
          reduce_rows<T, Max>,
          sum<T>,
          dot<T>,
          max<T>};
}

template LineKernels<float> line_kernels<float>();
template LineKernels<double> line_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
