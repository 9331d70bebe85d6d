#pragma once

#include <cstddef>

namespace striate {

/// Frequencies that lie side by side in a spectrum of many planes: see SpectrumPlace.
inline constexpr std::size_t spectrum_chunk = 8;

/// One axis of a plane's transform: a line of `size` = 2^a 3^b 5^c positions holds the `count` values of the plane.
/// `radix` lists the factors in the order of the passes; `twiddle` the factors of each pass, (cos, sin) by
/// [p][1..radix).
template <class T>
struct LineTransform {
  std::size_t size, count;
  const std::size_t* position;  // [count] where each value lies on the line
  std::size_t repeats;          // border positions that repeat a value of the plane
  const std::size_t* repeat_to;
  const std::size_t* repeat_from;
  std::size_t passes;
  const std::size_t* radix;
  const T* twiddle;
};

/// Transform of a real plane [y.count][x.count]. y.size is even: its frequencies 1 .. size/2 - 1 are complex rows, 0
/// and size/2 share the first row, and x turns the rows into `vectors` registers of frequencies, a register at a time.
template <class T>
struct PlaneTransform {
  LineTransform<T> y, x;
};

/// Where a plane's spectrum lies: register f (real lanes, then imaginary lanes) at
/// data + (f / spectrum_chunk) * chunk_stride + (f % spectrum_chunk) * 2 * lanes.
template <class T>
struct SpectrumPlace {
  T* data;
  std::size_t chunk_stride;
};

/// c[m][n] = sum_k a[m][k] b[n][k], or conj(a) for a, at each of `count` registers of frequencies; strides in values.
template <class T>
struct SpectralProduct {
  std::size_t m, n, k, count;
  bool conjugate;
  const T* a;
  std::size_t a_m, a_k, a_f;
  const T* b;
  std::size_t b_n, b_k, b_f;
  T* c;
  std::size_t c_m, c_n, c_f;
};

template <class T>
struct SpectralKernels {
  std::size_t lanes;
  /// Plane to spectrum. With `borders` the border positions repeat the plane, else they hold zero.
  void (*forward)(const PlaneTransform<T>&, const T* plane, bool borders, SpectrumPlace<T> spectrum, T* work);
  /// Spectrum to plane, times `scale`, added to what is there if `add`. With `borders` what falls on border positions
  /// is added to the values they repeat: the adjoint of `forward`.
  void (*inverse)(const PlaneTransform<T>&, SpectrumPlace<const T> spectrum, bool borders, T scale, bool add, T* plane,
                  T* work);
  /// c = a b or conj(a) b, added to c if `add`, over `count` registers of frequencies.
  void (*multiply)(std::size_t count, const T* a, const T* b, bool conjugate, bool add, T* c);
  void (*product)(const SpectralProduct<T>&);
};

/// Up to four rows of a correlation at once: row r is sum_{o, i, t} w[o][i][t](r) in[o][i][x + t] for x < width.
/// Reads `in` up to the next multiple of a register past `width`, plus taps - 1.
template <class T>
struct CorrelateRows {
  std::size_t rows, width, outer, inner, taps;
  const T* in;
  std::size_t in_outer, in_inner;
  const T* w;
  std::ptrdiff_t w_outer, w_inner, w_row;
  T* out;
  std::size_t out_row;
};

/// Up to four by four taps of a kernel gradient: out[r][t] += sum_{i, x} g[i](r) in[i][x + t]; `width` is padded to
/// whole registers, where g is zero.
template <class T>
struct CorrelateTaps {
  std::size_t rows, taps, width, inner;
  const T* in;
  std::size_t in_inner;
  const T* g;
  std::size_t g_inner;
  std::ptrdiff_t g_row;
  T* out;
  std::ptrdiff_t out_row;
};

template <class T>
struct DirectKernels {
  std::size_t lanes;
  void (*rows)(const CorrelateRows<T>&);
  void (*taps)(const CorrelateTaps<T>&);
};

}  // namespace striate
