#pragma once

#include <string>
#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

/// A state, definition or input of a circuit: what can be recorded, analysed or changed by a lesion.
struct Observable {
  Expr value;  ///< with its shape and unit
  std::string description;
};

/// @throws Error naming the nearest states, definitions and inputs
Observable observable(const Circuit& circuit, const std::string& name);

std::vector<std::string> observable_names(const Circuit& circuit);

}  // namespace striate
