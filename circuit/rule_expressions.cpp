#include "circuit/rule_expressions.hpp"

namespace striate {

void change_events(CircuitContents& contents, const std::function<void(Expr&)>& change) {
  for (auto& event : contents.events) {
    change(event.guard);
    for (auto& [state, to] : event.jumps) change(to);
    if (event.hold_time) change(event.hold_time);
    if (event.rate) change(event.rate);
  }
}

void change_projections(CircuitContents& contents, const std::function<void(Expr&)>& change) {
  for (auto& projection : contents.projections) {
    change(projection.delay);
    for (auto* assignments : {&projection.arrivals, &projection.on_arrival})
      for (auto& [state, to] : *assignments) change(to);
    for (auto& back : projection.back)
      for (auto& [state, to] : back.changes) change(to);
  }
}

}  // namespace striate
