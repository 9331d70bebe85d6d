#pragma once

#include <map>
#include <string>
#include <string_view>

#include "circuit/circuit.hpp"

namespace striate {

/// Reads a circuit from its text form, one declaration or equation a line (docs/language.md).
///
/// @param origin  what messages call the text, usually a file name
/// @param settings  other values for axes' lengths and constants, by name
/// @throws Error as `origin:line:column: ...` for anything that is not a circuit
Circuit read_circuit(std::string_view text, const std::string& origin = "circuit text",
                     const std::map<std::string, double>& settings = {});

/// The circuit in its text form; read_circuit gives back the same graph.
std::string to_text(const Circuit& circuit);

/// One expression in the text form.
std::string to_text(const Expr& e);

}  // namespace striate
