#include "sim/stimulus_drive.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace striate {
StimulusDrive::StimulusDrive(const Experiment& e, const System<double>& system, std::size_t condition) {
  const Variables variables = e.condition(condition);
  std::vector<double> changes_ms;
  if (e.stimulus) changes_ms = e.stimulus->changes(variables);
  for (std::size_t i = 0; i <= changes_ms.size(); ++i) {
    std::vector<double> u(system.driven(), 0.0);
    for (const auto& [name, value] : e.given_inputs) {
      const Field& f = system.inputs().at(name);
      std::fill_n(u.begin() + static_cast<std::ptrdiff_t>(f.offset), f.size,
                  striate::evaluate(value, f.unit, variables));
    }
    const double t = i == 0 ? -std::numeric_limits<double>::max() : changes_ms[i - 1];
    if (!e.encoders.empty()) {
      const Scene scene = e.stimulus->scene(e.field, t, variables);
      for (const auto& [name, encoder] : e.encoders) {
        const Field& f = system.inputs().at(name);
        encoder->encode(scene, std::span(u).subspan(f.offset, f.size));
      }
    }
    values_.push_back(std::move(u));
  }
  for (const double t : changes_ms) changes_.push_back(t * ms_in_time_units(e.circuit));
}

void StimulusDrive::evaluate(double t, std::span<double> u) const {
  // Both are products, rounded: k times a step may lie just below the change that it stands for. Segments end further
  // below theirs (Evaluation::set_segment).
  const double now = t + 4 * std::numeric_limits<double>::epsilon() * std::abs(t);
  const auto at = static_cast<std::size_t>(std::upper_bound(changes_.begin(), changes_.end(), now) - changes_.begin());
  std::copy(values_[at].begin(), values_[at].end(), u.begin());
}

std::vector<double> StimulusDrive::breakpoints(double t0, double t1) const {
  std::vector<double> inside;
  for (const double t : changes_)
    if (t > t0 && t < t1) inside.push_back(t);
  return inside;
}

}  // namespace striate
