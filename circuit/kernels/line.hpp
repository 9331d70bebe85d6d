#pragma once

#include <cstddef>

#include "circuit/kernels/kernels.hpp"

namespace striate {

template <class T>
void line_convolve(const T* in, T* out, std::size_t outer, std::size_t n, std::size_t inner, const T* k, std::size_t taps, Border border,
                   bool transposed, bool parallel);

}  // namespace striate
