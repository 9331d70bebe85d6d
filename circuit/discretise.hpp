#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

class DelayMemory;

/// A fixed-step rule: the explicit Runge-Kutta methods of circuit/tableau.hpp; y + h phi_1(h L) f with L the pointwise
/// leak; or the exact solution of rates that are linear in the states (circuit/propagator.hpp).
enum class Scheme { euler, heun, rk4, exponential_euler, exact };

std::vector<std::string> scheme_names();
/// @throws Error naming the nearest schemes
Scheme scheme_named(std::string_view name);

/// The value of each state of a flow one step of size dt [time unit] later, between events. Delayed values are inputs
/// of the flow; `memory` says what they are (euler, heun and exponential_euler). What steps and choices compare with
/// the time and parameters alone they compare once, in the middle of the step: a jump on the grid falls between two
/// steps, as where integrators stop at it, and another moves to the nearest point of the grid.
/// @throws Error as discretise
std::vector<Expr> one_step(const CircuitContents& flow, Scheme scheme, double dt, const DelayMemory* memory = nullptr);

/// @throws Error for noise that the scheme has no step for
void check_noise(const std::string& where, const Circuit& flow, Scheme scheme);

/// The map that a fixed-step integrator makes of a flow: next(y) is one step of size `dt` [time unit, > 0]. The inputs
/// are held over the step, the time is not. Noise becomes an input: the increment of its path over the step / step.
/// What is delayed is remembered in states of its own, `delayed_1`, ..., so that every derivative of a map goes through
/// delays, and by a delay; a delay made of parameters may grow to twice its default. Definitions, parameters and
/// regimes stay as they are.
/// @throws Error for a map, for a circuit with events, for noise that the scheme has no step for, and for delays with
/// rk4 and exact; `exact`: for rates that it does not solve
Circuit discretise(const Circuit& flow, Scheme scheme, double dt);

}  // namespace striate
