#pragma once

#include <functional>
#include <string>
#include <vector>

#include "circuit/expr.hpp"
#include "circuit/system.hpp"

namespace striate {

/// The same values, with every sum over pairs that factors written as products of smaller arrays, so that no array over
/// pairs is computed: sum_j w_ij sin(x_j - x_i) becomes cos(x_i) (w sin x)_i - sin(x_i) (w cos x)_i.
/// - without weights what is left are sums over single units: a mean field, O(N);
/// - weights given by the distance of two units alone (w_ij = k(i - j)) become a convolution;
/// - other weights become matrix products (contract).
/// Products are multiplied out, sines and cosines of sums follow the addition theorems. Sums that do not factor,
/// products of differences, which would cancel, and those that are cheaper term by term, stay. `choices` receives one
/// entry per sum that is rewritten.
std::vector<Expr> factor_couplings(const std::vector<Expr>& roots, std::vector<AlgorithmChoice>& choices);

/// What stands for sum_j weights_ij delayed_ij over the named axes, where the delay is one for each pair and weights
/// depend on parameters alone.
using DelayedSum = std::function<Expr(const Expr& weights, const Expr& delayed, const std::vector<std::string>& over)>;

/// Whether e is delayed by one time for each of several elements that share a source.
bool is_widened_delay(const Expr& e);

/// The same for sums with such delays, and no others: what is delayed is summed by `sum`.
Expr factor_delayed_couplings(const Expr& root, std::vector<AlgorithmChoice>& choices, const DelayedSum& sum);

}  // namespace striate
