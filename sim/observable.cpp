#include "sim/observable.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace striate {

Observable observable(const Circuit& circuit, const std::string& name) {
  for (const auto& s : circuit->states)
    if (s.variable->name == name) return {s.variable, s.description};
  for (const auto& d : circuit->definitions)
    if (d.name == name) return {d.value, d.description};
  for (const auto& u : circuit->inputs)
    if (u.variable->name == name) return {u.variable, u.description};
  throw Error(fmt::format("circuit '{}' has no state, definition or input '{}'.{}", circuit->name, name,
                          suggest_names(name, observable_names(circuit))));
}

std::vector<std::string> observable_names(const Circuit& circuit) {
  std::vector<std::string> names;
  for (const auto& s : circuit->states) names.push_back(s.variable->name);
  for (const auto& d : circuit->definitions) names.push_back(d.name);
  for (const auto& u : circuit->inputs) names.push_back(u.variable->name);
  return names;
}

}  // namespace striate
