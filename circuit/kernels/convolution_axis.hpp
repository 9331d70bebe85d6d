#pragma once

#include <cstddef>
#include <vector>

#include "circuit/kernels/kernels.hpp"

namespace striate {

/// Stands for "no such element": a border of zeros, a tap out of reach.
inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

/// The element of an axis of length n that position i stands for, `nowhere` where the border is zero.
std::size_t border_source(std::ptrdiff_t i, std::size_t n, Border border);

/// One axis of a convolution, with the kernel cut or wrapped so that it reaches each element of the axis at most once
/// or twice: a tap that falls on the same element as another for every output joins it.
struct ConvolutionAxis {
  std::size_t n, k;
  Border border;
  std::size_t taps;  ///< of the kernel in use: out[i] = sum_t kernel[t] in[i + t - left]
  std::size_t left;
  std::vector<std::size_t> tap;  ///< [k] tap in use of each tap given

  ConvolutionAxis(std::size_t n, std::size_t k, Border border);
  std::size_t right() const { return taps - 1 - left; }
};

/// Where an axis and its kernel lie on a transform of `size` positions.
struct TransformLayout {
  std::size_t size, first;  ///< the axis begins at `first`
  std::vector<std::size_t> position, kernel_position, repeat_to, repeat_from;

  TransformLayout(const ConvolutionAxis& axis, bool even);
};

/// The passes of a transform of 2^a 3^b 5^c positions.
std::vector<std::size_t> transform_radices(std::size_t size);

/// Cost of a transform of `size` positions per position, in units of one radix-4 pass.
double transform_passes(std::size_t size);

}  // namespace striate
