#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "circuit/kernels/kernels.hpp"

namespace striate {

/// A convolution of planes, row-major, of stride one and the same size on both sides:
/// in [batch][channels_in][ny][nx] -> out [batch][channels_out][ny][nx]. For lines, ny = ky = 1.
struct ConvolutionShape {
  std::size_t batch = 1, channels_in = 1, channels_out = 1;
  std::size_t ny = 1, nx = 1;
  std::size_t ky = 1, kx = 1;  ///< may exceed the plane
  /// true: kernel [channels_out][channels_in][ky][kx]; false: depth-wise, kernel [channels][ky][kx], channels_in ==
  /// channels_out
  bool mixing = false;
  bool shared_kernel = false;  ///< depth-wise with one kernel [ky][kx] for all channels
  Border border_y = Border::zero, border_x = Border::zero;

  /// @throws Error for an empty axis, or for a depth-wise shape that changes the number of channels
  void check() const;
  std::size_t kernel_size() const;  ///< values of the kernel
  bool operator==(const ConvolutionShape&) const = default;
  std::size_t in_size() const { return batch * channels_in * ny * nx; }
  std::size_t out_size() const { return batch * channels_out * ny * nx; }
};

enum class ConvolutionAlgorithm { direct, fft };

template <class T>
struct ConvolutionPlan;

/// An immutable plan of out[y, x] = sum_{d, e} k[d, e] in[y + d - ky/2, x + e - kx/2] (a cross-correlation, as the
/// field writes its convolutions). Any thread may use it, with its own scratch. Nothing here allocates after the
/// constructor, and the bits do not depend on the number of threads.
template <class T>
class Convolution {
 public:
  /// @throws Error as ConvolutionShape::check
  Convolution(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm, IsaLevel level = isa_level());

  const ConvolutionShape& shape() const;
  ConvolutionAlgorithm algorithm() const;
  std::size_t prepared_size() const;  ///< values kept per kernel: its spectra, or its weights in both directions
  std::size_t scratch_size() const;   ///< values any of the calls below may overwrite

  /// What apply and apply_transposed need of a kernel; once per parameter set.
  void prepare(const T* kernel, T* prepared, T* scratch, bool parallel) const;
  void apply(const T* prepared, const T* in, T* out, T* scratch, bool parallel) const;
  /// The exact adjoint of `apply` with respect to `in`, borders included; `g` has the shape of `out`, `out` that of
  /// `in`.
  void apply_transposed(const T* prepared, const T* g, T* out, T* scratch, bool parallel) const;
  /// Gradient of <g, apply(kernel, in)> with respect to the kernel, in the kernel's shape. The batch may lie in equal
  /// parts at different places: in[i] and g[i] for part i. (Only mixing convolutions by FFT take more than one.)
  void kernel_gradient(std::span<const T* const> in, std::span<const T* const> g, T* gk, T* scratch,
                       bool parallel) const;

 private:
  std::shared_ptr<const ConvolutionPlan<T>> plan_;
};

/// Estimated seconds of one `apply` on one thread, from operations and bytes at fixed rates: the same on every machine
/// and run.
double estimated_cost(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm, std::size_t bytes_per_value);

}  // namespace striate
