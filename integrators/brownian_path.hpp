#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_vector.hpp"

namespace striate {

/// Brownian motions W of `size` elements along a grid of equal steps, without a state: an increment is a pure function
/// of (seed, purpose, begin of the grid, step, number of the step, element).
///
/// Paths are made from above: a coarse cell is drawn and halved again and again, given what the whole of it is (Levy's
/// construction, for W together with its integral). So half the step follows the same path, to rounding.
class BrownianPath {
 public:
  /// @param purpose  what the path is for, as "noise xi"
  BrownianPath(std::uint64_t seed, std::string_view purpose, std::size_t size);

  /// The grid begin + n step [time unit].
  void restart(double begin, double step);

  /// Over [t_n, t_n + h], t_n = begin + n step, h at most the step and a millionth:
  /// dw [size] = W(t_n + h) - W(t_n), area [size] = the integral of W - W(t_n).
  void increment(std::uint64_t n, double h, std::span<double> dw, std::span<double> area);

 private:
  /// Standard normals of a cell of length H: its increment is sqrt(H) w, the integral of W over it
  /// H sqrt(H) (w/2 + a/sqrt(12)).
  struct Cell {
    std::uint64_t index = 0;
    bool valid = false;
    AlignedVector<double> w, a;
  };

  /// Makes cells_[level] the cell `index` of that level; the levels above hold those it lies in.
  void enter(std::size_t level, std::uint64_t index);
  /// Adds the cell `n` of the step's level up to the share `part` of it, in (0, 1].
  void add_part(std::uint64_t n, double part, std::span<double> dw, std::span<double> area);

  std::uint64_t seed_;
  std::string purpose_;
  std::size_t size_;
  std::uint64_t key_ = 0;
  double step_ = 1;
  std::size_t levels_ = 0;  ///< halvings from the coarsest cell to the step
  std::vector<Cell> cells_;
};

}  // namespace striate
