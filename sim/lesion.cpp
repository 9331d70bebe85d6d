#include "sim/lesion.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "circuit/complex.hpp"
#include "circuit/projection.hpp"
#include "sim/observable.hpp"
#include "sim/stimulus.hpp"

namespace striate {
namespace {

[[noreturn]] void refuse(const Lesion& lesion, const std::string& why) {
  throw Error(
      fmt::format("{}{}lesion of '{}': {}", lesion.where, lesion.where.empty() ? "" : ": ", lesion.target, why));
}

/// 1 inside the patch, 0 outside, over y and x.
Expr patch_mask(const Lesion& lesion, const Shape& shape) {
  const auto y = shape.find("y");
  const auto x = shape.find("x");
  if (!y || !x)
    refuse(lesion, fmt::format("a patch needs the axes y and x, but it has {}. Leave patch and centre out.",
                               shape.str_sizes()));
  const Axis ay = shape[*y];
  const Axis ax = shape[*x];
  std::vector<double> mask(ay.size * ax.size, 0.0);
  const auto inside = [&](std::size_t i, std::size_t n, double centre) {
    return in_block(static_cast<double>(i), middle_of(n) + centre, lesion.patch);
  };
  for (std::size_t i = 0; i < mask.size(); ++i)
    mask[i] = inside(i / ax.size, ay.size, lesion.patch_y) && inside(i % ax.size, ax.size, lesion.patch_x) ? 1 : 0;
  if (std::ranges::count(mask, 1.0) == 0)
    refuse(lesion, fmt::format("its patch covers no element of the grid of {} x {} (y, x). Move its centre onto the "
                               "grid.",
                               ay.size, ax.size));
  return array(std::move(mask), Shape{ay, ax});
}

Expr changed(const Circuit& circuit, const Lesion& lesion, const Expr& e) {
  Expr value = lesion.clamp ? quantity(*lesion.clamp, e.unit()) : e * Expr(lesion.scale);
  value = broadcast_to(value, e.shape());
  if (lesion.patch > 0) value = where(patch_mask(lesion, e.shape()), value, e);
  if (lesion.from)
    value = where(quantity(*lesion.from, circuit->time_unit) - time_variable(circuit->time_unit), e, value);
  return broadcast_to(value, e.shape());
}

/// What a lesion puts in the place of what.
using Changes = std::vector<std::pair<Expr, Expr>>;

/// Of a complex target its parts too, which is what others use of it.
Changes changes_of(const Circuit& circuit, const Lesion& lesion, const Expr& target) {
  const ComplexExpr parts = parts_of(target);
  if (!parts) return {{target, changed(circuit, lesion, target)}};
  Lesion of_im = lesion;
  if (of_im.clamp) of_im.clamp = 0;
  const Expr re = changed(circuit, lesion, parts.re()), im = changed(circuit, of_im, parts.im());
  Changes changes{{target, re_im({re, im})}};
  for (const auto& [part, now] : {std::pair{parts.re(), re}, {parts.im(), im}}) {
    const bool state =
        part->op == Op::variable && (part->name == re_name(lesion.target) || part->name == im_name(lesion.target));
    if (part->op == Op::variable && !state)
      refuse(lesion, fmt::format("a part of it is '{}' itself. Aim at that.", part->name));
    if (part->op != Op::constant)
      changes.emplace_back(part, now);
    else if (!(part == now))
      refuse(lesion, "a part of it is a number, whose uses cannot be told from other numbers. Make it a parameter.");
  }
  return changes;
}

/// @throws Error for a definition whose uses are not its own: expressions are the same wherever they are alike
void require_own(const Circuit& circuit, const Lesion& lesion, const Expr& target) {
  const auto& definitions = circuit->definitions;
  if (std::ranges::find(definitions, lesion.target, &Definition::name) == definitions.end()) return;
  if (target->op == Op::constant)
    refuse(lesion, "it is a number, whose uses cannot be told from other numbers. Make it a parameter.");
  if (target->op == Op::variable)
    refuse(lesion, fmt::format("it is but another name of '{}'. Aim at that.", target->name));
  for (const auto& d : definitions)
    if (d.name != lesion.target && d.value == target)
      refuse(lesion,
             fmt::format("it is the same expression as '{}', whose uses cannot be told from its own. Give one of them "
                         "a factor of its own, a parameter.",
                         d.name));
}

/// An expression over synapses with what it reads of the target by pre() and post() changed.
Expr changed_at_ends(const Circuit& circuit, const Lesion& lesion, const Expr& e) {
  std::vector<std::pair<Expr, Expr>> ends;
  for (const auto& node : topological_order({e})) {
    const auto leaf = synapse_leaf(*node);
    if (!leaf || leaf->of == SynapseLeaf::Of::distance || leaf->name != lesion.target) continue;
    if (lesion.patch > 0)
      refuse(lesion,
             fmt::format("synapses read it as {}, and a patch cannot be told there. Lesion all of it, or a term "
                         "of an equation.",
                         node->name));
    ends.emplace_back(node, changed(circuit, lesion, node));
  }
  return ends.empty() ? e : substitute({e}, ends)[0];
}

/// Whether an equation that reads a variable, or minus it, cannot be told from one that reads the definition.
bool names_variable(const Expr& definition) {
  const Expr& e = definition->op == Op::neg ? definition->args[0] : definition;
  return e->op == Op::variable;
}

[[noreturn]] void refuse_time(const Lesion& lesion, const std::string& where, const std::string& what) {
  throw Error(
      fmt::format("{}{}lesion of '{}': begins at a time (from), but {} uses it, and amounts, rules, delays and "
                  "holds do not change with time. Leave `from` out, or aim at a term of an equation.",
                  where, where.empty() ? "" : ": ", lesion.target, what));
}

}  // namespace

Expr lesion_target(const Circuit& circuit, const std::string& name) {
  for (const auto& p : circuit->parameters)
    if (p.variable->name == name) return p.variable;
  return observable(circuit, name).value;
}

Circuit lesioned(const Circuit& circuit, const std::vector<Lesion>& lesions) {
  Circuit result = circuit;
  for (const auto& lesion : lesions) {
    CircuitContents c = *result;
    const Expr target = lesion_target(result, lesion.target);
    require_own(result, lesion, target);
    const Changes changes = changes_of(result, lesion, target);
    bool used = std::ranges::all_of(changes, [](const auto& of) { return of.first == of.second; });  // scaled by 1
    const auto is_own = [&](const std::string& state) {
      return state == lesion.target || std::ranges::any_of(changes, [&](const auto& of) {
               return of.first->op == Op::variable && of.first->name == state;
             });
    };
    const auto rebuild = [&](Expr& e) {
      const auto whole = std::ranges::find(changes, e, &std::pair<Expr, Expr>::first);
      const Expr now = whole != changes.end() && e->op != Op::variable ? whole->second : substitute({e}, changes)[0];
      used = used || !(now == e);
      e = now;
    };
    Changes definitions;  // as they were and are
    for (auto& d : c.definitions) {
      const Expr before = d.value;
      rebuild(d.value);
      if (!(d.value == before) && !names_variable(before)) definitions.emplace_back(before, d.value);
    }
    const auto rebuild_unless_own = [&](const std::string& state, Expr& e) {
      if (is_own(state))
        e = substitute({e}, definitions)[0];
      else
        rebuild(e);
    };
    for (auto& s : c.states) rebuild_unless_own(s.variable->name, s.equation);
    const auto rebuild_timeless = [&](const std::string& where, const std::string& what, Expr& e) {
      const Expr before = e;
      e = changed_at_ends(result, lesion, e);
      used = used || !(e == before);
      rebuild(e);
      if (lesion.from && !(e == before)) refuse_time(lesion, where, what);
    };
    for (auto& event : c.events) {
      rebuild(event.guard);
      for (auto& [state, to] : event.jumps) rebuild_unless_own(state, to);
      if (event.rate) rebuild(event.rate);
      if (event.hold_time)
        rebuild_timeless(event.where, fmt::format("how long event '{}' holds", event.name), event.hold_time);
    }
    for (auto& p : c.projections) {
      const auto rebuild_all = [&](const char* what, Assignments& assignments) {
        for (auto& [state, to] : assignments)
          if (!is_own(state) || &assignments == &p.arrivals)
            rebuild_timeless(p.where, fmt::format("{} of projection '{}'", what, p.name), to);
      };
      rebuild_timeless(p.where, fmt::format("the delay of projection '{}'", p.name), p.delay);
      rebuild_all("an amount", p.arrivals);
      rebuild_all("a rule", p.on_arrival);
      for (auto& back : p.back) rebuild_all("a rule", back.changes);
    }
    if (!used)
      refuse(lesion,
             "only its own equation uses it, and nothing would change. Name a term of that equation with := and aim at "
             "it, or at a parameter.");
    result = Circuit(std::move(c));
  }
  return result;
}

}  // namespace striate
