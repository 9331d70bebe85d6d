#include "circuit/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "circuit/borrowed_memory.hpp"
#include "circuit/delay.hpp"
#include "circuit/derive.hpp"
#include "circuit/noise.hpp"
#include "circuit/program/function.hpp"
#include "circuit/program/synapse_function.hpp"

namespace striate {
namespace {

/// What a System computes from (p, t, u, y) ...
enum class Source {
  initial,
  rhs,
  leak,
  observe,
  guard,
  jump,
  hold,
  source_rate,
  delay_source,
  past,
  tau,
  delay_weight,
  count_
};
/// ... and how: its value, or a product with its derivative towards those of (p, t, u, y) that a mask names.
/// Form::second is the vjp of the jvp towards y.
enum class Form { value, jvp, vjp, second, count_ };

constexpr std::size_t argument_count = 4;  ///< groups of arguments: 0 p | 1 t | 2 u | 3 y
constexpr auto part_count = static_cast<std::size_t>(Source::count_) * static_cast<std::size_t>(Form::count_)
                            << argument_count;

/// One function of a System; each has its own memory in a Workspace.
struct Part {
  Source source;
  Form form = Form::value;
  unsigned mask = 0;
  std::size_t index() const {
    const auto kind = static_cast<std::size_t>(source) * static_cast<std::size_t>(Form::count_);
    return (kind + static_cast<std::size_t>(form)) << argument_count | mask;
  }
};

template <class V>
unsigned mask_of(const V& v) {
  return (v.p.empty() ? 0U : 1U) | (v.t.empty() ? 0U : 2U) | (v.u.empty() ? 0U : 4U) | (v.y.empty() ? 0U : 8U);
}

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

std::string held_name(const EventRule& event) { return "held_" + event.name; }

/// The circuit with an input for each event that holds states, 1 while an element is refractory: what is held has the
/// rate 0 then.
Circuit with_held_inputs(const Circuit& circuit) {
  const auto holds = [](const EventRule& event) { return !event.held.empty(); };
  if (std::none_of(circuit->events.begin(), circuit->events.end(), holds)) return circuit;
  CircuitContents c = *circuit;
  for (const auto& event : c.events) {
    if (!holds(event)) continue;
    const Expr flag = variable(VariableKind::input, held_name(event), event.guard.shape(), Unit());
    c.inputs.push_back({flag, "1 while refractory after " + event.name, event.where, Supply::held});
    for (auto& state : c.states)
      if (std::find(event.held.begin(), event.held.end(), state.variable->name) != event.held.end())
        state.equation = (Expr(1.0) - flag) * state.equation;
  }
  return Circuit(std::move(c));
}

template <class T>
std::size_t index_of(const Fields& fields, const T& name) {
  return static_cast<std::size_t>(&fields.at(name) - &*fields.begin());
}

}  // namespace

void Fields::add(Field field) {
  field.size = field.shape.size();
  field.offset = size_;
  size_ += field.size;
  fields_.push_back(std::move(field));
}

const Field* Fields::find(std::string_view name) const {
  for (const auto& field : fields_)
    if (field.name == name) return &field;
  return nullptr;
}

const Field& Fields::at(std::string_view name) const {
  if (const Field* field = find(name)) return *field;
  throw Error(fmt::format("no variable '{}'.{}", name, suggest_names(name, names())));
}

std::vector<std::string> Fields::names() const {
  std::vector<std::string> names;
  for (const auto& field : fields_) names.push_back(field.name);
  return names;
}

std::string Fields::element_name(std::size_t index) const {
  for (const auto& field : fields_) {
    if (index < field.offset || index >= field.offset + field.size) continue;
    if (field.shape.rank() == 0) return field.name;
    std::string text = field.name + "[";
    for (std::size_t a = 0; a < field.shape.rank(); ++a)
      text += fmt::format("{}{}={}", a == 0 ? "" : ", ", field.shape[a].name,
                          (index - field.offset) / field.shape.stride(a) % field.shape[a].size);
    return text + "]";
  }
  return fmt::format("element {}", index);
}

template <class T>
struct Workspace<T>::Contents {
  std::array<std::shared_ptr<FunctionMemory<T>>, part_count> memory;
  std::vector<std::vector<SynapseMemory<T>>> synapses;  ///< [projection][expression]
  std::vector<T> changed;  ///< states an event may take, before they are picked; or their tangents or cotangents
  std::vector<T> after;    ///< [states] tangent or cotangent on the far side of a jump
  std::vector<std::vector<T>> spare;
  Held<T> held;
};

template <class T>
void Workspace<T>::hold(std::span<const T> p) {
  contents_->held = {p.data(), contents_->held.number + 1};
}

template <class T>
std::vector<T> borrow(Workspace<T>& workspace, std::size_t size) {
  auto& spare = workspace.contents().spare;
  std::vector<T> memory;
  if (!spare.empty()) {
    memory = std::move(spare.back());
    spare.pop_back();
  }
  memory.resize(size);
  return memory;
}

template <class T>
void give_back(Workspace<T>& workspace, std::vector<T>&& memory) {
  workspace.contents().spare.push_back(std::move(memory));
}

template std::vector<float> borrow(Workspace<float>&, std::size_t);
template std::vector<double> borrow(Workspace<double>&, std::size_t);
template void give_back(Workspace<float>&, std::vector<float>&&);
template void give_back(Workspace<double>&, std::vector<double>&&);

template <class T>
Workspace<T>::Workspace(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
template <class T>
Workspace<T>::Workspace(Workspace&&) noexcept = default;
template <class T>
Workspace<T>& Workspace<T>::operator=(Workspace&&) noexcept = default;
template <class T>
Workspace<T>::~Workspace() = default;

template <class T>
struct System<T>::Impl {
  explicit Impl(const Circuit& c) : Impl(c, with_supplied_delays(c, DelayedSums::supplied)) {}
  Impl(const Circuit& c, SuppliedDelays supplied)
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
                        of_parameters(event.rate), static_cast<bool>(event.hold_time), event.keeps_arrivals});
      if (!event.held.empty()) events.back().held = inputs.at(held_name(event)).offset;
      for (const auto& name : event.held) events.back().held_states.push_back(index_of(states, name));
      guard_size += events.back().size;
      for (const auto& jump : event.jumps) {
        const auto& state = states.at(jump.first);
        jumps.push_back({events.size() - 1, state.offset, state.size, jump_size,
                         element_of_guard(event.guard.shape(), state.shape)});
        jump_size += state.size;
      }
    }
    for (const auto& rule : circuit->projections) add(rule);
    for (const auto& rule : delay_rules) add(rule);
  }

  void add(const DelayRule& rule) {
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

  /// The element of `part` that each element of `whole` is broadcast from.
  static std::shared_ptr<const std::vector<std::uint32_t>> places(const Shape& whole, const Shape& part) {
    auto place = std::make_shared<std::vector<std::uint32_t>>(whole.size());
    for (std::size_t a = 0; a < part.rank(); ++a) {
      const std::size_t axis = *whole.find(part[a].name);
      for (std::size_t i = 0; i < place->size(); ++i)
        (*place)[i] += static_cast<std::uint32_t>(i / whole.stride(axis) % whole[axis].size * part.stride(a));
    }
    return place;
  }

  void add(const ProjectionRule& rule) {
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

  struct Jump {
    std::size_t event, state_offset, size, offset;
    std::vector<std::size_t> guard_element;  ///< for each element of the state, the element of the guard that moves it
  };

  static std::vector<std::size_t> element_of_guard(const Shape& guard, const Shape& state) {
    std::vector<std::size_t> result(state.size());
    for (std::size_t i = 0; i < result.size(); ++i)
      for (std::size_t a = 0; a < guard.rank(); ++a) {
        const std::size_t axis = *state.find(guard[a].name);
        result[i] += i / state.stride(axis) % state[axis].size * guard.stride(a);
      }
    return result;
  }

  struct Result {
    Expr value;
    std::size_t offset;
  };

  std::vector<Result> results(Source source) const {
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
      case Source::count_: break;
    }
    return all;
  }

  std::vector<ArgumentField> arguments() const {
    std::vector<ArgumentField> a;
    for (const auto& p : circuit->parameters) a.push_back({p.variable, 0, parameters.at(p.variable->name).offset});
    a.push_back({time_variable(circuit->time_unit), 1, 0});
    for (const auto& u : circuit->inputs)
      a.push_back({u.variable, 2, inputs.at(u.variable->name).offset, u.supply == Supply::drive ? 0 : 3});
    for (const auto& s : circuit->states) a.push_back({s.variable, 3, states.at(s.variable->name).offset});
    return a;
  }

  /// Memoised: what depends on p alone, on (p, u) alone, and, when a vector is multiplied, on (p, t, u, y) alone. The
  /// groups from 4 on are the directions of p, t, u, y (jvp), the cotangent of the results (vjp), or the direction of y
  /// and the cotangent (second).
  Function<T> make(Part part) const {
    const auto all = results(part.source);
    const auto variables = arguments();
    auto fields = variables;
    std::vector<ArgumentGroup> groups{{parameters.size(), 1}, {1, 3}, {inputs.size(), 2}, {states.size(), 3}};
    if (part.source == Source::initial) groups = {{parameters.size(), 1}, {0, 1}, {inputs.size(), 1}, {0, 1}};
    if (part.source == Source::past) groups = {{parameters.size(), 1}, {1, 2}, {0, 1}, {0, 1}};
    if (part.source == Source::hold || part.source == Source::tau || part.source == Source::delay_weight)
      groups = {{parameters.size(), 1}, {0, 1}, {0, 1}, {0, 1}};
    const auto asked = [&](const ArgumentField& a) { return (part.mask >> a.group & 1U) != 0; };
    std::vector<OutputField> outputs;
    switch (part.form) {
      case Form::value:
        for (const auto& r : all) outputs.push_back({r.value, 0, r.offset, false});
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
        std::size_t size = 0;
        std::vector<std::pair<Expr, Expr>> cotangents;
        for (std::size_t i = 0; i < all.size(); ++i) {
          size += all[i].value.shape().size();
          if (!values[i]) continue;
          const Expr value = broadcast_to(values[i], all[i].value.shape());
          cotangents.emplace_back(value, variable(VariableKind::argument, fmt::format("lambda_{}", i), value.shape(),
                                                  value.unit().pow(-1)));
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
        for (std::size_t i = 0; i < wrt.size(); ++i)
          if (gradients[i])
            outputs.push_back({broadcast_to(gradients[i], wrt[i].shape()), to[i].group, to[i].offset, true});
        break;
      }
      case Form::count_: throw std::logic_error("no such function");
    }
    const bool stepped = part.source == Source::rhs && part.form == Form::value;
    return {groups, fields, outputs, stepped ? code_in_use() : Code::blocks};
  }

  const Function<T>& function(Part part) const {
    auto& slot = functions[part.index()];
    std::call_once(slot.once, [&] { slot.function.emplace(make(part)); });
    return *slot.function;
  }

  void run(Part part, std::span<const T* const> in, std::span<T* const> out, Workspace<T>& workspace) const {
    const auto& f = function(part);
    auto& memory = workspace.contents().memory[part.index()];
    if (!memory) memory = f.make_memory();
    f.run(in, out, *memory, workspace.contents().held);
  }

  void value(Source source, const At<T>& at, T* out, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data()};
    T* const outputs[] = {out};
    run({source}, in, outputs, workspace);
  }

  void jvp(Source source, const At<T>& at, const Tangent<T>& v, T* out, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t,      at.u.data(), at.y.data(),
                           v.p.data(),  v.t.data(), v.u.data(),  v.y.data()};
    T* const outputs[] = {out};
    run({source, Form::jvp, mask_of(v)}, in, outputs, workspace);
  }

  void vjp(Source source, const At<T>& at, const T* lambda, const Cotangent<T>& bar, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data(), lambda};
    T* const outputs[] = {bar.p.data(), bar.t.data(), bar.u.data(), bar.y.data()};
    run({source, Form::vjp, mask_of(bar)}, in, outputs, workspace);
  }

  void second(Source source, const At<T>& at, const T* v, const T* lambda, const Cotangent<T>& bar,
              Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data(), v, lambda};
    T* const outputs[] = {bar.p.data(), bar.t.data(), bar.u.data(), bar.y.data()};
    run({source, Form::second, mask_of(bar)}, in, outputs, workspace);
  }

  /// Calls body(index of the state, index among the jumps) for every state that an event of `fired` moves.
  template <class JumpIterator, class Body>
  void for_moved(JumpIterator first, JumpIterator last, std::span<const std::size_t> fired, const Body& body) const {
    for (; first != last; ++first) {
      const Jump& jump = *first;
      const Event& event = events[jump.event];
      for (std::size_t i = 0; i < jump.size; ++i)
        if (std::find(fired.begin(), fired.end(), event.offset + jump.guard_element[i]) != fired.end())
          body(jump.state_offset + i, jump.offset + i);
    }
  }

  struct Slot {
    std::once_flag once;
    std::optional<Function<T>> function;
  };

  Circuit given;    ///< by the user
  Circuit circuit;  ///< with what the integrator supplies as inputs
  Fields states, parameters, inputs, observables;
  std::vector<Event> events;
  std::vector<Jump> jumps;
  std::vector<Projection> projections;
  std::vector<std::vector<std::unique_ptr<SynapseFunction<T>>>> synapse_functions;  ///< [projection][expression]
  std::vector<DelayRule> delay_rules;
  std::vector<AlgorithmChoice> delay_choices;
  std::vector<Delay> delays;
  std::size_t sources_size = 0, taus_size = 0, delay_weights_size = 0;
  std::size_t driven = 0;
  std::optional<NoiseForm> noise;
  std::size_t guard_size = 0;
  std::size_t jump_size = 0;
  mutable std::array<Slot, part_count> functions;
};

template <class T>
const std::string& System<T>::name() const {
  return impl_->circuit->name;
}
template <class T>
const Circuit& System<T>::circuit() const {
  return impl_->given;
}
template <class T>
Unit System<T>::time_unit() const {
  return impl_->circuit->time_unit;
}
template <class T>
bool System<T>::is_map() const {
  return impl_->circuit.is_map();
}
template <class T>
double System<T>::step() const {
  return impl_->circuit->step;
}
template <class T>
const Fields& System<T>::states() const {
  return impl_->states;
}
template <class T>
const Fields& System<T>::parameters() const {
  return impl_->parameters;
}
template <class T>
const Fields& System<T>::inputs() const {
  return impl_->inputs;
}
template <class T>
std::size_t System<T>::driven() const {
  return impl_->driven;
}
template <class T>
const Fields& System<T>::observables() const {
  return impl_->observables;
}
template <class T>
const std::vector<Event>& System<T>::events() const {
  return impl_->events;
}
template <class T>
const std::optional<typename System<T>::NoiseForm>& System<T>::noise() const {
  return impl_->noise;
}
template <class T>
const std::vector<Delay>& System<T>::delays() const {
  return impl_->delays;
}
template <class T>
std::size_t System<T>::sources_size() const {
  return impl_->sources_size;
}
template <class T>
std::size_t System<T>::taus_size() const {
  return impl_->taus_size;
}
template <class T>
void System<T>::sources(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::delay_source, at, out.data(), workspace);
}
template <class T>
void System<T>::past(T t, std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::past, {t, {}, p, {}}, out.data(), workspace);
}
template <class T>
void System<T>::taus(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::tau, {T(0), {}, p, {}}, out.data(), workspace);
}
template <class T>
std::size_t System<T>::delay_weights_size() const {
  return impl_->delay_weights_size;
}
template <class T>
void System<T>::delay_weights(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::delay_weight, {T(0), {}, p, {}}, out.data(), workspace);
}
template <class T>
std::size_t System<T>::guard_size() const {
  return impl_->guard_size;
}

template <class T>
Workspace<T> System<T>::workspace() const {
  auto contents = std::make_unique<typename Workspace<T>::Contents>();
  contents->changed.resize(impl_->jump_size);
  if (!impl_->events.empty()) contents->after.resize(impl_->states.size());
  for (const auto& functions : impl_->synapse_functions) contents->synapses.emplace_back(functions.size());
  return Workspace<T>(std::move(contents));
}

template <class T>
std::vector<T> System<T>::default_parameters() const {
  std::vector<T> p;
  for (const auto& parameter : impl_->circuit->parameters)
    for (const double value : parameter.value) p.push_back(static_cast<T>(value));
  return p;
}

template <class T>
void System<T>::initial(std::span<const T> p, std::span<const T> u, std::span<T> y0, Workspace<T>& workspace) const {
  impl_->value(Source::initial, {T(0), {}, p, u}, y0.data(), workspace);
}
template <class T>
void System<T>::initial_jvp(std::span<const T> p, std::span<const T> u, std::span<const T> vp, std::span<T> out,
                            Workspace<T>& workspace) const {
  impl_->jvp(Source::initial, {T(0), {}, p, u}, {{}, vp}, out.data(), workspace);
}
template <class T>
void System<T>::initial_vjp(std::span<const T> p, std::span<const T> u, std::span<const T> lambda, std::span<T> pbar,
                            Workspace<T>& workspace) const {
  impl_->vjp(Source::initial, {T(0), {}, p, u}, lambda.data(), {{}, pbar}, workspace);
}

template <class T>
void System<T>::leak(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::leak, at, out.data(), workspace);
}

template <class T>
void System<T>::rhs(const At<T>& at, std::span<T> ydot, Workspace<T>& workspace) const {
  impl_->value(Source::rhs, at, ydot.data(), workspace);
}
template <class T>
void System<T>::jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const {
  impl_->jvp(Source::rhs, at, v, out.data(), workspace);
}
template <class T>
void System<T>::vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar,
                    Workspace<T>& workspace) const {
  impl_->vjp(Source::rhs, at, lambda.data(), bar, workspace);
}

template <class T>
void System<T>::second(const At<T>& at, std::span<const T> v, std::span<const T> lambda, const Cotangent<T>& bar,
                       Workspace<T>& workspace) const {
  impl_->second(Source::rhs, at, v.data(), lambda.data(), bar, workspace);
}

template <class T>
void System<T>::observe(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::observe, at, out.data(), workspace);
}
template <class T>
void System<T>::observe_jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const {
  impl_->jvp(Source::observe, at, v, out.data(), workspace);
}
template <class T>
void System<T>::observe_vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar,
                            Workspace<T>& workspace) const {
  impl_->vjp(Source::observe, at, lambda.data(), bar, workspace);
}

template <class T>
void System<T>::guard(const At<T>& at, std::span<T> g, Workspace<T>& workspace) const {
  impl_->value(Source::guard, at, g.data(), workspace);
}
template <class T>
void System<T>::guard_jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const {
  impl_->jvp(Source::guard, at, v, out.data(), workspace);
}
template <class T>
void System<T>::guard_vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar,
                          Workspace<T>& workspace) const {
  impl_->vjp(Source::guard, at, lambda.data(), bar, workspace);
}

template <class T>
void System<T>::jump(const At<T>& at, std::span<const std::size_t> fired, std::span<T> y_after,
                     Workspace<T>& workspace) const {
  auto& changed = workspace.contents().changed;
  impl_->value(Source::jump, at, changed.data(), workspace);
  std::copy(at.y.begin(), at.y.end(), y_after.begin());
  impl_->for_moved(impl_->jumps.begin(), impl_->jumps.end(), fired,
                   [&](std::size_t state, std::size_t jump) { y_after[state] = changed[jump]; });
}

template <class T>
void System<T>::jump_jvp(const At<T>& at, std::span<const std::size_t> fired, const Tangent<T>& v, std::span<T> out,
                         Workspace<T>& workspace) const {
  auto& changed = workspace.contents().changed;
  auto& after = workspace.contents().after;
  std::fill(changed.begin(), changed.end(), T(0));
  impl_->jvp(Source::jump, at, v, changed.data(), workspace);
  std::fill(after.begin(), after.end(), T(0));
  std::copy(v.y.begin(), v.y.end(), after.begin());
  impl_->for_moved(impl_->jumps.begin(), impl_->jumps.end(), fired,
                   [&](std::size_t state, std::size_t jump) { after[state] = changed[jump]; });
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += after[i];
}

template <class T>
void System<T>::jump_vjp(const At<T>& at, std::span<const std::size_t> fired, std::span<const T> lambda,
                         const Cotangent<T>& bar, Workspace<T>& workspace) const {
  auto& changed = workspace.contents().changed;
  auto& after = workspace.contents().after;
  std::fill(changed.begin(), changed.end(), T(0));
  std::copy(lambda.begin(), lambda.end(), after.begin());
  // Backwards: where two events move one state the later rule had the word, and it takes all of the cotangent.
  impl_->for_moved(impl_->jumps.rbegin(), impl_->jumps.rend(), fired,
                   [&](std::size_t state, std::size_t jump) { changed[jump] = std::exchange(after[state], T(0)); });
  impl_->vjp(Source::jump, at, changed.data(), bar, workspace);
  for (std::size_t i = 0; i < bar.y.size(); ++i) bar.y[i] += after[i];
}

template <class T>
void System<T>::hold_times(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  std::fill(out.begin(), out.end(), T(0));
  impl_->value(Source::hold, {T(0), {}, p, {}}, out.data(), workspace);
}
template <class T>
void System<T>::hold_times_jvp(std::span<const T> p, std::span<const T> vp, std::span<T> out,
                               Workspace<T>& workspace) const {
  impl_->jvp(Source::hold, {T(0), {}, p, {}}, {{}, vp}, out.data(), workspace);
}
template <class T>
void System<T>::hold_times_vjp(std::span<const T> p, std::span<const T> lambda, std::span<T> pbar,
                               Workspace<T>& workspace) const {
  impl_->vjp(Source::hold, {T(0), {}, p, {}}, lambda.data(), {{}, pbar}, workspace);
}
template <class T>
void System<T>::source_rates(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  std::fill(out.begin(), out.end(), T(0));
  impl_->value(Source::source_rate, at, out.data(), workspace);
}

template <class T>
const std::vector<Projection>& System<T>::projections() const {
  return impl_->projections;
}
template <class T>
void System<T>::synapse_values(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                               std::span<const T> y, std::span<T> out, Workspace<T>& workspace) const {
  impl_->synapse_functions[k][expression]->value(synapses, p, y, out, workspace.contents().synapses[k][expression]);
}
template <class T>
void System<T>::synapse_jvp(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                            std::span<const T> y, const Tangent<T>& v, std::span<T> out,
                            Workspace<T>& workspace) const {
  impl_->synapse_functions[k][expression]->jvp(synapses, p, y, v.p, v.y, out,
                                               workspace.contents().synapses[k][expression]);
}
template <class T>
void System<T>::synapse_vjp(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                            std::span<const T> y, std::span<const T> lambda, const Cotangent<T>& bar,
                            Workspace<T>& workspace) const {
  impl_->synapse_functions[k][expression]->vjp(synapses, p, y, lambda, bar.p, bar.y,
                                               workspace.contents().synapses[k][expression]);
}

template <class T>
std::vector<AlgorithmChoice> System<T>::algorithms() const {
  auto choices = impl_->delay_choices;
  const auto& of_rates = impl_->function({Source::rhs}).algorithms();
  choices.insert(choices.end(), of_rates.begin(), of_rates.end());
  return choices;
}
template <class T>
std::size_t System<T>::workspace_bytes() const {
  return impl_->function({Source::rhs}).memory_bytes();
}

template <class T>
System<T> compile(const Circuit& circuit) {
  auto impl = std::make_shared<const typename System<T>::Impl>(circuit);
  impl->function({Source::rhs});
  return System<T>(std::move(impl));
}

template class Workspace<float>;
template class Workspace<double>;
template class System<float>;
template class System<double>;
template System<float> compile(const Circuit&);
template System<double> compile(const Circuit&);

}  // namespace striate
