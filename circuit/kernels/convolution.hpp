#pragma once

#include <cstddef>

#include "circuit/kernels/kernels.hpp"

namespace striate {

struct ConvolutionShape {
  std::size_t batch, channels_in, channels_out, ny, nx, ky, kx;
  bool mixing;
  bool shared_kernel;
  Border border_y, border_x;
};
enum class ConvolutionAlgorithm { direct, fft };

template <class T>
class Convolution {
 public:
  Convolution(const ConvolutionShape& shape, ConvolutionAlgorithm) : s_(shape) {}
  std::size_t prepared_size() const { return kernel_size(); }
  std::size_t scratch_size() const { return 0; }
  void prepare(const T* kernel, T* prepared, T*) const {
    for (std::size_t i = 0; i < kernel_size(); ++i) prepared[i] = kernel[i];
  }
  void apply(const T* k, const T* in, T* out, T*, bool) const;
  void apply_transposed(const T* k, const T* g, T* out, T*, bool) const;
  void kernel_gradient(const T* in, const T* g, T* gk, T*, bool) const;

 private:
  std::size_t kernel_size() const {
    return (s_.mixing ? s_.channels_in * s_.channels_out : (s_.shared_kernel ? 1 : s_.channels_in)) * s_.ky * s_.kx;
  }
  template <class Body>
  void visit(const Body& body) const;
  ConvolutionShape s_;
};

double estimated_cost(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm, std::size_t bytes_per_value);

extern template class Convolution<float>;
extern template class Convolution<double>;

}  // namespace striate
