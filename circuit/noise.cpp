#include "circuit/noise.hpp"

#include <algorithm>
#include <unordered_set>

#include "circuit/derive.hpp"

namespace striate {
namespace {

/// Whether every operation on the way from `source` to e is pointwise over the shape of `source`.
bool pointwise_from(const Expr& source, const Expr& e) {
  std::unordered_set<const Node*> reached{source.get()};
  for (const auto& node : topological_order({e})) {
    const bool depends =
        std::any_of(node->args.begin(), node->args.end(), [&](const Expr& arg) { return reached.contains(arg.get()); });
    if (!depends) continue;
    if (!is_pointwise(node->op) || !(node.shape() == source.shape())) return false;
    reached.insert(node.get());
  }
  return true;
}

}  // namespace

NoiseEntry noise_entry(const Circuit& circuit) {
  bool additive = true, diagonal = true;
  for (const auto& noise : circuit->noises) {
    const Expr direction = variable(VariableKind::argument, "direction", noise.variable.shape(), noise.variable.unit());
    std::size_t entries = 0;
    bool constant = true;
    for (const auto& state : circuit->states) {
      const Expr size = jvp({state.equation}, {{noise.variable, direction}})[0];
      if (!size) continue;
      ++entries;
      diagonal = diagonal && state.variable.shape() == noise.variable.shape() && pointwise_from(direction, size);
      for (const auto& node : topological_order({size})) {
        // What was delayed is random, too, and its size no constant; but it is known before the step.
        const bool of_state = node->op == Op::variable && node->kind == VariableKind::state;
        constant = constant && !of_state;
        if (of_state) diagonal = diagonal && node == state.variable && pointwise_from(node, size);
      }
    }
    diagonal = diagonal && entries <= 1;
    additive = additive && constant;
  }
  // Two noises of one state do not commute unless their sizes are proportional.
  for (const auto& state : circuit->states) {
    std::size_t sources = 0;
    for (const auto& noise : circuit->noises)
      for (const auto& node : topological_order({state.equation})) sources += node == noise.variable ? 1 : 0;
    diagonal = diagonal && sources <= 1;
  }
  return additive ? NoiseEntry::additive : diagonal ? NoiseEntry::diagonal : NoiseEntry::general;
}

Circuit with_supplied_noise(const Circuit& circuit) {
  if (circuit->noises.empty()) return circuit;
  CircuitContents c = *circuit;
  for (const auto& noise : circuit->noises)
    c.inputs.push_back({noise.variable, noise.description, noise.where, Supply::noise});
  c.noises.clear();
  return Circuit(std::move(c));
}

}  // namespace striate
