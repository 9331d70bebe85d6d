#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "circuit/unit.hpp"
#include "io/toml.hpp"

namespace striate {

/// Units that experiments are written in.
inline const Unit deg = Unit::parse("deg");
inline const Unit rad = Unit::parse("rad");
inline const Unit ms = Unit::parse("ms");

/// The values an experiment's texts may name: condition variables with their units.
using Variables = std::map<std::string, std::pair<double, Unit>>;

/// A parameter's value, or that of one of its elements, that names condition variables: an expression, and its place
/// for messages.
struct VariedParameter {
  std::string name, text, where;
  std::optional<std::size_t> element = {};
};

/// The value of `text`, an expression of the circuit language over `variables`, in `unit`. A plain number is in `unit`
/// only when that is 1 or the number is 0. @throws Error beginning with `where`
double evaluate(const std::string& text, const Unit& unit, const Variables& variables, const std::string& where);

/// The value of a TOML number or text in `unit`.
double evaluate(const TomlValue& value, const Unit& unit, const Variables& variables = {});

/// The value under a key of a table, which must be above 0 and finite. @throws Error with file and line
double positive(const TomlTable& table, const std::string& key, const Unit& unit);

/// The unit in which a TOML number or text is written; 1 for a plain number.
Unit unit_of(const TomlValue& value);

/// A whole number from `least` to `most` under a key of a table. @throws Error with file and line
std::size_t whole_number(const TomlTable& table, const std::string& key, std::size_t fallback, std::size_t least,
                         std::size_t most = 1'000'000'000);

/// @throws Error at the first of the keys that the table has, with why it must not
void refuse_keys(const TomlTable& table, std::initializer_list<const char*> keys, const std::string& but);

}  // namespace striate
