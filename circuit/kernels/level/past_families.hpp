#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

/// Looking up what delays look back to: polynomials over the steps of the past, one after another for each source.
template <class T>
struct PastKernels {
  /// Steps of equal length: the step that lies `steps[e]` before `top`, counted from the first that is kept, and the
  /// place in it, 0 at its begin. record[e] = column[e] * stretches + that step.
  void (*place)(const std::uint32_t* column, const T* steps, std::size_t n, T top, std::uint32_t stretches,
                std::uint32_t first, std::uint32_t last, std::uint32_t* record, T* x);
  /// total[c] += sum_e weight[e] * sum_{k < terms} x[e]^k r[k * parts + c] with r = records + record[e] * stride, for
  /// c < parts, e < n
  void (*gather)(const T* records, std::size_t stride, const std::uint32_t* record, const T* x, const T* weight,
                 std::size_t n, std::size_t terms, std::size_t parts, T* total);
};

}  // namespace striate
