#include "sim/phase_response_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "base/error.hpp"
#include "circuit/system.hpp"
#include "circuit/text.hpp"
#include "sim/observable.hpp"
#include "sim/quantity.hpp"

namespace striate {
namespace {

std::string axes_text(const Shape& shape) {
  std::string text;
  for (const auto& axis : shape) text += (text.empty() ? "" : ", ") + axis.name;
  return text.empty() ? "" : "[" + text + "]";
}

void require_state(const Circuit& circuit, const TomlValue& where, const std::string& name) {
  if (!is_complex_state(circuit, name)) state_named(circuit, where, name);
}

/// "x", or "x[unit=3]" of a state with axes.
void require_element(const Circuit& circuit, const TomlValue& where, const std::string& name) {
  require_state(circuit, where, name.substr(0, name.find('[')));
  if (name.find('[') == std::string::npos) return;
  std::vector<std::string> elements;
  for (const auto& s : circuit->states) {
    Fields one;
    one.add({s.variable->name, "", s.variable.unit(), s.variable.shape(), 0, s.variable.shape().size()});
    for (std::size_t i = 0; i < one.size() && i < 1000; ++i) elements.push_back(one.element_name(i));
  }
  if (std::ranges::count(elements, name) == 0)
    where.fail(fmt::format("but no state has this element.{}", suggest_names(name, elements)));
}

/// Whether a line of a circuit's text says what its states do, or is their complex pair.
bool is_of_states(const std::string& line, const Circuit& circuit) {
  if (line.starts_with("event ") || line.starts_with("regime ")) return true;
  for (const auto& name : state_names(circuit))
    if (is_complex_state(circuit, name) && line.starts_with(name + " :=")) return true;
  return std::ranges::any_of(circuit->states, [&](const State& s) {
    return line.starts_with(s.left_side() + " =") || line.starts_with(s.variable->name + "(0) =");
  });
}

const std::string coupling_origin = "[prc.coupling]";

/// In place of the line and column of a text that the user does not see, the place of the coupling that stands there.
[[noreturn]] void throw_placed(const std::string& message, const PhaseResponsePlan& plan, std::size_t lines_before) {
  std::size_t line = 0, column = 0;
  int length = 0;
  const std::string tail = message.substr(std::min(message.size(), coupling_origin.size()));
  if (!message.starts_with(coupling_origin) ||
      std::sscanf(tail.c_str(), ":%zu:%zu: %n", &line, &column, &length) != 2 || line <= lines_before ||
      line > lines_before + plan.coupling.size())
    throw Error(message);
  throw Error(plan.coupling[line - lines_before - 1].where, tail.substr(static_cast<std::size_t>(length)));
}

}  // namespace

PhaseResponsePlan read_phase_response_plan(const TomlTable& t, const Circuit& circuit) {
  PhaseResponsePlan plan;
  plan.cycle.transient = evaluate(t.at("transient"), circuit->time_unit);
  if (!(plan.cycle.transient > 0) || std::isinf(plan.cycle.transient))
    t.at("transient").fail("but must be above 0 and finite.");
  plan.cycle.origin = t.string("origin", circuit->states.empty() ? "" : circuit->states[0].variable->name);
  if (is_complex_state(circuit, plan.cycle.origin)) plan.cycle.origin = re_name(plan.cycle.origin);
  if (t.has("origin")) require_element(circuit, t.at("origin"), plan.cycle.origin);
  plan.cycle.samples = whole_number(t, "samples", 256, 4, 100'000);
  plan.cycle.tolerance = t.number("tolerance", 1e-10);
  if (!(plan.cycle.tolerance >= 1e-13 && plan.cycle.tolerance <= 1e-3))
    t.at("tolerance").fail("but must lie between 1e-13 and 1e-3.");
  if (const auto angles = t.find("angles")) {
    plan.cycle.angles = angles->as_strings();
    for (const auto& name : plan.cycle.angles) require_state(circuit, *angles, name);
  }
  if (const auto coupling = t.find_table("coupling"))
    for (const auto& state : coupling->keys()) {
      const TomlValue value = coupling->at(state);
      require_state(circuit, value, state);
      const std::string rate = value.as_string();
      const std::string where = fmt::format("{}: {} = {}", value.position(), value.path(), value.text());
      if (is_complex_state(circuit, state)) {
        plan.coupling.push_back({re_name(state), fmt::format("re({})", rate), where});
        plan.coupling.push_back({im_name(state), fmt::format("im({})", rate), where});
      } else {
        plan.coupling.push_back({state, rate, where});
      }
    }
  return plan;
}

Circuit coupling_circuit(const Circuit& circuit, const PhaseResponsePlan& plan) {
  std::istringstream lines(to_text(circuit));
  std::string text;
  for (std::string line; std::getline(lines, line);)
    if (!is_of_states(line, circuit)) text += line + "\n";
  for (const auto& s : circuit->states) {
    const Expr& v = s.variable;
    for (const std::string suffix : {"", "_j"})
      text += fmt::format("input {}{}{} : {}\n", v->name, suffix, axes_text(v.shape()), v.unit().str());
  }
  for (const auto& name : state_names(circuit))
    if (is_complex_state(circuit, name))
      for (const std::string suffix : {"", "_j"})
        text += fmt::format("{0}{2} := {1}_re{2} + i*{1}_im{2}\n", name, name, suffix);
  const auto lines_before = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  for (const auto& [name, expression, where] : plan.coupling) {
    const Expr& v = circuit.state(name).variable;
    const Unit rate = circuit->time_unit.dimensionless() ? v.unit() : v.unit() / circuit->time_unit;
    text += fmt::format("coupling_{} := {} : {}\n", name, expression, rate.str());
  }
  std::vector<std::string> wanted;
  for (const auto& c : plan.coupling) wanted.push_back("coupling_" + c.state);
  try {
    return read_circuit(text, coupling_origin).with_definitions(wanted);
  } catch (const Error& error) {
    throw_placed(error.what(), plan, lines_before);
  }
}

}  // namespace striate
