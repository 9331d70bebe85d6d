#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_vector.hpp"
#include "circuit/system.hpp"
#include "integrators/delayed_sum.hpp"

namespace striate {

/// The past of what a circuit delays: after every step a polynomial of each source over the step, for as long as the
/// longest delay looks back. Before the start the past that the circuit gives.
class History {
 public:
  /// @param degree  of the polynomials: with it the method keeps its order
  /// @param step    of a fixed-step method [time unit]; 0 for an adaptive one
  /// @throws Error for a delay below zero, shorter than the step, or too long for the memory; for a past that is not
  /// finite as far back as a delay
  /// @param p       kept, not copied
  History(const System<double>& system, std::span<const double> p, double t0, int degree, double step);

  /// What has this delay: "the delay of delayed(x, d)".
  std::string name_of(double tau) const;
  double smallest() const { return smallest_; }     ///< delay above zero [time unit]; infinite without one
  bool has_zero() const { return !zero_.empty(); }  ///< whether some element is not delayed at all
  const std::vector<double>& distinct() const { return distinct_; }  ///< the delays above zero, when they are few

  /// When the past jumps or bends by itself, as far back as a delay [time unit, from the start on].
  const std::vector<double>& past_breaks() const { return past_breaks_; }

  /// What the sources are where the next stretch begins, after a jump.
  void restart(std::span<const double> sources);
  /// Adds the stretch from the last end to `end`.
  void append(double end, const std::function<void(double t, std::span<double> source)>& source);

  /// The delayed inputs at time t [inputs]. Elements without delay are left.
  void fill(double t, std::span<double> u) const;
  /// Those elements, but for sums, from what the sources are now. Returns whether one of them has changed.
  bool fill_undelayed(std::span<const double> sources, std::span<double> u) const;
  /// Adds those elements to the sums.
  void add_undelayed(std::span<const double> sources, std::span<double> u) const;
  std::size_t size() const { return sources_; }
  /// Whether every delayed input is a sum, which no source depends on.
  bool sums_only() const {
    return std::ranges::all_of(system_.delays(), [](const Delay& delay) { return delay.target != nullptr; });
  }
  std::size_t version() const { return version_; }  ///< changes with what is remembered

  /// All that is remembered, for a checkpoint.
  std::vector<double> save() const;
  void load(std::span<const double> saved);

 private:
  void add(double begin, double end, AlignedVector<double> rows);
  /// @param place  where the sources are `row`, from the start on [time unit]
  void require_finite(double place, std::span<const double> row) const;
  void collect_sums(std::span<const double> p, Workspace<double>& workspace);
  void to_powers(std::span<double> rows) const;
  std::span<const double> begins() const { return std::span(begin_).last(stretches_.size() + 1); }
  Places places(double t) const;
  void fill_delay(const Delay& delay, const Places& places, std::span<double> u) const;
  void fill_from_past(double t, std::span<double> u) const;
  AlignedVector<double> spare();

  const System<double>& system_;
  std::span<const double> p_;
  double t0_;
  mutable Workspace<double> workspace_;
  std::size_t sources_;
  std::vector<double> taus_;  ///< [taus]
  std::vector<double> distinct_;
  std::vector<std::size_t> zero_;  ///< delays with an element of no delay
  double smallest_, largest_ = 0, step_;
  double equal_length_;         ///< of the newest stretches
  std::vector<double> nodes_;   ///< in [0, 1], both ends included
  bool centred_;                ///< the powers are of a place that runs from -1 to 1, for high degrees
  std::vector<double> powers_;  ///< [power][node]: coefficients from the values at the nodes
  std::vector<DelayedSum> sums_;
  std::vector<double> past_breaks_;
  std::size_t version_ = 0;
  std::deque<AlignedVector<double>> stretches_;  ///< [degree + 1][sources] coefficients of the powers of the place
  std::vector<double> begin_{HUGE_VAL};          ///< of these, behind those of forgotten ones, and infinity
  std::vector<double> per_length_;               ///< of these, behind those of forgotten ones; of Places
  double end_ = 0;                               ///< of the last
  mutable std::vector<std::uint32_t> bucket_;    ///< of Places, at a version
  mutable std::size_t bucketed_ = 0;
  std::size_t equal_ = 0;  ///< newest stretches of this length, of a fixed-step method its step
  std::vector<AlignedVector<double>> spare_;
  AlignedVector<double> first_;  ///< sources at the begin of the stretch to come
};

}  // namespace striate
