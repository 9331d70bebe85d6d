#include "sim/continuation_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sim/observable.hpp"
#include "sim/quantity.hpp"

namespace striate {

ContinuationPlan read_continuation_plan(const TomlTable& t, const Circuit& circuit) {
  ContinuationPlan plan;
  ContinuationSettings& s = plan.settings;
  s.parameter = t.string("parameter");
  std::vector<std::string> names;
  for (const auto& p : circuit->parameters) names.push_back(p.variable->name);
  if (std::ranges::count(names, s.parameter) == 0)
    t.at("parameter").fail(fmt::format("but there is no such parameter.{}", suggest_names(s.parameter, names)));
  const Parameter& parameter = circuit.parameter(s.parameter);
  const Unit& unit = parameter.variable.unit();
  s.low = evaluate(t.at("from"), unit);
  s.high = evaluate(t.at("to"), unit);
  if (!(s.low < s.high && std::isfinite(s.high - s.low))) t.at("to").fail("but must lie above from.");
  for (const auto& [key, end] : {std::pair("from", s.low), std::pair("to", s.high)})
    if (!parameter.range.contains(end))
      t.at(key).fail(fmt::format("but '{}' must be in {}.", s.parameter, parameter.range.str()));
  s.step = t.number("step", 0.01);
  if (!(s.step > 0 && s.step <= 0.5)) t.at("step").fail("but must lie above 0 and up to 0.5 of the range.");
  s.cycles = t.boolean("cycles", true);
  s.most_points = whole_number(t, "most_points", 2000, 2, 1'000'000);
  if (t.has("march")) {
    plan.march = evaluate(t.at("march"), circuit->time_unit);
    if (!(plan.march >= 0) || std::isinf(plan.march)) t.at("march").fail("but must be finite and not below 0.");
  }
  const std::string start = t.string("start", "rest");
  if (start != "rest" && start != "cycle")
    t.at("start").fail("but a branch begins at rest or at a cycle." + suggest_names(start, {"rest", "cycle"}));
  plan.from_cycle = start == "cycle";
  if (plan.from_cycle && plan.march == 0) t.fail("lacks `march`: how long the circuit runs before it is on its cycle.");
  if (plan.from_cycle && !s.cycles) t.at("cycles").fail("but the branch begins at a cycle.");
  if (!plan.from_cycle)
    refuse_keys(t, {"angles"}, "which are of the cycle that start = \"cycle\" asks for. Leave it out, or add that.");
  if (plan.from_cycle && t.has("angles")) {
    plan.angles = t.at("angles").as_strings();
    for (const auto& name : plan.angles) state_named(circuit, t.at("angles"), name);
  }
  if (const auto initial = t.find_table("initial"))
    for (const auto& name : initial->keys()) {
      const double value = evaluate(initial->at(name), state_named(circuit, initial->at(name), name).unit());
      if (!std::isfinite(value)) initial->at(name).fail("but must be finite.");
      plan.initial.emplace_back(name, value);
    }
  return plan;
}

}  // namespace striate
