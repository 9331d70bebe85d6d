#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "circuit/expr.hpp"

namespace striate {

// Random numbers as expressions, for the initial values of parameters: parameter W[a, b] ~ normal(0, 0.1) 1. They are
// drawn element by element when the circuit is made. Two places of one expression draw different numbers when their
// `place` differs.

/// Uniform between low and high, which broadcast to the shape.
Expr uniform(const Expr& low, const Expr& high, const Shape& shape, int place = 0);
Expr normal(const Expr& mean, const Expr& sd, const Shape& shape, int place = 0);
/// A random matrix with orthonormal rows, or columns where there are more rows: its rows are the elements along the
/// axes named, its columns those along the others. Uniform over all such matrices (Saxe, McClelland & Ganguli 2014).
Expr orthogonal(const std::vector<std::string>& rows, const Shape& shape, int place = 0);

/// The numbers of a random expression, the same for the same seed and purpose on any machine. `known` are values of
/// variables that it uses.
std::vector<double> drawn(const Expr& e, std::uint64_t seed, const std::string& purpose,
                          std::vector<std::pair<Expr, Expr>> known);

}  // namespace striate
