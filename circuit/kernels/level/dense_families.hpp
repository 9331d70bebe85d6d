#pragma once

#include <cstddef>

namespace striate {

/// A product of dense matrices; strides in values, the axis that a name lacks is contiguous.
template <class T>
struct DenseProduct {
  std::size_t m, n, k;
  const T* a;
  std::size_t a_m, a_k;
  const T* b;
  std::size_t b_k;  ///< columns: from one k to the next; dots: from one n to the next
  T* c;
  std::size_t c_m;
  bool add;  ///< to what is there
};

/// Every element of c is summed in one order, whatever part of the matrix is asked for.
template <class T>
struct DenseKernels {
  /// c[i][j] (+)= sum_k a[i a_m + k a_k] b[k b_k + j]
  void (*columns)(const DenseProduct<T>&);
  /// c[i][j] (+)= sum_k a[i a_m + k] b[j b_k + k]
  void (*dots)(const DenseProduct<T>&);
};

}  // namespace striate
