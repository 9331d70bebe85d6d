#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "circuit/complex.hpp"
#include "circuit/expr.hpp"
#include "circuit/projection.hpp"
#include "circuit/spike.hpp"
#include "circuit/supply.hpp"

namespace striate {

/// An axis of a circuit with the positions of its elements: `size` values from low to high, the end point included when
/// closed; wrapping round when circular.
struct AxisDeclaration {
  Axis axis;
  bool has_coordinates = false;
  double low = 0;
  double high = 0;
  bool closed = true;
  bool circular = false;
  Unit unit;
  std::string description;
  std::string where = {};

  std::vector<double> coordinates() const;  ///< element positions; 0, 1, 2, ... without coordinates
  double spacing() const;                   ///< between neighbours; 1 without coordinates
};

/// The values a parameter may take, in its unit.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = true;
  bool high_open = true;
  bool contains(double value) const;
  std::string str() const;  ///< "(0, inf)"
  bool unbounded() const;
};

struct Parameter {
  Expr variable;
  std::vector<double> value;  ///< one, or one per element
  Range range;
  std::string description;
  std::string where = {};  ///< its place in a text, for messages
  Expr drawn_from = {};    ///< of circuit/random.hpp, constants and parameters before this one; draws an empty `value`
};

struct Input {
  Expr variable;
  std::string description;
  std::string where = {};
  Supply supply = Supply::drive;  ///< another one only in a circuit made for an integrator
};

/// White noise: rates hold it times its size; its integral over a time T has the variance T.
struct Noise {
  Expr variable;  ///< an input of unit 1/sqrt(time unit)
  Calculus calculus = Calculus::ito;
  std::string description;
  std::string where = {};
};

struct State {
  Expr variable;
  Expr initial;   ///< of parameters and inputs; in the state's unit and shape
  Expr equation;  ///< d/dt, in the state's unit per time unit; of a map the value one step later, in the state's unit
  std::string description;
  std::string where = {};
  bool map = false;  ///< next(x) = ... instead of dx/dt = ...
  Expr history =
      {};  ///< before the start, of the time since then (negative) and parameters; empty where none is needed

  std::string left_side() const;  ///< "dV/dt" or "next(V)"
};

/// A named algebraic quantity; every one can be observed.
struct Definition {
  std::string name;
  Expr value;
  std::string description;
  std::string where = {};
};

/// When an element of `guard` crosses zero upwards, or a source spikes, the states named take their new values at that
/// element. Whatever spikes is an event, and projections carry it on.
struct EventRule {
  std::string name;
  Expr guard;  ///< of a source: -1 in its shape
  Assignments jumps;
  std::string where = {};
  Cause cause = Cause::crossing;
  Expr rate = {};                      ///< of Cause::poisson: spikes per time, of parameters, inputs and the time
  std::string description = {};        ///< of a source
  Expr hold_time = {};                 ///< of parameters; an element that has fired does not fire again before
  std::vector<std::string> held = {};  ///< states that stand still until then
  bool keeps_arrivals = false;         ///< what arrives meanwhile at a held state is added then, instead of being lost
};

/// A named parameter set and what it must show.
struct Regime {
  std::string name;
  std::string description;
  std::vector<std::pair<std::string, std::vector<double>>> values;  ///< in each parameter's unit
  std::string where = {};
};

/// A seed is written as a number, which holds whole ones below 2^53.
inline constexpr std::uint64_t largest_seed = (std::uint64_t{1} << 53U) - 1;

struct CircuitContents {
  std::string name;
  std::string description;
  std::vector<std::string> source;  ///< where the equations and numbers come from, and every departure
  Unit time_unit = Unit::parse("ms");
  double step = 1;         ///< of a map: the time from one value to the next [time unit]
  std::uint64_t seed = 0;  ///< of random initial values; at most largest_seed
  std::vector<AxisDeclaration> axes;
  std::vector<Parameter> parameters;
  std::vector<Input> inputs;
  std::vector<Noise> noises;
  std::vector<State> states;
  std::vector<Definition> definitions;
  std::vector<EventRule> events;
  std::vector<ProjectionRule> projections;
  std::vector<Regime> regimes;
};

/// The unit of white noise, 1/sqrt(time unit).
Unit noise_unit(const Unit& time_unit);

/// Declares the axis of complex parts where it is missing, and defines `name` as both parts along it.
void define_complex(CircuitContents& contents, const std::string& name, const ComplexExpr& value,
                    const std::string& description, const std::string& where = "");

/// An immutable typed graph: states, parameters, inputs and observables, and the equations between them. It is a flow,
/// dx/dt = f(t, x), or a map, x(t + step) = F(t, x).
class Circuit {
 public:
  /// Checks every declaration and equation. @throws Error naming the circuit, the quantity and what to do
  explicit Circuit(CircuitContents contents);

  const CircuitContents& operator*() const { return *contents_; }
  const CircuitContents* operator->() const { return contents_.get(); }

  bool is_map() const;  ///< whether its states are given by next(x) = ...

  const Parameter& parameter(std::string_view name) const;
  const State& state(std::string_view name) const;
  const AxisDeclaration& axis(std::string_view name) const;
  const Regime& regime(std::string_view name) const;

  /// The same circuit with other default parameter values, given in each parameter's unit; one value fills an array.
  Circuit with_parameters(const std::vector<std::pair<std::string, std::vector<double>>>& values) const;

  /// The same circuit with its random parameters drawn from another seed.
  Circuit with_seed(std::uint64_t seed) const;

  /// The same circuit with these definitions only, so that observing and differentiating them costs no others.
  Circuit with_definitions(const std::vector<std::string>& names) const;

  /// Equal when every declaration and every equation is the same graph.
  bool operator==(const Circuit& other) const;

 private:
  std::shared_ptr<const CircuitContents> contents_;
};

/// Writes a circuit down equation by equation; `build` checks it.
class CircuitBuilder {
 public:
  explicit CircuitBuilder(std::string name, std::string_view time_unit = "ms");

  Axis axis(const std::string& name, std::size_t size);
  Axis axis(AxisDeclaration declaration);
  Expr parameter(const std::string& name, double value, std::string_view unit, Range range = {},
                 std::string description = "");
  Expr parameter(const std::string& name, std::vector<double> values, Shape shape, std::string_view unit,
                 Range range = {}, std::string description = "");
  /// Its shape is that of the random expression.
  Expr parameter(const std::string& name, const Expr& drawn_from, std::string_view unit, Range range = {},
                 std::string description = "");
  void seed(std::uint64_t seed);
  Expr input(const std::string& name, std::string_view unit, Shape shape = {}, std::string description = "");
  /// White noise, which enters rates linearly: ddt(V, -V/tau + sigma*noise("xi", Calculus::ito)).
  Expr noise(const std::string& name, Calculus calculus, Shape shape = {}, std::string description = "");
  Expr state(const std::string& name, std::string_view unit, Shape shape = {}, const Expr& initial = Expr(0.0),
             std::string description = "");
  /// A complex state: the real states NAME_re and NAME_im, and the definition NAME with both along the axis re_im.
  ComplexExpr complex_state(const std::string& name, std::string_view unit, Shape shape = {},
                            const ComplexExpr& initial = 0.0, const std::string& description = "");
  /// A complex parameter: the real ones NAME_re and NAME_im, each of one value or one per element.
  ComplexExpr complex_parameter(const std::string& name, std::vector<double> re, std::vector<double> im, Shape shape,
                                std::string_view unit, const std::string& description = "");
  Expr time() const;
  void initial(const Expr& state, const Expr& value);
  /// The state before and at the start, as a function of the time since then.
  void history(const Expr& state, const Expr& value);
  void ddt(const Expr& state, const Expr& rate);
  void next(const Expr& state, const Expr& value);
  void initial(const ComplexExpr& state, const ComplexExpr& value);
  void ddt(const ComplexExpr& state, const ComplexExpr& rate);
  void next(const ComplexExpr& state, const ComplexExpr& value);
  void step(double step);  ///< of a map [time unit]
  Expr define(const std::string& name, const Expr& value, std::string description = "");
  ComplexExpr define(const std::string& name, const ComplexExpr& value, const std::string& description = "");
  void event(const std::string& name, const Expr& guard, const std::vector<std::pair<Expr, Expr>>& jumps);
  /// An element that fires does not fire again for `duration`, while these states stand still.
  void hold(const std::string& event, const std::vector<Expr>& states, const Expr& duration,
            bool keep_arrivals = false);
  /// Random spikes at a rate, independent in every element of the shape.
  void poisson(const std::string& name, const Shape& shape, const Expr& rate,
               const std::vector<std::pair<Expr, Expr>>& jumps = {}, std::string description = "");
  /// Spikes that the experiment supplies.
  void train(const std::string& name, const Shape& shape, const std::vector<std::pair<Expr, Expr>>& jumps = {},
             std::string description = "");
  /// After its event and axes; its expressions may follow through the reference.
  ProjectionRule& projection(ProjectionRule projection);
  /// Draws the synapses of a projection now, so that parameters and states can lie over their axis.
  Axis synapses(const std::string& projection);
  void regime(Regime regime);
  void describe(std::string description, std::vector<std::string> source = {});

  Circuit build() const { return Circuit(contents_); }

 private:
  State& find_state(const Expr& state);
  CircuitContents contents_;
};

}  // namespace striate
