#pragma once

#include <optional>
#include <string>
#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

/// Scales or clamps a definition, an input, a parameter, or a state: everywhere or in a square patch, always or from a
/// time on. scale = 0 removes it. A state is what it is to itself: its own equation and what events and rules assign to
/// it, where definitions do not stand between.
struct Lesion {
  std::string target;
  double scale = 0;
  std::optional<double> clamp;      ///< in the target's unit, in place of scale
  std::optional<double> from;       ///< in the circuit's time unit
  std::ptrdiff_t patch = 0;         ///< side in elements; 0: everywhere
  double patch_y = 0, patch_x = 0;  ///< its centre, elements from the grid's
  std::string where = {};           ///< its place in a text, for messages
};

/// What a lesion's name stands for. @throws Error naming the nearest
Expr lesion_target(const Circuit& circuit, const std::string& name);

/// The circuit with its lesions written into its equations: still a circuit, with its own text.
/// @throws Error for a target the circuit does not have or use, a patch of something without the axes y and x, or
/// one that covers no element
Circuit lesioned(const Circuit& circuit, const std::vector<Lesion>& lesions);

}  // namespace striate
