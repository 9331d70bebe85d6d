#include "circuit/kernels/matrix.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "base/parallel.hpp"
#include "circuit/kernels/table.hpp"

namespace striate {
namespace {

constexpr std::size_t rows_of_a_piece = 64;
constexpr std::size_t columns_of_a_piece = 512;  // of a transposed product: 4 kB in a row

template <class T, class M>
const ProductKernels<T, M>& of_matrix() {
  if constexpr (std::is_same_v<T, M>)
    return kernels<T>().matrix.whole;
  else
    return kernels<T>().matrix.single;
}

}  // namespace

template <class T, class M>
void matrix_vectors(const M* m, std::size_t rows, std::size_t columns, bool transposed, std::span<const T* const> x,
                    std::span<T* const> out, bool parallel) {
  const ProductKernels<T, M>& kernels = of_matrix<T, M>();
  const std::size_t results = transposed ? columns : rows;
  const std::size_t piece = transposed ? columns_of_a_piece : rows_of_a_piece;
  parallel_for((results + piece - 1) / piece, parallel, [&](std::size_t job) {
    const std::size_t begin = job * piece;
    const std::size_t count = std::min(piece, results - begin);
    std::array<T*, most_vectors> to{};
    for (std::size_t v = 0; v < x.size(); ++v) to[v] = out[v] + begin;
    if (transposed)
      kernels.combine(m + begin, columns, rows, count, x.data(), x.size(), to.data());
    else
      kernels.dots(m + begin * columns, columns, count, columns, x.data(), x.size(), to.data());
  });
}

template void matrix_vectors(const float*, std::size_t, std::size_t, bool, std::span<const float* const>,
                             std::span<float* const>, bool);
template void matrix_vectors(const double*, std::size_t, std::size_t, bool, std::span<const double* const>,
                             std::span<double* const>, bool);

template void matrix_vectors(const float*, std::size_t, std::size_t, bool, std::span<const double* const>,
                             std::span<double* const>, bool);

}  // namespace striate
