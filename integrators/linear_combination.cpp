#include "integrators/linear_combination.hpp"

#include <algorithm>
#include <utility>

#include "integrators/blocks.hpp"

namespace striate {

void LinearCombination::add(double weight, const double* x) {
  if (weight == 0) return;
  weights_[count_] = weight;
  vectors_[count_++] = x;
}

template <std::size_t count>
void LinearCombination::sum(double* __restrict out, std::size_t begin, std::size_t end) const {
  std::array<double, count> w;
  std::array<const double*, count> x;
  for (std::size_t j = 0; j < count; ++j) w[j] = weights_[j], x[j] = vectors_[j] + begin;
  for (std::size_t i = 0; i < end - begin; ++i) {
    double total = w[0] * x[0][i];
#pragma GCC unroll 16
    for (std::size_t j = 1; j < count; ++j) total += w[j] * x[j][i];
    out[i] = total;
  }
}

void LinearCombination::block(double* out, std::size_t begin, std::size_t end) const {
  if (count_ == 0) return std::fill(out, out + (end - begin), 0.0), void();
  // The count is known when compiled, so that the terms of an element stay in registers.
  [&]<std::size_t... less_one>(std::index_sequence<less_one...>) {
    ((count_ == less_one + 1 ? sum<less_one + 1>(out, begin, end) : void()), ...);
  }
  (std::make_index_sequence<most_terms>());
}

void LinearCombination::store(std::span<double> out) const {
  for_blocks(out.size(), [&](std::size_t begin, std::size_t end) { block(out.data() + begin, begin, end); });
}

}  // namespace striate
