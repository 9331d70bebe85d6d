#pragma once

#include <string>
#include <utility>
#include <vector>

#include "circuit/circuit.hpp"
#include "integrators/continuation.hpp"
#include "io/toml.hpp"

namespace striate {

/// What `striate continue` is asked for: [continuation] of an experiment.
struct ContinuationPlan {
  ContinuationSettings settings;
  double march = 0;                 ///< how long the circuit runs before its fixed point or cycle is sought [time unit]
  bool from_cycle = false;          ///< the branch begins at the cycle that the circuit comes to
  std::vector<std::string> angles;  ///< states that a cycle may end whole turns further on
  std::vector<std::pair<std::string, double>> initial;  ///< states that do not begin where the circuit says
};

/// Reads [continuation]. @throws Error with file, line, key and value
ContinuationPlan read_continuation_plan(const TomlTable& table, const Circuit& circuit);

}  // namespace striate
