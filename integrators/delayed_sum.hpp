#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_vector.hpp"
#include "circuit/system.hpp"

namespace striate {

/// Where, in the stretches of time that are kept of the past, the moments lie that a time `t` looks back to.
struct Places {
  double t = 0;
  std::size_t count = 0;  ///< of stretches
  bool grid = false;      ///< all of them in reach have the length of a step
  double ahead = 0;       ///< grid: t, counted in steps from the end of the last stretch
  double rounding = 0;    ///< grid: of places; where two stretches meet, > 0 the later one counts, < 0 the earlier
  double per_step = 0;    ///< grid: 1 over the step
  bool centred = false;   ///< places in a stretch run from -1 to 1, else from 0 to 1
  std::span<const double> edges;          ///< of stretches [count + 1], unless grid
  std::span<const double> per_length;     ///< of stretches, 1 over their length, where there are buckets
  std::span<const std::uint32_t> bucket;  ///< the first stretch that reaches into each equal part of the past, or none
  double per_bucket = 0;

  /// The stretch a delay looks back to and the place in it.
  std::pair<std::size_t, double> operator()(double tau) const {
    if (grid) {
      const double place = std::max(static_cast<double>(count) + ahead - tau * per_step, 0.0);
      const std::size_t i = std::min(static_cast<std::size_t>(std::max(place + rounding, 0.0)), count - 1);
      return {i, place - static_cast<double>(i)};
    }
    const double x = t - tau;
    if (bucket.empty()) {
      const auto end = std::upper_bound(edges.begin() + 1, edges.end() - 1, x);
      return {static_cast<std::size_t>(end - edges.begin()) - 1, in_stretch((x - end[-1]) / (*end - end[-1]))};
    }
    const double b = std::max((x - edges.front()) * per_bucket, 0.0);
    std::size_t i = bucket[std::min(static_cast<std::size_t>(b), bucket.size() - 1)];
    i += static_cast<std::size_t>(x >= edges[i + 1]);  // without a branch, which nobody could foresee
    while (i + 1 < count && x >= edges[i + 1]) ++i;
    while (i == count || (i > 0 && x < edges[i])) --i;
    return {i, in_stretch((x - edges[i]) * per_length[i])};
  }

 private:
  double in_stretch(double s) const { return centred ? 2 * s - 1 : s; }
};

/// Sums of delayed values over pairs, y_i = sum_j w_ij x_j(t - tau_ij), of all x that share w and tau: without an array
/// over pairs, by looking up each pair's moment once.
class DelayedSum {
 public:
  /// @param delays   indices into system.delays(), sums that share taus and weights
  /// @param terms    coefficients of the polynomials over a stretch
  /// @param step     of a fixed-step method; 0 for an adaptive one
  DelayedSum(const System<double>& system, std::vector<std::size_t> delays, std::span<const double> taus,
             std::span<const double> weights, std::size_t terms, double step);

  /// The coefficients [terms][sources] of the next stretch; and that the oldest is forgotten; and all.
  void push(std::span<const double> rows);
  void pop() { ++first_, --count_; }
  void clear() { first_ = count_ = 0, kept_ = {}; }

  /// Sets the inputs, from what is delayed; and adds what is not, from what the sources are now.
  void fill(const Places& places, std::span<double> u) const;
  void add_undelayed(std::span<const double> sources, std::span<double> u) const;

 private:
  /// Where the pairs look back to, relative to the newest stretch. On a grid this is the same in every step, but for
  /// the stages of a method that lie within it.
  struct Lookup {
    double ahead = std::numeric_limits<double>::quiet_NaN();  ///< equal to none
    double rounding = 0;
    std::size_t capacity = 0;
    std::vector<std::int32_t> record;
    std::vector<double> x;
  };
  const Lookup& lookup(const Places& places, double ahead) const;
  void sum_rows(const Lookup& lookup, std::size_t chunk, std::size_t newest, std::size_t terms) const;

  /// The last sums on a grid. A stage at the end of a step looks back to what the next step looks back to at its begin,
  /// and stages at one time to the same.
  struct Kept {
    double steps = std::numeric_limits<double>::quiet_NaN();  ///< to the newest stretch, ever; equal to none
    double ahead = 0, rounding = 0;
    AlignedVector<double> totals;  ///< [row][part]
  };

  struct Part {
    std::size_t source, input;  ///< where they begin among all of them
  };
  struct Undelayed {
    std::uint32_t row, column;
    double weight;
  };
  std::vector<Part> parts_;
  std::size_t rows_, columns_, terms_, all_sources_;
  double step_;
  bool whole_ = true;                                          ///< every delay is a multiple of the step
  double shortest_ = std::numeric_limits<double>::infinity();  ///< delay
  std::vector<std::size_t> begin_;                             ///< [chunk of rows] of the pairs below, and the end
  /// Pairs with a delay: by chunk, then source, then the time they look back to, so that the past is read as it lies.
  std::vector<std::uint32_t> column_;
  std::vector<std::uint16_t> row_;      ///< in its chunk
  std::vector<double> delay_, weight_;  ///< delay in steps, or in time units of an adaptive method
  std::vector<Undelayed> undelayed_;
  AlignedVector<double> records_;  ///< [source][capacity][terms][part]
  std::size_t capacity_ = 0, first_ = 0, count_ = 0, pushed_ = 0;
  mutable std::array<Lookup, 2> lookups_;  ///< of the begin and the middle of a step
  mutable Kept kept_;
};

}  // namespace striate
