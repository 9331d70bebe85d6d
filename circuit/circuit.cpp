#include "circuit/circuit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "circuit/delay.hpp"
#include "circuit/derive.hpp"
#include "circuit/fit.hpp"
#include "circuit/program/couplings.hpp"
#include "circuit/program/function.hpp"
#include "circuit/random.hpp"
#include "circuit/text.hpp"

namespace striate {
namespace {

template <class Items, class Name>
std::vector<std::string> names_of(const Items& items, const Name& name) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(name(item));
  return names;
}

template <class Items, class Name>
const auto& find_named(const std::string& where, std::string_view kind, std::string_view wanted, const Items& items,
                       const Name& name) {
  for (const auto& item : items)
    if (name(item) == wanted) return item;
  throw Error(where, fmt::format("no {} '{}'.{}", kind, wanted, suggest_names(wanted, names_of(items, name))));
}

constexpr double most_elements = 4e9;

/// The shape of a value with more elements than are computed; null where there is none.
const Shape* too_large(const std::vector<Expr>& roots) {
  for (const auto& node : topological_order(roots)) {
    double elements = 1;
    for (const auto& axis : node.shape()) elements *= static_cast<double>(axis.size);
    if (elements > most_elements) return &node.shape();
  }
  return nullptr;
}

void require_name(const std::string& where, const std::string& name) {
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; };
  const auto letter_or_digit = [&](char c) { return letter(c) || std::isdigit(static_cast<unsigned char>(c)); };
  if (name.empty() || !letter(name[0]) || !std::all_of(name.begin(), name.end(), letter_or_digit))
    throw Error(where, fmt::format("'{}' is not a name. Use letters, digits and _, a letter first.", name));
}

void check_name(const std::string& where, const std::string& name, std::set<std::string>& taken) {
  require_name(where, name);
  if (name == "t") throw Error(where, "the name 't' is the time. Choose another.");
  if (name == "pi" || name == "inf")
    throw Error(where, fmt::format("the name '{}' is a number. Choose another.", name));
  if (!taken.insert(name).second) throw Error(where, fmt::format("the name '{}' is declared twice. Rename one.", name));
}

/// Descriptions stand in quotes on one line of the circuit's text.
void check_text(const std::string& where, const std::string& text) {
  if (text.find_first_of("\"\n") != std::string::npos)
    throw Error(
        where,
        fmt::format("the description '{}' contains a \" or a line break, which the text form cannot hold.", text));
}

void check_range(const std::string& where, const Parameter& p, double value) {
  if (!p.range.contains(value))
    throw Error(where, fmt::format("parameter '{}' = {} [{}], but must lie in {}. Check its sign and unit.",
                                   p.variable->name, value, p.variable.unit().str(), p.range.str()));
}

/// Draws the values of a random parameter that has none yet.
void draw(const std::string& where, Parameter& p, const CircuitContents& contents) {
  const std::string what = "parameter '" + p.variable->name + "'";
  p.drawn_from = fit(where, what, p.drawn_from, p.variable.unit(), p.variable.shape());
  std::vector<std::pair<Expr, Expr>> known;
  for (const auto& node : topological_order({p.drawn_from})) {
    if (node->op != Op::variable) continue;
    const auto before =
        std::find_if(contents.parameters.begin(), contents.parameters.end(),
                     [&](const Parameter& other) { return other.variable == node || other.variable == p.variable; });
    if (before == contents.parameters.end() || before->variable == p.variable)
      throw Error(where, fmt::format("{} is drawn with '{}', but only parameters before it and constants have values "
                                     "then.",
                                     what, node->name));
    known.emplace_back(node, array(before->value, node.shape(), node.unit()));
  }
  if (p.value.empty()) p.value = drawn(p.drawn_from, contents.seed, what, std::move(known));
}

/// White noise has no square: a rate is a sum of a part without it and of parts proportional to it.
void check_linear_noise(const std::string& where, const std::string& what, const Expr& rate,
                        const std::vector<Noise>& noises) {
  std::vector<std::pair<Expr, Expr>> directions;
  for (const auto& noise : noises)
    directions.emplace_back(
        noise.variable, variable(VariableKind::argument, "direction", noise.variable.shape(), noise.variable.unit()));
  const Expr slope = directions.empty() ? Expr() : jvp({rate}, directions)[0];
  if (!slope) return;
  for (const auto& node : topological_order({slope}))
    for (const auto& noise : noises)
      if (node == noise.variable)
        throw Error(where, fmt::format("{} is not linear in the white noise '{}'. Write it as a factor, once.", what,
                                       noise.variable->name));
}

const auto variable_name = [](const auto& item) { return item.variable->name; };
const auto plain_name = [](const auto& item) { return item.name; };
const auto axis_name = [](const AxisDeclaration& a) { return a.axis.name; };

/// Where it is one number, whatever its shape.
void require_not_negative(const std::string& where, const std::string& what, const Expr& e) {
  const Expr one = e->op == Op::broadcast ? e->args[0] : e;
  if (one->op == Op::constant && one->value < 0)
    throw Error(where, fmt::format("{} = {} [{}], but must not be negative.", what, one->value, e.unit().str()));
}

template <class Fits>
void check_hold(const std::string& where, EventRule& event, const CircuitContents& contents, const Fits& fits) {
  if (!event.hold_time) {
    if (!event.held.empty())
      throw Error(where, fmt::format("event '{}' holds states, but not for how long.", event.name));
    return;
  }
  const std::string what = "how long '" + event.name + "' holds";
  if (event.cause != Cause::crossing)
    throw Error(where, fmt::format("'{}' holds, but a source has no refractory time.", event.name));
  event.hold_time = fit(where, what, event.hold_time, contents.time_unit, event.guard.shape());
  for (const auto& node : topological_order({event.hold_time})) {
    if (node->op == Op::variable && node->kind != VariableKind::parameter)
      throw Error(where, fmt::format("{} uses '{}', but may depend on parameters only.", what, node->name));
    if (node->op == Op::constant && !std::isfinite(node->value))
      throw Error(where, fmt::format("{} contains the number {}.", what, node->value));
  }
  require_not_negative(where, what, event.hold_time);
  for (const auto& name : event.held) {
    const State& s = find_named(where + ", event '" + event.name + "'", "state", name, contents.states, variable_name);
    if (!fits(s.variable.shape()))
      throw Error(where, fmt::format("event '{}' has the shape {}, but holds '{}' of shape {}.", event.name,
                                     event.guard.shape().str_sizes(), name, s.variable.shape().str_sizes()));
    for (const auto& other : contents.events)
      if (&other != &event && std::find(other.held.begin(), other.held.end(), name) != other.held.end())
        throw Error(where, fmt::format("'{}' is held by '{}' and by '{}', but only one event can hold a state.", name,
                                       event.name, other.name));
  }
}

/// Refuses a threshold below the reset where parameters alone decide, at the defaults and in every regime.
void check_reset(const std::string& where, const EventRule& event, const CircuitContents& contents) {
  std::vector<std::pair<Expr, Expr>> after;
  for (const auto& state : contents.states)
    for (const auto& [name, value] : event.jumps)
      if (name == state.variable->name) after.emplace_back(state.variable, value);
  const Expr guard = substitute({event.guard}, after)[0];
  if (guard == event.guard) return;
  for (const auto& node : topological_order({guard}))
    if (node->op == Op::variable && node->kind != VariableKind::parameter) return;
  const auto check = [&](const std::string& set, const auto& values_of) {
    std::vector<std::pair<Expr, Expr>> known;
    for (const auto& p : contents.parameters)
      known.emplace_back(p.variable, array(values_of(p), p.variable.shape(), p.variable.unit()));
    for (const double g : constant_value(substitute({guard}, known)[0]))
      if (g > 0)
        throw Error(where,
                    fmt::format("after its jump event '{}' is still {} [{}] above its threshold{}, but must fall below "
                                "it, or the element would never fire again. Check the threshold and the reset.",
                                event.name, g, guard.unit().str(), set));
  };
  check("", [](const Parameter& p) { return p.value; });
  for (const auto& regime : contents.regimes)
    check(" in regime '" + regime.name + "'", [&](const Parameter& p) {
      for (const auto& [name, values] : regime.values)
        if (name == p.variable->name)
          return values.size() == 1 ? std::vector<double>(p.value.size(), values[0]) : values;
      return p.value;
    });
}

}  // namespace

Expr fit(const std::string& where, const std::string& what, const Expr& e, const Unit& unit, const Shape& shape) {
  if (!e) throw Error(where, what + " has no equation. Write one.");
  Expr fitted;
  try {
    fitted = is_zero(e) && e.unit() == Unit() ? quantity(0, unit) : convert(e, unit);
  } catch (const Error&) {
    throw Error(where, fmt::format("the units of {} do not balance: its equation gives [{}], but [{}] is needed. "
                                   "Check a missing factor or a parameter's unit.",
                                   what, e.unit().str(), unit.str()));
  }
  const auto joined = broadcast(shape, e.shape());
  if (!joined || joined->rank() != shape.rank())
    throw Error(
        where, fmt::format("{} is declared {}, but its equation gives {}. Sum or average over the axes it lacks.", what,
                           shape.str_sizes(), e.shape().str_sizes()));
  return broadcast_to(fitted, shape);
}

double AxisDeclaration::spacing() const {
  if (!has_coordinates) return 1;
  const double steps = static_cast<double>(axis.size) - (closed ? 1.0 : 0.0);
  return (high - low) / std::max(steps, 1.0);
}

std::vector<double> AxisDeclaration::coordinates() const {
  std::vector<double> values(axis.size);
  for (std::size_t i = 0; i < axis.size; ++i) values[i] = low + spacing() * static_cast<double>(i);
  return values;
}

bool Range::contains(double value) const {
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}
std::string Range::str() const {
  return fmt::format("{}{}, {}{}", low_open ? '(' : '[', low, high, high_open ? ')' : ']');
}
bool Range::unbounded() const { return low == -std::numeric_limits<double>::infinity() && high == -low; }

std::string State::left_side() const {
  return map ? fmt::format("next({})", variable->name) : fmt::format("d{}/dt", variable->name);
}

Circuit::Circuit(CircuitContents contents) {
  const std::string circuit_name = fmt::format("circuit '{}'", contents.name);
  std::string where = circuit_name;
  const auto enter = [&](const std::string& place) {
    where = place.empty() ? circuit_name : place + ": " + circuit_name;
  };
  if (!contents.time_unit.same_dimension(Unit::parse("s")) && !contents.time_unit.dimensionless())
    throw Error(where,
                fmt::format("the time unit is [{}], but must be a time such as ms, or 1.", contents.time_unit.str()));
  require_name(where, contents.name);
  check_text(where, contents.description);
  for (const auto& line : contents.source) check_text(where, line);
  std::set<std::string> taken;
  std::set<std::string> axes;
  for (const auto& a : contents.axes) {
    enter(a.where);
    require_name(where, a.axis.name);
    check_text(where, a.description);
    if (!axes.insert(a.axis.name).second) throw Error(where, fmt::format("axis '{}' is declared twice.", a.axis.name));
    if (a.axis.size < 1)
      throw Error(where, fmt::format("axis '{}' has no elements. Give it a length of at least 1.", a.axis.name));
    if (a.has_coordinates && !(a.low < a.high && std::isfinite(a.low) && std::isfinite(a.high)))
      throw Error(where,
                  fmt::format("axis '{}' runs from {} to {}, but must run upwards.", a.axis.name, a.low, a.high));
  }
  enter("");
  std::set<const Node*> declared;
  const auto declare = [&](const Expr& v, bool on_axes = true) {
    check_name(where, v->name, taken);
    declared.insert(v.get());
    if (!on_axes) return;
    for (const auto& axis : v.shape()) {
      const auto synapses = std::find_if(contents.projections.begin(), contents.projections.end(),
                                         [&](const auto& p) { return p.synapses && p.axis() == axis; });
      if (synapses != contents.projections.end()) continue;
      const auto known = std::find_if(contents.axes.begin(), contents.axes.end(),
                                      [&](const auto& a) { return a.axis.name == axis.name; });
      if (known == contents.axes.end())
        throw Error(where, fmt::format("'{}' has the axis '{}', which is not declared.{}", v->name, axis.name,
                                       suggest_names(axis.name, names_of(contents.axes, axis_name))));
      if (known->axis.size != axis.size)
        throw Error(where, fmt::format("'{}' has axis '{}' of length {}, but the axis is declared with {}.", v->name,
                                       axis.name, axis.size, known->axis.size));
    }
  };
  for (auto& p : contents.parameters) {
    enter(p.where);
    declare(p.variable);
    check_text(where, p.description);
    const std::size_t size = p.variable.shape().size();
    if (p.drawn_from) draw(where, p, contents);
    if (p.value.size() == 1) p.value.resize(size, p.value[0]);
    if (p.value.size() != size)
      throw Error(where,
                  fmt::format("parameter '{}' has {} values, but its shape {} has {} elements. Give one value or {}.",
                              p.variable->name, p.value.size(), p.variable.shape().str_sizes(), size, size));
    for (const double value : p.value) check_range(where, p, value);
  }
  for (const auto& input : contents.inputs) {
    enter(input.where);
    declare(input.variable, input.supply != Supply::delayed);
    check_text(where, input.description);
  }
  for (const auto& noise : contents.noises) {
    enter(noise.where);
    declare(noise.variable);
    check_text(where, noise.description);
    if (!(noise.variable.unit() == noise_unit(contents.time_unit)))
      throw Error(where, fmt::format("noise '{}' has the unit [{}], but white noise has the unit {}^-0.5.",
                                     noise.variable->name, noise.variable.unit().str(), contents.time_unit.str()));
    if (noise.calculus != contents.noises.front().calculus)
      throw Error(where, fmt::format("noise '{}' and noise '{}' are one Ito, the other Stratonovich, but a circuit has "
                                     "one calculus. Convert one of them.",
                                     contents.noises.front().variable->name, noise.variable->name));
  }
  for (const auto& state : contents.states) {
    enter(state.where);
    declare(state.variable);
    check_text(where, state.description);
  }
  for (const auto& definition : contents.definitions) {
    enter(definition.where);
    check_name(where, definition.name, taken);
    check_text(where, definition.description);
  }
  enter("");
  declared.insert(time_variable(contents.time_unit).get());
  if (contents.states.empty() && contents.definitions.empty())
    throw Error(where, "it has neither a state nor a definition. Write an equation such as dV/dt = -V/tau : mV.");

  const auto is_noise = [&](const Expr& v) {
    return std::any_of(contents.noises.begin(), contents.noises.end(),
                       [&](const Noise& noise) { return noise.variable == v; });
  };
  const auto check_variables = [&](const std::string& what, const Expr& e, bool initial, bool rate = false,
                                   bool past = false) {
    check_delays(where, what, e, contents);
    if (const Shape* large = too_large({e})) {
      std::vector<AlgorithmChoice> choices;
      if (too_large(factor_couplings({e}, choices)))
        throw Error(where, fmt::format("{} needs an array {} of more than {} elements. Shorten an axis.", what,
                                       large->str_sizes(), most_elements));
    }
    for (const auto& node : topological_order({e})) {
      if (node->op == Op::constant && !std::isfinite(node->value))
        throw Error(where,
                    fmt::format("{} contains the number {}. Check a division by zero or a power that is too large.",
                                what, node->value));
      if (node->numbers &&
          !std::all_of(node->numbers->begin(), node->numbers->end(), [](double v) { return std::isfinite(v); }))
        throw Error(where, fmt::format("{} contains an array {} with a number that is infinite or none.", what,
                                       node.shape().str_sizes()));
      if (node->op == Op::random)
        throw Error(
            where,
            fmt::format("{} uses random numbers, but these are for initial values: parameter NAME ~ ....", what));
      if (node->op != Op::variable) continue;
      if (!rate && is_noise(node))
        throw Error(where, fmt::format("{} uses the white noise '{}', but this has no value at a time: it may enter "
                                       "rates dx/dt only. Make coloured noise a state.",
                                       what, node->name));
      if (!declared.contains(node.get()))
        throw Error(where, fmt::format("{} uses '{}' {} [{}], which this circuit does not declare so.", what,
                                       node->name, node.shape().str_sizes(), node.unit().str()));
      if (initial && node->op == Op::delayed)
        throw Error(where, fmt::format("{} uses a delayed value, but these begin with the run.", what));
      if (past && node->op == Op::variable && node->kind == VariableKind::input)
        throw Error(where, fmt::format("{} uses the input '{}', but the past may depend on t and parameters only.",
                                       what, node->name));
      if (past && node->op == Op::variable && node->kind == VariableKind::time) continue;
      if (node->op == Op::variable && initial &&
          (node->kind == VariableKind::state || node->kind == VariableKind::time))
        throw Error(where, fmt::format("{} uses '{}', but an initial value may depend on parameters and inputs only.",
                                       what, node->name));
    }
  };
  for (auto& s : contents.states) {
    enter(s.where);
    const std::string& name = s.variable->name;
    if (s.map != contents.states.front().map)
      throw Error(where, fmt::format("'{}' has an equation {}, but '{}' has {}. A circuit is a flow (d/dt) or a map "
                                     "(next), not both; discretise turns a flow into a map.",
                                     name, s.left_side(), contents.states.front().variable->name,
                                     contents.states.front().left_side()));
    const std::string what = s.left_side();
    const Unit unit = s.map ? s.variable.unit() : s.variable.unit() / contents.time_unit;
    s.equation = fit(where, what, s.equation, unit, s.variable.shape());
    if (s.history) {
      s.history = fit(where, fmt::format("{}(t <= 0)", name), s.history, s.variable.unit(), s.variable.shape());
      check_variables(fmt::format("{}(t <= 0)", name), s.history, true, false, true);
      s.initial = substitute({s.history}, {{time_variable(contents.time_unit), quantity(0, contents.time_unit)}})[0];
    }
    s.initial = fit(where, fmt::format("{}(0)", name), s.initial, s.variable.unit(), s.variable.shape());
    check_variables(what, s.equation, false, !s.map);
    check_linear_noise(where, what, s.equation, contents.noises);
    check_variables(fmt::format("{}(0)", name), s.initial, true);
  }
  for (const auto& d : contents.definitions) {
    enter(d.where);
    check_variables("'" + d.name + "'", d.value, false);
  }
  enter("");
  const bool map = !contents.states.empty() && contents.states.front().map;
  if (!(contents.step > 0 && std::isfinite(contents.step)))
    throw Error(where, fmt::format("step = {} [{}], but must be positive.", contents.step, contents.time_unit.str()));
  if (!map && contents.step != 1)
    throw Error(where, "it has a step, but is not a map. Write its equations as next(x) = ..., or leave the step out.");
  for (auto& event : contents.events) {
    enter(event.where);
    if (map)
      throw Error(where,
                  fmt::format("event '{}' stands in a map, but events belong to flows. Write the jump into next() "
                              "with where(condition, then, otherwise).",
                              event.name));
    check_name(where, event.name, taken);
    check_text(where, event.description);
    const std::string what = "event '" + event.name + "'";
    const Shape& shape = event.guard.shape();
    if (event.cause != Cause::crossing) event.guard = broadcast_to(Expr(-1.0), shape);
    check_variables(what, event.guard, false);
    if (event.cause == Cause::poisson) {
      const std::string rate = "the rate of '" + event.name + "'";
      event.rate = fit(where, rate, event.rate, Unit() / contents.time_unit, shape);
      require_not_negative(where, rate, event.rate);
      check_variables(what, event.rate, false);
      for (const auto& node : topological_order({event.rate}))
        if (node->op == Op::variable && node->kind == VariableKind::state)
          throw Error(where,
                      fmt::format("the rate of '{}' uses the state '{}', but may depend on parameters, inputs and "
                                  "the time only.",
                                  event.name, node->name));
    }
    const auto fits = [&](const Shape& state) {
      const auto joined = broadcast(state, shape);
      return joined && joined->rank() == state.rank();
    };
    for (auto& [name, value] : event.jumps) {
      const State& s = find_named(where + ", " + what, "state", name, contents.states, variable_name);
      value = fit(where, fmt::format("'{}' after event '{}'", name, event.name), value, s.variable.unit(),
                  s.variable.shape());
      check_variables(what, value, false);
      if (!fits(s.variable.shape()))
        throw Error(where, fmt::format("event '{}' has the shape {}, but changes '{}' of shape {}.", event.name,
                                       shape.str_sizes(), name, s.variable.shape().str_sizes()));
    }
    check_hold(where, event, contents, fits);
    check_reset(where, event, contents);
  }
  for (auto& projection : contents.projections) {
    enter(projection.where);
    if (map)
      throw Error(where, fmt::format("projection '{}' stands in a map, but spikes belong to flows.", projection.name));
    check_name(where, projection.name, taken);
    check_text(where, projection.description);
    if (axes.contains(projection.name))
      throw Error(where,
                  fmt::format("projection '{}' has the name of an axis, which it gives to the axis of its synapses. "
                              "Rename one.",
                              projection.name));
    check_projection(where, contents, projection);
  }
  std::set<std::string> regimes;
  for (const auto& regime : contents.regimes) {
    enter(regime.where);
    check_name(where, regime.name, regimes);
    check_text(where, regime.description);
    where += ", regime '" + regime.name + "'";
    for (const auto& [name, values] : regime.values) {
      const Parameter& p = find_named(where, "parameter", name, contents.parameters, variable_name);
      if (values.size() != 1 && values.size() != p.value.size())
        throw Error(where,
                    fmt::format("parameter '{}' has {} values, but its shape {} has {} elements. Give one value or {}.",
                                name, values.size(), p.variable.shape().str_sizes(), p.value.size(), p.value.size()));
      for (const double value : values) check_range(where, p, value);
    }
  }
  contents_ = std::make_shared<const CircuitContents>(std::move(contents));
}

bool Circuit::is_map() const { return !contents_->states.empty() && contents_->states.front().map; }

const Parameter& Circuit::parameter(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "parameter", name, contents_->parameters, variable_name);
}
const State& Circuit::state(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "state", name, contents_->states, variable_name);
}
const AxisDeclaration& Circuit::axis(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "axis", name, contents_->axes, axis_name);
}
const Regime& Circuit::regime(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "regime", name, contents_->regimes, plain_name);
}

Circuit Circuit::with_parameters(const std::vector<std::pair<std::string, std::vector<double>>>& values) const {
  CircuitContents changed = *contents_;
  for (const auto& [name, value] : values) {
    parameter(name);
    for (auto& p : changed.parameters)
      if (p.variable->name == name) {
        p.value = value;
        p.drawn_from = {};
      }
  }
  return Circuit(std::move(changed));
}

Circuit Circuit::with_seed(std::uint64_t seed) const {
  CircuitContents changed = *contents_;
  changed.seed = seed;
  for (auto& p : changed.parameters)
    if (p.drawn_from) p.value.clear();
  const bool drawn = std::any_of(changed.projections.begin(), changed.projections.end(),
                                 [](const ProjectionRule& p) { return p.synapses != nullptr; });
  if (!drawn) return Circuit(std::move(changed));
  // Another seed draws another number of synapses, and shapes follow from it: the text says how.
  return read_circuit(to_text(*this), contents_->name, {{"seed", static_cast<double>(seed)}});
}

Circuit Circuit::with_definitions(const std::vector<std::string>& names) const {
  CircuitContents changed = *contents_;
  changed.definitions.clear();
  for (const auto& name : names)
    changed.definitions.push_back(
        find_named("circuit '" + contents_->name + "'", "definition", name, contents_->definitions, plain_name));
  return Circuit(std::move(changed));
}

namespace {

bool same_projection(const ProjectionRule& x, const ProjectionRule& y) {
  const Connectivity &a = x.rule, &b = y.rule;
  return x.name == y.name && x.event == y.event && x.from == y.from && x.to == y.to && x.delay == y.delay &&
         x.arrivals == y.arrivals && x.on_arrival == y.on_arrival && x.description == y.description &&
         (x.synapses == nullptr) == (y.synapses == nullptr) && a.rule == b.rule && a.probability == b.probability &&
         a.count == b.count && a.sd == b.sd && a.self == b.self && a.repeats == b.repeats && a.pre == b.pre &&
         a.post == b.post &&
         std::equal(x.back.begin(), x.back.end(), y.back.begin(), y.back.end(),
                    [](const auto& p, const auto& q) { return p.event == q.event && p.changes == q.changes; });
}

}  // namespace

bool Circuit::operator==(const Circuit& other) const {
  const auto& a = *contents_;
  const auto& b = *other.contents_;
  const auto all = [](const auto& x, const auto& y, const auto& same) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same);
  };
  return a.name == b.name && a.description == b.description && a.source == b.source && a.time_unit == b.time_unit &&
         a.step == b.step && a.seed == b.seed &&
         all(a.axes, b.axes,
             [](const auto& x, const auto& y) {
               return x.axis == y.axis && x.has_coordinates == y.has_coordinates && x.low == y.low &&
                      x.high == y.high && x.closed == y.closed && x.circular == y.circular && x.unit == y.unit &&
                      x.description == y.description;
             }) &&
         all(a.parameters, b.parameters,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.value == y.value && x.drawn_from == y.drawn_from &&
                      x.range.str() == y.range.str() && x.description == y.description;
             }) &&
         all(a.inputs, b.inputs,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.supply == y.supply && x.description == y.description;
             }) &&
         all(a.noises, b.noises,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.calculus == y.calculus && x.description == y.description;
             }) &&
         all(a.states, b.states,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.initial == y.initial && x.equation == y.equation &&
                      x.map == y.map && x.history == y.history && x.description == y.description;
             }) &&
         all(a.definitions, b.definitions,
             [](const auto& x, const auto& y) {
               return x.name == y.name && x.value == y.value && x.description == y.description;
             }) &&
         all(a.events, b.events,
             [](const auto& x, const auto& y) {
               return x.name == y.name && x.guard == y.guard && x.jumps == y.jumps && x.cause == y.cause &&
                      x.rate == y.rate && x.description == y.description && x.hold_time == y.hold_time &&
                      x.held == y.held && x.keeps_arrivals == y.keeps_arrivals;
             }) &&
         all(a.projections, b.projections, same_projection) &&
         all(a.regimes, b.regimes, [](const auto& x, const auto& y) {
           return x.name == y.name && x.description == y.description && x.values == y.values;
         });
}

Unit noise_unit(const Unit& time_unit) { return time_unit.pow(-0.5); }

void define_complex(CircuitContents& contents, const std::string& name, const ComplexExpr& value,
                    const std::string& description, const std::string& where) {
  const Axis& parts = re_im_axis();
  const bool declared = std::any_of(contents.axes.begin(), contents.axes.end(),
                                    [&](const AxisDeclaration& a) { return a.axis.name == parts.name; });
  if (!declared) {
    AxisDeclaration axis;
    axis.axis = parts;
    axis.description = "real and imaginary part";
    contents.axes.push_back(std::move(axis));
  }
  contents.definitions.push_back({name, re_im(value), description, where});
}

CircuitBuilder::CircuitBuilder(std::string name, std::string_view time_unit) {
  contents_.name = std::move(name);
  contents_.time_unit = Unit::parse(time_unit);
}

Axis CircuitBuilder::axis(const std::string& name, std::size_t size) {
  AxisDeclaration declaration;
  declaration.axis = {name, size};
  return axis(std::move(declaration));
}

Axis CircuitBuilder::axis(AxisDeclaration declaration) {
  contents_.axes.push_back(std::move(declaration));
  return contents_.axes.back().axis;
}

Expr CircuitBuilder::parameter(const std::string& name, double value, std::string_view unit, Range range,
                               std::string description) {
  return parameter(name, std::vector<double>{value}, {}, unit, range, std::move(description));
}

Expr CircuitBuilder::parameter(const std::string& name, std::vector<double> values, Shape shape, std::string_view unit,
                               Range range, std::string description) {
  const Expr v = variable(VariableKind::parameter, name, std::move(shape), Unit::parse(unit));
  contents_.parameters.push_back({v, std::move(values), range, std::move(description)});
  return v;
}

Expr CircuitBuilder::parameter(const std::string& name, const Expr& drawn_from, std::string_view unit, Range range,
                               std::string description) {
  const Expr v = variable(VariableKind::parameter, name, drawn_from.shape(), Unit::parse(unit));
  Parameter p{v, {}, range, std::move(description)};
  p.drawn_from = drawn_from;
  contents_.parameters.push_back(std::move(p));
  return v;
}

void CircuitBuilder::seed(std::uint64_t seed) { contents_.seed = seed; }

Expr CircuitBuilder::input(const std::string& name, std::string_view unit, Shape shape, std::string description) {
  const Expr v = variable(VariableKind::input, name, std::move(shape), Unit::parse(unit));
  contents_.inputs.push_back({v, std::move(description)});
  return v;
}

Expr CircuitBuilder::noise(const std::string& name, Calculus calculus, Shape shape, std::string description) {
  const Expr v = variable(VariableKind::input, name, std::move(shape), noise_unit(contents_.time_unit));
  contents_.noises.push_back({v, calculus, std::move(description)});
  return v;
}

Expr CircuitBuilder::state(const std::string& name, std::string_view unit, Shape shape, const Expr& initial,
                           std::string description) {
  const Expr v = variable(VariableKind::state, name, std::move(shape), Unit::parse(unit));
  contents_.states.push_back({v, initial, Expr(), std::move(description)});
  return v;
}

ComplexExpr CircuitBuilder::complex_state(const std::string& name, std::string_view unit, Shape shape,
                                          const ComplexExpr& initial, const std::string& description) {
  const Expr re = state(re_name(name), unit, shape, initial.re(), description + re_note);
  const Expr im = state(im_name(name), unit, std::move(shape), initial.im(), description + im_note);
  define_complex(contents_, name, {re, im}, description);
  return {re, im};
}

ComplexExpr CircuitBuilder::complex_parameter(const std::string& name, std::vector<double> re, std::vector<double> im,
                                              Shape shape, std::string_view unit, const std::string& description) {
  const Expr re_part = parameter(re_name(name), std::move(re), shape, unit, {}, description + re_note);
  return {re_part, parameter(im_name(name), std::move(im), std::move(shape), unit, {}, description + im_note)};
}

Expr CircuitBuilder::time() const { return time_variable(contents_.time_unit); }

State& CircuitBuilder::find_state(const Expr& state) {
  for (auto& s : contents_.states)
    if (s.variable == state) return s;
  throw Error("circuit '" + contents_.name + "'",
              "an equation is given for something that is not a state of this circuit.");
}

void CircuitBuilder::initial(const Expr& state, const Expr& value) { find_state(state).initial = value; }
void CircuitBuilder::history(const Expr& state, const Expr& value) { find_state(state).history = value; }
void CircuitBuilder::ddt(const Expr& state, const Expr& rate) {
  State& s = find_state(state);
  s.equation = rate;
  s.map = false;
}
void CircuitBuilder::next(const Expr& state, const Expr& value) {
  State& s = find_state(state);
  s.equation = value;
  s.map = true;
}
void CircuitBuilder::initial(const ComplexExpr& state, const ComplexExpr& value) {
  initial(state.re(), value.re());
  initial(state.im(), value.im());
}
void CircuitBuilder::ddt(const ComplexExpr& state, const ComplexExpr& rate) {
  ddt(state.re(), rate.re());
  ddt(state.im(), rate.im());
}
void CircuitBuilder::next(const ComplexExpr& state, const ComplexExpr& value) {
  next(state.re(), value.re());
  next(state.im(), value.im());
}
void CircuitBuilder::step(double step) { contents_.step = step; }

Expr CircuitBuilder::define(const std::string& name, const Expr& value, std::string description) {
  contents_.definitions.push_back({name, value, std::move(description)});
  return value;
}

ComplexExpr CircuitBuilder::define(const std::string& name, const ComplexExpr& value, const std::string& description) {
  define_complex(contents_, name, value, description);
  return value;
}

void CircuitBuilder::event(const std::string& name, const Expr& guard,
                           const std::vector<std::pair<Expr, Expr>>& jumps) {
  EventRule rule{name, guard, {}};
  for (const auto& [state, value] : jumps) rule.jumps.emplace_back(state->name, value);
  contents_.events.push_back(std::move(rule));
}

void CircuitBuilder::hold(const std::string& event, const std::vector<Expr>& states, const Expr& duration,
                          bool keep_arrivals) {
  for (auto& rule : contents_.events) {
    if (rule.name != event) continue;
    rule.hold_time = duration;
    for (const auto& state : states) rule.held.push_back(state->name);
    rule.keeps_arrivals = keep_arrivals;
    return;
  }
  throw Error("circuit '" + contents_.name + "'", fmt::format("no event '{}' that could hold states.", event));
}

void CircuitBuilder::poisson(const std::string& name, const Shape& shape, const Expr& rate,
                             const std::vector<std::pair<Expr, Expr>>& jumps, std::string description) {
  train(name, shape, jumps, std::move(description));
  contents_.events.back().cause = Cause::poisson;
  contents_.events.back().rate = rate;
}

void CircuitBuilder::train(const std::string& name, const Shape& shape, const std::vector<std::pair<Expr, Expr>>& jumps,
                           std::string description) {
  event(name, broadcast_to(Expr(-1.0), shape), jumps);
  contents_.events.back().cause = Cause::train;
  contents_.events.back().description = std::move(description);
}

ProjectionRule& CircuitBuilder::projection(ProjectionRule projection) {
  contents_.projections.push_back(std::move(projection));
  return contents_.projections.back();
}

Axis CircuitBuilder::synapses(const std::string& projection) {
  for (auto& rule : contents_.projections) {
    if (rule.name != projection) continue;
    if (!rule.synapses) draw_synapses(contents_, rule);
    return rule.axis();
  }
  throw Error("circuit '" + contents_.name + "'", fmt::format("no projection '{}'.", projection));
}

void CircuitBuilder::regime(Regime regime) { contents_.regimes.push_back(std::move(regime)); }

void CircuitBuilder::describe(std::string description, std::vector<std::string> source) {
  contents_.description = std::move(description);
  contents_.source = std::move(source);
}

}  // namespace striate
