#pragma once

#include <array>
#include <cstddef>

#include "circuit/kernels/kernels.hpp"

// The families of kernels, as tables of function pointers. Files of this folder are compiled once per level, so they
// hold nothing that a linker may merge between levels: no inline function or template outside namespace
// STRIATE_LEVEL, and no standard algorithm that leaves one behind.

namespace striate {

/// out[i] = op(a[i], b[i], c[i]) for i < n; operands an operation does not read may be null. `k` is the exponent of
/// powi and the order of phi. `out` may equal an operand but not overlap one otherwise. An element's bits do not depend
/// on n or on its place.
template <class T>
using PointwiseFn = void (*)(const T* a, const T* b, const T* c, T* out, std::size_t n, int k);

template <class T>
struct PointwiseKernels {
  std::array<PointwiseFn<T>, static_cast<std::size_t>(Pointwise::count_)> fn;
  /// sine[i] = sin(x[i]) and cosine[i] = cos(x[i]); one of them may equal x.
  void (*sine_and_cosine)(const T* x, T* sine, T* cosine, std::size_t n);
  PointwiseFn<T> operator[](Pointwise op) const { return fn[static_cast<std::size_t>(op)]; }
};

/// Columns that the line kernels work on together, at every level: 128 bytes.
template <class T>
inline constexpr std::size_t bundle = 128 / sizeof(T);

/// Rows of bundle<T> columns, `stride` elements apart: `before` rows of zeros that are not in memory, then `count` rows
/// from `first` on, and zeros again behind them.
template <class T>
struct LineRows {
  const T* first;
  std::size_t stride, before, count;
};

/// Kernels along an axis. A packed array has rows of bundle<T> columns, one after the other, with as many rows before
/// and behind as the kernel reaches. Every output is summed in the order of the taps, by any of the ways.
template <class T>
struct LineKernels {
  /// out[i][j] (+)= sum_r k[r k_step] in[i + r][j] for i < rows, j < bundle; rows of `out` out_stride apart
  void (*convolve)(const LineRows<T>& in, T* out, std::size_t out_stride, std::size_t rows, const T* k,
                   std::ptrdiff_t k_step, std::size_t taps, bool accumulate);
  /// out[e] (+)= sum_r k[r k_step] in[e + r stride] for e < count
  void (*convolve_contiguous)(const T* in, T* out, std::size_t count, std::size_t stride, const T* k,
                              std::ptrdiff_t k_step, std::size_t taps, bool accumulate);
  /// out[i][j] (+)= weight sum_r in[i + r][j], at a cost that does not depend on taps; suffix [taps][bundle] is scratch
  void (*box)(const T* in, T* out, std::size_t out_stride, std::size_t rows, T weight, std::size_t taps,
              bool accumulate, T* suffix);
  /// out[j][i] = in[i][j] for i < rows, j < columns; rows of `in` and `out` in_stride and out_stride apart
  void (*transpose)(const T* in, std::size_t in_stride, T* out, std::size_t out_stride, std::size_t rows,
                    std::size_t columns);
  /// out[j] = sum_i in[i][j] for i < n, j < columns, rows of `in` in_stride apart
  void (*sum_rows)(const T* in, std::size_t in_stride, T* out, std::size_t n, std::size_t columns);
  /// out[j] = max_i in[i][j]; NaN wins
  void (*max_rows)(const T* in, std::size_t in_stride, T* out, std::size_t n, std::size_t columns);
  /// Sums, dot products and maxima of contiguous elements in a fixed tree of lanes.
  T (*sum)(const T* a, std::size_t n);
  T (*dot)(const T* a, const T* b, std::size_t n);
  T (*max)(const T* a, std::size_t n);
};

/// Vectors that a matrix is multiplied with while it is read once.
inline constexpr std::size_t most_vectors = 4;

/// Products of a matrix of type M, whose rows lie `stride` apart, with 1 to most_vectors vectors.
template <class T, class M>
struct ProductKernels {
  /// out[v][i] = sum_j m[i][j] x[v][j] for i < rows, j < n
  void (*dots)(const M* m, std::size_t stride, std::size_t rows, std::size_t n, const T* const* x, std::size_t vectors,
               T* const* out);
  /// out[v][j] = sum_i m[i][j] x[v][i] for i < rows, j < columns; rows >= 1
  void (*combine)(const M* m, std::size_t stride, std::size_t rows, std::size_t columns, const T* const* x,
                  std::size_t vectors, T* const* out);
};

template <class T>
struct MatrixKernels {
  ProductKernels<T, T> whole;
  ProductKernels<T, float> single;  ///< of a matrix stored in single precision
};

/// Vectors that are combined at most.
inline constexpr std::size_t most_combined = 16;

/// What adaptive steps do with whole vectors.
template <class T>
struct VectorKernels {
  /// combine[count - 1]: out[i] = sum_{j < count} w[j] x[j][i] for i < n, in the order of j
  std::array<void (*)(const T* const* x, const T* w, T* out, std::size_t n), most_combined> combine;
  /// x[i] = |x[i]| / (atol[i] + rtol max(|a[i]|, |b[i]|)) for i < n
  void (*weigh)(T* x, const T* atol, T rtol, const T* a, const T* b, std::size_t n);
};

}  // namespace striate
