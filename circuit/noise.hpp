#pragma once

#include "circuit/circuit.hpp"

namespace striate {

/// How the noise of a circuit enters its rates; additive where there is none.
NoiseEntry noise_entry(const Circuit& circuit);

/// The circuit with its noise as inputs that the integrator supplies.
Circuit with_supplied_noise(const Circuit& circuit);

}  // namespace striate
