// Products of dense matrices whose rows run along the contiguous axis.
#include "circuit/kernels/level/dense_families.hpp"
#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

constexpr std::size_t block_rows = 4;
constexpr std::size_t block_registers = register_bytes == 64 ? 4 : 2;

/// M rows of c over N registers of columns, the last of which may hold `last` columns only.
template <class T, std::size_t M, std::size_t N>
void columns_block(const DenseProduct<T>& p, std::size_t i, std::size_t j, std::size_t last) {
  Vec<T> sum[M][N] = {};
  const T *a = p.a + i * p.a_m, *b = p.b + j;
  for (std::size_t k = 0; k < p.k; ++k, a += p.a_k, b += p.b_k) {
    Vec<T> right[N];
    for (std::size_t r = 0; r + 1 < N; ++r) right[r] = load(b + r * lanes<T>);
    right[N - 1] = load_part(b + (N - 1) * lanes<T>, last);
    for (std::size_t row = 0; row < M; ++row) {
      const Vec<T> left = broadcast(a[row * p.a_m]);
      for (std::size_t r = 0; r < N; ++r) sum[row][r] = multiply_add(left, right[r], sum[row][r]);
    }
  }
  for (std::size_t row = 0; row < M; ++row) {
    T* c = p.c + (i + row) * p.c_m + j;
    for (std::size_t r = 0; r < N; ++r) store_part(c + r * lanes<T>, r + 1 < N ? lanes<T> : last, sum[row][r], p.add);
  }
}

template <class T, std::size_t N>
void columns_strip(const DenseProduct<T>& p, std::size_t j, std::size_t last) {
  std::size_t i = 0;
  for (; i + block_rows <= p.m; i += block_rows) columns_block<T, block_rows, N>(p, i, j, last);
  for (; i < p.m; ++i) columns_block<T, 1, N>(p, i, j, last);
}

template <class T>
void columns(const DenseProduct<T>& p) {
  constexpr std::size_t wide = block_registers * lanes<T>;
  std::size_t j = 0;
  for (; j + wide <= p.n; j += wide) columns_strip<T, block_registers>(p, j, lanes<T>);
  for (; j < p.n; j += lanes<T>) columns_strip<T, 1>(p, j, p.n - j);
}

/// Sums the lanes pairwise.
template <class T>
T total(Vec<T> v) {
  T part[lanes<T>];
  store(part, v);
  for (std::size_t h = lanes<T> / 2; h > 0; h /= 2)
    for (std::size_t l = 0; l < h; ++l) part[l] += part[l + h];
  return part[0];
}

template <class T, std::size_t M, std::size_t N>
void dots_block(const DenseProduct<T>& p, std::size_t i, std::size_t j) {
  Vec<T> sum[M][N] = {};
  const T *a = p.a + i * p.a_m, *b = p.b + j * p.b_k;
  for (std::size_t k = 0; k < p.k; k += lanes<T>) {
    const std::size_t count = p.k - k;
    Vec<T> right[N];
    for (std::size_t r = 0; r < N; ++r) right[r] = load_part(b + r * p.b_k + k, count);
    for (std::size_t row = 0; row < M; ++row) {
      const Vec<T> left = load_part(a + row * p.a_m + k, count);
      for (std::size_t r = 0; r < N; ++r) sum[row][r] = multiply_add(left, right[r], sum[row][r]);
    }
  }
  for (std::size_t row = 0; row < M; ++row) {
    for (std::size_t r = 0; r < N; ++r) {
      T& c = p.c[(i + row) * p.c_m + j + r];
      c = p.add ? c + total<T>(sum[row][r]) : total<T>(sum[row][r]);
    }
  }
}

template <class T>
void dots(const DenseProduct<T>& p) {
  for (std::size_t i = 0; i < p.m;) {
    const bool many = p.m - i >= block_rows;
    std::size_t j = 0;
    for (; j + block_rows <= p.n; j += block_rows)
      many ? dots_block<T, block_rows, block_rows>(p, i, j) : dots_block<T, 1, block_rows>(p, i, j);
    for (; j < p.n; ++j) many ? dots_block<T, block_rows, 1>(p, i, j) : dots_block<T, 1, 1>(p, i, j);
    i += many ? block_rows : 1;
  }
}

}  // namespace

template <class T>
DenseKernels<T> dense_kernels() {
  return {columns<T>, dots<T>};
}

template DenseKernels<float> dense_kernels<float>();
template DenseKernels<double> dense_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
