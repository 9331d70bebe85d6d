#pragma once

#include <cstddef>

#include "circuit/kernels/kernels.hpp"

// Operations along one axis of arrays seen as [outer][n][inner], row-major. With `parallel` the work is split over
// OpenMP threads; the bits are the same either way and for any number of threads.

namespace striate {

/// An array seen from one of its axes: `n` elements along it, `outer` before and `inner` behind.
struct Lines {
  std::size_t outer = 1;
  std::size_t n = 1;
  std::size_t inner = 1;
};

/// How a line operation reads past the edges, which way it runs, and whether it adds to its output.
struct LineMode {
  Border border = Border::zero;
  bool transposed = false;  ///< the exact adjoint instead
  bool accumulate = false;  ///< out += instead of out =
};

/// Elements of scratch memory that line_convolve and line_box need.
template <class T>
std::size_t line_scratch(const Lines& lines, std::size_t taps, bool parallel);

/// out[o][i][j] = sum_r k[r] in[o][border(i + r - taps/2)][j], taps >= 1 of any size. `out` must not overlap `in`.
/// @param scratch [line_scratch(lines, taps, parallel)]
template <class T>
void line_convolve(const T* in, T* out, const Lines& lines, const T* k, std::size_t taps, const LineMode& mode,
                   T* scratch, bool parallel);

/// line_convolve with k[r] = weight, at a cost that does not depend on taps. Sums as accurately as adding the taps in
/// turn: within taps rounding errors of the sum of magnitudes, however long the line.
template <class T>
void line_box(const T* in, T* out, const Lines& lines, T weight, std::size_t taps, const LineMode& mode, T* scratch,
              bool parallel);

/// out[o][j] = sum_i in[o][i][j]; 0 where n = 0
template <class T>
void line_sum(const T* in, T* out, const Lines& lines, bool parallel);

/// out[o][j] = max_i in[o][i][j], n >= 1; NaN wins
template <class T>
void line_max(const T* in, T* out, const Lines& lines, bool parallel);

/// sum_i a[i]: blocks of 2048 elements, each in a fixed tree of lanes, then the blocks in order
template <class T>
T sum(const T* a, std::size_t n, bool parallel);

/// sum_i a[i] b[i], in the order of sum()
template <class T>
T dot(const T* a, const T* b, std::size_t n, bool parallel);

}  // namespace striate
