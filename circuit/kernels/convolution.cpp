#include "circuit/kernels/convolution.hpp"

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "circuit/kernels/convolution_plan.hpp"

namespace striate {
namespace {

void check(const ConvolutionShape& s) {
  const auto refuse = [](const std::string& what) { throw Error("convolution", what); };
  if (s.batch == 0 || s.channels_in == 0 || s.channels_out == 0) {
    refuse("batch, channels = " + std::to_string(s.batch) + ", " + std::to_string(s.channels_in) + " to " +
           std::to_string(s.channels_out) + ", but each must be at least 1.");
  }
  if (s.ny == 0 || s.nx == 0) {
    refuse("plane = " + std::to_string(s.ny) + " x " + std::to_string(s.nx) + ", but each side must be at least 1.");
  }
  if (s.ky == 0 || s.kx == 0) {
    refuse("kernel = " + std::to_string(s.ky) + " x " + std::to_string(s.kx) + ", but each side must be at least 1.");
  }
  if (!s.mixing && s.channels_in != s.channels_out) {
    refuse("channels = " + std::to_string(s.channels_in) + " to " + std::to_string(s.channels_out) +
           ", but a depth-wise convolution keeps their number. Give a kernel that mixes channels.");
  }
  if (s.mixing && s.shared_kernel) {
    refuse(
        "kernel = shared by all channels, but a kernel that mixes channels has one for each pair. Choose one of the "
        "two.");
  }
}

template <class T>
T* aligned(T* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return p + (round_up(address, alignment) - address) / sizeof(T);
}

}  // namespace

std::size_t kernel_planes(const ConvolutionShape& s) {
  if (s.mixing) return s.channels_out * s.channels_in;
  return s.shared_kernel ? 1 : s.channels_in;
}

std::size_t ConvolutionShape::kernel_size() const { return kernel_planes(*this) * ky * kx; }

template <class T>
Convolution<T>::Convolution(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm, IsaLevel level) {
  check(shape);
  plan_ = algorithm == ConvolutionAlgorithm::direct ? direct_plan<T>(shape, level) : fft_plan<T>(shape, level);
}

template <class T>
const ConvolutionShape& Convolution<T>::shape() const {
  return plan_->shape;
}
template <class T>
ConvolutionAlgorithm Convolution<T>::algorithm() const {
  return plan_->algorithm;
}
template <class T>
std::size_t Convolution<T>::prepared_size() const {
  return plan_->prepared_size;
}
template <class T>
std::size_t Convolution<T>::scratch_size() const {
  return plan_->scratch.size + alignment / sizeof(T);
}
template <class T>
void Convolution<T>::prepare(const T* kernel, T* prepared, T* scratch, bool parallel) const {
  plan_->prepare(kernel, prepared, aligned(scratch), parallel);
}
template <class T>
void Convolution<T>::apply(const T* prepared, const T* in, T* out, T* scratch, bool parallel) const {
  plan_->apply(prepared, in, out, false, aligned(scratch), parallel);
}
template <class T>
void Convolution<T>::apply_transposed(const T* prepared, const T* g, T* out, T* scratch, bool parallel) const {
  plan_->apply(prepared, g, out, true, aligned(scratch), parallel);
}
template <class T>
void Convolution<T>::kernel_gradient(std::span<const T* const> in, std::span<const T* const> g, T* gk, T* scratch,
                                     bool parallel) const {
  T* memory = aligned(scratch);
  plan_->gradient(in, g, memory, parallel);
  plan_->scatter_taps(memory + plan_->at_kernel, gk);
}

template class Convolution<float>;
template class Convolution<double>;

// The rates are those of one Zen-4-class core with AVX-512; a newer one is faster on both sides alike.
// bench_convolution prints estimates beside measurements.
double estimated_cost(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm, std::size_t bytes_per_value) {
  check(shape);
  constexpr double product_rate = 20e9;  // multiply-and-adds of doubles per second
  constexpr double spectral_rate = 4e9;  // complex ones
  constexpr double pass_rate = 3e9;      // complex doubles through one radix-4 pass per second
  constexpr double copy_rate = 10e9;     // bytes per second into a padded plane
  constexpr double memory_rate = 20e9;   // bytes per second from memory
  const ConvolutionAxis y(shape.ny, shape.ky, shape.border_y), x(shape.nx, shape.kx, shape.border_x);
  const auto real = [](std::size_t n) { return static_cast<double>(n); };
  const double speed = 8.0 / real(bytes_per_value);
  const std::size_t lanes = 64 / bytes_per_value;
  const double planes_in = real(shape.batch * shape.channels_in), planes_out = real(shape.batch * shape.channels_out);
  const double pairs = planes_out * real(shape.mixing ? shape.channels_in : 1);
  const double bytes = real(bytes_per_value);
  if (algorithm == ConvolutionAlgorithm::direct) {
    const double products = pairs * real(y.taps * x.taps) * real(shape.ny * round_up(shape.nx, lanes));
    const double padded = real((shape.ny + y.taps - 1) * (shape.nx + x.taps - 1));
    return products / (product_rate * speed) + planes_in * padded * bytes / copy_rate;
  }
  const TransformLayout line_y(y, true), line_x(x, false);
  const double rows = real(round_up(line_y.size / 2, lanes)), columns = real(round_up(shape.nx, 2 * lanes)) / 2;
  const double passes = columns * real(line_y.size) * (2 + transform_passes(line_y.size)) +
                        rows * real(line_x.size) * (2 + transform_passes(line_x.size));
  const double frequencies = rows * real(line_x.size), spectrum_bytes = frequencies * 2 * bytes;
  // Kernels stream past once; the spectra of mixed channels are written and read in full.
  const double moved = real(kernel_planes(shape)) + (shape.mixing ? 2 * (planes_in + planes_out) : 0);
  return (planes_in + planes_out) * passes / (pass_rate * speed) + pairs * frequencies / (spectral_rate * speed) +
         moved * spectrum_bytes / memory_rate;
}

}  // namespace striate
