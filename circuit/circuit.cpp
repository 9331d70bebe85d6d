#include "circuit/circuit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "circuit/check_circuit.hpp"
#include "circuit/find_named.hpp"
#include "circuit/text.hpp"

namespace striate {

double AxisDeclaration::spacing() const {
  if (!has_coordinates) return 1;
  const double steps = static_cast<double>(axis.size) - (closed ? 1.0 : 0.0);
  return (high - low) / std::max(steps, 1.0);
}

std::vector<double> AxisDeclaration::coordinates() const {
  std::vector<double> values(axis.size);
  for (std::size_t i = 0; i < axis.size; ++i) values[i] = low + spacing() * static_cast<double>(i);
  return values;
}

bool Range::contains(double value) const {
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}
std::string Range::str() const {
  return fmt::format("{}{}, {}{}", low_open ? '(' : '[', low, high, high_open ? ')' : ']');
}
bool Range::unbounded() const { return low == -std::numeric_limits<double>::infinity() && high == -low; }

std::string State::left_side() const {
  return map ? fmt::format("next({})", variable->name) : fmt::format("d{}/dt", variable->name);
}

Circuit::Circuit(CircuitContents contents) {
  check_circuit(contents);
  contents_ = std::make_shared<const CircuitContents>(std::move(contents));
}

bool Circuit::is_map() const { return !contents_->states.empty() && contents_->states.front().map; }

const Parameter& Circuit::parameter(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "parameter", name, contents_->parameters, variable_name);
}
const State& Circuit::state(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "state", name, contents_->states, variable_name);
}
const AxisDeclaration& Circuit::axis(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "axis", name, contents_->axes, axis_name);
}
const Regime& Circuit::regime(std::string_view name) const {
  return find_named("circuit '" + contents_->name + "'", "regime", name, contents_->regimes, plain_name);
}

Circuit Circuit::with_parameters(const std::vector<std::pair<std::string, std::vector<double>>>& values) const {
  CircuitContents changed = *contents_;
  for (const auto& [name, value] : values) {
    parameter(name);
    for (auto& p : changed.parameters)
      if (p.variable->name == name) {
        p.value = value;
        p.drawn_from = {};
      }
  }
  return Circuit(std::move(changed));
}

Circuit Circuit::with_seed(std::uint64_t seed) const {
  CircuitContents changed = *contents_;
  changed.seed = seed;
  for (auto& p : changed.parameters)
    if (p.drawn_from) p.value.clear();
  const bool drawn = std::any_of(changed.projections.begin(), changed.projections.end(),
                                 [](const ProjectionRule& p) { return p.synapses != nullptr; });
  if (!drawn) return Circuit(std::move(changed));
  // Another seed draws another number of synapses, and shapes follow from it: the text says how.
  return read_circuit(to_text(*this), contents_->name, {{"seed", static_cast<double>(seed)}});
}

Circuit Circuit::with_definitions(const std::vector<std::string>& names) const {
  CircuitContents changed = *contents_;
  changed.definitions.clear();
  for (const auto& name : names)
    changed.definitions.push_back(
        find_named("circuit '" + contents_->name + "'", "definition", name, contents_->definitions, plain_name));
  return Circuit(std::move(changed));
}

namespace {

bool same_projection(const ProjectionRule& x, const ProjectionRule& y) {
  const Connectivity &a = x.rule, &b = y.rule;
  return x.name == y.name && x.event == y.event && x.from == y.from && x.to == y.to && x.delay == y.delay &&
         x.arrivals == y.arrivals && x.on_arrival == y.on_arrival && x.description == y.description &&
         (x.synapses == nullptr) == (y.synapses == nullptr) && a.rule == b.rule && a.probability == b.probability &&
         a.count == b.count && a.sd == b.sd && a.self == b.self && a.repeats == b.repeats && a.pre == b.pre &&
         a.post == b.post &&
         std::equal(x.back.begin(), x.back.end(), y.back.begin(), y.back.end(),
                    [](const auto& p, const auto& q) { return p.event == q.event && p.changes == q.changes; });
}

}  // namespace

bool Circuit::operator==(const Circuit& other) const {
  const auto& a = *contents_;
  const auto& b = *other.contents_;
  const auto all = [](const auto& x, const auto& y, const auto& same) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same);
  };
  return a.name == b.name && a.description == b.description && a.source == b.source && a.time_unit == b.time_unit &&
         a.step == b.step && a.seed == b.seed &&
         all(a.axes, b.axes,
             [](const auto& x, const auto& y) {
               return x.axis == y.axis && x.has_coordinates == y.has_coordinates && x.low == y.low &&
                      x.high == y.high && x.closed == y.closed && x.circular == y.circular && x.unit == y.unit &&
                      x.description == y.description;
             }) &&
         all(a.parameters, b.parameters,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.value == y.value && x.drawn_from == y.drawn_from &&
                      x.range.str() == y.range.str() && x.description == y.description;
             }) &&
         all(a.inputs, b.inputs,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.supply == y.supply && x.description == y.description;
             }) &&
         all(a.noises, b.noises,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.calculus == y.calculus && x.description == y.description;
             }) &&
         all(a.states, b.states,
             [](const auto& x, const auto& y) {
               return x.variable == y.variable && x.initial == y.initial && x.equation == y.equation &&
                      x.map == y.map && x.history == y.history && x.description == y.description;
             }) &&
         all(a.definitions, b.definitions,
             [](const auto& x, const auto& y) {
               return x.name == y.name && x.value == y.value && x.description == y.description;
             }) &&
         all(a.events, b.events,
             [](const auto& x, const auto& y) {
               return x.name == y.name && x.guard == y.guard && x.jumps == y.jumps && x.cause == y.cause &&
                      x.rate == y.rate && x.description == y.description && x.hold_time == y.hold_time &&
                      x.held == y.held && x.keeps_arrivals == y.keeps_arrivals;
             }) &&
         all(a.projections, b.projections, same_projection) &&
         all(a.regimes, b.regimes, [](const auto& x, const auto& y) {
           return x.name == y.name && x.description == y.description && x.values == y.values;
         });
}

Unit noise_unit(const Unit& time_unit) { return time_unit.pow(-0.5); }

void define_complex(CircuitContents& contents, const std::string& name, const ComplexExpr& value,
                    const std::string& description, const std::string& where) {
  const Axis& parts = re_im_axis();
  const bool declared = std::any_of(contents.axes.begin(), contents.axes.end(),
                                    [&](const AxisDeclaration& a) { return a.axis.name == parts.name; });
  if (!declared) {
    AxisDeclaration axis;
    axis.axis = parts;
    axis.description = "real and imaginary part";
    contents.axes.push_back(std::move(axis));
  }
  contents.definitions.push_back({name, re_im(value), description, where});
}

}  // namespace striate
