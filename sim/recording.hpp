#pragma once

#include <string>
#include <vector>

#include "io/hdf5.hpp"
#include "sim/experiment.hpp"

namespace striate {

/// What made a file, written into it.
struct Provenance {
  std::string command;
  int threads = 1;
};

/// The HDF5 file of an experiment. One dataset a recorded variable, [condition..., t, axes...] or [condition..., axes...]
/// for steady states, with named axes, units and long names; /experiment, /circuit and /provenance say what made it;
/// `complete` becomes 1 last. Valid up to the last flush after a kill (docs/recording.md).
class Recording {
 public:
  Recording(const std::string& path, bool overwrite, const Experiment& experiment, const std::vector<double>& times, const Provenance& provenance);

  /// Values of one variable in one condition: [t, its shape], or [its shape] for a steady state.
  void write(const std::string& variable, std::size_t condition, std::span<const double> values);
  void note(std::size_t condition, const std::string& name, double value);  ///< work counters, residuals
  void warn(const std::string& text);

  H5File& file() { return file_; }
  void finish();

 private:
  void write_condition_axes(const Experiment& e);
  void write_circuit_axes(const Experiment& e);

  /// The part of a dataset that belongs to one condition.
  struct Box {
    std::vector<std::size_t> start, count;
  };
  Box box(const std::string& path, std::size_t condition) const;

  H5File file_;
  std::vector<std::size_t> condition_shape_;
  std::vector<std::string> condition_axes_;
  bool timed_;
  std::vector<std::string> warnings_;
};

}  // namespace striate
