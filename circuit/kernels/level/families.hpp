#pragma once

#include <array>
#include <cstddef>

#include "circuit/kernels/kernels.hpp"

// The families of kernels, as tables of function pointers. Files of this folder are compiled once per level, so they
// hold nothing that a linker may merge between levels: no inline function or template outside namespace
// STRIATE_LEVEL, and no standard algorithm that leaves one behind.

namespace striate {

/// out[i] = op(a[i], b[i], c[i]) for i < n; operands an operation does not read may be null. `k` is the exponent of powi and
/// the order of phi. `out` may equal an operand but not overlap one otherwise. An element's bits do not depend on n
/// or on its place.
template <class T>
using PointwiseFn = void (*)(const T* a, const T* b, const T* c, T* out, std::size_t n, int k);

template <class T>
struct PointwiseKernels {
  std::array<PointwiseFn<T>, static_cast<std::size_t>(Pointwise::count_)> fn;
  PointwiseFn<T> operator[](Pointwise op) const { return fn[static_cast<std::size_t>(op)]; }
};

/// Kernels along the middle axis of arrays seen as [outer][n][inner].
template <class T>
struct LineKernels {};

}  // namespace striate
