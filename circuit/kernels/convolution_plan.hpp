#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "base/parallel.hpp"
#include "circuit/kernels/convolution.hpp"
#include "circuit/kernels/convolution_axis.hpp"
#include "circuit/kernels/table.hpp"

namespace striate {

inline constexpr std::size_t alignment = 64;    // bytes
inline constexpr std::size_t most_pieces = 16;  // of a parallel loop that needs memory of its own

inline std::size_t round_up(std::size_t n, std::size_t m) { return (n + m - 1) / m * m; }

/// Parts of the scratch, in values of T, each aligned to a cache line.
template <class T>
struct ScratchLayout {
  std::size_t size = 0;
  std::size_t take(std::size_t values) {
    const std::size_t at = size;
    size += round_up(values, alignment / sizeof(T));
    return at;
  }
};

/// Splits [0, count) into fixed pieces; body(i, piece). A piece has memory of its own, all pieces the same when not
/// parallel.
template <class Body>
void for_pieces(std::size_t count, bool parallel, const Body& body) {
  const std::size_t pieces = std::min(count, most_pieces);
  parallel_for(pieces, parallel, [&](std::size_t piece) {
    for (std::size_t i = piece * count / pieces; i < (piece + 1) * count / pieces; ++i) body(i, parallel ? piece : 0);
  });
}

/// Positions of a tile that a transform takes at once; 0: the whole axis.
struct TileSize {
  std::size_t y = 0, x = 0;
};
TileSize best_tile_size(const ConvolutionShape& shape, std::size_t bytes_per_value);

/// The spectra of a mixing convolution are held for a part of its images, cut into `tiles` each, at a time.
std::size_t spectra_parts(const ConvolutionShape& shape, std::size_t tiles, std::size_t spectrum_bytes);

/// Planes of the kernel: one for each pair of channels, for each channel, or for all.
std::size_t kernel_planes(const ConvolutionShape& shape);

/// What both algorithms share. Scratch comes aligned to a cache line.
template <class T>
struct ConvolutionPlan {
  ConvolutionShape shape;
  ConvolutionAlgorithm algorithm;
  const KernelTable<T>& kernels;
  ConvolutionAxis axis_y, axis_x;
  std::size_t plane, taps;  // values of a plane, of a kernel plane in use
  std::size_t prepared_size = 0;
  ScratchLayout<T> scratch;
  std::size_t at_kernel;  // kernel planes with the taps in use

  ConvolutionPlan(const ConvolutionShape& s, ConvolutionAlgorithm a, IsaLevel level)
      : shape(s),
        algorithm(a),
        kernels(kernels_at<T>(level)),
        axis_y(s.ny, s.ky, s.border_y),
        axis_x(s.nx, s.kx, s.border_x),
        plane(s.ny * s.nx),
        taps(axis_y.taps * axis_x.taps) {
    at_kernel = scratch.take(std::max(kernel_planes(s), s.mixing ? 1 : gradient_groups()) * taps);
  }
  virtual ~ConvolutionPlan() = default;
  virtual void prepare(const T* kernel, T* prepared, T* scratch, bool parallel) const = 0;
  virtual void apply(const T* prepared, const T* in, T* out, bool transposed, T* scratch, bool parallel) const = 0;
  /// Gradient of the kernel planes with the taps in use, into scratch + at_kernel.
  virtual void gradient(std::span<const T* const> in, std::span<const T* const> g, T* scratch, bool parallel) const = 0;

  /// Depth-wise kernel gradients are sums over groups of planes: those of a channel, or, where all share one kernel,
  /// fixed portions of all planes, whose sums are then added in order.
  std::size_t gradient_groups() const {
    return shape.shared_kernel ? std::min(shape.batch * shape.channels_in, most_pieces) : shape.channels_in;
  }
  /// body(plane, whether it is the first) for the planes of a group, in order.
  template <class Body>
  void each_plane(std::size_t group, const Body& body) const {
    const std::size_t planes = shape.batch * shape.channels_in, groups = gradient_groups();
    const std::size_t first = shape.shared_kernel ? group * planes / groups : group;
    const std::size_t end = shape.shared_kernel ? (group + 1) * planes / groups : planes;
    const std::size_t stride = shape.shared_kernel ? 1 : shape.channels_in;
    for (std::size_t p = first; p < end; p += stride) body(p, p == first);
  }

  /// Kernel planes given -> kernel planes in use.
  void gather_taps(const T* kernel, T* used) const {
    std::fill_n(used, kernel_planes(shape) * taps, T(0));
    each_tap([&](std::size_t given, std::size_t in_use) { used[in_use] += kernel[given]; });
  }
  void scatter_taps(const T* used, T* kernel) const {
    std::fill_n(kernel, shape.kernel_size(), T(0));
    each_tap([&](std::size_t given, std::size_t in_use) { kernel[given] = used[in_use]; });
  }

 private:
  template <class Body>
  void each_tap(const Body& body) const {
    for (std::size_t p = 0; p < kernel_planes(shape); ++p) {
      for (std::size_t y = 0; y < shape.ky; ++y) {
        for (std::size_t x = 0; x < shape.kx; ++x) {
          if (axis_y.tap[y] == nowhere || axis_x.tap[x] == nowhere) continue;
          body((p * shape.ky + y) * shape.kx + x, p * taps + axis_y.tap[y] * axis_x.taps + axis_x.tap[x]);
        }
      }
    }
  }
};

template <class T>
std::shared_ptr<const ConvolutionPlan<T>> direct_plan(const ConvolutionShape& shape, IsaLevel level);
template <class T>
std::shared_ptr<const ConvolutionPlan<T>> fft_plan(const ConvolutionShape& shape, IsaLevel level);

}  // namespace striate
