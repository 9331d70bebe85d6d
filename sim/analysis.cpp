#include "sim/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "base/error.hpp"
#include "base/nan.hpp"
#include "sim/course_analysis.hpp"
#include "sim/observable.hpp"
#include "sim/over_time.hpp"

namespace striate {
namespace {

struct Source {
  const Field* field;
  std::span<const double> values;
};

Source source_of(const System<double>& system, const std::string& name, const ConditionValues& v) {
  if (const Field* f = system.states().find(name)) return {f, v.states.subspan(f->offset, f->size)};
  if (const Field* f = system.observables().find(name)) return {f, v.observables.subspan(f->offset, f->size)};
  const Field& f = system.inputs().at(name);
  return {&f, v.inputs.subspan(f.offset, f.size)};
}

/// The responses along the feature axis at the analysis's place.
std::vector<double> line_at(const Analysis& a, const Source& source) {
  const Shape& shape = source.field->shape;
  std::size_t offset = 0;
  std::size_t stride = 0;
  std::size_t n = 1;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (shape[i].name == a.axis) {
      stride = shape.stride(i);
      n = shape[i].size;
      continue;
    }
    if (const auto named = std::ranges::find(a.place, shape[i].name, &std::pair<std::string, std::size_t>::first);
        named != a.place.end()) {
      offset += named->second * shape.stride(i);
      continue;
    }
    if (shape[i].name != "y" && shape[i].name != "x")
      throw Error(
          fmt::format("analysis '{}': '{}' has the axis '{}', which is neither y, x nor the axis that is read, '{}'. "
                      "Name that one with axis = \"{}\", or one of its {} elements with at = {{ {} = ... }}.",
                      a.name, a.variable, shape[i].name, a.axis, shape[i].name, shape[i].size, shape[i].name));
    const double place = middle_of(shape[i].size) + (shape[i].name == "y" ? a.y : a.x);
    const auto at = static_cast<std::ptrdiff_t>(std::floor(place + 0.5));  // of two equally near ones the higher
    if (at < 0 || at >= static_cast<std::ptrdiff_t>(shape[i].size))
      throw Error(fmt::format("analysis '{}': the place lies outside axis '{}' of {} elements.", a.name, shape[i].name,
                              shape[i].size));
    offset += static_cast<std::size_t>(at) * shape.stride(i);
  }
  std::vector<double> line(n);
  for (std::size_t k = 0; k < n; ++k) line[k] = source.values[offset + k * stride];
  return line;
}

/// The element that lies at, or prefers, the feature; of two equally near ones the higher.
std::size_t element(const Experiment& e, const Analysis& a) {
  const AxisDeclaration& axis = e.circuit.axis(a.axis);
  const auto positions = axis_positions(axis);
  const double u = e.features(a.axis).to_axis(*a.feature);
  const auto distance = [&](std::size_t k) {
    const double d = positions[k] - u;
    return std::abs(axis.circular ? d - std::round(d) : d);
  };
  std::size_t best = 0;
  for (std::size_t k = 0; k < positions.size(); ++k)
    if (distance(k) <= distance(best) + 1e-12) best = k;
  return best;
}

}  // namespace

RowAxis time_axis(const Experiment& e) { return {"/t", "time", e.circuit->time_unit.str(), output_times(e)}; }

std::optional<std::pair<double, double>> angle_range(const Experiment& e, const Analysis& a) {
  using std::numbers::pi;
  if (a.course && a.course->measure == CourseMeasure::phase) return {{-pi, pi}};
  if (a.course && a.course->measure == CourseMeasure::wave && a.course->wave == WaveNumber::direction)
    return {{-180.0, 180.0}};
  if (a.kind != Analysis::Kind::decode || a.projected_on) return {};
  const FeatureMap map = e.decoded_features(a);
  if (!map.circular) return {};
  const double half = (map.high - map.low) / 2;
  if (a.trained || a.relative_to_input) return {{-half, half}};
  return {{map.low, map.high}};
}

double reduced(const Experiment& e, const Analysis& a, std::span<const double> t, std::span<const double> values) {
  const auto angles = angle_range(e, a);
  double value = over_time(a.over_time, t, values, a.from, angles ? angles->second - angles->first : 0);
  if (angles) value = within_turn(*angles, value);
  const Unit& unit = e.circuit->time_unit;
  const bool in_hertz = a.over_time == OverTime::frequency && !unit.dimensionless();
  return in_hertz ? value / unit.to(Unit::parse("s")) : value;
}

AnalysisResult unknown_result(const Experiment& e, const Analysis& a) {
  AnalysisResult result;
  result.conditions = e.conditions;
  if (const auto range = angle_range(e, a))
    result.angles = std::minmax({a.scale * range->first, a.scale * range->second});
  if (a.spikes) {
    result.row = spike_row(e, a);
  } else if (a.course) {
    result.row = course_row(e, a);
  } else if (a.against == "t") {
    result.row = {time_axis(e)};
  } else if (a.kind == Analysis::Kind::tuning) {
    const FeatureMap features = e.features(a.axis);
    result.row = {{"/" + a.axis, features.name, features.unit.str(), axis_positions(e.circuit.axis(a.axis))}};
    for (double& position : result.row[0].values) position = features.to_feature(position);
  }
  for (const auto& axis : result.row) result.width *= axis.values.size();
  result.values.assign(e.condition_count() * result.width, nan);
  return result;
}

std::vector<double> response_line(const System<double>& system, const Analysis& a, const ConditionValues& values) {
  return line_at(a, source_of(system, a.variable, values));
}

void analyse(const Experiment& e, const System<double>& system, const Analysis& a, const LinearDecoder* trained,
             const ConditionValues& values, std::span<double> out) {
  const auto response = response_line(system, a, values);
  switch (a.kind) {
    case Analysis::Kind::tuning: std::ranges::copy(response, out.begin()); return;
    case Analysis::Kind::peak: out[0] = *std::max_element(response.begin(), response.end()); return;
    case Analysis::Kind::response:
      if (!a.feature && response.size() > 1)
        throw Error(fmt::format("analysis '{}': '{}' has {} elements along '{}'. Say which one with feature = ...",
                                a.name, a.variable, response.size(), a.axis));
      out[0] = response[a.feature ? element(e, a) : 0];
      return;
    case Analysis::Kind::contrast: {
      const double total = std::accumulate(response.begin(), response.end(), 0.0);
      out[0] = total == 0 ? nan : (response[a.channels.first] - response[a.channels.second]) / total;
      return;
    }
    case Analysis::Kind::decode: break;
    case Analysis::Kind::spikes:
    case Analysis::Kind::course: throw std::logic_error("a course is analysed as a whole");
  }
  const FeatureMap map = e.decoded_features(a);
  const double period = map.high - map.low;
  double value = 0;
  if (trained) {
    value = trained->read(response) / (2 * std::numbers::pi) * period;
  } else {
    const AxisDeclaration& axis = e.circuit.axis(a.axis);
    const auto positions = axis_positions(axis);
    value = map.to_feature(decode(a.decoder, response, positions, axis.circular));
    if (a.relative_to_input) {
      if (e.encoders.empty())
        throw Error(fmt::format("analysis '{}': relative_to = \"input\" needs an encoded input.", a.name));
      const auto shown = line_at(a, source_of(system, e.encoders[0].first, values));
      value -= map.to_feature(decode(a.decoder, shown, positions, axis.circular));
      if (map.circular) value = nearest_turn(value, 0, period);
    }
  }
  if (a.projected_on) value = std::cos(2 * std::numbers::pi * (value - *a.projected_on) / period);
  out[0] = value;
}

}  // namespace striate
