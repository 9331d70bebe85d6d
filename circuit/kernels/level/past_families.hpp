#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

/// Looking up what delays look back to: polynomials over the steps of the past, one after another for each source.
template <class T>
struct PastKernels {
  /// Steps of equal length: the step that `steps[e]` before `end` lies in, as x[e] = 0 at its begin to 1, where `end`
  /// is counted from the begin of the newest step. What ends by less than `rounding` before a step begins lies in that
  /// step; below zero, what begins by less than that behind it lies in the step before. record[e] = column[e] *
  /// stretches - how many steps older it is.
  void (*place)(const std::uint32_t* column, const T* steps, std::size_t n, T end, T rounding, std::int32_t stretches,
                std::int32_t* record, T* x);
  /// total[row[e] * parts + c] += weight[e] * sum_{k < terms} x[e]^k r[k * parts + c], one e < n after the other, with
  /// r = records + record[e] * stride, for c < parts
  void (*scatter)(const T* records, std::ptrdiff_t stride, const std::int32_t* record, const T* x, const T* weight,
                  const std::uint16_t* row, std::size_t n, std::size_t terms, std::size_t parts, T* total);
};

}  // namespace striate
