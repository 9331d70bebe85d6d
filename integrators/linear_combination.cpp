#include "integrators/linear_combination.hpp"

#include <algorithm>

#include "integrators/blocks.hpp"

namespace striate {

void LinearCombination::add(double weight, const double* x) {
  if (weight == 0) return;
  weights_[count_] = weight;
  vectors_[count_++] = x;
}

void LinearCombination::block(double* out, std::size_t begin, std::size_t end) const {
  if (count_ == 0) return std::fill(out, out + (end - begin), 0.0), void();
  std::array<const double*, most_combined> from;
  for (std::size_t j = 0; j < count_; ++j) from[j] = vectors_[j] + begin;
  kernels<double>().vector.combine[count_ - 1](from.data(), weights_.data(), out, end - begin);
}

void LinearCombination::store(std::span<double> out) const {
  for_blocks(out.size(), [&](std::size_t begin, std::size_t end) { block(out.data() + begin, begin, end); });
}

}  // namespace striate
