#include "circuit/kernels/convolution.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "circuit/kernels/convolution_plan.hpp"

namespace striate {
namespace {

template <class T>
T* aligned(T* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return p + (round_up(address, alignment) - address) / sizeof(T);
}

}  // namespace

void ConvolutionShape::check() const {
  const auto refuse = [](const std::string& what) { throw Error("convolution", what); };
  if (batch == 0 || channels_in == 0 || channels_out == 0) {
    refuse("batch, channels = " + std::to_string(batch) + ", " + std::to_string(channels_in) + " to " +
           std::to_string(channels_out) + ", but each must be at least 1.");
  }
  if (ny == 0 || nx == 0) {
    refuse("plane = " + std::to_string(ny) + " x " + std::to_string(nx) + ", but each side must be at least 1.");
  }
  if (ky == 0 || kx == 0) {
    refuse("kernel = " + std::to_string(ky) + " x " + std::to_string(kx) + ", but each side must be at least 1.");
  }
  if (!mixing && channels_in != channels_out) {
    refuse("channels = " + std::to_string(channels_in) + " to " + std::to_string(channels_out) +
           ", but a depth-wise convolution keeps their number. Give a kernel that mixes channels.");
  }
  if (mixing && shared_kernel) {
    refuse(
        "kernel = shared by all channels, but a kernel that mixes channels has one for each pair. Choose one of the "
        "two.");
  }
}

std::size_t kernel_planes(const ConvolutionShape& s) {
  if (s.mixing) return s.channels_out * s.channels_in;
  return s.shared_kernel ? 1 : s.channels_in;
}

std::size_t spectra_parts(const ConvolutionShape& s, std::size_t tiles, std::size_t spectrum_bytes) {
  constexpr std::size_t most_bytes = 16 << 20;
  const std::size_t most =
      std::max<std::size_t>(1, most_bytes / (std::max(s.channels_in, s.channels_out) * spectrum_bytes));
  return (s.batch * tiles + most - 1) / most;
}

std::size_t ConvolutionShape::kernel_size() const { return kernel_planes(*this) * ky * kx; }

template <class T>
Convolution<T>::Convolution(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm, IsaLevel level) {
  shape.check();
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

}  // namespace striate
