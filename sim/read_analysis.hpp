#pragma once

#include <string>
#include <vector>

#include "sim/experiment.hpp"

namespace striate {

/// Reads every [[analysis]] with its [analysis.compare]; the rest of the experiment is read already. @throws Error
std::vector<Analysis> read_analyses(const TomlTable& root, const Experiment& experiment);

/// Whether a text can name something in a circuit and in a file: letters, digits and _, a letter first.
bool is_name(const std::string& text);

/// The condition variable of that name. @throws Error at `where`, with the nearest names
const ConditionAxis& condition_named(const Experiment& experiment, const TomlValue& where, const std::string& name);

/// @throws Error at `value` when the circuit has no state, definition or input of that name
void require_observable(const Circuit& circuit, const TomlValue& value, const std::string& name);

/// @throws Error at `name` when the circuit has no such axis
void require_axis(const Circuit& circuit, const TomlValue& name);

}  // namespace striate
