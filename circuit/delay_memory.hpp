#pragma once

#include <utility>
#include <vector>

#include "circuit/delay.hpp"

namespace striate {

/// What a map of step h remembers of what a circuit delays: the values of each source at earlier steps, as states that
/// move along by one place a step. Between steps the past is a line, as that of the integrators of first and second
/// order; by a delay it is differentiated from both sides.
class DelayMemory {
 public:
  /// @param circuit  with delayed()
  DelayMemory(const Circuit& circuit, double h);

  /// The circuit with inputs in place of delayed values, and those inputs.
  const Circuit& circuit() const { return supplied_.circuit; }

  using Substitution = std::vector<std::pair<Expr, Expr>>;
  /// Every delayed input and its value at the begin of a step.
  const Substitution& now() const { return now_; }
  /// The same at its end, where the states (and t) are what `there` says; added to it.
  void at_end(Substitution& there) const;
  /// The states that remember, as a map.
  const std::vector<State>& states() const { return states_; }
  const std::vector<AxisDeclaration>& axes() const { return axes_; }
  /// Narrows the ranges of parameters that are delays themselves to what is remembered.
  void bound(std::vector<Parameter>& parameters) const;

 private:
  struct Register {
    std::size_t rule;
    Expr value;        ///< of the state; empty where nothing is delayed by more than 0
    Expr source;       ///< now
    Expr steps;        ///< the delay in steps
    std::size_t size;  ///< steps that are remembered
  };
  Expr look_up(const Register& r, const std::vector<Expr>& newest) const;

  SuppliedDelays supplied_;
  double h_;
  std::vector<Register> registers_;
  Substitution now_;
  std::vector<State> states_;
  std::vector<AxisDeclaration> axes_;
};

}  // namespace striate
