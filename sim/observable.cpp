#include "sim/observable.hpp"

#include <fmt/format.h>

#include <algorithm>

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

bool is_complex_state(const Circuit& circuit, const std::string& name) {
  const auto has_state = [&](const std::string& part) {
    return std::ranges::any_of(circuit->states, [&](const State& s) { return s.variable->name == part; });
  };
  return has_state(re_name(name)) && has_state(im_name(name)) &&
         std::ranges::any_of(circuit->definitions, [&](const Definition& d) {
           return d.name == name && d.value.shape().has(re_im_axis().name);
         });
}

const Expr& state_named(const Circuit& circuit, const TomlValue& where, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& state : circuit->states) {
    if (state.variable->name == name) return state.variable;
    names.push_back(state.variable->name);
  }
  where.fail(fmt::format("but there is no state '{}'.{}", name, suggest_names(name, names)));
}

std::vector<std::string> state_names(const Circuit& circuit) {
  std::vector<std::string> names;
  for (const auto& s : circuit->states) {
    const std::string& name = s.variable->name;
    const std::string whole = name.substr(0, name.size() - std::min<std::size_t>(3, name.size()));
    if (name != re_name(whole) && name != im_name(whole)) {
      names.push_back(name);
    } else if (!is_complex_state(circuit, whole)) {
      names.push_back(name);
    } else if (name == re_name(whole)) {
      names.push_back(whole);
    }
  }
  return names;
}

}  // namespace striate
