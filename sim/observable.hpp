#pragma once

#include <string>
#include <vector>

#include "circuit/circuit.hpp"
#include "io/toml.hpp"

namespace striate {

/// A state, definition or input of a circuit: what can be recorded, analysed or changed by a lesion.
struct Observable {
  Expr value;  ///< with its shape and unit
  std::string description;
};

/// @throws Error naming the nearest states, definitions and inputs
Observable observable(const Circuit& circuit, const std::string& name);

std::vector<std::string> observable_names(const Circuit& circuit);

/// The state of that name, which `where` names. @throws Error with file and line, naming the nearest ones
const Expr& state_named(const Circuit& circuit, const TomlValue& where, const std::string& name);

/// The states as they are written: a complex one by its name, the others by theirs.
std::vector<std::string> state_names(const Circuit& circuit);
/// Whether `name` is that of a complex state, which is the pair of states re_name(name) and im_name(name).
bool is_complex_state(const Circuit& circuit, const std::string& name);

}  // namespace striate
