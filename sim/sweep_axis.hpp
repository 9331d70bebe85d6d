#pragma once

#include <string>
#include <vector>

namespace striate {

/// One axis of a sweep: a key of the experiment and the values it takes.
struct SweepAxis {
  std::string key;                  ///< "parameters.xi", "stimulus.layer[0].size"
  std::string name;                 ///< of its dimension scale: "parameters_xi", "stimulus_layer_0_size"
  std::vector<std::string> values;  ///< as `--set` takes them
  std::vector<double> numbers;      ///< the values in `unit`; empty when they are not all numbers
  std::string unit;

  std::string text() const;  ///< KEY=VALUES, which reads back to the same axis
};

/// Reads KEY=VALUES: `xi=1,2,3`, `xi=0:1:11` (from:to:count), `tau="5 ms,10 ms"`, `tau="0 ms:10 ms:5"`, and
/// `xi=0.1:10:5:log`, with equal ratios.
/// A comma within brackets or quotes divides nothing. @throws Error
SweepAxis read_sweep_axis(const std::string& text);

}  // namespace striate
