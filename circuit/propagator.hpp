#pragma once

#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

/// The states of a flow one step h later, without an error of discretisation while the inputs are constant. The rates
/// must be linear in the states, element by element, with coefficients of parameters alone, and the states must be
/// orderable so that each depends on itself and those before it, as in a chain current -> potential.
/// Source: Rotter & Diesmann (1999) Biol Cybern 81:381-402; divided differences of exp after McCurdy, Ng & Parlett
/// (1984) Math Comp 43:501-528.
/// @throws Error naming the state whose rate is of another kind
std::vector<Expr> exact_step(const CircuitContents& flow, const Expr& h);

/// The divided difference exp[z_0, ..., z_m] of pure numbers, accurate also where they are close or equal.
Expr exp_difference(const std::vector<Expr>& z);

}  // namespace striate
