#include "circuit/delay_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "circuit/batch.hpp"
#include "circuit/compile.hpp"
#include "circuit/program/function.hpp"

namespace striate {
namespace {

constexpr double headroom = 2;  ///< by how much a delay that parameters make may grow

/// 1 at 0, falling to 0 at -1 and 1; at these kinks its derivative is the mean of both sides.
Expr hat(const Expr& x) { return (abs(x - Expr(1.0)) - Expr(2.0) * abs(x) + abs(x + Expr(1.0))) / Expr(2.0); }

bool has_variables(const Expr& e) {
  return std::ranges::any_of(topological_order({e}), [](const Expr& node) { return node->op == Op::variable; });
}

DelayMemory::Substitution default_values(const Circuit& circuit) {
  const System<double> system = compile<double>(circuit);
  const auto p = system.default_parameters();
  DelayMemory::Substitution values;
  for (const Parameter& parameter : circuit->parameters) {
    const Expr& v = parameter.variable;
    const Field& field = system.parameters().at(v->name);
    const auto own = std::span(p).subspan(field.offset, field.size);
    values.emplace_back(v, array({own.begin(), own.end()}, v.shape(), v.unit()));
  }
  return values;
}

}  // namespace

DelayMemory::DelayMemory(const Circuit& circuit, double h) : supplied_(with_supplied_delays(circuit)), h_(h) {
  const Substitution values = default_values(circuit);
  const Expr t = time_variable(circuit->time_unit);
  for (std::size_t i = 0; i < supplied_.rules.size(); ++i) {
    const DelayRule& rule = supplied_.rules[i];
    const std::vector<double> own = constant_value(substitute({rule.tau}, values)[0]);
    const double shortest = *std::ranges::min_element(own), longest = *std::ranges::max_element(own);
    if (!(shortest >= 0 && std::isfinite(longest)))
      throw Error(circuit->name,
                  fmt::format("a delay = {} {}, but must be finite and not negative. Check its sign and parameters.",
                              shortest >= 0 ? longest : shortest, circuit->time_unit.str()));
    Register r{i, {}, substitute({rule.source}, now_)[0], rule.tau / quantity(h, circuit->time_unit), 0};
    r.size = static_cast<std::size_t>(std::ceil(longest / h * (has_variables(rule.tau) ? headroom : 1) - 1e-9));
    if (r.size > 0) {
      const Axis places{rule.input->name + "_steps", r.size};
      const Shape shape = r.source.shape().with_last(places);
      r.value = variable(VariableKind::state, rule.input->name, shape, rule.source.unit());
      const Expr before = quantity(-h, circuit->time_unit) * (index(places) + Expr(1.0));
      State state;
      state.variable = r.value;
      state.initial = broadcast_to(for_each_value(broadcast_to(rule.past, r.source.shape()), t, before), shape);
      const Expr newest = broadcast_to(r.source, r.source.shape().with_last({places.name, 1}));
      state.equation =
          r.size == 1 ? newest
                      : concatenate({newest, slice(r.value, places.name, 0, static_cast<std::int64_t>(r.size) - 1)},
                                    places.name);
      state.description = fmt::format("what delays look back at, at each of the last {} steps", r.size);
      state.map = true;
      states_.push_back(std::move(state));
      AxisDeclaration axis;
      axis.axis = places;
      axis.description = "steps before the last";
      axes_.push_back(std::move(axis));
    }
    now_.emplace_back(rule.input, look_up(r, {r.source}));
    registers_.push_back(std::move(r));
  }
}

/// The value r.steps before the first of `newest`; these are followed by what is remembered.
Expr DelayMemory::look_up(const Register& r, const std::vector<Expr>& newest) const {
  const Shape& shape = supplied_.rules[r.rule].input.shape();
  if (!r.value) return broadcast_to(newest.front(), shape);
  Expr value = Expr(0.0);
  for (std::size_t j = 0; j < newest.size(); ++j)
    value = value + hat(r.steps - Expr(static_cast<double>(j))) * newest[j];
  const Axis places = r.value.shape()[r.value.shape().rank() - 1];
  const Expr place = index(places) + Expr(static_cast<double>(newest.size()));
  value = value + sum(hat(r.steps - place) * r.value, {places.name});
  if (has_variables(r.steps)) {
    // Beyond what is remembered there is no value: log(-1).
    const Expr outside = max(r.steps - Expr(static_cast<double>(r.size) + 1e-9), -r.steps);
    value = value * (Expr(1.0) + log(where(outside, Expr(-1.0), Expr(1.0))));
  }
  return broadcast_to(value, shape);
}

void DelayMemory::at_end(Substitution& there) const {
  for (const Register& r : registers_) {
    const Expr source = substitute({supplied_.rules[r.rule].source}, there)[0];
    there.emplace_back(supplied_.rules[r.rule].input, r.value ? look_up(r, {source, r.source}) : look_up(r, {source}));
  }
}

void DelayMemory::bound(std::vector<Parameter>& parameters) const {
  for (const Register& r : registers_) {
    const Expr& tau = supplied_.rules[r.rule].tau;
    for (Parameter& p : parameters) {
      const double most = static_cast<double>(r.size) * h_;
      if (!(p.variable == tau) || p.range.high <= most) continue;
      p.range.high = most;
      p.range.high_open = false;
    }
  }
}

}  // namespace striate
