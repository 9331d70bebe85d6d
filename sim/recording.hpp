#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "circuit/system.hpp"
#include "io/hdf5.hpp"
#include "sim/condition_runner.hpp"
#include "sim/experiment.hpp"
#include "sim/provenance.hpp"
#include "sim/sweep_axis.hpp"

namespace striate {

/// @throws Error when two things that a recording holds have one name, the machine has no memory for one condition, or
/// the disk at `path` has no room for the recording
void require_recordable(const std::string& path, const Experiment& experiment,
                        const std::vector<SweepAxis>& sweep = {});

/// @throws Error when a file stands at `path` that may not be written over: any, or with `overwrite` one that is no
/// recording of Striate; without `overwrite` also beside what a killed run was to write over, of which it warns else
/// @param resumable  whether what it holds can be gone on with
void require_free(const std::string& path, bool overwrite, bool resumable = false);

/// When what is shown changes, in the circuit's time unit; nothing when that depends on the condition.
std::vector<double> stimulus_changes(const Experiment& experiment);

/// What is recorded, in bytes.
double recorded_bytes(const Experiment& experiment, const std::vector<SweepAxis>& sweep = {});

/// The axes of a circuit as axes of a file, with their coordinates.
void create_circuit_axes(H5File& file, const Circuit& circuit);
/// The paths of the axes of a shape: the circuit's where it has them with this length, else further ones, `x_11` where
/// another `x` is there. Those that are missing are made.
std::vector<std::string> axes_of(H5File& file, const Circuit& circuit, const Shape& shape);

/// The conditions as axes of a file, with their values and labels.
void create_condition_axes(H5File& file, const std::vector<ConditionAxis>& conditions);

/// A file, whole or not at all, of what an experiment comes to besides courses: what made it, its texts, the circuit's
/// axes, and what `write` adds.
void write_result(const std::string& path, const Experiment& experiment, const Provenance& provenance,
                  const std::string& kind, const std::function<void(H5File&)>& write);
void finish_result(H5File& file);

/// One dataset for every state below `group`, [axis, its axes], from rows of all states. Units are the states', or
/// `per` one of them.
void write_states(H5File& file, const std::string& group, const System<double>& system, const std::string& axis,
                  std::span<const double> values, const std::string& per = "");

/// The HDF5 file of an experiment or of a sweep. One dataset a recorded variable, [sweep..., condition..., t, axes...],
/// without t for steady states, with named axes, units and long names; the root's attributes and texts say what made
/// it; `complete` becomes 1 last. Valid up to the last flush after a kill (docs/recording.md).
///
/// An index counts conditions, the last axis fastest; in a sweep it is point * conditions + condition.
class Recording {
 public:
  Recording(const std::string& path, bool overwrite, const Experiment& experiment, const Provenance& provenance,
            const std::vector<SweepAxis>& sweep = {});
  /// A recording that was not finished, to be written further.
  Recording(H5File file, const Experiment& experiment, const std::vector<SweepAxis>& sweep);

  /// Values of one variable in one condition: [t, its shape], or [its shape] for a steady state.
  void write(const std::string& variable, std::size_t index, std::span<const double> values);
  /// A part of that: `count` samples from number `first` on.
  void write(const std::string& variable, std::size_t index, std::size_t first, std::size_t count,
             std::span<const double> values);
  /// Samples that are best written together, beginning at a multiple of their number.
  std::size_t block_rows(const std::string& variable) const { return block_rows_.at(variable); }
  /// The next spikes of an event in one condition, the `last` ones or not (they may be none). They take the place of
  /// those that a sweep left of a point which it did not finish.
  void write_spikes(std::size_t index, const EventRule& event, RecordedSpikes spikes, bool last);
  /// Work counters and residuals, under /run.
  void note(std::size_t index, const std::string& name, double value);
  /// When the stimulus changes, in all conditions (of a sweep, at all points), in the circuit's time unit.
  void tell_changes(const std::vector<double>& times);
  /// That the samples and spikes of a condition up to the time t are in the last flush. Points of a sweep have a
  /// status.
  void tell_recorded(std::size_t index, double t);
  /// Warnings are told in the order of their places, whoever comes first.
  void warn(std::size_t place, const std::string& text);

  H5File& file() { return file_; }
  void finish();

 private:
  void take_form(const Experiment& e, const std::vector<SweepAxis>& sweep);
  void read_block_rows(const Experiment& e);

  /// The part of a dataset that belongs to one condition.
  struct Box {
    std::vector<std::size_t> start, count;
  };
  Box box(const std::string& path, std::size_t index) const;

  H5File file_;
  bool timed_ = true;                              ///< the variables have the axis t
  std::map<std::string, std::size_t> block_rows_;  ///< by variable
  std::vector<std::size_t> condition_shape_;
  std::vector<std::string> condition_axes_;  ///< paths, those of the sweep first
  std::map<std::size_t, std::string> warnings_;
  struct SpikeSeries {
    H5Series times, ids;
  };
  std::string spike_group(std::size_t index, const EventRule& event) const;
  SpikeSeries create_spikes(const std::string& group, const EventRule& event, std::size_t expected);
  SpikeSeries spikes_anew(const std::string& group);

  std::size_t sweep_axes_ = 0;  ///< of the condition axes
  Unit time_unit_;
  bool sonata_ = false;
  std::map<std::string, SpikeSeries> spikes_;  ///< under way, by group
};

}  // namespace striate
