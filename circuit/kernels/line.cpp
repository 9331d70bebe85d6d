#include "circuit/kernels/line.hpp"

#include <algorithm>

#include "circuit/kernels/border.hpp"

namespace striate {

template <class T>
void line_convolve(const T* in, T* out, std::size_t outer, std::size_t n, std::size_t inner, const T* k, std::size_t taps, Border border,
                   bool transposed, bool) {
  std::fill_n(out, outer * n * inner, T(0));
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t r = 0; r < taps; ++r) {
        const auto from = border_index(static_cast<std::ptrdiff_t>(i + r) - static_cast<std::ptrdiff_t>(taps / 2), static_cast<std::ptrdiff_t>(n), border);
        if (from < 0) continue;
        const std::size_t a = (o * n + static_cast<std::size_t>(from)) * inner;
        const std::size_t b = (o * n + i) * inner;
        for (std::size_t j = 0; j < inner; ++j) out[(transposed ? a : b) + j] += k[r] * in[(transposed ? b : a) + j];
      }
}

template void line_convolve(const float*, float*, std::size_t, std::size_t, std::size_t, const float*, std::size_t, Border, bool, bool);
template void line_convolve(const double*, double*, std::size_t, std::size_t, std::size_t, const double*, std::size_t, Border, bool, bool);

}  // namespace striate
