#include "sim/quantity.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "circuit/text.hpp"

namespace striate {

namespace {

/// A number and its unit, "1 1/deg" or "20 %", in the form in which the language reads every unit: "1 [1/deg]".
std::string with_bracketed_unit(const std::string& text) {
  double number = 0;
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return text;
  const auto [end, error] = std::from_chars(text.data() + first, text.data() + text.size(), number);
  const auto split = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || split == text.size() || text[split] == '[') return text;
  try {
    Unit::parse(text.substr(split));
  } catch (const Error&) {
    return text;
  }
  return fmt::format("{} [{}]", text.substr(0, split), text.substr(split));
}

std::string shortened(const std::string& text) {
  constexpr std::size_t shown = 60;
  return text.size() <= shown ? text : text.substr(0, shown) + "...";
}

/// `use` of the value of `text`, a constant. @throws Error beginning with `where`, its own too
template <class Use>
auto with_value(const std::string& text, const Variables& variables, const std::string& where, const Use& use) {
  if (text.find_first_of("\n\"#") != std::string::npos)
    throw Error(where, "a value is written on one line, without \" or #.");
  std::string circuit = "circuit value\n";
  for (const auto& [name, value] : variables) circuit += fmt::format("parameter {} = 0 {}\n", name, value.second.str());
  circuit += "_ := " + with_bracketed_unit(text) + "\n";  // _ cannot be the name of a condition
  try {
    const Circuit read = read_circuit(circuit, where);
    std::vector<std::pair<Expr, Expr>> known;
    for (const auto& p : read->parameters)
      known.emplace_back(p.variable, quantity(variables.at(p.variable->name).first, p.variable.unit()));
    const Expr value = substitute({read->definitions[0].value}, known)[0];
    if (value->op != Op::constant) {
      const Expr once = substitute({value}, {{time_variable(read->time_unit), quantity(0, read->time_unit)}})[0];
      throw Error(once->op == Op::constant
                      ? "it changes with the time t, but a value of an experiment is one number. What changes in time "
                        "stands in the circuit"
                      : "it does not come out as one number");
    }
    return use(value);
  } catch (const Error& e) {
    std::string message = e.what();
    if (message.starts_with(where + ":")) {  // the place inside the made-up text says nothing to the user
      message.erase(0, where.size() + 1);
      for (int i = 0; i < 2; ++i) message.erase(0, message.find(':') + 1);
    }
    while (message.starts_with(' ')) message.erase(0, 1);
    for (const std::string hidden : {" Known: _.", " Closest: _.", ", _"})
      if (const auto at = message.rfind(hidden); at != std::string::npos) message.erase(at, hidden.size());
    throw Error(fmt::format("{} = \"{}\": {}", where, shortened(text), message));
  }
}

/// @throws Error when a unit is asked for and the text is a plain number: 0.5 would be taken for radians or for 50 %
void require_unit(const std::string& text, const Unit& unit, const std::string& where) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number != 0 && !(unit == Unit()))
    throw Error(
        fmt::format("{} = \"{}\", but a quantity in [{}] is asked for. Write it with its unit, such as \"{} {}\".",
                    where, text, unit.str(), text, unit.str()));
}

/// @throws Error where both are numbers that nobody means by each other: deg and 1/deg, deg and %
void require_alike(const Unit& given, const Unit& asked) {
  const Unit percent = Unit::parse("%");
  const auto like = [&](const Unit& a, const Unit& b) { return a.angle() == 0 || (b.angle() == 0 && !(b == percent)); };
  if (given.angle() == asked.angle() || (like(given, asked) && like(asked, given))) return;
  throw Error(fmt::format("its unit is [{}], but a quantity in [{}] is asked for", given.str(), asked.str()));
}

}  // namespace

double evaluate(const std::string& text, const Unit& unit, const Variables& variables, const std::string& where) {
  require_unit(text, unit, where);
  return with_value(text, variables, where, [&](const Expr& value) {
    const double found = convert(value, unit)->value;
    require_alike(value.unit(), unit);
    return found;
  });
}

Unit unit_of(const TomlValue& value) {
  if (value.is_number()) return {};
  const std::string where = fmt::format("{}: {}", value.position(), value.path());
  return with_value(value.as_string(), {}, where, [](const Expr& e) { return e.unit(); });
}

double evaluate(const TomlValue& value, const Unit& unit, const Variables& variables) {
  const std::string where = fmt::format("{}: {}", value.position(), value.path());
  if (!value.is_number() && !value.is_string()) value.fail("but a number is asked for, or a string with its unit.");
  if (value.is_string()) return evaluate(value.as_string(), unit, variables, where);
  const double number = value.as_number();
  if (!(unit == Unit()) && number != 0 && number == number)
    throw Error(fmt::format("{} = {}, but a quantity in [{}] is asked for. Write it with its unit, such as \"{} {}\".",
                            where, number, unit.str(), number, unit.str()));
  return number;
}

double positive(const TomlTable& table, const std::string& key, const Unit& unit) {
  const double value = evaluate(table.at(key), unit);
  if (!(value > 0) || std::isinf(value)) table.at(key).fail("but must be above 0 and finite.");
  return value;
}

std::size_t whole_number(const TomlTable& table, const std::string& key, std::size_t fallback, std::size_t least,
                         std::size_t most) {
  const std::int64_t value = table.integer(key, static_cast<std::int64_t>(fallback));
  if (value < static_cast<std::int64_t>(least) || value > static_cast<std::int64_t>(most))
    table.at(key).fail(fmt::format("but must be a whole number from {} to {}.", least, most));
  return static_cast<std::size_t>(value);
}

void refuse_keys(const TomlTable& table, std::initializer_list<const char*> keys, const std::string& but) {
  for (const char* key : keys)
    if (table.has(key)) table.at(key).fail(but);
}

}  // namespace striate
