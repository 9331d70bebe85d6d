#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/made_once.hpp"
#include "circuit/system.hpp"
#include "integrators/problem.hpp"
#include "sim/analysis.hpp"
#include "sim/experiment.hpp"
#include "sim/linear_decoder.hpp"

namespace striate {

/// The spikes of one event: times [time unit] and the place of each in the event's shape, in the order in which they
/// came.
struct RecordedSpikes {
  std::vector<double> times;
  std::vector<std::int64_t> ids;
  void append(double t, std::span<const std::uint32_t> at_once) {
    times.insert(times.end(), at_once.size(), t);
    ids.insert(ids.end(), at_once.begin(), at_once.end());
  }
};

/// What one condition leaves behind.
struct ConditionResult {
  std::vector<std::vector<double>> recorded;          ///< by recorded variable, [t, its shape]; empty where observed
  std::vector<std::vector<double>> analyses;          ///< by analysis, its width, of the last state
  std::vector<RecordedSpikes> spikes;                 ///< by event of the circuit; empty where observed
  std::vector<std::pair<std::string, double>> notes;  ///< work counters, residuals
  std::string warning;
};

/// Hears of a course while it runs.
struct CourseObserver {
  std::function<void(double)> progress;  ///< the share of the duration that is covered, 0..1
  /// Takes the next sample of the recorded variable of that number; without it they are in the result.
  std::function<void(std::size_t variable, std::span<const double> values)> sample;
  /// Takes the next spikes of the event of that number; without it those of recorded events are in the result.
  std::function<void(std::size_t event, double t, std::span<const std::uint32_t> ids)> spikes;
};

/// Throws once more, naming the experiment.
[[noreturn]] void throw_told(const Experiment& e, const Error& error);
[[noreturn]] void throw_told(const Experiment& e, const Failure& failure);

/// Values of all parameters in a condition, in their order in the System.
std::vector<double> parameter_values(const Experiment& e, const System<double>& system, std::size_t condition);

/// Runs single conditions of one experiment, which must outlive it. Const and safe to call from several threads: a
/// condition is a pure function of the experiment and its index.
class ConditionRunner {
 public:
  /// Compiles the circuit and encodes the first condition. @throws Error for a method with settings that are not its
  /// own, a scene that cannot be encoded, or an analysis that the circuit, the conditions or the data do not allow
  explicit ConditionRunner(const Experiment& experiment);

  const System<double>& system() const { return system_; }
  const std::vector<double>& times() const { return times_; }

  /// Evaluates everything once, at the start of the first condition, as its run would. @throws Error for what that
  /// refuses
  void try_start() const;

  /// @throws Failure for a run that could not go on, naming the condition; Interrupted after Ctrl-C
  ConditionResult run(std::size_t condition, const CourseObserver& observer = {}) const;

 private:
  void check();

  const Experiment& e_;
  System<double> system_;
  std::vector<double> times_;
  std::shared_ptr<const Drive> first_drive_;                     ///< of condition 0
  std::vector<std::size_t> widths_;                              ///< by analysis
  MadeOnce<std::vector<std::optional<LinearDecoder>>> trained_;  ///< by analysis, on the first condition that is run
};

}  // namespace striate
