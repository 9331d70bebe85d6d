#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

/// Gives columns of numbers that a text asks for with file("NAME", "COLUMN", ...), row by row.
using ReadColumns =
    std::function<std::vector<double>(const std::string& file, const std::vector<std::string>& columns)>;

/// Reads a circuit from its text form, one declaration or equation a line (docs/language.md).
///
/// @param origin  what messages call the text, usually a file name
/// @param settings  other values for axes' lengths and constants, by name
/// @param columns  where lists of numbers in files come from; none: a text that names a file is refused
/// @throws Error as `origin:line:column: ...` for anything that is not a circuit
Circuit read_circuit(std::string_view text, const std::string& origin = "circuit text",
                     const std::map<std::string, double>& settings = {}, const ReadColumns& columns = {});

/// The circuit in its text form; read_circuit gives back the same graph.
std::string to_text(const Circuit& circuit);

/// One expression in the text form.
std::string to_text(const Expr& e);

}  // namespace striate
