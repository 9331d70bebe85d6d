#include "circuit/kernels/convolution_axis.hpp"

#include <algorithm>

#include "circuit/kernels/border.hpp"

namespace striate {
namespace {

std::size_t period(std::size_t n, Border border) {
  if (border == Border::circular) return n;
  return n > 1 ? 2 * (n - 1) : 1;
}

std::ptrdiff_t modulo(std::ptrdiff_t i, std::size_t n) {
  const auto m = static_cast<std::ptrdiff_t>(n);
  return (i % m + m) % m;
}

using Runs = std::vector<AxisTiles::Run>;

/// The places of a tile of `size` positions whose position 0 lies at `begin` on the axis.
Runs surroundings(const ConvolutionAxis& axis, std::ptrdiff_t begin, std::size_t size) {
  Runs runs;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t from = border_source(begin + static_cast<std::ptrdiff_t>(i), axis.n, axis.border);
    if (from == nowhere) continue;
    if (!runs.empty() && runs.back().in_tile + runs.back().count == i &&
        runs.back().on_axis + runs.back().count == from)
      ++runs.back().count;
    else
      runs.push_back({i, from, 1});
  }
  return runs;
}

}  // namespace

std::size_t border_source(std::ptrdiff_t i, std::size_t n, Border border) {
  const std::ptrdiff_t source = border_index(i, static_cast<std::ptrdiff_t>(n), border);
  return source < 0 ? nowhere : static_cast<std::size_t>(source);
}

ConvolutionAxis::ConvolutionAxis(std::size_t n_, std::size_t k_, Border border_)
    : n(n_), k(k_), border(border_), taps(k_), left(k_ / 2), tap(k_) {
  for (std::size_t d = 0; d < k; ++d) tap[d] = d;
  if (border == Border::zero) {
    const std::size_t centre = k / 2;
    left = std::min(centre, n - 1);
    taps = left + std::min(k - 1 - centre, n - 1) + 1;
    for (std::size_t d = 0; d < k; ++d) {
      tap[d] = d + left < centre || d + left - centre >= taps ? nowhere : d + left - centre;
    }
  } else if (k > period(n, border)) {
    taps = period(n, border);
    left = taps / 2;
    const auto shift = static_cast<std::ptrdiff_t>(left) - static_cast<std::ptrdiff_t>(k / 2);
    for (std::size_t d = 0; d < k; ++d) {
      tap[d] = static_cast<std::size_t>(modulo(static_cast<std::ptrdiff_t>(d) + shift, taps));
    }
  }
}

AxisTiles::AxisTiles(const ConvolutionAxis& axis, std::size_t size)
    : count(1), tile(axis), forward{{{{0, 0, axis.n}}}, {{{0, 0, axis.n}}}}, transposed(forward) {
  if (size < axis.taps || axis.border == Border::reflect) return;
  const std::size_t results = size - axis.taps + 1;
  if (results >= axis.n) return;
  count = (axis.n + results - 1) / results;
  tile = ConvolutionAxis(size, axis.taps, Border::circular);
  forward = transposed = {};
  for (std::size_t begin = 0; begin < axis.n; begin += results) {
    const std::size_t held = std::min(results, axis.n - begin);
    const auto at = static_cast<std::ptrdiff_t>(begin);
    forward.reads.push_back(surroundings(axis, at - static_cast<std::ptrdiff_t>(axis.left), size));
    forward.writes.push_back({{tile.left, begin, held}});
    transposed.reads.push_back(surroundings(axis, at - static_cast<std::ptrdiff_t>(axis.right()), size));
    transposed.writes.push_back({{tile.right(), begin, held}});
  }
}

bool is_transform_size(std::size_t size) {
  for (const std::size_t p : {2, 3, 5}) {
    while (size % p == 0) size /= p;
  }
  return size == 1;
}

std::vector<std::size_t> transform_radices(std::size_t size) {
  std::vector<std::size_t> radices;
  for (const std::size_t p : {4, 2, 3, 5}) {
    while (size % p == 0) {
      radices.push_back(p);
      size /= p;
    }
  }
  return radices;
}

double transform_passes(std::size_t size) {
  double passes = 0;
  for (const std::size_t radix : transform_radices(size)) {
    passes += radix == 2 ? 0.7 : radix == 3 ? 0.95 : radix == 4 ? 1.0 : 1.5;
  }
  return passes;
}

TransformLayout::TransformLayout(const ConvolutionAxis& axis, bool even) : size(axis.n), first(0) {
  const bool wraps = axis.border == Border::circular && is_transform_size(axis.n) && !(even && axis.n % 2 != 0);
  if (!wraps) {
    const bool zero = axis.border == Border::zero;
    const std::size_t least = axis.n + (zero ? std::max(axis.left, axis.right()) : axis.taps - 1);
    first = zero ? 0 : axis.left;
    double best = 0;
    for (std::size_t candidate = least; candidate < 2 * least + 2; ++candidate) {
      if (!is_transform_size(candidate) || (even && candidate % 2 != 0)) continue;
      // Each position also takes loads, stores and a share of the products, worth about two passes.
      const double cost = static_cast<double>(candidate) * (2.0 + transform_passes(candidate));
      if (best == 0 || cost < best) {
        best = cost;
        size = candidate;
      }
    }
    if (!zero) {
      for (std::size_t p = 0; p < axis.n + axis.taps - 1; ++p) {
        if (p >= axis.left && p < axis.left + axis.n) continue;
        repeat_to.push_back(p);
        repeat_from.push_back(first +
                              border_source(static_cast<std::ptrdiff_t>(p) - static_cast<std::ptrdiff_t>(axis.left),
                                            axis.n, axis.border));
      }
    }
  }
  for (std::size_t i = 0; i < axis.n; ++i) position.push_back(first + i);
  for (std::size_t t = 0; t < axis.taps; ++t) kernel_position.push_back((axis.left + size - t) % size);
}

}  // namespace striate
