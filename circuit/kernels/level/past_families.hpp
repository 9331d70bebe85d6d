#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

/// Pairs that look back, each to a column: what it read in the past, times a weight, is added to its row.
template <class T>
struct DelayedPairs {
  const std::uint32_t* column;
  const T* delay;
  const T* weight;
  const std::uint16_t* row;
  std::size_t n;
};

/// Steps of equal length, the last of which are kept. `end` is counted in steps from the begin of the newest. What ends
/// by less than `rounding` before a step begins lies in that step; below zero, what begins by less than that behind it
/// lies in the step before. Places in a step run from -shift to scale - shift.
template <class T>
struct EqualSteps {
  T end, rounding, per_time, scale, shift;
};

/// Steps of any lengths, one after another, and a table of the first step that reaches into each equal part of them.
template <class T>
struct AnySteps {
  T t;
  const T* begin;       ///< of each step, and infinity
  const T* per_length;  ///< a moment m of step i lies at the place (m - begin[i]) * per_length[i] - shift
  T shift;
  const std::uint32_t* bucket;
  std::size_t buckets;
  T per_bucket;
};

/// Polynomials over the steps of the past: of each source term after term, in each one step after another, in each step
/// some parts.
template <class T>
struct RecordsOfPast {
  const T* first;  ///< of equal steps those of the newest, of others those of the oldest
  std::size_t per_source;
  std::ptrdiff_t per_term;
  std::size_t terms, parts;
};

/// Sums of what was, total[row[e] * width + c] += weight[e] * sum_{k < terms} x^k r[k * per_term + c] for c < width,
/// one pair e after the other: r and x are the record and the place of what lies delay[e] before `end`, or before t.
template <class T>
struct PastKernels {
  void (*of_equal_steps)(const RecordsOfPast<T>& records, const EqualSteps<T>& steps, const DelayedPairs<T>& pairs,
                         std::size_t width, T* total);
  void (*of_any_steps)(const RecordsOfPast<T>& records, const AnySteps<T>& steps, const DelayedPairs<T>& pairs,
                       std::size_t width, T* total);
};

}  // namespace striate
