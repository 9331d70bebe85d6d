#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_vector.hpp"
#include "circuit/kernels/table.hpp"
#include "circuit/system.hpp"

namespace striate {

/// Where, in the stretches of time that are kept of the past, the moments lie that a time `t` looks back to.
struct Places {
  double t = 0;
  std::size_t count = 0;  ///< of stretches
  double scale = 1;       ///< places in a stretch run from -shift to scale - shift
  double shift = 0;

  /// All of them in reach have one length.
  bool grid = false;
  double ahead = 0;     ///< t, counted in stretches from the end of the last one
  double rounding = 0;  ///< of places; where two stretches meet, > 0 the later one counts, < 0 the earlier
  double per_step = 0;  ///< 1 over the length

  /// Of any length; where no more is asked than the grid gives, empty.
  std::span<const double> begin;          ///< of stretches, and infinity
  std::span<const double> per_length;     ///< of stretches, places over time
  std::span<const std::uint32_t> bucket;  ///< the first stretch that reaches into each equal part of the past, or none
  double per_bucket = 0;

  /// The stretch a delay looks back to and the place in it.
  std::pair<std::size_t, double> operator()(double tau) const {
    if (begin.empty()) {
      const double place = std::max(static_cast<double>(count) + ahead - tau * per_step, 0.0);
      const std::size_t i = std::min(static_cast<std::size_t>(std::max(place + rounding, 0.0)), count - 1);
      return {i, (place - static_cast<double>(i)) * scale - shift};
    }
    const double x = t - tau;
    std::size_t i = 0;
    if (bucket.empty()) {
      i = static_cast<std::size_t>(std::upper_bound(begin.begin() + 1, begin.end() - 1, x) - begin.begin()) - 1;
    } else {
      const double b = std::max((x - begin.front()) * per_bucket, 0.0);
      i = bucket[std::min(static_cast<std::size_t>(b), bucket.size() - 1)];
      while (x >= begin[i + 1]) ++i;
    }
    return {i, (x - begin[i]) * per_length[i] - shift};
  }
};

/// Sums of delayed values over pairs, y_i = sum_j w_ij x_j(t - tau_ij), of all x that share w and tau: without an array
/// over pairs, by looking up each pair's moment once.
class DelayedSum {
 public:
  /// @param delays   indices into system.delays(), sums that share taus and weights
  /// @param terms    coefficients of the polynomials over a stretch
  /// @param longest_step  of the method
  DelayedSum(const System<double>& system, std::vector<std::size_t> delays, std::span<const double> taus,
             std::span<const double> weights, std::size_t terms, double longest_step);

  /// The coefficients [terms][sources] of the next stretch; and that the oldest is forgotten; and all.
  void push(std::span<const double> rows);
  void pop() { ++first_, --count_; }
  void clear();

  /// Sets the inputs, from what is delayed; and adds what is not, from what the sources are now.
  void fill(const Places& places, std::span<double> u) const;
  void add_undelayed(std::span<const double> sources, std::span<double> u) const;

 private:
  /// The sums at moments that lie `ahead` of a stretch's begin. On a grid a stage at the end of a step looks back to
  /// what the next step looks back to at its begin, stages at one time to the same, and the same stage of the next step
  /// to what lies one stretch later.
  struct Sums {
    double ahead = std::numeric_limits<double>::quiet_NaN();  ///< equal to none; without a grid the time
    double rounding = 0;                                      ///< 0 without a grid
    double newest = 0;                                        ///< stretch of the first of them, ever
    std::size_t steps = 0;                                    ///< one after another, whose sums are known
    AlignedVector<double> totals;                             ///< [row][step][part]
  };

  /// Pairs with a delay: by chunk, then source, then the time they look back to, so that the past is read as it lies.
  struct Pairs {
    std::size_t at_once = 1;         ///< steps of a grid that the shortest delay leaves known, to be summed together
    std::vector<std::size_t> begin;  ///< [chunk of rows], and the end
    std::vector<std::uint32_t> column;
    std::vector<std::uint16_t> row;  ///< in its chunk
    std::vector<double> delay, weight;
    double shortest = std::numeric_limits<double>::infinity();  ///< delay
    mutable std::array<Sums, 8> sums;                           ///< of the stages of a step
    mutable std::size_t oldest = 0;                             ///< of these
  };
  void add(const Pairs& pairs, const Places& places, std::span<double> u) const;
  void sum(const Pairs& pairs, const Places& places, double whole_steps, Sums& sums) const;
  void sum_few(const Pairs& pairs, const Places& places, const RecordsOfPast<double>& records, Sums& sums) const;

  struct Part {
    std::size_t source, input;  ///< where they begin among all of them
  };
  struct Undelayed {
    std::uint32_t row, column;
    double weight;
  };
  std::vector<Part> parts_;
  std::size_t rows_, columns_, terms_, all_sources_;
  std::vector<Pairs> pairs_;  ///< of the longest delays, of shorter ones, of short ones
  std::vector<Undelayed> undelayed_;
  AlignedVector<double> records_;  ///< [source][term][capacity][part]
  std::size_t capacity_ = 0, first_ = 0, count_ = 0, pushed_ = 0;
};

}  // namespace striate
