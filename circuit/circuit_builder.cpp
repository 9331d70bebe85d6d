#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "circuit/circuit.hpp"
#include "circuit/find_named.hpp"

namespace striate {

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
  const Expr re = state(re_name(name), unit, shape, initial.re(), re_description(description));
  const Expr im = state(im_name(name), unit, std::move(shape), initial.im(), im_description(description));
  define_complex(contents_, name, {re, im}, description);
  return {re, im};
}

ComplexExpr CircuitBuilder::complex_parameter(const std::string& name, std::vector<double> re, std::vector<double> im,
                                              Shape shape, std::string_view unit, const std::string& description) {
  const Expr re_part = parameter(re_name(name), std::move(re), shape, unit, {}, re_description(description));
  return {re_part, parameter(im_name(name), std::move(im), std::move(shape), unit, {}, im_description(description))};
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
