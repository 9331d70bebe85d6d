#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "circuit/unit.hpp"
#include "io/toml.hpp"
#include "sim/spike_distance.hpp"

namespace striate {

struct Experiment;
struct Analysis;
struct RowAxis;

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

/// Measures the spikes of one condition as they come. Rates and irregularity take memory by the elements, correlations
/// by the elements and bins, distances by the spikes that they compare.
class SpikeMeter {
 public:
  /// Both must outlive it.
  SpikeMeter(const Experiment& experiment, const Analysis& analysis);

  /// The next spikes of the event of that number in the circuit.
  void add(std::size_t event, double t, std::span<const std::uint32_t> ids);
  /// A row of spike_row's elements, once. What no element has is NaN.
  std::vector<double> result();

 private:
  /// The intervals between an element's spikes: Welford (1962) Technometrics 4:419-420.
  struct Intervals {
    std::size_t spikes = 0;
    double last = 0;              ///< spike
    double mean = 0, square = 0;  ///< of the intervals; the sum of squares of what they differ by
    void add(double t);
    double variation() const;
  };
  std::vector<double> of_elements() const;

  const Analysis& analysis_;
  const SpikeReading& reading_;
  double per_second_ = 1;                    ///< rate of one spike [Hz]
  std::size_t event_ = 0, with_ = 0;         ///< numbers in the circuit
  std::vector<Intervals> elements_;          ///< rate, cv
  std::vector<std::vector<double>> counts_;  ///< correlation: by element and bin
  std::vector<std::vector<double>> trains_;  ///< distance
  std::vector<std::vector<double>> others_;  ///< of the other event
};

}  // namespace striate
