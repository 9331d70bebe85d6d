#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace striate {

/// What a spike carries from the instant at which it leaves to those at which it arrives and its element is released:
/// tangents in a forward run, cotangents in a backward one.
struct SpikeTrace {
  struct Row {
    std::vector<double> delay;                 ///< one, or one for each synapse of the row
    std::vector<std::vector<double>> amounts;  ///< [arrival] one, or one for each synapse of the row
  };
  double time = 0;
  std::vector<Row> rows;  ///< [projection]; empty for those that do not carry it
};

/// All spikes under way, by number.
struct SpikeTraces {
  std::unordered_map<std::uint64_t, SpikeTrace> of;
  std::vector<double> kept;  ///< [states] of what waits for the release of a state
};

}  // namespace striate
