#include "circuit/reparametrise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.hpp"
#include "circuit/find_named.hpp"
#include "circuit/program/function.hpp"
#include "circuit/rule_expressions.hpp"

namespace striate {
namespace {

/// The circuit with parameter `name` replaced by `value`, an expression of parameters, and defined as it.
Circuit replaced(const Circuit& circuit, const std::string& name, const Expr& value,
                 const std::vector<Parameter>& added) {
  const Parameter old = circuit.parameter(name);
  const std::vector<std::pair<Expr, Expr>> here{
      {old.variable, broadcast_to(convert(value, old.variable.unit()), old.variable.shape())}};
  const auto moved = [&](Expr& e) { e = substitute({e}, here)[0]; };
  CircuitContents c = *circuit;
  const auto at = std::find_if(c.parameters.begin(), c.parameters.end(),
                               [&](const Parameter& p) { return p.variable == old.variable; });
  c.parameters.insert(c.parameters.erase(at), added.begin(), added.end());
  for (auto& s : c.states) {
    moved(s.initial), moved(s.equation);
    if (s.history) moved(s.history);
  }
  for (auto& d : c.definitions) moved(d.value);
  change_events(c, moved);
  change_projections(c, [&](Expr& e) {
    for (const auto& node : topological_order({e}))
      if (const auto leaf = synapse_leaf(*node); leaf && leaf->name == name)
        throw Error("circuit '" + circuit->name + "'",
                    fmt::format("parameter '{}' cannot be replaced, because a projection uses {}.", name, node->name));
    moved(e);
  });
  // Regimes speak of the parameters as they were; of the new ones they would say something else.
  std::erase_if(c.regimes, [&](const Regime& r) {
    return std::any_of(r.values.begin(), r.values.end(), [&](const auto& v) { return v.first == name; });
  });
  c.definitions.push_back({name, here[0].second, old.description, old.where});
  return Circuit(std::move(c));
}

Range scaled(Range range, double factor) {
  range.low *= factor;
  range.high *= factor;
  return range;
}

/// What lies in both.
Range common(const Range& a, const Range& b) {
  Range both;
  both.low = std::max(a.low, b.low);
  both.high = std::min(a.high, b.high);
  both.low_open = (a.low == both.low && a.low_open) || (b.low == both.low && b.low_open);
  both.high_open = (a.high == both.high && a.high_open) || (b.high == both.high && b.high_open);
  return both;
}

/// A name that the circuit does not have.
std::string unused_name(const Circuit& circuit, std::string name) {
  const auto taken = [&] {
    const auto has = [&](const auto& items, const auto& name_of) {
      return std::ranges::any_of(items, [&](const auto& item) { return name_of(item) == name; });
    };
    return has(circuit->parameters, variable_name) || has(circuit->inputs, variable_name) ||
           has(circuit->states, variable_name) || has(circuit->noises, variable_name) ||
           has(circuit->definitions, plain_name);
  };
  while (taken()) name += '_';
  return name;
}

/// One free parameter, related to the old one element by element: expression of the new, and number from the old.
Circuit elementwise(const Circuit& circuit, const std::string& name, const std::string& prefix,
                    const std::function<Expr(const Expr&)>& value, const std::function<double(double)>& inverse) {
  const Parameter& old = circuit.parameter(name);
  Parameter free;
  free.variable = variable(VariableKind::parameter, unused_name(circuit, prefix + name), old.variable.shape(), Unit());
  free.description = old.description;
  for (const double x : old.value) {
    free.value.push_back(inverse(x));
    if (!std::isfinite(free.value.back()))
      throw Error(
          "circuit '" + circuit->name + "'",
          fmt::format("parameter '{}' = {} [{}] lies on or beyond the bound that it is to keep. Start it inside.", name,
                      x, old.variable.unit().str()));
  }
  return replaced(circuit, name, value(free.variable), {free});
}

/// What keeps a value off its bound where the exponential beside it is lost to rounding, as a share of the bound or of
/// the distance between two.
constexpr double margin = 1e-9;

/// end + sign exp(log_P)
Circuit one_sided(const Circuit& circuit, const std::string& name, double end, double sign) {
  const Unit unit = circuit.parameter(name).variable.unit();
  const double first = end + sign * margin * std::abs(end);
  return elementwise(
      circuit, name, "log_", [&](const Expr& free) { return quantity(first, unit) + quantity(sign, unit) * exp(free); },
      [&](double x) { return std::log(sign * (x - first)); });
}

}  // namespace

Circuit positive(const Circuit& circuit, const std::string& parameter) { return one_sided(circuit, parameter, 0, 1); }

Circuit bounded(const Circuit& circuit, const std::string& parameter, double low, double high) {
  if (!(low < high && std::isfinite(low) && std::isfinite(high)))
    throw Error("circuit '" + circuit->name + "'",
                fmt::format("parameter '{}' is to lie between {} and {}, but bounds are finite and run upwards.",
                            parameter, low, high));
  const Unit unit = circuit.parameter(parameter).variable.unit();
  const double first = low + margin * (high - low), last = high - margin * (high - low);
  return elementwise(
      circuit, parameter, "logit_",
      [&](const Expr& free) { return quantity(first, unit) + quantity(last - first, unit) * sigmoid(free); },
      [&](double x) { return std::log((x - first) / (last - x)); });
}

Circuit symmetric(const Circuit& circuit, const std::string& parameter, const std::string& a, const std::string& b) {
  const Parameter& old = circuit.parameter(parameter);
  const Shape& shape = old.variable.shape();
  const auto in_a = shape.find(a), in_b = shape.find(b);
  if (!in_a || !in_b || a == b || shape[*in_a].size != shape[*in_b].size)
    throw Error(
        "circuit '" + circuit->name + "'",
        fmt::format("parameter '{}' {} cannot be symmetric in '{}' and '{}': they must be two axes of one length.",
                    parameter, shape.str_sizes(), a, b));
  Parameter free = old;
  free.variable =
      variable(VariableKind::parameter, unused_name(circuit, "free_" + parameter), shape, old.variable.unit());
  free.drawn_from = {};
  const std::string between = a + "_" + b;
  const Expr exchanged = rename(rename(rename(free.variable, a, between), b, a), between, b);
  return by_range(replaced(circuit, parameter, Expr(0.5) * (free.variable + exchanged), {free}), free.variable->name);
}

Circuit tied(const Circuit& circuit, const std::string& parameter, const std::string& to) {
  const Parameter old = circuit.parameter(parameter);
  if (parameter == to)
    throw Error("circuit '" + circuit->name + "'", fmt::format("parameter '{}' cannot be tied to itself.", parameter));
  const Expr own = old.variable, other = circuit.parameter(to).variable;
  if (!(broadcast(other.shape(), own.shape()) == own.shape()))
    throw Error("circuit '" + circuit->name + "'",
                fmt::format("parameter '{}' {} cannot be tied to '{}' {}: their shapes differ.", parameter,
                            own.shape().str_sizes(), to, other.shape().str_sizes()));
  CircuitContents c = *replaced(circuit, parameter, other, {});
  const auto kept = std::ranges::find(c.parameters, to, variable_name);
  const Range range = common(kept->range, scaled(old.range, own.unit().to(other.unit())));
  if (range.low > range.high || (range.low == range.high && (range.low_open || range.high_open)))
    throw Error("circuit '" + circuit->name + "'",
                fmt::format("parameter '{}' in {} cannot be tied to '{}' in {}: no value lies in both.", parameter,
                            old.range.str(), to, kept->range.str()));
  kept->range = range;
  return Circuit(std::move(c));
}

Circuit by_range(const Circuit& circuit, const std::string& parameter) {
  const Range& range = circuit.parameter(parameter).range;
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high) return bounded(circuit, parameter, range.low, range.high);
  if (low) return one_sided(circuit, parameter, range.low, 1);
  if (high) return one_sided(circuit, parameter, range.high, -1);
  return circuit;
}

std::vector<double> original_parameters(const Circuit& original, const Circuit& transformed,
                                        const std::vector<double>& p) {
  std::vector<ArgumentField> arguments;
  std::size_t size = 0;
  for (const auto& parameter : transformed->parameters) {
    arguments.push_back({parameter.variable, 0, size});
    size += parameter.variable.shape().size();
  }
  if (p.size() != size)
    throw Error("circuit '" + transformed->name + "'",
                fmt::format("{} parameter values are given, but the circuit has {}.", p.size(), size));
  std::vector<OutputField> outputs;
  std::size_t length = 0;
  for (const auto& parameter : original->parameters) {
    const std::string& name = parameter.variable->name;
    const auto kept = std::find_if(transformed->parameters.begin(), transformed->parameters.end(),
                                   [&](const Parameter& x) { return x.variable->name == name; });
    const auto defined = std::find_if(transformed->definitions.begin(), transformed->definitions.end(),
                                      [&](const Definition& d) { return d.name == name; });
    if (kept == transformed->parameters.end() && defined == transformed->definitions.end())
      throw Error("circuit '" + transformed->name + "'",
                  fmt::format("neither has nor defines '{}', so that its values are not known.", name));
    const Expr value = kept != transformed->parameters.end() ? kept->variable : defined->value;
    outputs.push_back({broadcast_to(value, parameter.variable.shape()), 0, length, false});
    length += parameter.variable.shape().size();
  }
  const Function<double> function({{size, 1}}, arguments, outputs);
  std::vector<double> result(length);
  const double* const in[] = {p.data()};
  double* const out[] = {result.data()};
  function.run(in, out, *function.make_memory());
  return result;
}

}  // namespace striate
