#include "circuit/kernels/level/convolution_families.hpp"
#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

/// Registers side by side in x: with four rows they fill half the register file.
constexpr std::size_t widest = register_bytes == 64 ? 4 : 2;

template <class T, std::size_t rows, std::size_t vectors>
void correlate_block(const CorrelateRows<T>& c, std::size_t x0) {
  Vec<T> sum[rows][vectors] = {};
  for (std::size_t o = 0; o < c.outer; ++o) {
    for (std::size_t i = 0; i < c.inner; ++i) {
      const T* in = c.in + o * c.in_outer + i * c.in_inner + x0;
      const T* w = c.w + static_cast<std::ptrdiff_t>(o) * c.w_outer + static_cast<std::ptrdiff_t>(i) * c.w_inner;
      for (std::size_t t = 0; t < c.taps; ++t) {
        Vec<T> value[vectors];
        for (std::size_t v = 0; v < vectors; ++v) value[v] = load(in + t + v * lanes<T>);
        for (std::size_t r = 0; r < rows; ++r) {
          const Vec<T> weight = broadcast(w[static_cast<std::ptrdiff_t>(r) * c.w_row + static_cast<std::ptrdiff_t>(t)]);
          for (std::size_t v = 0; v < vectors; ++v) sum[r][v] = multiply_add(weight, value[v], sum[r][v]);
        }
      }
    }
  }
  for (std::size_t r = 0; r < rows; ++r) {
    T* out = c.out + r * c.out_row + x0;
    for (std::size_t v = 0; v < vectors; ++v) {
      const std::size_t x = x0 + v * lanes<T>;
      if (x + lanes<T> <= c.width) {
        store(out + v * lanes<T>, sum[r][v]);
      } else {
        for (std::size_t l = 0; x + l < c.width; ++l) out[v * lanes<T> + l] = sum[r][v][l];
      }
    }
  }
}

template <class T, std::size_t rows>
void correlate_width(const CorrelateRows<T>& c) {
  for (std::size_t x = 0; x < c.width;) {
    std::size_t vectors = (c.width - x + lanes<T> - 1) / lanes<T>;
    if (vectors > widest) vectors = widest;
    switch (vectors) {
      case 1: correlate_block<T, rows, 1>(c, x); break;
      case 2: correlate_block<T, rows, 2>(c, x); break;
      case 3: correlate_block<T, rows, widest == 4 ? 3 : 1>(c, x); break;
      default: correlate_block<T, rows, widest>(c, x); break;
    }
    x += vectors * lanes<T>;
  }
}

template <class T>
void correlate_rows(const CorrelateRows<T>& c) {
  switch (c.rows) {
    case 1: correlate_width<T, 1>(c); break;
    case 2: correlate_width<T, 2>(c); break;
    case 3: correlate_width<T, 3>(c); break;
    default: correlate_width<T, 4>(c); break;
  }
}

template <class T, std::size_t rows, std::size_t taps>
void taps_block(const CorrelateTaps<T>& c) {
  Vec<T> sum[rows][taps] = {};
  for (std::size_t i = 0; i < c.inner; ++i) {
    const T* in = c.in + i * c.in_inner;
    const T* g = c.g + i * c.g_inner;
    for (std::size_t x = 0; x < c.width; x += lanes<T>) {
      Vec<T> slope[rows];
      for (std::size_t r = 0; r < rows; ++r) slope[r] = load(g + static_cast<std::ptrdiff_t>(r) * c.g_row + x);
      for (std::size_t t = 0; t < taps; ++t) {
        const Vec<T> value = load(in + x + t);
        for (std::size_t r = 0; r < rows; ++r) sum[r][t] = multiply_add(slope[r], value, sum[r][t]);
      }
    }
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t t = 0; t < taps; ++t) {
      T total = 0;
      for (std::size_t l = 0; l < lanes<T>; ++l) total += sum[r][t][l];
      c.out[static_cast<std::ptrdiff_t>(r) * c.out_row + static_cast<std::ptrdiff_t>(t)] += total;
    }
  }
}

template <class T, std::size_t rows>
void taps_width(const CorrelateTaps<T>& c) {
  switch (c.taps) {
    case 1: taps_block<T, rows, 1>(c); break;
    case 2: taps_block<T, rows, 2>(c); break;
    case 3: taps_block<T, rows, 3>(c); break;
    default: taps_block<T, rows, 4>(c); break;
  }
}

template <class T>
void correlate_taps(const CorrelateTaps<T>& c) {
  switch (c.rows) {
    case 1: taps_width<T, 1>(c); break;
    case 2: taps_width<T, 2>(c); break;
    case 3: taps_width<T, 3>(c); break;
    default: taps_width<T, 4>(c); break;
  }
}

}  // namespace

template <class T>
DirectKernels<T> direct_kernels() {
  return {lanes<T>, correlate_rows<T>, correlate_taps<T>};
}

template DirectKernels<float> direct_kernels<float>();
template DirectKernels<double> direct_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
