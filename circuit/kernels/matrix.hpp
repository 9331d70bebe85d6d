#pragma once

#include <cstddef>
#include <span>

#include "circuit/kernels/level/families.hpp"

namespace striate {

/// Products of one matrix m [rows][columns] with up to most_vectors vectors, for which it is read once. M is T, or
/// float where the matrix is stored in single precision.
/// - plain: out[v][i] = sum_j m[i][j] x[v][j]
/// - transposed: out[v][j] = sum_i m[i][j] x[v][i]
/// With `parallel` the work is split over OpenMP threads; the bits are the same for any number of threads.
template <class T, class M>
void matrix_vectors(const M* m, std::size_t rows, std::size_t columns, bool transposed, std::span<const T* const> x,
                    std::span<T* const> out, bool parallel);

}  // namespace striate
