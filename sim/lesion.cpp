#include "sim/lesion.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "sim/observable.hpp"

namespace striate {
namespace {

/// 1 inside the patch, 0 outside, over y and x.
Expr patch_mask(const Lesion& lesion, const Shape& shape) {
  const auto y = shape.find("y");
  const auto x = shape.find("x");
  if (!y || !x)
    throw Error(fmt::format("lesion of '{}': a patch needs the axes y and x, but it has {}.", lesion.target,
                            shape.str_sizes()));
  const Axis ay = shape[*y];
  const Axis ax = shape[*x];
  std::vector<double> mask(ay.size * ax.size, 0.0);
  const auto inside = [&](std::size_t i, std::size_t n, std::ptrdiff_t centre) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(n / 2) + centre - lesion.patch / 2;
    const auto at = static_cast<std::ptrdiff_t>(i);
    return at >= first && at < first + lesion.patch;
  };
  for (std::size_t i = 0; i < mask.size(); ++i)
    mask[i] = inside(i / ax.size, ay.size, lesion.patch_y) && inside(i % ax.size, ax.size, lesion.patch_x) ? 1 : 0;
  return array(std::move(mask), Shape{ay, ax});
}

Expr changed(const Circuit& circuit, const Lesion& lesion, const Expr& e) {
  Expr value = lesion.clamp ? quantity(*lesion.clamp, e.unit()) : e * Expr(lesion.scale);
  value = broadcast_to(value, e.shape());
  if (lesion.patch > 0) value = where(patch_mask(lesion, e.shape()), value, e);
  if (lesion.from)
    value = where(time_variable(circuit->time_unit) - quantity(*lesion.from, circuit->time_unit), value, e);
  return broadcast_to(value, e.shape());
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
    const Expr value = changed(result, lesion, target);
    // Everything built on the target is built again on its changed value, the target's own equation excepted.
    const auto rebuilt = [&](const Expr& e) {
      if (e == target && target->op != Op::variable) return value;
      return substitute({e}, {{target, value}})[0];
    };
    for (auto& s : c.states)
      if (!(s.variable == target)) s.equation = rebuilt(s.equation);
    for (auto& d : c.definitions) d.value = rebuilt(d.value);
    result = Circuit(std::move(c));
  }
  return result;
}

}  // namespace striate
