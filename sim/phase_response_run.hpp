#pragma once

#include "sim/run.hpp"

namespace striate {

/// Finds the cycle of an experiment's circuit and its phase response, and with [prc.coupling] the interaction function
/// H(shift) = 1/T integral Z(t).G(X(t), X(t + shift)) dt; records them and prints a summary unless quiet. The circuit
/// has the parameters of the one condition; inputs are held at what is shown at time 0.
/// @throws Error for a mistake, Failure where there is no cycle; then there is no file
void run_phase_response(const Experiment& experiment, const RunOptions& options);

}  // namespace striate
