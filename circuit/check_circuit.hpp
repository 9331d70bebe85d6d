#pragma once

#include "circuit/circuit.hpp"

namespace striate {

/// Checks every declaration, brings equations into the units and shapes that they are declared with, and draws random
/// parameters that have no values yet. @throws Error at the first mistake, naming its place
void check_circuit(CircuitContents& contents);

}  // namespace striate
