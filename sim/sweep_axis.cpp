#include "sim/sweep_axis.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "circuit/unit.hpp"
#include "io/text_file.hpp"

namespace striate {
namespace {

constexpr std::size_t most_values = 1000000;

/// Cut at a separator outside brackets and quotes.
std::vector<std::string> divided(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0)
      quote = c == quote ? '\0' : quote;
    else if (c == '"' || c == '\'')
      quote = c;
    else if (c == '[' || c == '(' || c == '{')
      ++depth;
    else if (c == ']' || c == ')' || c == '}')
      --depth;
    else if (c == separator && depth == 0) {
      parts.emplace_back();
      continue;
    }
    parts.back() += c;
  }
  for (auto& part : parts) part = std::string(trimmed(part));
  return parts;
}

struct Number {
  double value = 0;
  std::string unit;
};

/// "5", "5 ms"; nothing for other texts.
std::optional<Number> number_in(const std::string& text) {
  Number n;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, n.value);
  if (error != std::errc() || !std::isfinite(n.value)) return std::nullopt;
  n.unit = trimmed({after, static_cast<std::size_t>(end - after)});
  if (n.unit.empty()) return n;
  try {
    Unit::parse(n.unit);
  } catch (const Error&) {
    return std::nullopt;
  }
  return n;
}

std::string with_unit(double value, const std::string& unit) {
  return unit.empty() ? fmt::format("{}", value) : fmt::format("{} {}", value, unit);
}

/// from:to:count or from:to:count:log, with the units at both ends or none.
std::vector<std::string> range_values(const std::string& text, const std::vector<std::string>& parts) {
  const auto wrong = [&](std::string_view why) {
    throw Error(
        fmt::format("--over {}: {} Write KEY=FROM:TO:COUNT, such as parameters.xi=0:1:11 or "
                    "\"stimulus.size=1 deg:8 deg:8\", or FROM:TO:COUNT:log for equal ratios.",
                    text, why));
  };
  if (parts.size() != 3 && parts.size() != 4) wrong("a range has three parts.");
  const bool log = parts.size() == 4;
  if (log && parts[3] != "log") wrong(fmt::format("the fourth part is {}, but can only be log.", parts[3]));
  const auto from = number_in(parts[0]);
  const auto to = number_in(parts[1]);
  std::size_t count = 0;
  const auto [after, error] = std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), count);
  if (!from || !to) wrong("the ends of a range are numbers with or without a unit.");
  if (error != std::errc() || after != parts[2].data() + parts[2].size() || count < 1 || count > most_values)
    wrong(fmt::format("count = {}, but must be a whole number from 1 to {}.", parts[2], most_values));
  if (from->unit != to->unit) wrong("both ends have the same unit.");
  if (log && !(from->value > 0 && to->value > 0)) wrong("equal ratios need ends above 0.");
  std::vector<std::string> values;
  for (std::size_t i = 0; i < count; ++i) {
    const double share = count == 1 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
    double value =
        log ? from->value * std::pow(to->value / from->value, share) : from->value + (to->value - from->value) * share;
    if (i + 1 == count && count > 1) value = to->value;
    values.push_back(with_unit(value, from->unit));
  }
  return values;
}

}  // namespace

std::string SweepAxis::text() const { return fmt::format("{}={}", key, fmt::join(values, ",")); }

SweepAxis read_sweep_axis(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || trimmed(text.substr(equals + 1)).empty())
    throw Error(fmt::format(
        "--over {}: write KEY=VALUES, such as --over parameters.xi=1,2,3 or --over parameters.xi=0:1:11.", text));
  SweepAxis axis;
  axis.key = trimmed(text.substr(0, equals));
  for (const char c : axis.key) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (plain)
      axis.name += c;
    else if (!axis.name.empty() && axis.name.back() != '_')
      axis.name += '_';
  }
  while (axis.name.ends_with('_')) axis.name.pop_back();
  const std::string values = text.substr(equals + 1);
  const auto range = divided(values, ':');
  axis.values = range.size() > 1 ? range_values(text, range) : divided(values, ',');
  if (axis.values.size() > most_values)
    throw Error(fmt::format("--over {}: {} values are too many.", axis.key, axis.values.size()));
  std::set<std::string> given;
  for (const auto& value : axis.values) {
    if (value.empty()) throw Error(fmt::format("--over {}: a value is missing between two commas.", text));
    if (!given.insert(value).second)
      throw Error(fmt::format("--over {}: the value {} is given twice. Give every value once.", text, value));
  }
  std::vector<double> numbers;
  for (const auto& value : axis.values) {
    const auto n = number_in(value);
    if (!n) return axis;
    if (numbers.empty()) axis.unit = n->unit;
    const Unit unit = Unit::parse(n->unit.empty() ? "1" : n->unit);
    const Unit first = Unit::parse(axis.unit.empty() ? "1" : axis.unit);
    if (!unit.same_dimension(first))
      throw Error(fmt::format(
          "--over {}: the value {} and the value {} have different dimensions. Give all values in one unit.", text,
          axis.values[0], value));
    numbers.push_back(n->value * unit.to(first));
  }
  axis.numbers = numbers;
  return axis;
}

}  // namespace striate
