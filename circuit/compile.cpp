#include "circuit/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "circuit/derive.hpp"
#include "circuit/program/function.hpp"

namespace striate {
namespace {

/// The functions of a System, in the order of their memories in a Workspace.
enum class Part { initial, rhs, jvp_state, jvp_all, vjp_state, vjp_all, leak, observe, guard, jump, count_ };
constexpr auto part_count = static_cast<std::size_t>(Part::count_);

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
  std::vector<T> changed;  ///< states an event may take, before they are picked
};

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
  explicit Impl(Circuit c) : circuit(std::move(c)) {
    states = fields_of(circuit->states);
    parameters = fields_of(circuit->parameters);
    inputs = fields_of(circuit->inputs);
    for (const auto& d : circuit->definitions)
      observables.add({d.name, d.description, d.value.unit(), d.value.shape(), 0, 1});
    for (const auto& event : circuit->events) {
      events.push_back({event.name, event.guard.shape(), guard_size, event.guard.shape().size()});
      guard_size += events.back().size;
      for (const auto& jump : event.jumps) {
        const auto& state = states.at(jump.first);
        jumps.push_back({events.size() - 1, state.offset, state.size, jump_size,
                         element_of_guard(event.guard.shape(), state.shape)});
        jump_size += state.size;
      }
    }
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

  /// Argument groups: 0 p | 1 t | 2 u | 3 y | 4 second vector | 5 third vector. The first changes most seldom.
  std::vector<ArgumentGroup> groups(bool linear) const {
    std::vector<ArgumentGroup> g{{parameters.size(), 1}, {1, 2}, {inputs.size(), 2}, {states.size(), 2}};
    if (linear) {
      g.push_back({states.size(), 3});
      g.push_back({parameters.size(), 3});
    }
    return g;
  }

  std::vector<ArgumentField> arguments() const {
    std::vector<ArgumentField> a;
    for (const auto& p : circuit->parameters) a.push_back({p.variable, 0, parameters.at(p.variable->name).offset});
    a.push_back({time_variable(circuit->time_unit), 1, 0});
    for (const auto& u : circuit->inputs) a.push_back({u.variable, 2, inputs.at(u.variable->name).offset});
    for (const auto& s : circuit->states) a.push_back({s.variable, 3, states.at(s.variable->name).offset});
    return a;
  }

  Function<T> make(Part part) const {
    auto fields = arguments();
    std::vector<OutputField> outputs;
    std::vector<Expr> rates;
    for (const auto& s : circuit->states) rates.push_back(s.rate);
    switch (part) {
      case Part::initial:
        for (const auto& s : circuit->states)
          outputs.push_back({s.initial, 0, states.at(s.variable->name).offset, false});
        return {{{parameters.size(), 1}, {1, 1}, {inputs.size(), 1}, {states.size(), 1}}, fields, outputs};
      case Part::rhs:
        for (const auto& s : circuit->states) outputs.push_back({s.rate, 0, states.at(s.variable->name).offset, false});
        return {groups(false), fields, outputs};
      case Part::leak:
        for (const auto& s : circuit->states) {
          const Expr d = pointwise_derivative(s.rate, s.variable);
          outputs.push_back({or_zero(d, s.variable, s.rate.unit() / s.variable.unit()), 0,
                             states.at(s.variable->name).offset, false});
        }
        return {groups(false), fields, outputs};
      case Part::observe:
        for (const auto& d : circuit->definitions)
          outputs.push_back({d.value, 0, observables.at(d.name).offset, false});
        return {groups(false), fields, outputs};
      case Part::guard:
        for (std::size_t i = 0; i < events.size(); ++i)
          outputs.push_back({circuit->events[i].guard, 0, events[i].offset, false});
        return {groups(false), fields, outputs};
      case Part::jump: {
        std::size_t i = 0;
        for (const auto& event : circuit->events)
          for (const auto& jump : event.jumps) outputs.push_back({jump.second, 0, jumps[i++].offset, false});
        return {groups(false), fields, outputs};
      }
      case Part::jvp_state:
      case Part::jvp_all: {
        std::vector<std::pair<Expr, Expr>> directions;
        for (const auto& s : circuit->states) {
          directions.emplace_back(s.variable, companion("v_", s.variable, s.variable.unit()));
          fields.push_back({directions.back().second, 4, states.at(s.variable->name).offset});
        }
        if (part == Part::jvp_all) {
          for (const auto& p : circuit->parameters) {
            directions.emplace_back(p.variable, companion("v_", p.variable, p.variable.unit()));
            fields.push_back({directions.back().second, 5, parameters.at(p.variable->name).offset});
          }
        }
        const auto tangents = striate::jvp(rates, directions);
        for (std::size_t i = 0; i < tangents.size(); ++i)
          if (tangents[i]) outputs.push_back({broadcast_to(tangents[i], rates[i].shape()), 0, states[i].offset, true});
        return {groups(true), fields, outputs};
      }
      case Part::vjp_state:
      case Part::vjp_all: {
        std::vector<std::pair<Expr, Expr>> cotangents;
        for (const auto& s : circuit->states) {
          cotangents.emplace_back(s.rate, companion("lambda_", s.variable, s.rate.unit().pow(-1)));
          fields.push_back({cotangents.back().second, 4, states.at(s.variable->name).offset});
        }
        std::vector<Expr> wrt;
        for (const auto& s : circuit->states) wrt.push_back(s.variable);
        if (part == Part::vjp_all)
          for (const auto& p : circuit->parameters) wrt.push_back(p.variable);
        const auto gradients = striate::vjp(cotangents, wrt);
        for (std::size_t i = 0; i < wrt.size(); ++i) {
          if (!gradients[i]) continue;
          const bool is_state = i < circuit->states.size();
          const std::size_t offset = is_state ? states[i].offset : parameters[i - circuit->states.size()].offset;
          outputs.push_back({broadcast_to(gradients[i], wrt[i].shape()), is_state ? 0U : 1U, offset, true});
        }
        return {groups(true), fields, outputs};
      }
      case Part::count_: break;
    }
    throw std::logic_error("no such function");
  }

  const Function<T>& function(Part part) const {
    auto& slot = functions[static_cast<std::size_t>(part)];
    std::call_once(slot.once, [&] { slot.function.emplace(make(part)); });
    return *slot.function;
  }

  void run(Part part, std::span<const T* const> in, std::span<T* const> out, Workspace<T>& workspace) const {
    const auto& f = function(part);
    auto& memory = workspace.contents().memory[static_cast<std::size_t>(part)];
    if (!memory) memory = f.make_memory();
    f.run(in, out, *memory);
  }

  void run_at(Part part, const At<T>& at, T* out, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data()};
    T* const outputs[] = {out};
    run(part, in, outputs, workspace);
  }

  struct Slot {
    std::once_flag once;
    std::optional<Function<T>> function;
  };

  Circuit circuit;
  Fields states, parameters, inputs, observables;
  std::vector<Event> events;
  std::vector<Jump> jumps;
  std::size_t guard_size = 0;
  std::size_t jump_size = 0;
  mutable std::array<Slot, part_count> functions;
};

template <class T>
const std::string& System<T>::name() const {
  return impl_->circuit->name;
}
template <class T>
Unit System<T>::time_unit() const {
  return impl_->circuit->time_unit;
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
const Fields& System<T>::observables() const {
  return impl_->observables;
}
template <class T>
const std::vector<Event>& System<T>::events() const {
  return impl_->events;
}
template <class T>
std::size_t System<T>::guard_size() const {
  return impl_->guard_size;
}

template <class T>
Workspace<T> System<T>::workspace() const {
  auto contents = std::make_unique<typename Workspace<T>::Contents>();
  contents->changed.resize(impl_->jump_size);
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
  impl_->run_at(Part::initial, {T(0), std::span<const T>{}, p, u}, y0.data(), workspace);
}
template <class T>
void System<T>::rhs(const At<T>& at, std::span<T> ydot, Workspace<T>& workspace) const {
  impl_->run_at(Part::rhs, at, ydot.data(), workspace);
}
template <class T>
void System<T>::leak(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->run_at(Part::leak, at, out.data(), workspace);
}
template <class T>
void System<T>::observe(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->run_at(Part::observe, at, out.data(), workspace);
}
template <class T>
void System<T>::guard(const At<T>& at, std::span<T> g, Workspace<T>& workspace) const {
  impl_->run_at(Part::guard, at, g.data(), workspace);
}

template <class T>
void System<T>::jvp(const At<T>& at, std::span<const T> vy, std::span<const T> vp, std::span<T> out,
                    Workspace<T>& workspace) const {
  const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data(), vy.data(), vp.data()};
  T* const outputs[] = {out.data()};
  impl_->run(vp.empty() ? Part::jvp_state : Part::jvp_all, in, outputs, workspace);
}

template <class T>
void System<T>::vjp(const At<T>& at, std::span<const T> lambda, std::span<T> ybar, std::span<T> pbar,
                    Workspace<T>& workspace) const {
  const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data(), lambda.data(), nullptr};
  T* const outputs[] = {ybar.data(), pbar.data()};
  impl_->run(pbar.empty() ? Part::vjp_state : Part::vjp_all, in, outputs, workspace);
}

template <class T>
void System<T>::jump(const At<T>& at, std::span<const std::size_t> fired, std::span<T> y_after,
                     Workspace<T>& workspace) const {
  auto& changed = workspace.contents().changed;
  impl_->run_at(Part::jump, at, changed.data(), workspace);
  std::copy(at.y.begin(), at.y.end(), y_after.begin());
  for (const auto& jump : impl_->jumps) {
    const Event& event = impl_->events[jump.event];
    for (std::size_t i = 0; i < jump.size; ++i)
      if (std::find(fired.begin(), fired.end(), event.offset + jump.guard_element[i]) != fired.end())
        y_after[jump.state_offset + i] = changed[jump.offset + i];
  }
}

template <class T>
std::vector<AlgorithmChoice> System<T>::algorithms() const {
  return impl_->function(Part::rhs).algorithms();
}
template <class T>
std::size_t System<T>::workspace_bytes() const {
  return impl_->function(Part::rhs).memory_bytes();
}

template <class T>
System<T> compile(const Circuit& circuit) {
  auto impl = std::make_shared<const typename System<T>::Impl>(circuit);
  impl->function(Part::rhs);
  return System<T>(std::move(impl));
}

template class Workspace<float>;
template class Workspace<double>;
template class System<float>;
template class System<double>;
template System<float> compile(const Circuit&);
template System<double> compile(const Circuit&);

}  // namespace striate
