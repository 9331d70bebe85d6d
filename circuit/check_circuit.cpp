#include "circuit/check_circuit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "circuit/delay.hpp"
#include "circuit/derive.hpp"
#include "circuit/find_named.hpp"
#include "circuit/fit.hpp"
#include "circuit/program/couplings.hpp"
#include "circuit/program/function.hpp"
#include "circuit/random.hpp"

namespace striate {
namespace {

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
  if (!p.value.empty()) return;
  try {
    p.value = drawn(p.drawn_from, contents.seed, what, std::move(known));
  } catch (const Error& e) {
    throw Error(where, fmt::format("{} is drawn from {}", what, e.what()));
  }
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
  const std::string at = where + ", event '" + event.name + "'";
  for (const auto& name : event.held) {
    const State& s = find_named(at, "state", name, contents.states, variable_name);
    if (!fits(s.variable.shape()))
      throw Error(where, fmt::format("event '{}' has the shape {}, but holds '{}' of shape {}.", event.name,
                                     event.guard.shape().str_sizes(), name, s.variable.shape().str_sizes()));
    for (const auto& other : contents.events)
      if (&other != &event && contains(other.held, name))
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
                                "it: else the element fires without a cause, or never again. Check the threshold and "
                                "the reset.",
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

/// Goes through the declarations in the order of the text form; every error names the place of the one at hand.
class CircuitCheck {
 public:
  explicit CircuitCheck(CircuitContents& contents)
      : contents_(contents), circuit_name_(fmt::format("circuit '{}'", contents.name)), where_(circuit_name_) {}

  void run() {
    header();
    axes();
    parameters();
    inputs();
    noises();
    names_of_equations();
    states();
    definitions();
    steps();
    events();
    projections();
    regimes();
  }

 private:
  void enter(const std::string& place) { where_ = place.empty() ? circuit_name_ : place + ": " + circuit_name_; }

  void header() {
    if (!contents_.time_unit.same_dimension(Unit::parse("s")) && !contents_.time_unit.dimensionless())
      throw Error(where_, fmt::format("the time unit is [{}], but must be a time such as ms, or 1.",
                                      contents_.time_unit.str()));
    if (contents_.seed > largest_seed)
      throw Error(where_, fmt::format("seed = {}, but a number below 2^53 is asked for.", contents_.seed));
    require_name(where_, contents_.name);
    check_text(where_, contents_.description);
    for (const auto& line : contents_.source) check_text(where_, line);
  }

  void axes() {
    for (const auto& a : contents_.axes) {
      enter(a.where);
      require_name(where_, a.axis.name);
      check_text(where_, a.description);
      if (!axes_.insert(a.axis.name).second)
        throw Error(where_, fmt::format("axis '{}' is declared twice.", a.axis.name));
      if (a.axis.size < 1)
        throw Error(where_, fmt::format("axis '{}' has no elements. Give it a length of at least 1.", a.axis.name));
      if (a.has_coordinates && !(a.low < a.high && std::isfinite(a.low) && std::isfinite(a.high)))
        throw Error(where_,
                    fmt::format("axis '{}' runs from {} to {}, but must run upwards.", a.axis.name, a.low, a.high));
    }
  }

  void declare(const Expr& v, bool on_axes = true) {
    check_name(where_, v->name, taken_);
    declared_.insert(v.get());
    if (!on_axes) return;
    for (std::size_t i = 0; i < v.shape().rank(); ++i) {
      const Axis& axis = v.shape()[i];
      if (*v.shape().find(axis.name) != i)
        throw Error(where_, fmt::format("'{}' has the axis '{}' twice.", v->name, axis.name));
      const auto synapses = std::find_if(contents_.projections.begin(), contents_.projections.end(),
                                         [&](const auto& p) { return p.synapses && p.axis() == axis; });
      if (synapses != contents_.projections.end()) continue;
      const auto known = std::find_if(contents_.axes.begin(), contents_.axes.end(),
                                      [&](const auto& a) { return a.axis.name == axis.name; });
      if (known == contents_.axes.end())
        throw Error(where_, fmt::format("'{}' has the axis '{}', which is not declared.{}", v->name, axis.name,
                                        suggest_names(axis.name, names_of(contents_.axes, axis_name))));
      if (known->axis.size != axis.size)
        throw Error(where_, fmt::format("'{}' has axis '{}' of length {}, but the axis is declared with {}.", v->name,
                                        axis.name, axis.size, known->axis.size));
    }
  }

  void parameters() {
    for (auto& p : contents_.parameters) {
      enter(p.where);
      declare(p.variable);
      check_text(where_, p.description);
      const std::size_t size = p.variable.shape().size();
      if (p.drawn_from) draw(where_, p, contents_);
      if (p.value.size() == 1) p.value.resize(size, p.value[0]);
      if (p.value.size() != size)
        throw Error(where_,
                    fmt::format("parameter '{}' has {} values, but its shape {} has {} elements. Give one value or {}.",
                                p.variable->name, p.value.size(), p.variable.shape().str_sizes(), size, size));
      for (const double value : p.value) check_range(where_, p, value);
    }
  }

  void inputs() {
    for (const auto& input : contents_.inputs) {
      enter(input.where);
      declare(input.variable, input.supply != Supply::delayed);
      check_text(where_, input.description);
    }
  }

  void noises() {
    for (const auto& noise : contents_.noises) {
      enter(noise.where);
      declare(noise.variable);
      check_text(where_, noise.description);
      if (!(noise.variable.unit() == noise_unit(contents_.time_unit)))
        throw Error(where_, fmt::format("noise '{}' has the unit [{}], but white noise has the unit {}^-0.5.",
                                        noise.variable->name, noise.variable.unit().str(), contents_.time_unit.str()));
      if (noise.calculus != contents_.noises.front().calculus)
        throw Error(where_,
                    fmt::format("noise '{}' and noise '{}' are one Ito, the other Stratonovich, but a circuit has "
                                "one calculus. Convert one of them.",
                                contents_.noises.front().variable->name, noise.variable->name));
    }
  }

  void names_of_equations() {
    for (const auto& state : contents_.states) {
      enter(state.where);
      declare(state.variable);
      check_text(where_, state.description);
    }
    for (const auto& definition : contents_.definitions) {
      enter(definition.where);
      check_name(where_, definition.name, taken_);
      check_text(where_, definition.description);
    }
    enter("");
    declared_.insert(time_variable(contents_.time_unit).get());
    if (contents_.states.empty() && contents_.definitions.empty())
      throw Error(where_, "it has neither a state nor a definition. Write an equation such as dV/dt = -V/tau : mV.");
  }

  bool is_noise(const Expr& v) const {
    return std::any_of(contents_.noises.begin(), contents_.noises.end(),
                       [&](const Noise& noise) { return noise.variable == v; });
  }

  void check_variables(const std::string& what, const Expr& e, bool initial, bool rate = false, bool past = false) {
    check_delays(where_, what, e, contents_);
    if (const Shape* large = too_large({e})) {
      std::vector<AlgorithmChoice> choices;
      if (too_large(factor_couplings({e}, choices)))
        throw Error(where_, fmt::format("{} needs an array {} of more than {} elements. Shorten an axis.", what,
                                        large->str_sizes(), most_elements));
    }
    for (const auto& node : topological_order({e})) {
      if (node.shape().rank() > most_axes)
        throw Error(where_, fmt::format("{} needs an array {} of more than {} axes. Sum over one before.", what,
                                        node.shape().str_sizes(), most_axes));
      if (node->op == Op::constant && !std::isfinite(node->value))
        throw Error(where_,
                    fmt::format("{} contains the number {}. Check a division by zero or a power that is too large.",
                                what, node->value));
      if (node->numbers &&
          !std::all_of(node->numbers->begin(), node->numbers->end(), [](double v) { return std::isfinite(v); }))
        throw Error(where_, fmt::format("{} contains an array {} with a number that is infinite or none.", what,
                                        node.shape().str_sizes()));
      if (node->op == Op::random)
        throw Error(
            where_,
            fmt::format("{} uses random numbers, but these are for initial values: parameter NAME ~ ....", what));
      if (node->op != Op::variable) continue;
      if (!rate && is_noise(node))
        throw Error(where_, fmt::format("{} uses the white noise '{}', but this has no value at a time: it may enter "
                                        "rates dx/dt only. Make coloured noise a state.",
                                        what, node->name));
      if (!declared_.contains(node.get()))
        throw Error(where_, fmt::format("{} uses '{}' {} [{}], which this circuit does not declare so.", what,
                                        node->name, node.shape().str_sizes(), node.unit().str()));
      if (initial && node->op == Op::delayed)
        throw Error(where_, fmt::format("{} uses a delayed value, but these begin with the run.", what));
      if (past && node->op == Op::variable && node->kind == VariableKind::input)
        throw Error(where_, fmt::format("{} uses the input '{}', but the past may depend on t and parameters only.",
                                        what, node->name));
      if (past && node->op == Op::variable && node->kind == VariableKind::time) continue;
      if (node->op == Op::variable && initial &&
          (node->kind == VariableKind::state || node->kind == VariableKind::time))
        throw Error(where_, fmt::format("{} uses '{}', but an initial value may depend on parameters and inputs only.",
                                        what, node->name));
    }
  }

  void states() {
    for (auto& s : contents_.states) {
      enter(s.where);
      const std::string& name = s.variable->name;
      if (s.map != contents_.states.front().map)
        throw Error(where_, fmt::format("'{}' has an equation {}, but '{}' has {}. A circuit is a flow (d/dt) or a map "
                                        "(next), not both; discretise turns a flow into a map.",
                                        name, s.left_side(), contents_.states.front().variable->name,
                                        contents_.states.front().left_side()));
      const std::string what = s.left_side();
      const Unit unit = s.map ? s.variable.unit() : s.variable.unit() / contents_.time_unit;
      s.equation = fit(where_, what, s.equation, unit, s.variable.shape());
      if (s.history) {
        s.history = fit(where_, fmt::format("{}(t <= 0)", name), s.history, s.variable.unit(), s.variable.shape());
        check_variables(fmt::format("{}(t <= 0)", name), s.history, true, false, true);
        s.initial =
            substitute({s.history}, {{time_variable(contents_.time_unit), quantity(0, contents_.time_unit)}})[0];
      }
      s.initial = fit(where_, fmt::format("{}(0)", name), s.initial, s.variable.unit(), s.variable.shape());
      check_variables(what, s.equation, false, !s.map);
      check_linear_noise(where_, what, s.equation, contents_.noises);
      check_variables(fmt::format("{}(0)", name), s.initial, true);
    }
  }

  void definitions() {
    for (const auto& d : contents_.definitions) {
      enter(d.where);
      if (!d.value) throw Error(where_, fmt::format("'{}' has no equation. Write one.", d.name));
      check_variables("'" + d.name + "'", d.value, false);
    }
  }

  bool is_map() const { return !contents_.states.empty() && contents_.states.front().map; }

  void steps() {
    enter("");
    if (!(contents_.step > 0 && std::isfinite(contents_.step)))
      throw Error(where_,
                  fmt::format("step = {} [{}], but must be positive.", contents_.step, contents_.time_unit.str()));
    if (!is_map() && contents_.step != 1)
      throw Error(where_,
                  "it has a step, but is not a map. Write its equations as next(x) = ..., or leave the step out.");
  }

  void events() {
    for (auto& event : contents_.events) {
      enter(event.where);
      if (is_map())
        throw Error(where_,
                    fmt::format("event '{}' stands in a map, but events belong to flows. Write the jump into next() "
                                "with where(condition, then, otherwise).",
                                event.name));
      check_name(where_, event.name, taken_);
      check_text(where_, event.description);
      const std::string what = "event '" + event.name + "'";
      const Shape& shape = event.guard.shape();
      if (event.cause != Cause::crossing) event.guard = broadcast_to(Expr(-1.0), shape);
      check_variables(what, event.guard, false);
      if (event.cause == Cause::poisson) {
        const std::string rate = "the rate of '" + event.name + "'";
        event.rate = fit(where_, rate, event.rate, Unit() / contents_.time_unit, shape);
        require_not_negative(where_, rate, event.rate);
        check_variables(what, event.rate, false);
        for (const auto& node : topological_order({event.rate}))
          if (node->op == Op::variable && node->kind == VariableKind::state)
            throw Error(where_,
                        fmt::format("the rate of '{}' uses the state '{}', but may depend on parameters, inputs and "
                                    "the time only.",
                                    event.name, node->name));
      }
      const auto fits = [&](const Shape& state) {
        const auto joined = broadcast(state, shape);
        return joined && joined->rank() == state.rank();
      };
      const std::string at = where_ + ", " + what;
      std::set<std::string> changed;
      for (auto& [name, value] : event.jumps) {
        if (!changed.insert(name).second)
          throw Error(where_, fmt::format("event '{}' changes '{}' twice. Keep one.", event.name, name));
        const State& s = find_named(at, "state", name, contents_.states, variable_name);
        value = fit(where_, fmt::format("'{}' after event '{}'", name, event.name), value, s.variable.unit(),
                    s.variable.shape());
        check_variables(what, value, false);
        if (!fits(s.variable.shape()))
          throw Error(where_, fmt::format("event '{}' has the shape {}, but changes '{}' of shape {}.", event.name,
                                          shape.str_sizes(), name, s.variable.shape().str_sizes()));
      }
      check_hold(where_, event, contents_, fits);
      check_reset(where_, event, contents_);
    }
  }

  void projections() {
    for (auto& projection : contents_.projections) {
      enter(projection.where);
      if (is_map())
        throw Error(where_,
                    fmt::format("projection '{}' stands in a map, but spikes belong to flows.", projection.name));
      check_name(where_, projection.name, taken_);
      check_text(where_, projection.description);
      if (axes_.contains(projection.name))
        throw Error(where_,
                    fmt::format("projection '{}' has the name of an axis, which it gives to the axis of its synapses. "
                                "Rename one.",
                                projection.name));
      check_projection(where_, contents_, projection);
    }
  }

  void regimes() {
    std::set<std::string> regimes;
    for (const auto& regime : contents_.regimes) {
      enter(regime.where);
      check_name(where_, regime.name, regimes);
      check_text(where_, regime.description);
      where_ += ", regime '" + regime.name + "'";
      for (const auto& [name, values] : regime.values) {
        const Parameter& p = find_named(where_, "parameter", name, contents_.parameters, variable_name);
        if (values.size() != 1 && values.size() != p.value.size())
          throw Error(
              where_,
              fmt::format("parameter '{}' has {} values, but its shape {} has {} elements. Give one value or {}.", name,
                          values.size(), p.variable.shape().str_sizes(), p.value.size(), p.value.size()));
        for (const double value : values) check_range(where_, p, value);
      }
    }
  }

  CircuitContents& contents_;
  std::string circuit_name_, where_;
  std::set<std::string> taken_, axes_;
  std::set<const Node*> declared_;
};

}  // namespace

void check_circuit(CircuitContents& contents) { CircuitCheck(contents).run(); }

}  // namespace striate
