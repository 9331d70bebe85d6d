#pragma once

#include <string>
#include <utility>
#include <vector>

#include "circuit/circuit.hpp"
#include "integrators/cycle.hpp"
#include "io/toml.hpp"

namespace striate {

/// What `striate prc` is asked for: [prc] of an experiment.
struct PhaseResponsePlan {
  CycleSettings cycle;
  struct Coupling {
    std::string state, rate;  ///< the state's extra rate, of X (own) and X_j (sender)
    std::string where;        ///< its place in a text, for messages
  };
  std::vector<Coupling> coupling;
};

/// Reads [prc]. @throws Error with file, line, key and value
PhaseResponsePlan read_phase_response_plan(const TomlTable& table, const Circuit& circuit);

/// The couplings as a circuit without states: the states are inputs NAME and NAME_j, the extra rate of a state is the
/// definition coupling_NAME. @throws Error for expressions that cannot be read or have another unit than the rate
Circuit coupling_circuit(const Circuit& circuit, const PhaseResponsePlan& plan);

}  // namespace striate
