#pragma once

#include <string>
#include <vector>

#include "circuit/unit.hpp"
#include "io/toml.hpp"
#include "sim/spike_distance.hpp"

namespace striate {

struct Experiment;
struct Analysis;
struct RowAxis;
struct RecordedSpikes;

/// What an analysis measures of the spikes of an event.
struct SpikeReading {
  enum class Kind {
    rate,         ///< spikes of an element per time [Hz]
    cv,           ///< standard deviation of an element's intervals over their mean, of those with at least four
    correlation,  ///< of the counts in bins of two elements
    distance,     ///< a SpikeMeasure of two elements, or of each with the same element of another event
  } kind = Kind::rate;
  std::string event;
  std::string with;                ///< distance: another event, element by element
  std::size_t first = 0, end = 0;  ///< elements
  double bin = 0;                  ///< [time unit]
  SpikeMeasure measure;            ///< [time unit]; the window is what is read of the run
  bool each = false;               ///< every element, or every pair, in place of their mean

  bool of_pairs() const { return (kind == Kind::correlation || kind == Kind::distance) && with.empty(); }
};

/// The kinds of analysis that read spikes.
const std::vector<std::string>& spike_readings();

/// Reads the keys of such an analysis. @throws Error with file and line
SpikeReading read_spike_reading(const TomlTable& table, const Experiment& experiment, double from);

std::vector<RowAxis> spike_row(const Experiment& experiment, const Analysis& analysis);
Unit spike_unit(const Experiment& experiment, const SpikeReading& reading);

/// One condition's spikes as the analysis reads them: a row of spike_row's elements. What no element has is NaN.
/// @param spikes  by event of the circuit
std::vector<double> analyse_spikes(const Experiment& experiment, const Analysis& analysis,
                                   const std::vector<RecordedSpikes>& spikes);

}  // namespace striate
