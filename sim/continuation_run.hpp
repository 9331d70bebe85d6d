#pragma once

#include "sim/run.hpp"

namespace striate {

/// Follows the branches that [continuation] of an experiment asks for, records them and prints their special points
/// unless quiet. Inputs are held at what is shown at time 0.
/// @throws Error for a mistake, Failure where there is no fixed point to begin with; then there is no file
void run_continuation(const Experiment& experiment, const RunOptions& options);

}  // namespace striate
