#include "integrators/refuse_amount.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/printed.hpp"

namespace striate {

void refuse_amount(const System<double>& system, std::size_t projection, std::size_t expression, double value,
                   std::optional<std::size_t> pre, std::optional<std::size_t> post) {
  const Projection& about = system.projections()[projection];
  const auto arrival = std::ranges::find(about.arrivals, expression, &Projection::Change::expression);
  const Field& state = system.states()[arrival->state];
  const std::string synapse =
      pre && post ? fmt::format(" from {}[{}] to {}", system.events()[about.event].name, *pre, *post) : "";
  throw Error(fmt::format("projection '{}'", about.name),
              fmt::format("adds {} [{}] to '{}'{}, but an amount must be {}.", printed(value), state.unit.str(),
                          state.name, synapse,
                          std::isfinite(value) ? "below 3.4e38, which single precision can hold"
                                               : "a finite number. Check its weights and parameters"));
}

}  // namespace striate
