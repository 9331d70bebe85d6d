#include <utility>

#include "circuit/kernels/level/families.hpp"
#include "circuit/kernels/level/simd.hpp"

// A matrix is streamed once for up to most_vectors vectors. A sum is taken in one order whatever tile it falls into.

namespace striate::STRIATE_LEVEL {
namespace {

/// Adds the halves of each segment of `width` lanes: first those of a, then those of b.
template <class T, std::size_t width, std::size_t... l>
STRIATE_INLINE Vec<T> halves(Vec<T> a, Vec<T> b, std::index_sequence<l...>) {
  constexpr std::size_t half = width / 2, of_a = lanes<T> / 2;
  return __builtin_shufflevector(a, b, (l / of_a * lanes<T> + l % of_a / half * width + l % half)...) +
         __builtin_shufflevector(a, b, (l / of_a * lanes<T> + l % of_a / half * width + l % half + half)...);
}

/// The sums over the lanes of `count` vectors, side by side. Lanes are added half to half, whatever `count` is.
template <class T, std::size_t count, std::size_t width = lanes<T>>
STRIATE_INLINE Vec<T> sums_of_lanes(Vec<T>* v) {
  if constexpr (width == 1) {
    return v[0];
  } else {
    constexpr std::size_t left = (count + 1) / 2;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < left; ++i)
      v[i] = halves<T, width>(v[2 * i], v[count > 1 ? 2 * i + 1 : 0], std::make_index_sequence<lanes<T>>());
    return sums_of_lanes<T, left, width / 2>(v);
  }
}

constexpr std::size_t bytes_ahead = 1024;

/// Lanes of a row, which may be stored in single precision. Narrow rows are used up faster than the processor looks
/// ahead in so many of them.
template <class T, class M>
STRIATE_INLINE Vec<T> row_at(const M* from) {
  if constexpr (sizeof(M) == sizeof(T)) {
    return load(from);
  } else {
    __builtin_prefetch(from + bytes_ahead / sizeof(M));
    return widened(from);
  }
}

template <class T, class M>
STRIATE_INLINE Vec<T> row_part(const M* from, std::size_t count) {
  if constexpr (sizeof(M) == sizeof(T)) {
    return load_part(from, count);
  } else {
    M part[lanes<T>] = {};
    __builtin_memcpy(part, from, count * sizeof(M));
    return widened(part);
  }
}

template <class T, class M, std::size_t rows, std::size_t vectors>
STRIATE_INLINE void dots_tile(const M* m, std::size_t stride, std::size_t n, const T* const* x, T* const* out,
                              std::size_t at) {
  constexpr std::size_t w = lanes<T>;
  Vec<T> sum[rows][vectors] = {};
  const auto add = [&](std::size_t j, const auto& of_vector, const auto& of_row) __attribute__((always_inline)) {
    Vec<T> of_x[vectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < vectors; ++v) of_x[v] = of_vector(x[v] + j);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < rows; ++r) {
      const Vec<T> row = of_row(m + (at + r) * stride + j);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < vectors; ++v) sum[r][v] = multiply_add(row, of_x[v], sum[r][v]);
    }
  };
  std::size_t j = 0;
  for (; j + w <= n; j += w)
    add(
        j, [](const T* from) __attribute__((always_inline)) { return load(from); },
        [](const M* from) __attribute__((always_inline)) { return row_at<T>(from); });
  if (j < n)
    add(
        j, [&](const T* from) __attribute__((always_inline)) { return load_part(from, n - j); },
        [&](const M* from) __attribute__((always_inline)) { return row_part<T>(from, n - j); });
  constexpr std::size_t together = rows < lanes<T> ? rows : lanes<T>;
#pragma GCC unroll 4
  for (std::size_t v = 0; v < vectors; ++v) {
#pragma GCC unroll 4
    for (std::size_t first = 0; first < rows; first += together) {
      Vec<T> of_rows[together];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < together; ++r) of_rows[r] = sum[first + r][v];
      store_part<T>(out[v] + at + first, together, sums_of_lanes<T, together>(of_rows), false);
    }
  }
}

template <class T, class M, std::size_t vectors>
void dots_of(const M* m, std::size_t stride, std::size_t rows, std::size_t n, const T* const* x, T* const* out) {
  constexpr std::size_t sums = register_bytes == 64 ? 16 : 8;  // in half of the registers
  constexpr std::size_t tile = vectors <= 2 ? sums / 2 : sums / 4;
  std::size_t i = 0;
  for (; i + tile <= rows; i += tile) dots_tile<T, M, tile, vectors>(m, stride, n, x, out, i);
  for (; i + tile / 2 <= rows; i += tile / 2) dots_tile<T, M, tile / 2, vectors>(m, stride, n, x, out, i);
  for (; i < rows; ++i) dots_tile<T, M, 1, vectors>(m, stride, n, x, out, i);
}

template <class T, class M>
void dots(const M* m, std::size_t stride, std::size_t rows, std::size_t n, const T* const* x, std::size_t vectors,
          T* const* out) {
  switch (vectors) {
    case 1: return dots_of<T, M, 1>(m, stride, rows, n, x, out);
    case 2: return dots_of<T, M, 2>(m, stride, rows, n, x, out);
    case 3: return dots_of<T, M, 3>(m, stride, rows, n, x, out);
    default: return dots_of<T, M, 4>(m, stride, rows, n, x, out);
  }
}

/// out[v] (+)= sum of `rows` rows of m, weighted; the columns of out pass through registers once.
template <class T, class M, std::size_t rows, std::size_t vectors>
STRIATE_INLINE void combine_tile(const M* m, std::size_t stride, std::size_t columns, const T* const* x, T* const* out,
                                 std::size_t at) {
  constexpr std::size_t w = lanes<T>;
  Vec<T> weight[rows][vectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < vectors; ++v) weight[r][v] = broadcast<T>(x[v][at + r]);
  }
  const M* first = m + at * stride;
  std::size_t j = 0;
  for (; j + w <= columns; j += w) {
    Vec<T> sum[vectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < vectors; ++v) sum[v] = at == 0 ? Vec<T>{} : load(out[v] + j);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < rows; ++r) {
      const Vec<T> row = row_at<T>(first + r * stride + j);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < vectors; ++v) sum[v] = multiply_add(weight[r][v], row, sum[v]);
    }
#pragma GCC unroll 4
    for (std::size_t v = 0; v < vectors; ++v) store<T>(out[v] + j, sum[v]);
  }
  if (j == columns) return;
  for (std::size_t v = 0; v < vectors; ++v) {
    Vec<T> sum = at == 0 ? Vec<T>{} : load_part(out[v] + j, columns - j);
    for (std::size_t r = 0; r < rows; ++r) {
      sum = multiply_add(weight[r][v], row_part<T>(first + r * stride + j, columns - j), sum);
    }
    store_part<T>(out[v] + j, columns - j, sum, false);
  }
}

template <class T, class M, std::size_t vectors>
void combine_of(const M* m, std::size_t stride, std::size_t rows, std::size_t columns, const T* const* x,
                T* const* out) {
  constexpr std::size_t tile = vectors <= 2 ? 8 : 4;
  std::size_t i = 0;
  for (; i + tile <= rows; i += tile) combine_tile<T, M, tile, vectors>(m, stride, columns, x, out, i);
  for (; i < rows; ++i) combine_tile<T, M, 1, vectors>(m, stride, columns, x, out, i);
}

template <class T, class M>
void combine(const M* m, std::size_t stride, std::size_t rows, std::size_t columns, const T* const* x,
             std::size_t vectors, T* const* out) {
  switch (vectors) {
    case 1: return combine_of<T, M, 1>(m, stride, rows, columns, x, out);
    case 2: return combine_of<T, M, 2>(m, stride, rows, columns, x, out);
    case 3: return combine_of<T, M, 3>(m, stride, rows, columns, x, out);
    default: return combine_of<T, M, 4>(m, stride, rows, columns, x, out);
  }
}

}  // namespace

template <class T>
MatrixKernels<T> matrix_kernels() {
  return {{dots<T, T>, combine<T, T>}, {dots<T, float>, combine<T, float>}};
}

template MatrixKernels<float> matrix_kernels<float>();
template MatrixKernels<double> matrix_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
