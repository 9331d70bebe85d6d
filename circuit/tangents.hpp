#pragma once

#include <span>
#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

/// A flow with its derivatives along directions of its parameters as further states: after the states come, for every
/// direction k, those of the tangents, `X_along_k`, in the same order, with ds/dt = f_y s + f_p dp. They start at 0.
///
/// Delays are derived too: delayed(e, tau) moves by delayed(de, tau) - delayed(e', tau) dtau, where e' is the rate of e
/// along the solution, and before the start that of the past. A last state `begun` then says whether the run has: its
/// past is 0, its rate 0, and whoever integrates the circuit starts it at 1, by Problem::y0. Sensitivities do.
/// @param directions  [direction][elements of all parameters, in their order]; empty: zero
/// @throws Error for a map, for a circuit with events or noise, and for a direction of another size
Circuit with_tangents(const Circuit& flow, std::span<const std::vector<double>> directions);

}  // namespace striate
