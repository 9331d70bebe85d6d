#include "circuit/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "circuit/compiled_system.hpp"
#include "circuit/derive.hpp"
#include "circuit/noise.hpp"
#include "circuit/program/lower.hpp"

namespace striate {
namespace {

template <class Items>
Fields fields_of(const Items& items) {
  Fields fields;
  for (const auto& item : items) {
    const Expr& v = item.variable;
    fields.add({v->name, item.description, v.unit(), v.shape(), 0, v.shape().size()});
  }
  return fields;
}

Expr or_zero(const Expr& e, const Expr& like, const Unit& unit) {
  return broadcast_to(e ? e : quantity(0, unit), like.shape());
}

/// A direction or cotangent variable beside `v`.
Expr companion(std::string_view prefix, const Expr& v, const Unit& unit) {
  return variable(VariableKind::argument, fmt::format("{}{}", prefix, v->name), v.shape(), unit);
}

bool resets(const EventRule& event) {
  const auto read = topological_order({event.guard});
  return std::ranges::any_of(event.jumps, [&](const auto& jump) {
    return std::ranges::any_of(read, [&](const Expr& e) {
      return e->op == Op::variable && e->kind == VariableKind::state && e->name == jump.first;
    });
  });
}

/// Whether a value is of the first degree in states and the time, with coefficients of parameters alone; element by
/// element, which is all that guards of neurons need.
bool affine(const Expr& value) {
  enum Degree { none, first, other };
  std::unordered_map<const Node*, Degree> degree;
  for (const auto& e : topological_order({value})) {
    const auto of = [&](std::size_t k) { return degree.at(e->args[k].get()); };
    Degree highest = none;
    for (std::size_t k = 0; k < e->args.size(); ++k) highest = std::max(highest, of(k));
    Degree& found = degree[e.get()] = highest == none ? none : other;
    switch (e->op) {
      case Op::variable:
        if (e->kind == VariableKind::state || e->kind == VariableKind::time) found = first;
        if (e->kind == VariableKind::input) found = other;
        break;
      case Op::add:
      case Op::sub:
      case Op::neg:
      case Op::convert:
      case Op::broadcast: found = highest; break;
      case Op::mul:
        if (of(0) == none || of(1) == none) found = highest;
        break;
      case Op::div:
        if (of(1) == none) found = highest;
        break;
      default: break;
    }
  }
  return degree.at(value.get()) != other;
}

std::string held_name(const EventRule& event) { return "held_" + event.name; }

/// The circuit with an input for each event that holds states, 1 while an element is refractory: what is held has the
/// rate 0 then, and stays as it is when a source spikes.
Circuit with_held_inputs(const Circuit& circuit) {
  const auto holds = [](const EventRule& event) { return !event.held.empty(); };
  if (std::none_of(circuit->events.begin(), circuit->events.end(), holds)) return circuit;
  CircuitContents c = *circuit;
  for (const auto& event : c.events) {
    if (!holds(event)) continue;
    const Expr flag = variable(VariableKind::input, held_name(event), event.guard.shape(), Unit());
    c.inputs.push_back({flag, "1 while refractory after " + event.name, event.where, Supply::held});
    for (auto& state : c.states) {
      const Expr& x = state.variable;
      if (std::find(event.held.begin(), event.held.end(), x->name) == event.held.end()) continue;
      state.equation = (Expr(1.0) - flag) * state.equation;
      for (auto& source : c.events)
        for (auto& [name, value] : source.jumps)
          if (source.cause != Cause::crossing && name == x->name)
            value = broadcast_to(where(flag, x, value), value.shape());
    }
  }
  return Circuit(std::move(c));
}

template <class T>
std::size_t index_of(const Fields& fields, const T& name) {
  return static_cast<std::size_t>(&fields.at(name) - &*fields.begin());
}

/// The element of `part` that each element of `whole` is broadcast from.
std::shared_ptr<const std::vector<std::uint32_t>> places(const Shape& whole, const Shape& part) {
  auto place = std::make_shared<std::vector<std::uint32_t>>(whole.size());
  for (std::size_t a = 0; a < part.rank(); ++a) {
    const std::size_t axis = *whole.find(part[a].name);
    for (std::size_t i = 0; i < place->size(); ++i)
      (*place)[i] += static_cast<std::uint32_t>(i / whole.stride(axis) % whole[axis].size * part.stride(a));
  }
  return place;
}

std::vector<std::size_t> element_of_guard(const Shape& guard, const Shape& state) {
  std::vector<std::size_t> result(state.size());
  for (std::size_t i = 0; i < result.size(); ++i)
    for (std::size_t a = 0; a < guard.rank(); ++a) {
      const std::size_t axis = *state.find(guard[a].name);
      result[i] += i / state.stride(axis) % state[axis].size * guard.stride(a);
    }
  return result;
}

/// Products that are added up for one value of a convolution or contraction.
std::size_t products_per_value(const Expr& e) {
  std::size_t products = e->op == Op::conv || e->op == Op::contract ? 1 : 0;
  if (products > 0)
    for (const auto& axis : e->args[0].shape())
      if (!e.shape().has(axis.name)) products *= axis.size;
  return products;
}

/// The place in the text of the first definition or equation that cannot be computed as it asks, with a colon.
std::string refused_place(const Circuit& circuit, std::size_t bytes_per_value) {
  const auto refused = [&](const Expr& e) {
    try {
      std::vector<AlgorithmChoice> choices;
      lower({e}, bytes_per_value, choices);
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  for (const auto& d : circuit->definitions)
    if (refused(d.value)) return fmt::format("{}{}'{}': ", d.where, d.where.empty() ? "" : ": ", d.name);
  for (const auto& s : circuit->states)
    if (refused(s.equation)) return fmt::format("{}{}{}: ", s.where, s.where.empty() ? "" : ": ", s.left_side());
  return "";
}

}  // namespace

template <class T>
System<T>::Impl::Impl(const Circuit& c, SuppliedDelays supplied)
    : given(c),
      circuit(with_held_inputs(with_supplied_noise(supplied.circuit))),
      delay_rules(std::move(supplied.rules)),
      delay_choices(std::move(supplied.choices)) {
  if (!c->noises.empty()) noise = {c->noises.front().calculus, noise_entry(c)};
  states = fields_of(circuit->states);
  parameters = fields_of(circuit->parameters);
  for (const auto supply : {Supply::drive, Supply::noise, Supply::delayed, Supply::held})
    for (const auto& u : circuit->inputs)
      if (u.supply == supply)
        inputs.add({u.variable->name, u.description, u.variable.unit(), u.variable.shape(), 0, 1, u.supply});
  for (const auto& f : inputs)
    if (f.supply == Supply::drive) driven += f.size;
  for (const auto& d : circuit->definitions)
    observables.add({d.name, d.description, d.value.unit(), d.value.shape(), 0, 1});
  for (const auto& event : circuit->events) {
    events.push_back({event.name, event.guard.shape(), guard_size, event.guard.shape().size(), event.cause,
                      of_parameters(event.rate), resets(event), affine(event.guard), static_cast<bool>(event.hold_time),
                      event.keeps_arrivals});
    if (!event.held.empty()) events.back().held = inputs.at(held_name(event)).offset;
    for (const auto& name : event.held) events.back().held_states.push_back(index_of(states, name));
    guard_size += events.back().size;
    for (const auto& jump : event.jumps) {
      const auto& state = states.at(jump.first);
      jumps.push_back(
          {events.size() - 1, state.offset, state.size, jump_size, element_of_guard(event.guard.shape(), state.shape)});
      jump_size += state.size;
    }
  }
  for (const auto& rule : circuit->projections) add(rule);
  for (const auto& rule : delay_rules) add(rule);
  find_time_breaks();
}

/// What a step, a choice or a bend compares with the time alone: circuit text writes `where(t > onset, ...)`. The sides
/// of abs(u) count as u and -u.
template <class T>
void System<T>::Impl::find_time_breaks() {
  const Expr t = time_variable(circuit->time_unit), one = quantity(1, circuit->time_unit);
  std::vector<Expr> roots;
  for (const auto& s : circuit->states) roots.push_back(s.equation);
  for (const auto& event : circuit->events) {
    roots.push_back(event.guard);
    if (event.rate) roots.push_back(event.rate);
  }
  for (const auto& rule : delay_rules) {
    roots.push_back(rule.source);
    roots.push_back(rule.past);
  }
  std::unordered_map<const Node*, bool> of_time;      // reads the time
  std::unordered_map<const Node*, bool> of_no_state;  // reads but time and parameters
  struct Compared {
    Expr with_zero;
    bool jumps;
  };
  std::vector<Compared> compared;
  const auto order = topological_order(roots);
  if (std::ranges::find(order, t) == order.end()) return;
  for (const auto& e : order) {
    const bool variable = e->op == Op::variable;
    bool alone = !variable || e->kind == VariableKind::parameter || e == t, timed = e == t;
    for (const auto& arg : e->args) {
      alone = alone && of_no_state.at(arg.get());
      timed = timed || of_time.at(arg.get());
    }
    of_no_state[e.get()] = alone;
    of_time[e.get()] = timed;
    const auto compares = [&](const Expr& arg) { return of_no_state.at(arg.get()) && of_time.at(arg.get()); };
    const bool bends = e->op == Op::step || e->op == Op::where || e->op == Op::relu || e->op == Op::abs;
    if (bends && compares(e->args[0])) compared.push_back({e->args[0], e->op == Op::step || e->op == Op::where});
    if ((e->op == Op::min || e->op == Op::max) && e->args.size() == 2 && alone && timed)
      compared.push_back({e->args[0] - e->args[1], false});
  }
  for (std::size_t i = 0; i < compared.size() && i < 1000; ++i) {
    const auto [e, may_jump] = compared[i];
    // Of what bends with the time inside, each side.
    const auto order_of = topological_order({e});
    const auto folded = std::ranges::find_if(order_of, [&](const Expr& node) {
      const bool sides =
          node->op == Op::abs || ((node->op == Op::min || node->op == Op::max) && node->args.size() == 2);
      if (!sides) return false;
      const auto inside = topological_order({node});
      return std::ranges::find(inside, t) != inside.end();
    });
    if (folded != order_of.end())
      for (const Expr& side :
           (*folded)->op == Op::abs ? std::vector{(*folded)->args[0], -(*folded)->args[0]} : (*folded)->args)
        compared.push_back({substitute({e}, {{*folded, broadcast_to(side, folded->shape())}})[0], may_jump});
    const Expr slope = striate::jvp({e}, {{t, one}})[0];
    if (!slope || !of_parameters(slope)) continue;
    time_breaks.push_back(
        {substitute({e}, {{t, quantity(0, circuit->time_unit)}})[0], broadcast_to(slope, e.shape()), may_jump});
    time_break_size += e.shape().size();
  }
}

template <class T>
std::vector<std::size_t> System<T>::Impl::time_jumps() const {
  std::vector<std::size_t> elements;
  std::size_t next = 0;
  for (const TimeBreak& b : time_breaks) {
    for (std::size_t i = 0; b.jump && i < b.a.shape().size(); ++i) elements.push_back(next + i);
    next += b.a.shape().size();
  }
  return elements;
}

template <class T>
void System<T>::Impl::add(const DelayRule& rule) {
  const Shape& shape = rule.shape;
  const Shape& source = rule.source.shape();
  Delay d{rule.input->name,
          inputs.at(rule.input->name).offset,
          shape.size(),
          rule.input.shape().size(),
          taus_size,
          sources_size,
          source.size(),
          nullptr,
          true};
  d.weights = delay_weights_size;
  for (const auto& node : topological_order({rule.past}))
    if (node->op == Op::variable && node->kind == VariableKind::time) d.constant_past = false;
  // Delays with one tau over one source's shape look their places up together, and so do sums of one set of weights.
  for (std::size_t i = 0; i < delays.size(); ++i) {
    const DelayRule& other = delay_rules[i];
    if (!(other.tau == rule.tau && other.shape == shape && other.source.shape() == source)) continue;
    if (d.tau == taus_size) {
      d.tau = delays[i].tau;
      d.element = delays[i].element;
    }
    if (!rule.weights || !(other.weights == rule.weights && other.input.shape() == rule.input.shape())) continue;
    d.weights = delays[i].weights;
    d.target = delays[i].target;
    break;
  }
  if (d.tau == taus_size) taus_size += d.size;
  if (!d.element && !(shape == source)) d.element = places(shape, source);
  if (rule.weights && !d.target) {
    delay_weights_size += d.size;
    d.target = places(shape, rule.input.shape());
  }
  sources_size += d.source_size;
  delays.push_back(std::move(d));
}

template <class T>
void System<T>::Impl::add(const ProjectionRule& rule) {
  Projection p;
  p.name = rule.name;
  const auto event = [&](const std::string& name) {
    const auto named = [&](const Event& e) { return e.name == name; };
    return static_cast<std::size_t>(std::find_if(events.begin(), events.end(), named) - events.begin());
  };
  p.event = event(rule.event);
  p.pre = pre_population(*circuit, rule);
  p.post = post_population(*circuit, rule);
  p.rule = rule.rule;
  p.seed = circuit->seed;
  p.purpose = rule.purpose();
  p.synapses = rule.synapses;
  auto& functions_of = synapse_functions.emplace_back();
  const auto function = [&](const Expr& e) -> const SynapseFunction<T>& {
    functions_of.push_back(std::make_unique<SynapseFunction<T>>(*circuit, rule, e, states, parameters));
    return *functions_of.back();
  };
  p.common_delay = function(rule.delay).common();
  const auto changes = [&](const Assignments& assignments) {
    std::vector<Projection::Change> result;
    for (const auto& [name, value] : assignments) {
      const std::size_t number = functions_of.size();
      const auto& f = function(value);
      result.push_back({index_of(states, name), number, f.common(), f.of_states()});
    }
    return result;
  };
  p.arrivals = changes(rule.arrivals);
  p.on_arrival = changes(rule.on_arrival);
  for (const auto& back : rule.back) p.back.push_back({event(back.event), changes(back.changes)});
  projections.push_back(std::move(p));
}

template <class T>
std::vector<typename System<T>::Impl::Result> System<T>::Impl::results(Source source) const {
  std::vector<Result> all;
  switch (source) {
    case Source::initial:
      for (const auto& s : circuit->states) all.push_back({s.initial, states.at(s.variable->name).offset});
      break;
    case Source::rhs:
      for (const auto& s : circuit->states) all.push_back({s.equation, states.at(s.variable->name).offset});
      break;
    case Source::leak:
      for (const auto& s : circuit->states) {
        const Expr d = pointwise_derivative(s.equation, s.variable);
        all.push_back(
            {or_zero(d, s.variable, s.equation.unit() / s.variable.unit()), states.at(s.variable->name).offset});
      }
      break;
    case Source::observe:
      for (const auto& d : circuit->definitions) all.push_back({d.value, observables.at(d.name).offset});
      break;
    case Source::guard:
      for (std::size_t i = 0; i < events.size(); ++i) all.push_back({circuit->events[i].guard, events[i].offset});
      break;
    case Source::jump: {
      std::size_t i = 0;
      for (const auto& event : circuit->events)
        for (const auto& jump : event.jumps) all.push_back({jump.second, jumps[i++].offset});
      break;
    }
    case Source::hold:
      for (std::size_t i = 0; i < events.size(); ++i)
        if (events[i].holds) all.push_back({circuit->events[i].hold_time, events[i].offset});
      break;
    case Source::source_rate:
      for (std::size_t i = 0; i < events.size(); ++i)
        if (circuit->events[i].rate) all.push_back({circuit->events[i].rate, events[i].offset});
      break;
    case Source::delay_source:
      for (std::size_t i = 0; i < delays.size(); ++i) all.push_back({delay_rules[i].source, delays[i].source});
      break;
    case Source::past:
      for (std::size_t i = 0; i < delays.size(); ++i)
        all.push_back({broadcast_to(delay_rules[i].past, delay_rules[i].source.shape()), delays[i].source});
      break;
    case Source::tau: {
      std::size_t next = 0;
      for (std::size_t i = 0; i < delays.size(); ++i) {
        if (delays[i].tau != next) continue;  // shared
        all.push_back({broadcast_to(delay_rules[i].tau, delay_rules[i].shape), next});
        next += delays[i].size;
      }
      break;
    }
    case Source::delay_weight: {
      std::size_t next = 0;
      for (std::size_t i = 0; i < delays.size(); ++i) {
        if (!delays[i].target || delays[i].weights != next) continue;
        all.push_back({delay_rules[i].weights, next});
        next += delays[i].size;
      }
      break;
    }
    case Source::time_break: {
      std::size_t next = 0;
      for (const TimeBreak& b : time_breaks) {
        all.push_back({b.a, next});
        all.push_back({b.b, next + time_break_size});
        next += b.a.shape().size();
      }
      break;
    }
    case Source::count_: break;
  }
  return all;
}

template <class T>
const std::vector<Expr>& System<T>::Impl::taped() const {
  return taped_values.get([&] {
    constexpr std::size_t fewest_products = 64;  // that take longer than to write a value and read it again
    std::vector<Expr> rates, wrt;
    std::vector<std::pair<Expr, Expr>> cotangents;
    for (const auto& s : circuit->states) {
      rates.push_back(s.equation);
      cotangents.emplace_back(s.equation, companion("lambda_", s.variable, s.equation.unit().pow(-1)));
    }
    for (const auto& a : arguments()) wrt.push_back(a.variable);
    std::vector<Expr> gradients;
    for (const auto& e : striate::vjp(cotangents, wrt))
      if (e) gradients.push_back(e);
    const auto read_again = topological_order(gradients);
    std::unordered_set<const Node*> needed, of_states;
    for (const auto& e : read_again) needed.insert(e.get());
    std::vector<Expr> kept;
    for (const auto& e : topological_order(rates)) {
      const bool state = e->op == Op::variable && e->kind == VariableKind::state;
      const auto moves = [&](const Expr& arg) { return of_states.contains(arg.get()); };
      if (!state && std::ranges::none_of(e->args, moves)) continue;
      of_states.insert(e.get());
      if (needed.contains(e.get()) && products_per_value(e) >= fewest_products) kept.push_back(e);
    }
    return kept;
  });
}

template <class T>
std::size_t System<T>::Impl::tape_size() const {
  std::size_t size = 0;
  for (const auto& e : taped()) size += e.shape().size();
  return size;
}

template <class T>
std::vector<ArgumentField> System<T>::Impl::arguments() const {
  std::vector<ArgumentField> a;
  for (const auto& p : circuit->parameters) a.push_back({p.variable, 0, parameters.at(p.variable->name).offset});
  a.push_back({time_variable(circuit->time_unit), 1, 0});
  for (const auto& u : circuit->inputs)
    a.push_back({u.variable, 2, inputs.at(u.variable->name).offset, u.supply == Supply::drive ? 0 : 3});
  for (const auto& s : circuit->states) a.push_back({s.variable, 3, states.at(s.variable->name).offset});
  return a;
}

template <class T>
Function<T> System<T>::Impl::make(Part part) const {
  const auto all = results(part.source);
  const auto variables = arguments();
  auto fields = variables;
  std::vector<ArgumentGroup> groups{{parameters.size(), 1}, {1, 3}, {inputs.size(), 2}, {states.size(), 3}};
  if (part.source == Source::initial) groups = {{parameters.size(), 1}, {0, 1}, {inputs.size(), 1}, {0, 1}};
  if (part.source == Source::past) groups = {{parameters.size(), 1}, {1, 2}, {0, 1}, {0, 1}};
  if (part.source == Source::hold || part.source == Source::tau || part.source == Source::delay_weight ||
      part.source == Source::time_break)
    groups = {{parameters.size(), 1}, {0, 1}, {0, 1}, {0, 1}};
  const auto asked = [&](const ArgumentField& a) { return (part.mask >> a.group & 1U) != 0; };
  std::vector<OutputField> outputs;
  switch (part.form) {
    case Form::value:
    case Form::recorded:
      for (const auto& r : all) outputs.push_back({r.value, 0, r.offset, false});
      if (part.form == Form::value) break;
      for (std::size_t offset = 0; const auto& e : taped()) {
        outputs.push_back({e, 1, offset, false});
        offset += e.shape().size();
      }
      break;
    case Form::jvp: {
      groups.insert(groups.end(), {{parameters.size(), 4}, {1, 4}, {inputs.size(), 4}, {states.size(), 4}});
      std::vector<std::pair<Expr, Expr>> directions;
      for (const auto& a : variables) {
        if (!asked(a)) continue;
        directions.emplace_back(a.variable, companion("v_", a.variable, a.variable.unit()));
        fields.push_back({directions.back().second, argument_count + a.group, a.offset});
      }
      std::vector<Expr> values;
      for (const auto& r : all) values.push_back(r.value);
      const auto tangents = striate::jvp(values, directions);
      for (std::size_t i = 0; i < all.size(); ++i)
        if (tangents[i]) outputs.push_back({broadcast_to(tangents[i], values[i].shape()), 0, all[i].offset, true});
      break;
    }
    case Form::vjp:
    case Form::replayed:
    case Form::second: {
      std::vector<Expr> values;
      for (const auto& r : all) values.push_back(r.value);
      if (part.form == Form::second) {
        std::vector<std::pair<Expr, Expr>> directions;
        for (const auto& state : circuit->states) {
          directions.emplace_back(state.variable, companion("v_", state.variable, state.variable.unit()));
          fields.push_back({directions.back().second, argument_count, states.at(state.variable->name).offset});
        }
        groups.push_back({states.size(), 4});
        values = striate::jvp(values, directions);
      }
      std::vector<std::pair<Expr, Expr>> replacements;
      if (part.form == Form::replayed) {
        for (std::size_t offset = 0; const auto& e : taped()) {
          const auto name = fmt::format("tape_{}", replacements.size());
          replacements.emplace_back(e, variable(VariableKind::argument, name, e.shape(), e.unit()));
          fields.push_back({replacements.back().second, groups.size(), offset});
          offset += e.shape().size();
        }
        for (auto& group : groups)  // each point is seen once
          if (group.stage == 3) group.stage = 4;
        groups.push_back({tape_size(), 4});
      }
      std::size_t size = 0;
      std::vector<std::pair<Expr, Expr>> cotangents;
      for (std::size_t i = 0; i < all.size(); ++i) {
        size += all[i].value.shape().size();
        if (!values[i]) continue;
        const Expr value = broadcast_to(values[i], all[i].value.shape());
        cotangents.emplace_back(
            value, variable(VariableKind::argument, fmt::format("lambda_{}", i), value.shape(), value.unit().pow(-1)));
        fields.push_back({cotangents.back().second, groups.size(), all[i].offset});
      }
      groups.push_back({size, 4});
      std::vector<Expr> wrt;
      std::vector<ArgumentField> to;
      for (const auto& a : variables) {
        if (!asked(a)) continue;
        wrt.push_back(a.variable);
        to.push_back(a);
      }
      const auto gradients = striate::vjp(cotangents, wrt);
      for (std::size_t i = 0; i < wrt.size(); ++i) {
        if (!gradients[i]) continue;
        const Expr gradient = substitute({broadcast_to(gradients[i], wrt[i].shape())}, replacements)[0];
        outputs.push_back({gradient, to[i].group, to[i].offset, true});
      }
      break;
    }
    case Form::count_: throw std::logic_error("no such function");
  }
  const bool stepped = part.source == Source::rhs && (part.form == Form::value || part.form == Form::recorded);
  try {
    return {groups, fields, outputs, stepped ? code_in_use() : Code::blocks};
  } catch (const Error& e) {
    throw Error(refused_place(circuit, sizeof(T)) + e.what());
  }
}

template <class T>
System<T> compile(const Circuit& circuit) {
  auto impl = std::make_shared<const typename System<T>::Impl>(circuit);
  impl->function({Source::rhs});
  return System<T>(std::move(impl));
}

template struct System<float>::Impl;
template struct System<double>::Impl;
template System<float> compile(const Circuit&);
template System<double> compile(const Circuit&);

}  // namespace striate
