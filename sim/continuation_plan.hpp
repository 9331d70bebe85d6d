#pragma once

#include "circuit/circuit.hpp"
#include "integrators/continuation.hpp"
#include "io/toml.hpp"

namespace striate {

/// What `striate continue` is asked for: [continuation] of an experiment.
struct ContinuationPlan {
  ContinuationSettings settings;
  double march = 0;  ///< how long the circuit runs before its fixed point is sought [time unit]
};

/// Reads [continuation]. @throws Error with file, line, key and value
ContinuationPlan read_continuation_plan(const TomlTable& table, const Circuit& circuit);

}  // namespace striate
