#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "circuit/connectivity.hpp"
#include "circuit/expr.hpp"

namespace striate {

struct CircuitContents;

/// Elements [begin, end) of an axis; all of them unless told otherwise.
struct AxisRange {
  std::string axis;
  std::size_t begin = 0;
  std::optional<std::size_t> end = {};
  bool operator==(const AxisRange&) const = default;
};

using Assignments = std::vector<std::pair<std::string, Expr>>;  ///< state, value

/// The spikes of an event, carried through synapses to the elements of other axes: `delay` after the spike, each
/// synapse adds its amounts to the states of its target.
///
/// `name` is also the name of the axis of synapses, numbered by where they come from, then by where they go.
/// Expressions over it are made of numbers, parameters of one value or over that axis, pre() and post() of parameters,
/// distance() and random numbers. Amounts may also use states over the axis and pre() of states, both taken when the
/// spike leaves, after its jump. Rules may use states over the axis, pre() and post() of states, as they are at the
/// moment.
struct ProjectionRule {
  std::string name;
  std::string event;
  std::vector<AxisRange> from;  ///< of the event's axes; one that is missing is whole
  std::vector<AxisRange> to;    ///< exactly the axes of the states that it changes
  Connectivity rule;
  Expr delay = 0.0;
  Assignments arrivals;    ///< what is added to states
  Assignments on_arrival;  ///< what states over the synapse axis become then
  struct Back {
    std::string event;    ///< over the axes of `to`
    Assignments changes;  ///< what states over the synapse axis become when the target has this event
  };
  std::vector<Back> back;
  std::string description;
  std::string where = {};                            ///< its place in a text, for messages
  std::shared_ptr<const Connections> synapses = {};  ///< drawn where a parameter or state lies over the axis

  /// Of one element where the synapses are not drawn.
  Axis axis() const { return {name, synapses ? static_cast<std::size_t>(synapses->size()) : 1}; }
  std::string purpose() const { return "projection " + name; }  ///< of its random numbers
};

/// A parameter or state of the element that a synapse comes from.
Expr pre(const Expr& variable, const Axis& synapses);
/// ... and of the one that it goes to.
Expr post(const Expr& variable, const Axis& synapses);
/// How far apart they lie, in the unit of the axes' coordinates.
Expr distance(const Axis& synapses, const Unit& unit);

/// What a variable made by pre, post or distance stands for; nothing for other nodes.
struct SynapseLeaf {
  enum class Of { pre, post, distance } of;
  std::string name;  ///< of the parameter or state
};
std::optional<SynapseLeaf> synapse_leaf(const Node& node);

/// The elements that take part. @throws Error for axes that do not exist and for ranges without elements
Population pre_population(const CircuitContents& contents, const ProjectionRule& projection);
Population post_population(const CircuitContents& contents, const ProjectionRule& projection);
/// The unit of distance(): that of the coordinates of the axes; 1 without coordinates
Unit distance_unit(const CircuitContents& contents, const ProjectionRule& projection);

/// Draws the synapses from the circuit's seed. @throws Error as connect does
void draw_synapses(const CircuitContents& contents, ProjectionRule& projection);

/// Brings expressions into the units of what they change. @throws Error for whatever the circuit cannot do
void check_projection(const std::string& where, const CircuitContents& contents, ProjectionRule& projection);

}  // namespace striate
