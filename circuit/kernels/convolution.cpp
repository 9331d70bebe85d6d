#include "circuit/kernels/convolution.hpp"

#include <algorithm>

#include "circuit/kernels/border.hpp"

namespace striate {

template <class T>
template <class Body>
void Convolution<T>::visit(const Body& body) const {
  const auto ny = static_cast<std::ptrdiff_t>(s_.ny);
  const auto nx = static_cast<std::ptrdiff_t>(s_.nx);
  const auto ky = static_cast<std::ptrdiff_t>(s_.ky);
  const auto kx = static_cast<std::ptrdiff_t>(s_.kx);
  for (std::size_t b = 0; b < s_.batch; ++b)
    for (std::size_t co = 0; co < s_.channels_out; ++co)
      for (std::size_t ci = s_.mixing ? 0 : co; ci < (s_.mixing ? s_.channels_in : co + 1); ++ci) {
        const std::size_t kernel = s_.mixing ? co * s_.channels_in + ci : (s_.shared_kernel ? 0 : ci);
        for (std::ptrdiff_t y = 0; y < ny; ++y)
          for (std::ptrdiff_t x = 0; x < nx; ++x)
            for (std::ptrdiff_t r = 0; r < ky; ++r)
              for (std::ptrdiff_t c = 0; c < kx; ++c) {
                const auto iy = border_index(y + r - ky / 2, ny, s_.border_y);
                const auto ix = border_index(x + c - kx / 2, nx, s_.border_x);
                if (iy < 0 || ix < 0) continue;
                body(kernel * s_.ky * s_.kx + static_cast<std::size_t>(r * kx + c),
                     ((b * s_.channels_in + ci) * s_.ny + static_cast<std::size_t>(iy)) * s_.nx + static_cast<std::size_t>(ix),
                     ((b * s_.channels_out + co) * s_.ny + static_cast<std::size_t>(y)) * s_.nx + static_cast<std::size_t>(x));
              }
      }
}

template <class T>
void Convolution<T>::apply(const T* k, const T* in, T* out, T*, bool) const {
  std::fill_n(out, s_.batch * s_.channels_out * s_.ny * s_.nx, T(0));
  visit([&](std::size_t w, std::size_t i, std::size_t o) { out[o] += k[w] * in[i]; });
}
template <class T>
void Convolution<T>::apply_transposed(const T* k, const T* g, T* out, T*, bool) const {
  std::fill_n(out, s_.batch * s_.channels_in * s_.ny * s_.nx, T(0));
  visit([&](std::size_t w, std::size_t i, std::size_t o) { out[i] += k[w] * g[o]; });
}
template <class T>
void Convolution<T>::kernel_gradient(const T* in, const T* g, T* gk, T*, bool) const {
  std::fill_n(gk, kernel_size(), T(0));
  visit([&](std::size_t w, std::size_t i, std::size_t o) { gk[w] += in[i] * g[o]; });
}

double estimated_cost(const ConvolutionShape& s, ConvolutionAlgorithm algorithm, std::size_t) {
  return algorithm == ConvolutionAlgorithm::fft ? 1e200
                                                : 1e-10 * static_cast<double>(s.batch * s.channels_out * (s.mixing ? s.channels_in : 1) * s.ny * s.nx * s.ky * s.kx);
}

template class Convolution<float>;
template class Convolution<double>;

}  // namespace striate
