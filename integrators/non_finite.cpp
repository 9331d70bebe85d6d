#include "integrators/non_finite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/printed.hpp"
#include "integrators/after_number.hpp"

namespace striate {

std::string told_of_non_finite(const System<double>& system, double t, std::span<const double> y,
                               std::span<const double> ydot) {
  const auto bad = std::find_if(ydot.begin(), ydot.end(), [](double x) { return !std::isfinite(x); });
  if (bad == ydot.end()) return "";
  const auto i = static_cast<std::size_t>(bad - ydot.begin());
  const std::string name = system.states().element_name(i);
  return fmt::format("The {} of {} is {} at t = {:.6g}{}, where {} = {:.6g}", system.is_map() ? "next value" : "rate",
                     name, printed(*bad), t, after_number(system.time_unit()), name, y[i]);
}

}  // namespace striate
