#include "circuit/fit.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace striate {

Expr fit(const std::string& where, const std::string& what, const Expr& e, const Unit& unit, const Shape& shape) {
  if (!e) throw Error(where, what + " has no equation. Write one.");
  Expr fitted;
  try {
    fitted = is_zero(e) && e.unit() == Unit() ? quantity(0, unit) : convert(e, unit);
  } catch (const Error&) {
    throw Error(where, fmt::format("the units of {} do not balance: its equation gives [{}], but [{}] is needed. "
                                   "Check a missing factor or a parameter's unit.",
                                   what, e.unit().str(), unit.str()));
  }
  const auto joined = broadcast(shape, e.shape());
  if (!joined || joined->rank() != shape.rank())
    throw Error(
        where, fmt::format("{} is declared {}, but its equation gives {}. Sum or average over the axes it lacks.", what,
                           shape.str_sizes(), e.shape().str_sizes()));
  return broadcast_to(fitted, shape);
}

}  // namespace striate
