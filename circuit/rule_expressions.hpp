#pragma once

#include <functional>

#include "circuit/circuit.hpp"

namespace striate {

/// Calls `change` for every expression of the events: guards, jumps, holding times and rates.
void change_events(CircuitContents& contents, const std::function<void(Expr&)>& change);
/// ... and of the projections: delays, arrivals and what changes over the synapses.
void change_projections(CircuitContents& contents, const std::function<void(Expr&)>& change);

}  // namespace striate
