#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "circuit/kernels/table.hpp"

namespace striate {

/// sum_j weight_j x_j of vectors of one length, each read once, summed in the order in which they were added.
class LinearCombination {
 public:
  /// Adds a term; one of weight 0 is left out. At most 16 terms. `x` must outlive the combination.
  void add(double weight, const double* x);
  /// out[i - begin] = element i for begin <= i < end
  void block(double* out, std::size_t begin, std::size_t end) const;
  /// out = the combination, in blocks on threads; must not overlap any of the vectors
  void store(std::span<double> out) const;

 private:
  std::array<double, most_combined> weights_;
  std::array<const double*, most_combined> vectors_;
  std::size_t count_ = 0;
};

}  // namespace striate
