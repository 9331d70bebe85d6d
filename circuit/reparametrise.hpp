#pragma once

#include <string>
#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

// Transforms for optimisers that move parameters freely: a parameter becomes a definition, an expression of a new
// parameter without bounds. The circuit computes the same from the values it has now (but see symmetric), and the
// name stays observable.

/// P = exp(log_P): positive.
Circuit positive(const Circuit& circuit, const std::string& parameter);
/// P = low + (high - low) sigmoid(logit_P); the bounds are in P's unit.
Circuit bounded(const Circuit& circuit, const std::string& parameter, double low, double high);
/// P = (free_P + free_P with its axes `a` and `b` exchanged)/2: exactly symmetric, whatever moves free_P, which keeps
/// the range of P by_range. Values that are not symmetric yet become the means of both sides.
Circuit symmetric(const Circuit& circuit, const std::string& parameter, const std::string& a, const std::string& b);
/// P = another parameter of the same shape and dimension, whose range becomes what lies in the ranges of both.
Circuit tied(const Circuit& circuit, const std::string& parameter, const std::string& to);
/// The transform that a parameter's declared range asks for: positive, bounded, or none. A range with one finite end
/// other than 0 is P = end +- exp(log_P).
Circuit by_range(const Circuit& circuit, const std::string& parameter);

/// The values p [System::parameters of `transformed`] as parameters of the circuit that it was made from.
std::vector<double> original_parameters(const Circuit& original, const Circuit& transformed,
                                        const std::vector<double>& p);

}  // namespace striate
