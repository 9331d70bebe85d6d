#include "integrators/brownian_path.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/parallel.hpp"
#include "base/random.hpp"
#include "circuit/kernels/normals.hpp"

namespace striate {
namespace {

constexpr double coarsest = 32;      ///< upper bound on the coarsest cell [time unit]
constexpr std::size_t chunk = 1024;  ///< elements that a thread works on together, whole groups of normals
constexpr std::size_t parallel_from = 16 * chunk;
constexpr int deepest = 30;  ///< halvings of a step that its part is composed of

const double root2 = std::sqrt(2.0), root3 = std::sqrt(3.0), root8 = std::sqrt(8.0), root12 = std::sqrt(12.0);

/// The standard normals of cell halves: numbers `which` (0 or 1) of the cell `index` of a level.
void draw(std::uint64_t key, std::size_t level, std::uint64_t index, unsigned which, std::size_t begin,
          std::span<double> out) {
  fill_normals(key,
               {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                static_cast<std::uint32_t>(2 * level + which)},
               static_cast<std::uint32_t>(begin / normals_in_group), out);
}

/// With (w, a) of the whole as two of four orthonormal combinations of the halves' normals, the other two are drawn:
/// w = (w1 + w2)/sqrt 2, a = (sqrt 3 (w1 - w2) + a1 + a2)/sqrt 8, q = (a1 - a2)/sqrt 2,
/// r = (w1 - w2 - sqrt 3 (a1 + a2))/sqrt 8.
void left_half(const double* w, const double* a, const double* q, const double* r, double* w1, double* a1,
               std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    w1[i] = w[i] / root2 + (root3 * a[i] + r[i]) / root8;
    a1[i] = q[i] / root2 + (a[i] - root3 * r[i]) / root8;
  }
}
/// (w1, a1) become (w2, a2).
void right_half(const double* w, const double* a, double* w1, double* a1, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const double w2 = root2 * w[i] - w1[i];
    a1[i] = root8 * a[i] - root3 * (w1[i] - w2) - a1[i];
    w1[i] = w2;
  }
}

/// The halves of a cell on the way down, a chunk of elements at a time.
struct Chunk {
  double w[chunk], a[chunk], w1[chunk], a1[chunk], q[chunk], r[chunk];
};

}  // namespace

BrownianPath::BrownianPath(std::uint64_t seed, std::string_view purpose, std::size_t size)
    : seed_(seed), purpose_(purpose), size_(size) {}

void BrownianPath::restart(double begin, double step) {
  // + 0.0: -0 begins where 0 does.
  key_ = RandomKey(seed_, purpose_).bits({std::bit_cast<std::uint64_t>(begin + 0.0), 0, 0, 0})[0];
  step_ = step;
  levels_ = 0;
  for (double cell = step; 2 * cell <= coarsest; cell *= 2) ++levels_;
  cells_.resize(levels_ + 1);
  for (Cell& cell : cells_) {
    cell.valid = false;
    cell.w.resize(size_);
    cell.a.resize(size_);
  }
}

void BrownianPath::enter(std::size_t level, std::uint64_t index) {
  Cell& cell = cells_[level];
  if (cell.valid && cell.index == index) return;
  if (level > 0) enter(level - 1, index / 2);
  const bool beside = cell.valid && index % 2 == 1 && cell.index == index - 1;
  const Cell* whole = level > 0 ? &cells_[level - 1] : nullptr;
  const std::size_t chunks = (size_ + chunk - 1) / chunk;
  parallel_for(chunks, size_ >= parallel_from, [&](std::size_t c) {
    const std::size_t begin = c * chunk, n = std::min(chunk, size_ - begin);
    double *w = cell.w.data() + begin, *a = cell.a.data() + begin;
    if (!whole) {
      draw(key_, 0, index, 0, begin, {w, n});
      draw(key_, 0, index, 1, begin, {a, n});
      return;
    }
    const double *above_w = whole->w.data() + begin, *above_a = whole->a.data() + begin;
    if (!beside) {
      double q[chunk], r[chunk];
      draw(key_, level, index / 2, 0, begin, {q, n});
      draw(key_, level, index / 2, 1, begin, {r, n});
      left_half(above_w, above_a, q, r, w, a, n);
    }
    if (index % 2 == 1) right_half(above_w, above_a, w, a, n);
  });
  cell.index = index;
  cell.valid = true;
}

void BrownianPath::increment(std::uint64_t n, double h, std::span<double> dw, std::span<double> area) {
  std::fill(dw.begin(), dw.end(), 0.0);
  std::fill(area.begin(), area.end(), 0.0);
  // Times are rounded, and a last step takes up to a millionth of a step more.
  const double part = h / step_;
  add_part(n, part > 1 - 1e-6 ? 1 : part, dw, area);
}

void BrownianPath::add_part(std::uint64_t n, double part, std::span<double> dw, std::span<double> area) {
  enter(levels_, n);
  const Cell& cell = cells_[levels_];
  const std::size_t chunks = (size_ + chunk - 1) / chunk;
  parallel_for(chunks, size_ >= parallel_from, [&](std::size_t c) {
    const std::size_t begin = c * chunk, size = std::min(chunk, size_ - begin);
    double *sum_w = dw.data() + begin, *sum_a = area.data() + begin;
    const auto add = [&](const double* w, const double* a, double length) {
      const double root = std::sqrt(length);
      for (std::size_t i = 0; i < size; ++i) {
        sum_a[i] += length * (sum_w[i] + root * (w[i] / 2 + a[i] / root12));
        sum_w[i] += root * w[i];
      }
    };
    if (part == 1) return add(cell.w.data() + begin, cell.a.data() + begin, step_);
    Chunk in;
    std::copy_n(cell.w.data() + begin, size, in.w);
    std::copy_n(cell.a.data() + begin, size, in.a);
    std::uint64_t index = n;
    double length = step_, rest = part;
    for (int depth = 1; depth <= deepest && rest > 0; ++depth) {
      const std::size_t level = levels_ + static_cast<std::size_t>(depth);
      draw(key_, level, index, 0, begin, {in.q, size});
      draw(key_, level, index, 1, begin, {in.r, size});
      left_half(in.w, in.a, in.q, in.r, in.w1, in.a1, size);
      length /= 2;
      rest *= 2;
      index *= 2;
      if (rest >= 1) {
        add(in.w1, in.a1, length);
        right_half(in.w, in.a, in.w1, in.a1, size);
        rest -= 1;
        ++index;
      }
      std::copy_n(in.w1, size, in.w);
      std::copy_n(in.a1, size, in.a);
    }
  });
}

}  // namespace striate
