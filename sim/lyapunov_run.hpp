#pragma once

#include "circuit/circuit.hpp"
#include "integrators/lyapunov.hpp"
#include "io/toml.hpp"
#include "sim/run.hpp"

namespace striate {

/// Reads [lyapunov] of an experiment: what `striate lyapunov` is asked for. @throws Error with file, line, key and
/// value
LyapunovSettings read_lyapunov(const TomlTable& table, const Circuit& circuit);

/// The largest Lyapunov exponent of every condition, recorded with its course and printed unless quiet. Inputs are held
/// at what is shown at time 0.
/// @throws Error for a mistake, Failure where a state does not stay finite, Interrupted after Ctrl-C; then there is no
/// file
void run_lyapunov(const Experiment& experiment, const RunOptions& options);

}  // namespace striate
