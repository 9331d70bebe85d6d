#include "circuit/discretise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include "base/error.hpp"
#include "circuit/delay_memory.hpp"
#include "circuit/derive.hpp"
#include "circuit/noise.hpp"
#include "circuit/propagator.hpp"
#include "circuit/tableau.hpp"

namespace striate {
namespace {

constexpr std::array<std::string_view, 5> names{"euler", "heun", "rk4", "exponential_euler", "exact"};

std::vector<Expr> runge_kutta(const CircuitContents& flow, const Tableau& tableau, const Expr& h,
                              const DelayMemory* memory) {
  const std::size_t n = flow.states.size();
  std::vector<std::vector<Expr>> slopes;
  /// y + sum_j (h w_j) k_j, in the order in which the integrators add
  const auto moved = [&](const std::vector<double>& weights) {
    std::vector<Expr> y;
    for (std::size_t i = 0; i < n; ++i) {
      Expr value = flow.states[i].variable;
      for (std::size_t j = 0; j < weights.size(); ++j)
        if (weights[j] != 0) value = value + h * Expr(weights[j]) * slopes[j][i];
      y.push_back(value);
    }
    return y;
  };
  const Expr t = time_variable(flow.time_unit);
  std::vector<Expr> rates;
  for (const auto& s : flow.states) rates.push_back(s.equation);
  for (std::size_t stage = 0; stage < tableau.b.size(); ++stage) {
    const auto y = moved(tableau.a[stage]);
    std::vector<std::pair<Expr, Expr>> there;
    for (std::size_t i = 0; i < n; ++i) there.emplace_back(flow.states[i].variable, y[i]);
    if (tableau.c[stage] != 0) there.emplace_back(t, t + h * Expr(tableau.c[stage]));
    if (memory && tableau.c[stage] == 0) there.insert(there.end(), memory->now().begin(), memory->now().end());
    if (memory && tableau.c[stage] == 1) memory->at_end(there);
    slopes.push_back(substitute(rates, there));
  }
  return moved(tableau.b);
}

std::vector<Expr> exponential_euler(const CircuitContents& flow, const Expr& h) {
  std::vector<Expr> next;
  for (const auto& s : flow.states) {
    const Expr leak = pointwise_derivative(s.equation, s.variable);
    const Expr change = h * s.equation;
    next.push_back(s.variable + (leak ? change * exprel(h * leak) : change));
  }
  return next;
}

/// The rates, with `middle` for the time in what steps and choices compare with the time alone.
std::vector<State> compared_at(const Expr& middle, const CircuitContents& flow) {
  const Expr t = time_variable(flow.time_unit);
  const auto of_time_alone = [&](const Expr& e) {
    const auto order = topological_order({e});
    return std::ranges::find(order, t) != order.end() && std::ranges::all_of(order, [&](const Expr& node) {
             return node->op != Op::variable || node->kind == VariableKind::parameter || node == t;
           });
  };
  std::vector<Expr> rates;
  for (const auto& s : flow.states) rates.push_back(s.equation);
  std::unordered_map<const Node*, Expr> value;
  for (const auto& e : topological_order(rates)) {
    std::vector<Expr> args;
    for (const auto& arg : e->args) args.push_back(value.at(arg.get()));
    if ((e->op == Op::step || e->op == Op::where) && of_time_alone(e->args[0]))
      args[0] = substitute({e->args[0]}, {{t, middle}})[0];
    value[e.get()] = args == e->args ? e : with_args(e, std::move(args));
  }
  std::vector<State> states = flow.states;
  for (auto& s : states) s.equation = value.at(s.equation.get());
  return states;
}

}  // namespace

std::vector<std::string> scheme_names() { return {names.begin(), names.end()}; }

Scheme scheme_named(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<Scheme>(i);
  throw Error(fmt::format("there is no scheme '{}'.{}", name, suggest_names(name, scheme_names())));
}

std::vector<Expr> one_step(const CircuitContents& given, Scheme scheme, double dt, const DelayMemory* memory) {
  const Expr h = quantity(dt, given.time_unit), t = time_variable(given.time_unit);
  if (scheme == Scheme::exact) return exact_step(given, h);
  const Expr middle = variable(VariableKind::argument, "the middle of the step", Shape(), given.time_unit);
  CircuitContents flow = given;
  flow.states = compared_at(middle, given);
  std::vector<Expr> next;
  switch (scheme) {
    case Scheme::heun: next = runge_kutta(flow, heun_tableau(), h, memory); break;
    case Scheme::rk4: next = runge_kutta(flow, rk4_tableau(), h, memory); break;
    case Scheme::exponential_euler: {
      next = exponential_euler(flow, h);
      if (memory) next = substitute(next, memory->now());
      break;
    }
    default: next = runge_kutta(flow, euler_tableau(), h, memory);
  }
  return substitute(next, {{middle, t + h * Expr(0.5)}});
}

void check_noise(const std::string& where, const Circuit& flow, Scheme scheme) {
  if (flow->noises.empty()) return;
  if (scheme != Scheme::euler && scheme != Scheme::heun)
    throw Error(where, fmt::format("has noise, which {} has no steps for. Use euler (Ito) or heun (Stratonovich).",
                                   names[static_cast<std::size_t>(scheme)]));
  if (noise_entry(flow) != NoiseEntry::additive &&
      (scheme == Scheme::euler) != (flow->noises.front().calculus == Calculus::ito))
    throw Error(where, "has noise whose size depends on the state: euler is for Ito noise, heun for Stratonovich.");
}

Circuit discretise(const Circuit& flow, Scheme scheme, double dt) {
  const std::string where = "circuit '" + flow->name + "'";
  if (flow.is_map()) throw Error(where, "is a map already; only a flow can be discretised.");
  if (!flow->events.empty())
    throw Error(where, fmt::format("has the event '{}', but a circuit with events cannot be discretised. Write it as a "
                                   "map that spikes by surrogate(), or take its gradient by the adjoint in time.",
                                   flow->events.front().name));
  const bool delays = has_delays(flow);
  if (delays && (scheme == Scheme::rk4 || scheme == Scheme::exact))
    throw Error(where,
                fmt::format("has delays, whose past {} would need between its steps. Discretise by euler, heun or "
                            "exponential_euler, or integrate it in time.",
                            names[static_cast<std::size_t>(scheme)]));
  if (!(dt > 0 && std::isfinite(dt)))
    throw Error(where, fmt::format("step = {} [{}], but must be positive.", dt, flow->time_unit.str()));
  check_noise(where, flow, scheme);
  std::optional<DelayMemory> memory;
  if (delays) memory.emplace(flow, dt);
  CircuitContents map = memory ? *memory->circuit() : *flow;
  const auto next = one_step(map, scheme, dt, memory ? &*memory : nullptr);
  for (const auto& noise : flow->noises)
    map.inputs.push_back({noise.variable, noise.description + " (increment of the Brownian path over a step / step)"});
  map.noises.clear();
  for (std::size_t i = 0; i < map.states.size(); ++i) {
    map.states[i].map = true;
    map.states[i].equation = next[i];
  }
  if (memory) {
    std::erase_if(map.inputs, [](const Input& u) { return u.supply == Supply::delayed; });
    for (auto& d : map.definitions) d.value = substitute({d.value}, memory->now())[0];
    map.states.insert(map.states.end(), memory->states().begin(), memory->states().end());
    map.axes.insert(map.axes.end(), memory->axes().begin(), memory->axes().end());
    memory->bound(map.parameters);
  }
  map.step = dt;
  map.source.push_back(fmt::format("Discretised by {} with steps of {} {}.", names[static_cast<std::size_t>(scheme)],
                                   dt, flow->time_unit.str()));
  return Circuit(std::move(map));
}

}  // namespace striate
