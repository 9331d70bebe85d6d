#include "circuit/projection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "circuit/check_connectivity.hpp"
#include "circuit/circuit.hpp"
#include "circuit/fit.hpp"

namespace striate {
namespace {

Expr leaf(std::string_view of, const std::string& name, const Axis& synapses, const Unit& unit) {
  Node node;
  node.op = Op::variable;
  node.kind = VariableKind::argument;
  node.name = fmt::format("{}({})", of, name);
  node.names = {std::string(of), name};
  node.shape = Shape{synapses};
  node.unit = unit;
  return intern(std::move(node));
}

Expr leaf_of(std::string_view of, const Expr& x, const Axis& synapses) {
  if (x->op != Op::variable || (x->kind != VariableKind::parameter && x->kind != VariableKind::state))
    throw Error(
        fmt::format("{}() takes a parameter or a state, not an expression. Compute with {}() of each.", of, of));
  return leaf(of, x->name, synapses, x.unit());
}

std::string place(const ProjectionRule& projection) { return "projection '" + projection.name + "'"; }

const EventRule& event_named(const CircuitContents& contents, const std::string& where, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& event : contents.events) {
    if (event.name == name) return event;
    known.push_back(event.name);
  }
  throw Error(where, fmt::format("no event '{}' whose spikes it could carry.{}", name, suggest_names(name, known)));
}

const AxisDeclaration& axis_named(const CircuitContents& contents, const std::string& where, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& a : contents.axes) {
    if (a.axis.name == name) return a;
    known.push_back(a.axis.name);
  }
  throw Error(where, fmt::format("no axis '{}' has been declared.{}", name, suggest_names(name, known)));
}

PopulationAxis whole(const AxisDeclaration& a) {
  return {a.axis.name, a.axis.size, 0, a.axis.size, a.has_coordinates ? a.low : 0.0, a.spacing(), a.circular};
}

void narrow(const std::string& where, PopulationAxis& axis, const AxisRange& range) {
  axis.begin = range.begin;
  axis.end = range.end.value_or(axis.size);
  if (axis.end > axis.size)
    throw Error(where, fmt::format("{}={}:{} goes beyond the axis, which has {} elements.", axis.name, axis.begin,
                                   axis.end, axis.size));
  if (axis.begin >= axis.end)
    throw Error(where, fmt::format("{}={}:{} is an empty population. The end is excluded: 0:4 are the first four.",
                                   axis.name, axis.begin, axis.end));
}

/// Where an expression stands decides what it may be made of.
enum class Role { delay, amount, rule };

void check_leaves(const std::string& where, const std::string& what, const CircuitContents& contents,
                  const ProjectionRule& projection, const Expr& e, Role role) {
  const Shape over{projection.axis()};
  const Population from = pre_population(contents, projection), to = post_population(contents, projection);
  const auto declared = [&](const std::string& name) -> const Expr* {
    for (const auto& p : contents.parameters)
      if (p.variable->name == name) return &p.variable;
    for (const auto& s : contents.states)
      if (s.variable->name == name) return &s.variable;
    return nullptr;
  };
  for (const auto& node : topological_order({e})) {
    if (node->op == Op::constant && !std::isfinite(node->value))
      throw Error(where, fmt::format("{} contains the number {}. Check a division by zero.", what, node->value));
    if (const auto l = synapse_leaf(*node)) {
      if (l->of == SynapseLeaf::Of::distance) continue;
      const std::string_view side = l->of == SynapseLeaf::Of::pre ? "pre" : "post";
      const Expr* v = declared(l->name);
      if (!v)
        throw Error(where,
                    fmt::format("{} uses {}, but there is no parameter or state '{}'.", what, node->name, l->name));
      std::vector<std::string> axes;
      for (const auto& a : (l->of == SynapseLeaf::Of::pre ? from : to).axes) axes.push_back(a.name);
      if (v->shape().names() != axes)
        throw Error(where, fmt::format("{} uses {}, but '{}' has the shape {}, and the {} side the axes [{}].", what,
                                       node->name, l->name, v->shape().str_sizes(), side, fmt::join(axes, ", ")));
      if ((*v)->kind == VariableKind::state && (role == Role::delay || (role == Role::amount && side == "post")))
        throw Error(where, fmt::format("{} uses the state {}, but {}.", what, node->name,
                                       role == Role::delay ? "a delay is of parameters"
                                                           : "what a spike adds must not depend on its target's state. "
                                                             "Let it change a state whose equation has the product"));
      continue;
    }
    if (node->op == Op::random) {
      if (role == Role::rule)
        throw Error(where, fmt::format("{} uses random numbers, which are drawn once for delays and amounts.", what));
      continue;
    }
    if (node->op == Op::variable) {
      const bool fits = node.shape().rank() == 0 || node.shape() == over;
      const bool parameter = node->kind == VariableKind::parameter && fits;
      const bool state = node->kind == VariableKind::state && node.shape() == over && role != Role::delay;
      if (!(parameter || state))
        throw Error(where,
                    fmt::format("{} uses '{}' {}, but is made of parameters of one value or over the axis '{}', and "
                                "of pre() and post() of those of the elements{}.",
                                what, node->name, node.shape().str_sizes(), projection.name,
                                role == Role::delay ? "" : ", and of states over that axis"));
      continue;
    }
    const bool plain = is_pointwise(node->op) || node->op == Op::constant || node->op == Op::broadcast;
    if (!plain)
      throw Error(where, fmt::format("{} uses {}, but is computed synapse by synapse.", what, op_name(node->op)));
  }
}

void check_rule(const CircuitContents& contents, const ProjectionRule& projection) {
  check_connectivity(projection.rule, pre_population(contents, projection), post_population(contents, projection),
                     projection.name);
}

}  // namespace

Expr pre(const Expr& variable, const Axis& synapses) { return leaf_of("pre", variable, synapses); }
Expr post(const Expr& variable, const Axis& synapses) { return leaf_of("post", variable, synapses); }
Expr distance(const Axis& synapses, const Unit& unit) { return leaf("distance", synapses.name, synapses, unit); }

std::optional<SynapseLeaf> synapse_leaf(const Node& node) {
  if (node.op != Op::variable || node.names.size() != 2) return {};
  using Of = SynapseLeaf::Of;
  return SynapseLeaf{node.names[0] == "pre"    ? Of::pre
                     : node.names[0] == "post" ? Of::post
                                               : Of::distance,
                     node.names[1]};
}

Population pre_population(const CircuitContents& contents, const ProjectionRule& projection) {
  const std::string where = place(projection);
  const Shape& shape = event_named(contents, where, projection.event).guard.shape();
  Population population;
  for (const auto& axis : shape) population.axes.push_back(whole(axis_named(contents, where, axis.name)));
  for (const auto& range : projection.from) {
    const auto i = shape.find(range.axis);
    if (!i)
      throw Error(where, fmt::format("event '{}' has no axis '{}'.{}", projection.event, range.axis,
                                     suggest_names(range.axis, shape.names())));
    narrow(where, population.axes[*i], range);
  }
  return population;
}

Population post_population(const CircuitContents& contents, const ProjectionRule& projection) {
  const std::string where = place(projection);
  Population population;
  for (const auto& range : projection.to) {
    population.axes.push_back(whole(axis_named(contents, where, range.axis)));
    narrow(where, population.axes.back(), range);
  }
  return population;
}

Unit distance_unit(const CircuitContents& contents, const ProjectionRule& projection) {
  const std::string where = place(projection);
  for (const auto& range : projection.to) {
    const auto& a = axis_named(contents, where, range.axis);
    if (a.has_coordinates) return a.unit;
  }
  return {};
}

void draw_synapses(const CircuitContents& contents, ProjectionRule& projection) {
  check_rule(contents, projection);
  projection.synapses = std::make_shared<const Connections>(
      connect(projection.rule, pre_population(contents, projection), post_population(contents, projection),
              contents.seed, projection.purpose()));
  if (projection.synapses->size() == 0)
    throw Error(place(projection), "has no synapse, but its axis is used. Ask for more connections.");
}

void check_projection(const std::string& where, const CircuitContents& contents, ProjectionRule& projection) {
  const std::string at = where + ", " + place(projection);
  const Shape over{projection.axis()};
  try {
    check_rule(contents, projection);
  } catch (const Error& e) {
    throw Error(where, e.what());
  }
  const auto axes_of = [&](const std::vector<AxisRange>& ranges) {
    std::vector<std::string> axes;
    for (const auto& range : ranges) {
      if (std::find(axes.begin(), axes.end(), range.axis) != axes.end())
        throw Error(at, fmt::format("the axis '{}' is named twice.", range.axis));
      axes.push_back(range.axis);
    }
    return axes;
  };
  axes_of(projection.from);
  const std::vector<std::string> targets = axes_of(projection.to);
  if (projection.arrivals.empty() && projection.on_arrival.empty() && projection.back.empty())
    throw Error(at, "its spikes change nothing. Write what they add: g += w.");
  const auto state = [&](const std::string& name) -> const State& {
    std::vector<std::string> known;
    for (const auto& s : contents.states) {
      if (s.variable->name == name) return s;
      known.push_back(s.variable->name);
    }
    throw Error(at, fmt::format("no state '{}'.{}", name, suggest_names(name, known)));
  };
  const auto fitted = [&](const std::string& what, const Expr& e, const Unit& unit, Role role) {
    check_leaves(at, what, contents, projection, e, role);
    return fit(at, what, e, unit, e.shape().rank() == 0 ? Shape() : over);
  };
  if (!projection.delay) projection.delay = 0.0;
  projection.delay = fitted("the delay", projection.delay, contents.time_unit, Role::delay);
  if (projection.delay->op == Op::constant && projection.delay->value < 0)
    throw Error(at, fmt::format("the delay = {} [{}], but a spike arrives after it left.", projection.delay->value,
                                contents.time_unit.str()));
  for (auto& [name, amount] : projection.arrivals) {
    const State& s = state(name);
    if (s.variable.shape().names() != targets)
      throw Error(at, fmt::format("adds to '{}' of shape {}, but goes to [{}].", name, s.variable.shape().str_sizes(),
                                  fmt::join(targets, ", ")));
    amount = fitted(fmt::format("'{} +='", name), amount, s.variable.unit(), Role::amount);
  }
  const auto check_rules = [&](Assignments& rules) {
    for (auto& [name, value] : rules) {
      const State& s = state(name);
      if (!(s.variable.shape() == over))
        throw Error(at, fmt::format("a rule changes '{}' of shape {}, but rules are for states over [{}].", name,
                                    s.variable.shape().str_sizes(), projection.name));
      value = fit(at, fmt::format("'{}'", name), value, s.variable.unit(), over);
      check_leaves(at, fmt::format("the rule of '{}'", name), contents, projection, value, Role::rule);
    }
  };
  check_rules(projection.on_arrival);
  for (auto& back : projection.back) {
    const EventRule& event = event_named(contents, at, back.event);
    if (event.guard.shape().names() != targets)
      throw Error(at, fmt::format("event '{}' has the shape {}, but the targets have the axes [{}].", back.event,
                                  event.guard.shape().str_sizes(), fmt::join(targets, ", ")));
    check_rules(back.changes);
  }
}

}  // namespace striate
