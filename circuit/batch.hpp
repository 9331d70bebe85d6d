#pragma once

#include <cstddef>

#include "circuit/circuit.hpp"

namespace striate {

/// `n` copies of a circuit side by side, which share their parameters: an axis `batch` of length n in front of every
/// state and input, and of every definition that depends on one. A circuit that has an axis `batch` of this length
/// already, because it normalises over the batch, comes back as it is.
/// @throws Error where that axis has another length
Circuit batch(const Circuit& circuit, std::size_t n);

/// `e` for every one of `values`, which lie along one axis, of a scalar variable in it; the axis comes first.
Expr for_each_value(const Expr& e, const Expr& variable, const Expr& values);

}  // namespace striate
