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

/// An axis cut into tiles that are convolved one by one (overlap-save: Oppenheim & Schafer, Discrete-Time Signal
/// Processing, 2010, 8.7.3): a tile wraps around, and `size - taps + 1` of its results are those of the axis.
struct AxisTiles {
  struct Run {
    std::size_t in_tile, on_axis, count;  ///< positions that follow each other on both
  };
  using Cut = std::vector<std::vector<Run>>;  ///< for each tile
  /// What a tile reads, zero where no run lies, and which of its results it hands back.
  struct Direction {
    Cut reads, writes;
  };

  std::size_t count;
  ConvolutionAxis tile;  ///< what a tile is an axis of; the axis itself where there is one tile
  Direction forward, transposed;

  /// @param size  positions of a tile; 0 for one tile, which a reflecting axis always is
  AxisTiles(const ConvolutionAxis& axis, std::size_t size);
};

/// Where an axis and its kernel lie on a transform of `size` positions.
struct TransformLayout {
  std::size_t size, first;  ///< the axis begins at `first`
  std::vector<std::size_t> position, kernel_position, repeat_to, repeat_from;

  TransformLayout(const ConvolutionAxis& axis, bool even);
};

/// Whether a transform can have `size` positions.
bool is_transform_size(std::size_t size);

/// The passes of a transform of 2^a 3^b 5^c positions.
std::vector<std::size_t> transform_radices(std::size_t size);

/// Cost of a transform of `size` positions per position, in units of one radix-4 pass.
double transform_passes(std::size_t size);

}  // namespace striate
