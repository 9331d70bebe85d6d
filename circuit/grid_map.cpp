#include "circuit/grid_map.hpp"

#include <algorithm>

#include "circuit/fewer_operations.hpp"
#include "circuit/program/function.hpp"

namespace striate {
namespace {

/// What x is increased by where `value` is x plus something that depends on parameters alone; nothing otherwise.
Expr increment(const Expr& value, const Expr& x) {
  if (value->op == Op::add && value->args[0] == x && of_parameters(value->args[1])) return value->args[1];
  if (value->op == Op::add && value->args[1] == x && of_parameters(value->args[0])) return value->args[0];
  return {};
}

/// Whether only rules of synapses change the state: it lies over synapses, and stands still by itself.
bool still(const CircuitContents& c, std::size_t state) {
  const Expr& x = c.states[state].variable;
  if (x.shape().rank() != 1) return false;
  const auto over = [&](const ProjectionRule& p) { return x.shape()[0].name == p.name; };
  if (std::none_of(c.projections.begin(), c.projections.end(), over)) return false;
  for (const auto& event : c.events) {
    if (contains(event.held, x->name)) return false;
    for (const auto& jump : event.jumps)
      if (jump.first == x->name) return false;
  }
  Expr rate = c.states[state].equation;
  while (rate->op == Op::broadcast) rate = rate->args[0];
  return rate->op == Op::constant && rate->value == 0;
}

/// For each element of `guard`, the elements of a state over its axes and perhaps more.
std::vector<std::vector<std::uint32_t>> elements_of_guard(const Shape& guard, const Shape& state) {
  std::vector<std::vector<std::uint32_t>> result(guard.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    std::size_t g = 0;
    for (std::size_t a = 0; a < guard.rank(); ++a) {
      const std::size_t axis = *state.find(guard[a].name);
      g += i / state.stride(axis) % state[axis].size * guard.stride(a);
    }
    result[g].push_back(static_cast<std::uint32_t>(i));
  }
  return result;
}

}  // namespace

/// The jumps of one event: one function computes all new values, of which the elements that fired are taken.
template <class T>
struct GridMap<T>::Jumps {
  struct To {
    std::size_t state, state_offset, offset;
    bool same_shape;
    bool added;                                        ///< to the state, in place of setting it
    std::vector<std::vector<std::uint32_t>> elements;  ///< of the state, by guard element, where the shapes differ
  };
  std::vector<To> to;
  bool constant = true;  ///< what is set or added depends on parameters alone
  bool computed = false;
  AlignedVector<T> value;
  std::unique_ptr<Function<T>> function;
  std::shared_ptr<FunctionMemory<T>> memory;
};

template <class T>
struct GridMap<T>::Parts {
  std::unique_ptr<Function<T>> step;
  std::shared_ptr<FunctionMemory<T>> memory;
  std::vector<Jumps> jumps;
};

template <class T>
GridMap<T>::~GridMap() = default;

template <class T>
GridMap<T>::GridMap(const Circuit& circuit, const Fields& states, const std::vector<Event>& events,
                    const std::vector<bool>& arriving, Scheme scheme, double step)
    : parts_(std::make_unique<Parts>()), holders_(circuit->states.size()), arrival_offset_(holders_.size()) {
  const CircuitContents& c = *circuit;
  std::size_t parameter_size = 0, input_size = 0, guard_size = 0;
  std::vector<ArgumentField> arguments;
  for (const auto& p : c.parameters) {
    arguments.push_back({p.variable, 0, parameter_size});
    parameter_size += p.variable.shape().size();
  }
  const Expr t = time_variable(c.time_unit);
  arguments.push_back({t, 1, 0});
  for (const auto& u : c.inputs) {
    arguments.push_back({u.variable, 2, input_size});
    input_size += u.variable.shape().size();
  }
  for (std::size_t i = 0; i < c.states.size(); ++i) arguments.push_back({c.states[i].variable, 3, states[i].offset});
  for (const auto& event : events) guard_size += event.size;
  std::vector<ArgumentGroup> groups{{parameter_size, 1}, {1, 3}, {input_size, 2}, {states.size(), 3}};
  const auto before_step = arguments;

  std::vector<Expr> flags;
  for (std::size_t e = 0; e < events.size(); ++e) {
    flags.push_back(variable(VariableKind::argument, "held " + events[e].name, events[e].shape, Unit()));
    arguments.push_back({flags[e], 5, events[e].offset});
  }
  auto next = one_step(c, scheme, step);
  std::vector<OutputField> outputs;
  for (std::size_t i = 0; i < c.states.size(); ++i) {
    const Expr& x = c.states[i].variable;
    const Shape& shape = x.shape();
    if (!arriving[i] && still(c, i)) {
      next[i] = x;
      continue;
    }
    Expr flag;
    bool keeps = false;
    for (std::size_t e = 0; e < events.size(); ++e) {
      const auto& held = events[e].held_states;
      if (std::find(held.begin(), held.end(), i) == held.end()) continue;
      flag = flag ? max(flag, flags[e]) : flags[e];
      keeps = keeps || events[e].keeps_arrivals;
      holders_[i].resize(shape.size());
      const auto elements = elements_of_guard(events[e].shape, shape);
      for (std::size_t g = 0; g < elements.size(); ++g)
        for (const std::uint32_t k : elements[g])
          holders_[i][k].push_back(static_cast<std::uint32_t>(events[e].offset + g));
    }
    if (flag) next[i] = where(flag, x, next[i]);
    if (arriving[i]) {
      Expr arrival = variable(VariableKind::argument, "arrivals at " + x->name, shape, x.unit());
      arguments.push_back({arrival, 4, arrival_size_});
      arrival_offset_[i] = arrival_size_;
      arrival_size_ += shape.size();
      const Expr zero = quantity(0, x.unit());
      if (flag && keeps) {
        const Expr kept = variable(VariableKind::argument, "kept for " + x->name, shape, x.unit());
        arguments.push_back({kept, 6, kept_size_});
        arrival = kept + arrival;
        outputs.push_back({broadcast_to(where(flag - Expr(0.5), arrival, zero), shape), 1, kept_size_, false});
        kept_size_ += shape.size();
      }
      next[i] = next[i] + (flag ? where(flag - Expr(0.5), zero, arrival) : arrival);
    }
    next[i] = broadcast_to(next[i], shape);
    outputs.push_back({next[i], 0, states[i].offset, false});
  }
  std::vector<std::pair<Expr, Expr>> at_end{{t, t + quantity(step, c.time_unit)}};
  for (std::size_t i = 0; i < c.states.size(); ++i) at_end.emplace_back(c.states[i].variable, next[i]);
  for (std::size_t e = 0; e < events.size(); ++e) {
    if (events[e].cause != Cause::crossing) continue;
    outputs.push_back({substitute({c.events[e].guard}, at_end)[0], 2, events[e].offset, false});
  }
  std::vector<Expr> roots;
  for (const auto& output : outputs) roots.push_back(output.value);
  roots = fewer_operations(roots);
  for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i].value = roots[i];
  groups.insert(groups.end(), {{arrival_size_, 3}, {guard_size, 3}, {kept_size_, 3}});
  parts_->step = std::make_unique<Function<T>>(groups, arguments, outputs, code_in_use());
  parts_->memory = parts_->step->make_memory();

  groups.resize(4);
  for (std::size_t e = 0; e < events.size(); ++e) {
    Jumps jumps;
    std::vector<OutputField> values;
    std::size_t size = 0;
    for (const auto& [name, value] : c.events[e].jumps) {
      const Field& state = states.at(name);
      const Expr added = increment(value, circuit.state(name).variable);
      values.push_back({added ? broadcast_to(added, value.shape()) : value, 0, size, false});
      jumps.constant = jumps.constant && (added || of_parameters(value));
      const bool same = state.shape == events[e].shape;
      jumps.to.push_back(
          {static_cast<std::size_t>(&state - &*states.begin()), state.offset, size, same, added != Expr(), {}});
      if (!same) jumps.to.back().elements = elements_of_guard(events[e].shape, state.shape);
      size += (state.size + 15) / 16 * 16;
    }
    jumps.value.resize(size);
    if (size > 0) {
      jumps.function = std::make_unique<Function<T>>(groups, before_step, values);
      jumps.memory = jumps.function->make_memory();
    }
    parts_->jumps.push_back(std::move(jumps));
  }
}

template <class T>
void GridMap<T>::step(const Arguments& in, T* next, T* kept, T* guard) {
  const T* const arguments[] = {in.p, &in.t, in.u, in.y, in.arrivals, in.held, in.kept};
  T* const outputs[] = {next, kept, guard};
  parts_->step->run(arguments, outputs, *parts_->memory);
}

template <class T>
void GridMap<T>::jump(std::size_t e, std::span<const std::uint32_t> ids, const Arguments& at, const T* held, T* y) {
  Jumps& jumps = parts_->jumps[e];
  if (jumps.to.empty()) return;
  if (!jumps.constant || !jumps.computed) {
    const T* const arguments[] = {at.p, &at.t, at.u, y};
    T* const outputs[] = {jumps.value.data()};
    jumps.function->run(arguments, outputs, *jumps.memory);
    jumps.computed = true;
  }
  for (const auto& to : jumps.to) {
    T* state = y + to.state_offset;
    const T* value = jumps.value.data() + to.offset;
    const auto& holders = holders_[to.state];
    const auto moves = [&](std::uint32_t k) {
      if (!held || holders.empty()) return true;
      for (const std::uint32_t g : holders[k])
        if (held[g] > T(0)) return false;
      return true;
    };
    const auto move = [&](std::uint32_t k) {
      if (moves(k)) state[k] = to.added ? state[k] + value[k] : value[k];
    };
    for (const std::uint32_t i : ids) {
      if (to.same_shape)
        move(i);
      else
        for (const std::uint32_t k : to.elements[i]) move(k);
    }
  }
}

template <class T>
bool GridMap<T>::jumps_by_parameters(std::size_t e) const {
  return parts_->jumps[e].constant;
}

template class GridMap<float>;
template class GridMap<double>;

}  // namespace striate
