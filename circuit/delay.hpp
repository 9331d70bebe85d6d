#pragma once

#include <vector>

#include "circuit/circuit.hpp"
#include "circuit/system.hpp"

namespace striate {

/// Refuses delays that no solver could serve: of white noise, of inputs, by what is no time or no parameter, and of a
/// state whose past is not given. `e` is what the circuit says of `what`. @throws Error
void check_delays(const std::string& where, const std::string& what, const Expr& e, const CircuitContents& contents);

/// Whether anything that the circuit says uses a delayed value.
bool has_delays(const Circuit& circuit);

/// One delayed(e, tau), or a weighted sum of it: the input that stands for it, and what the integrator needs to supply
/// that.
struct DelayRule {
  Expr input;         ///< of the shape of e and tau together; of a sum, without the axes that are summed over
  Expr source;        ///< e, with inputs for the delayed values in it
  Expr tau;           ///< in the time unit, of parameters only
  Expr past;          ///< e before the start, a function of the time since then and of parameters
  Shape shape;        ///< of e and tau together
  Expr weights = {};  ///< of a sum: of parameters only, of that shape; else empty
};

struct SuppliedDelays {
  Circuit circuit;               ///< without delayed()
  std::vector<DelayRule> rules;  ///< a source uses inputs of rules before it only
  std::vector<AlgorithmChoice> choices = {};
};

enum class DelayedSums { as_written, supplied };

/// The circuit with inputs that the integrator supplies in the place of delayed values. Where the delay is one for each
/// pair of units, smooth functions of the value are taken before the delay, once for each unit, sines and cosines of
/// sums with it by the addition theorems.
/// @param sums  supplied: over pairs with weights of parameters, sums are supplied in place of what they sum
SuppliedDelays with_supplied_delays(const Circuit& circuit, DelayedSums sums = DelayedSums::as_written);

}  // namespace striate
