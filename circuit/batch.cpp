#include "circuit/batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.hpp"

namespace striate {
namespace {

/// Rebuilds expressions with the axis in front of whatever depends on a state or an input.
class Batching {
 public:
  explicit Batching(Axis axis) : axis_(std::move(axis)) {}

  Expr variable_of(const Expr& v) {
    Node node = *v;
    node.shape = in_front(v.shape());
    return value_[v.get()] = intern(std::move(node));
  }

  void put(const Expr& variable, const Expr& value) { value_[variable.get()] = value; }

  Expr operator()(const Expr& root) {
    for (const auto& e : topological_order({root}))
      if (!value_.contains(e.get())) value_[e.get()] = rebuilt(e);
    return value_.at(root.get());
  }

 private:
  Shape in_front(const Shape& shape) const {
    std::vector<Axis> axes{axis_};
    axes.insert(axes.end(), shape.begin(), shape.end());
    return Shape(std::move(axes));
  }

  Expr rebuilt(const Expr& e) {
    std::vector<Expr> args;
    bool batched = false;
    for (const auto& arg : e->args) {
      args.push_back(value_.at(arg.get()));
      batched = batched || args.back().shape().has(axis_.name);
    }
    if (!batched) return e;
    const Shape shape = in_front(e.shape());
    if (is_pointwise(e->op)) {
      // Operands decide the order of the axes: an operand that would bring another one is spread over all of them.
      Expr result = with_args(e, args);
      if (result.shape() == shape) return result;
      args[0] = broadcast_to(args[0], shape);
      return with_args(e, std::move(args));
    }
    switch (e->op) {
      case Op::sum: return with_args(e, std::move(args));
      case Op::broadcast: return broadcast_to(args[0], shape);
      case Op::contract: {
        std::vector<std::string> over;
        for (const auto& axis : e->args[0].shape())
          if (e->args[1].shape().has(axis.name) && !e.shape().has(axis.name)) over.push_back(axis.name);
        return broadcast_to(matmul(args[0], args[1], over), shape);
      }
      default: {
        Node node = *e;
        node.args = std::move(args);
        node.shape = shape;
        return intern(std::move(node));
      }
    }
  }

  Axis axis_;
  std::unordered_map<const Node*, Expr> value_;
};

}  // namespace

Expr for_each_value(const Expr& e, const Expr& variable, const Expr& values) {
  Batching batched(values.shape()[0]);
  batched.put(variable, values);
  return batched(e);
}

Circuit batch(const Circuit& circuit, std::size_t n) {
  const std::string name = "batch";
  const auto source = std::find_if(circuit->events.begin(), circuit->events.end(),
                                   [](const EventRule& e) { return e.cause != Cause::crossing || e.hold_time; });
  if (source != circuit->events.end() || !circuit->projections.empty())
    throw Error(
        "circuit '" + circuit->name + "'",
        fmt::format("has '{}', but spikes that travel or hold states cannot be batched. Run its conditions one by "
                    "one.",
                    source != circuit->events.end() ? source->name : circuit->projections.front().name));
  const auto declared =
      std::find_if(circuit->axes.begin(), circuit->axes.end(), [&](const auto& a) { return a.axis.name == name; });
  if (declared != circuit->axes.end()) {
    if (declared->axis.size == n) return circuit;
    throw Error("circuit '" + circuit->name + "'",
                fmt::format("its own axis batch has {} elements, but a batch of {} is asked. Read the circuit with the "
                            "setting batch = {}.",
                            declared->axis.size, n, n));
  }
  CircuitContents c = *circuit;
  AxisDeclaration axis;
  axis.axis = {name, n};
  c.axes.insert(c.axes.begin(), axis);
  Batching batched(axis.axis);
  for (auto& input : c.inputs) input.variable = batched.variable_of(input.variable);
  for (auto& noise : c.noises) noise.variable = batched.variable_of(noise.variable);
  for (auto& s : c.states) s.variable = batched.variable_of(s.variable);
  for (auto& s : c.states) {
    s.initial = batched(s.initial);
    if (s.history) s.history = batched(s.history);
    s.equation = batched(s.equation);
  }
  for (auto& d : c.definitions) d.value = batched(d.value);
  for (auto& event : c.events) {
    event.guard = batched(event.guard);
    for (auto& [state, value] : event.jumps) value = batched(value);
  }
  return Circuit(std::move(c));
}

}  // namespace striate
