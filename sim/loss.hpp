#pragma once

#include <string>
#include <vector>

#include "circuit/circuit.hpp"
#include "io/toml.hpp"

namespace striate {

/// What a training makes small: for each sample, how far a state or definition of a circuit is from a target.
struct LossPlan {
  std::string kind = "definition";   ///< loss_kinds()
  std::string of;                    ///< a state or definition
  std::string target;                ///< an input, declared by the circuit or added to it
  std::string axis = "class";        ///< of the classes, for cross_entropy and focal
  double focus = 2;                  ///< focal: the exponent
  bool every_step = false;           ///< the mean over all steps, not the value after the last
  std::vector<std::string> metrics;  ///< other scalar definitions, for reports
};

/// definition (the scalar that `of` names), cross_entropy, binary_cross_entropy, focal, mean_square, poisson
const std::vector<std::string>& loss_kinds();

/// The circuit with the definition `loss`, and with `accuracy` and, for a target with two classes at each place, `f1`
/// where the kind has them and the circuit has nothing of that name; and with these and the metrics as its only
/// definitions. Means are taken over all axes but `batch`.
///
///   cross_entropy         log sum exp(z) - z[target]; z has the axis of classes
///   binary_cross_entropy  softplus(z) - target z
///   focal                 (1 - p)^focus times cross_entropy, p the probability of the target (Lin et al. 2017)
///   mean_square           (z - target)^2
///   poisson               z - target log(z), z a rate and target a count
///
/// @throws Error where the circuit lacks what is named, or shapes do not fit
Circuit with_loss(const Circuit& circuit, LossPlan& plan);

/// What a loss takes for a target: numbers from `low` to `high`, whole ones where `whole`.
struct TargetValues {
  double low, high;
  bool whole;
  bool hold(double value) const;
};
TargetValues target_values(const LossPlan& plan, const Circuit& circuit);

/// Reads [loss]. @throws Error with file and line
LossPlan read_loss(const TomlTable& table);

}  // namespace striate
