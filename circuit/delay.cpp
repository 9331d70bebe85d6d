#include "circuit/delay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "base/error.hpp"
#include "circuit/program/couplings.hpp"
#include "circuit/text.hpp"

namespace striate {
namespace {

bool has_delay(const Expr& e) {
  const auto order = topological_order({e});
  return std::any_of(order.begin(), order.end(), [](const Expr& node) { return node->op == Op::delayed; });
}

std::string shown(const Expr& e) {
  const std::string text = to_text(e);
  return text.size() < 80 ? text : fmt::format("{:.77}...", text);
}

/// z of a part z_re or z_im of a complex state, else the name itself.
std::string written_name(const std::string& state, const CircuitContents& contents) {
  for (const auto& d : contents.definitions)
    if (d.value.shape().has(re_im_axis().name) && (state == re_name(d.name) || state == im_name(d.name))) return d.name;
  return state;
}

/// Every expression of the circuit in which a delayed value may stand.
template <class Contents, class Body>
void for_each_expression(Contents& c, const Body& body) {
  for (auto& s : c.states) body(s.equation);
  for (auto& d : c.definitions) body(d.value);
  for (auto& event : c.events) {
    body(event.guard);
    for (auto& jump : event.jumps) body(jump.second);
  }
}

/// The part of an angle that is a widened delay, with its sign, and the rest; empty where there is none.
struct Angle {
  Expr delay, rest;
  bool negative = false;
};

Angle split(const Expr& e, bool negative = false) {
  if (is_widened_delay(e)) return {e, {}, negative};
  const auto signed_part = [&](const Expr& x, bool minus) { return minus ? -x : x; };
  switch (e->op) {
    case Op::neg: return split(e->args[0], !negative);
    case Op::broadcast: return split(e->args[0], negative);
    case Op::add:
    case Op::sub:
      for (std::size_t i = 0; i < 2; ++i) {
        Angle found = split(e->args[i], negative != (e->op == Op::sub && i == 1));
        if (!found.delay) continue;
        const bool other_minus = negative != (e->op == Op::sub && i == 0);
        const Expr other = signed_part(e->args[1 - i], other_minus);
        found.rest = found.rest ? found.rest + other : other;
        return found;
      }
      return {};
    default: return {};
  }
}

/// sin(D + R) = sin D cos R + cos D sin R and cos likewise, with the sine and cosine of D taken before its delay.
Expr taken_before(const Expr& e) {
  if (e->op != Op::sin && e->op != Op::cos) return {};
  const Angle angle = split(e->args[0]);
  if (!angle.delay) return {};
  const Expr& x = angle.delay->args[0];
  const Expr sine = delayed(angle.negative ? -sin(x) : sin(x), angle.delay->args[1]);
  const Expr cosine = delayed(cos(x), angle.delay->args[1]);
  const Expr zero = convert(Expr(0.0), Unit());
  const Expr rest = angle.rest ? angle.rest : zero;
  const Expr value = e->op == Op::sin ? sine * cos(rest) + cosine * sin(rest) : cosine * cos(rest) - sine * sin(rest);
  return broadcast_to(value, e.shape());
}

bool smooth(Op op) {
  constexpr std::array ops{Op::add, Op::sub, Op::neg, Op::mul,  Op::div,     Op::convert,
                           Op::sin, Op::cos, Op::exp, Op::tanh, Op::sigmoid, Op::softplus};
  return std::ranges::find(ops, op) != ops.end();
}

bool undelayed(const Expr& e) {
  return std::ranges::none_of(topological_order({e}), [](const Expr& node) { return node->op == Op::delayed; });
}

/// f(delayed(x, tau), p) = delayed(f(x, p), tau), for parameters of the units that x belongs to.
Expr taken_along(const Expr& e) {
  if (!smooth(e->op)) return {};
  const auto inside = [](Expr x) {
    while (x->op == Op::broadcast) x = x->args[0];
    return x;
  };
  Expr tau;
  const Shape* source = nullptr;
  std::vector<Expr> args;
  for (const Expr& given : e->args) {
    const Expr arg = inside(given);
    if (!is_widened_delay(arg)) continue;
    if (tau && !(tau == arg->args[1] && *source == arg->args[0].shape())) return {};
    tau = arg->args[1];
    source = &arg->args[0].shape();
  }
  if (!tau) return {};
  for (const Expr& given : e->args) {
    const Expr arg = inside(given);
    const bool late = is_widened_delay(arg);
    const bool alike =
        late || std::ranges::all_of(arg.shape(), [&](const Axis& axis) { return source->has(axis.name); });
    if (!alike || !(late || (of_parameters(arg) && undelayed(arg)))) return {};
    args.push_back(late ? arg->args[0] : arg);
  }
  return broadcast_to(delayed(with_args(e, std::move(args)), tau), e.shape());
}

Expr with_phasors(const Expr& root) {
  std::unordered_map<const Node*, Expr> value;
  for (const auto& e : topological_order({root})) {
    std::vector<Expr> args;
    bool changed = false;
    for (const auto& arg : e->args) {
      args.push_back(value.at(arg.get()));
      changed = changed || !(args.back() == arg);
    }
    const Expr rebuilt = changed ? with_args(e, std::move(args)) : e;
    const Expr along = taken_along(rebuilt);
    const Expr before = along ? along : taken_before(rebuilt);
    value[e.get()] = before ? before : rebuilt;
  }
  return value.at(root.get());
}

}  // namespace

void check_delays(const std::string& where, const std::string& what, const Expr& e, const CircuitContents& contents) {
  for (const auto& node : topological_order({e})) {
    if (node->op != Op::delayed) continue;
    const std::string name = what + ": " + shown(node);
    const Expr& tau = node->args[1];
    const Unit& time = contents.time_unit;
    if (!tau.unit().same_dimension(time) && !(is_zero(tau) && tau.unit() == Unit()))
      throw Error(where, fmt::format("{}: the delay is a quantity in [{}], but must be a time such as 5 {}.", name,
                                     tau.unit().str(), time.str()));
    for (const auto& inner : topological_order({tau}))
      if (inner->op == Op::delayed || (inner->op == Op::variable && inner->kind != VariableKind::parameter))
        throw Error(where, fmt::format("{}: the delay depends on '{}', but may depend on parameters only.", name,
                                       inner->op == Op::delayed ? shown(inner) : inner->name));
    const auto past_of = [&](const Expr& x) {
      const auto state = std::ranges::find_if(contents.states, [&](const State& s) { return s.variable == x; });
      return state == contents.states.end() ? Expr(1.0) : state->history;
    };
    std::vector<std::pair<Expr, Expr>> nothing;
    for (const auto& inner : topological_order({node->args[0]}))
      if (inner->op == Op::variable && inner->kind == VariableKind::state)
        if (const Expr past = past_of(inner); past && is_zero(past)) nothing.emplace_back(inner, past);
    // What has no part in the past needs none.
    for (const auto& inner : topological_order(substitute({node->args[0]}, nothing))) {
      if (inner->op == Op::delayed && inner->args[1].shape().rank() > 0)
        throw Error(where, fmt::format("{}: a delayed value with a delay for each element stands in another one. Make "
                                       "the inner delay one number.",
                                       name));
      if (inner->op != Op::variable) continue;
      if (inner->kind == VariableKind::input)
        throw Error(where, fmt::format("{}: '{}' is no state. Delay states, and shift an input in its drive.", name,
                                       inner->name));
      if (inner->kind == VariableKind::state && !past_of(inner)) {
        const std::string state = written_name(inner->name, contents);
        throw Error(where, fmt::format("{}: the past of '{}' is missing. Write {}(t <= 0) = ....", name, state, state));
      }
    }
  }
}

bool has_delays(const Circuit& circuit) {
  CircuitContents c = *circuit;
  bool any = false;
  for_each_expression(c, [&](const Expr& e) { any = any || has_delay(e); });
  return any;
}

SuppliedDelays with_supplied_delays(const Circuit& circuit, DelayedSums sums) {
  if (!has_delays(circuit)) return {circuit, {}};
  CircuitContents c = *circuit;
  for_each_expression(c, [](Expr& e) { e = with_phasors(e); });

  std::set<std::string> taken;
  for (const auto& p : c.parameters) taken.insert(p.variable->name);
  for (const auto& u : c.inputs) taken.insert(u.variable->name);
  for (const auto& n : c.noises) taken.insert(n.variable->name);
  for (const auto& s : c.states) taken.insert(s.variable->name);
  for (const auto& d : c.definitions) taken.insert(d.name);
  std::vector<std::pair<Expr, Expr>> histories;
  for (const auto& s : c.states)
    if (s.history) histories.emplace_back(s.variable, s.history);
  const Expr t = time_variable(c.time_unit);

  std::size_t number = 0;
  const auto new_input = [&](const Shape& shape, const Unit& unit, const Expr& what) {
    std::string name;
    do name = fmt::format("delayed_{}", ++number);
    while (!taken.insert(name).second);
    Expr input = variable(VariableKind::input, name, shape, unit);
    c.inputs.push_back({input, shown(what), "", Supply::delayed});
    return input;
  };

  struct Sum {
    Expr input, weights, delayed;
    std::vector<std::string> over;
  };
  std::vector<Sum> summed;
  SuppliedDelays result{circuit, {}};
  if (sums == DelayedSums::supplied) {
    const auto supply = [&](const Expr& weights, const Expr& value, const std::vector<std::string>& over) {
      for (const Sum& sum : summed)
        if (sum.weights == weights && sum.delayed == value && sum.over == over) return sum.input;
      const Expr input = new_input(value.shape().without(over), weights.unit() * value.unit(), value);
      summed.push_back({input, weights, value, over});
      return input;
    };
    for (auto& s : c.states) s.equation = factor_delayed_couplings(s.equation, result.choices, supply);
  }

  std::vector<Expr> roots;
  for_each_expression(c, [&](const Expr& e) { roots.push_back(e); });
  for (const Sum& sum : summed) roots.push_back(sum.delayed->args[0]);
  std::vector<std::pair<Expr, Expr>> inputs, pasts = histories;
  const auto rule_of = [&](const Expr& node, const Expr& input) {
    const Expr& tau = node->args[1];
    return DelayRule{input, substitute({node->args[0]}, inputs)[0],
                     is_zero(tau) && tau.unit() == Unit() ? quantity(0, c.time_unit) : convert(tau, c.time_unit),
                     substitute({node->args[0]}, pasts)[0], node.shape()};
  };
  for (const auto& node : topological_order(roots)) {
    if (node->op != Op::delayed) continue;
    DelayRule rule = rule_of(node, new_input(node.shape(), node.unit(), node));
    // The past of a delayed value is that of its source, so much earlier; check_delays has seen to it that tau is one
    // number wherever this is used.
    if (rule.tau.shape().rank() == 0) pasts.emplace_back(node, substitute({rule.past}, {{t, t - rule.tau}})[0]);
    inputs.emplace_back(node, rule.input);
    result.rules.push_back(std::move(rule));
  }
  for (const Sum& sum : summed) {
    DelayRule rule = rule_of(sum.delayed, sum.input);
    rule.weights = broadcast_to(sum.weights, rule.shape);
    result.rules.push_back(std::move(rule));
  }
  for_each_expression(c, [&](Expr& e) { e = substitute({e}, inputs)[0]; });
  for (auto& s : c.states) s.history = {};
  result.circuit = Circuit(std::move(c));
  return result;
}

}  // namespace striate
