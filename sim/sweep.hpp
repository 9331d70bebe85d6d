#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/run.hpp"
#include "sim/sweep_axis.hpp"

namespace striate {

/// An experiment's text and the grid of values that replace some of its keys.
struct Sweep {
  std::string text;  ///< TOML
  std::string path;  ///< of the experiment, for messages and the files it names
  std::vector<std::pair<std::string, std::string>> overrides;  ///< for all points
  std::vector<SweepAxis> axes;
};

enum class PointStatus { pending = 0, done = 1, failed = 2 };

struct SweepOptions {
  RunOptions run;
  bool resume = false;  ///< do what is pending in an existing file of the same sweep
};

struct SweepSummary {
  std::size_t points = 0;
  std::size_t failed = 0;
  std::string first_failure;  ///< the point and its error
};

/// Reads an experiment's text. @throws Error
Sweep read_sweep(const std::string& path, std::vector<std::pair<std::string, std::string>> overrides,
                 const std::vector<std::string>& over);

/// The sweep that made a file. @throws Error for a file that is none
Sweep sweep_of_recording(const std::string& path);

/// Runs every point of the grid, points side by side and each a pure function of the experiment, its values and its
/// seed, and records them as one array: [sweep axes, condition axes, t, axes], with analyses [sweep axes, ...], their
/// scores /score/NAME_r, /status, /seed and, for failed points, a text in /errors. One point's failure stops nothing,
/// whether its values are refused together or its run breaks off. Samples and spikes are written while points run, and
/// count once the status of their point is 1. Killed at any time, it can be resumed; the numbers are then those of an
/// undisturbed sweep.
/// @throws Error before anything is written, when a value of an axis is refused beside all others or changes the shape
///         of what is recorded; Failure when the file cannot be written; Interrupted after Ctrl-C, with a file that can
///         be resumed
SweepSummary run_sweep(const Sweep& sweep, const SweepOptions& options);

}  // namespace striate
