#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/nan.hpp"
#include "sim/analysis.hpp"
#include "sim/midpoint.hpp"
#include "sim/over_time.hpp"
#include "sim/quantity.hpp"

namespace striate {
namespace {

/// The element of an axis that holds a value (of an angle: or a whole number of turns from it).
std::size_t element_of(const ConditionAxis& axis, double value, const std::string& where) {
  const double turn = axis.unit == deg ? 360 : 0;
  for (const double period : {0.0, turn})
    for (std::size_t i = 0; i < axis.values.size(); ++i) {
      if (std::isnan(value) && std::isnan(axis.values[i])) return i;
      if (std::abs(nearest_turn(axis.values[i] - value, 0, period)) <= 1e-9 * (1 + std::abs(value))) return i;
    }
  throw Error(fmt::format("analysis '{}': {} = {} {} is none of its values in [conditions].", where, axis.name, value,
                          axis.unit.str()));
}

/// Not a number where it would be a share of nothing.
double related(Relation relation, double value, double reference) {
  if (relation != Relation::difference && reference == 0) return nan;
  switch (relation) {
    case Relation::difference: return value - reference;
    case Relation::ratio: return value / reference;
    case Relation::suppression: return 1 - value / reference;
  }
  return value;
}

AnalysisResult beside_reference(const Experiment& e, const Analysis& a, const AnalysisResult& raw) {
  AnalysisResult result = raw;
  result.angles.reset();
  double period = 0;
  if (raw.angles && a.relation == Relation::difference) {
    period = raw.angles->second - raw.angles->first;
    result.angles = {-period / 2, period / 2};
  }
  for (std::size_t c = 0; c < raw.values.size() / raw.width; ++c) {
    Variables at = e.condition(c);
    const Variables own = at;
    for (const auto& [name, value] : a.reference)
      at[name].first = value.is_number() ? value.as_number() : evaluate(value, at[name].second, own);
    std::size_t reference = 0;
    for (const auto& axis : e.conditions)
      reference = reference * axis.values.size() + element_of(axis, at.at(axis.name).first, a.name);
    for (std::size_t i = 0; i < raw.width; ++i) {
      double& value = result.values[c * raw.width + i];
      value = nearest_turn(related(a.relation, value, raw.values[reference * raw.width + i]), 0, period);
    }
  }
  return result;
}

std::size_t axis_index(const AnalysisResult& result, const std::string& name, const std::string& where) {
  for (std::size_t i = 0; i < result.conditions.size(); ++i)
    if (result.conditions[i].name == name) return i;
  throw Error(fmt::format("analysis '{}': the condition '{}' is named twice in only, average_over and midpoint_over.",
                          where, name));
}

/// Each curve along the abscissa set beside its own largest value.
AnalysisResult beside_largest(const Analysis& a, const AnalysisResult& raw) {
  AnalysisResult result = raw;
  result.angles.reset();
  const std::size_t axis = axis_index(raw, a.against, a.name);
  std::size_t inner = raw.width;
  for (std::size_t i = axis + 1; i < raw.conditions.size(); ++i) inner *= raw.conditions[i].values.size();
  const std::size_t n = raw.conditions[axis].values.size();
  for (std::size_t curve = 0; curve < raw.values.size() / n; ++curve) {
    const std::size_t first = curve / inner * n * inner + curve % inner;
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < n; ++k) largest = std::fmax(largest, raw.values[first + k * inner]);
    for (std::size_t k = 0; k < n; ++k) {
      double& value = result.values[first + k * inner];
      value = related(a.relation, value, largest);
    }
  }
  return result;
}

/// One axis reduced to a number: `reduce` of the values along it.
template <class Reduce>
AnalysisResult without(const AnalysisResult& from, std::size_t axis, const Reduce& reduce) {
  AnalysisResult result = from;
  std::size_t inner = from.width;
  for (std::size_t i = axis + 1; i < from.conditions.size(); ++i) inner *= from.conditions[i].values.size();
  const std::size_t n = from.conditions[axis].values.size();
  const std::size_t outer = from.values.size() / (n * inner);
  result.conditions.erase(result.conditions.begin() + static_cast<std::ptrdiff_t>(axis));
  result.values.assign(outer * inner, 0.0);
  std::vector<double> along(n);
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < inner; ++i) {
      for (std::size_t k = 0; k < n; ++k) along[k] = from.values[(o * n + k) * inner + i];
      result.values[o * inner + i] = reduce(along);
    }
  return result;
}

/// Leaves out what is not a number.
double mean_of_known(const std::vector<double>& values) {
  double sum = 0;
  double count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    count += 1;
  }
  return sum / count;
}

/// The mean over conditions: of angles that of their directions; of differences that of the numbers.
AnalysisResult averaged(const Analysis& a, AnalysisResult result) {
  const auto mean = [&](AnalysisResult r) {
    for (const auto& name : a.average_over) r = without(r, axis_index(r, name, a.name), mean_of_known);
    return r;
  };
  if (!result.angles || !a.reference.empty() || a.relative_to_input) return mean(std::move(result));
  const double period = result.angles->second - result.angles->first;
  AnalysisResult cosine = result, sine = result;
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const double angle = 2 * std::numbers::pi / period * result.values[i];
    cosine.values[i] = std::cos(angle);
    sine.values[i] = std::sin(angle);
  }
  result = mean(std::move(cosine));
  sine = mean(std::move(sine));
  for (std::size_t i = 0; i < result.values.size(); ++i)
    result.values[i] = within_turn(*result.angles, direction(result.values[i], sine.values[i], period));
  return result;
}

}  // namespace

AnalysisResult related_result(const Experiment& e, const Analysis& a, const AnalysisResult& raw) {
  AnalysisResult result = a.relative_to_largest ? beside_largest(a, raw)
                          : a.reference.empty() ? raw
                                                : beside_reference(e, a, raw);
  for (const auto& [name, value] : a.only) {
    const std::size_t axis = axis_index(result, name, a.name);
    const std::size_t kept = element_of(result.conditions[axis], value, a.name);
    result = without(result, axis, [&](const std::vector<double>& along) { return along[kept]; });
  }
  if (!a.average_over.empty()) result = averaged(a, std::move(result));
  if (!a.midpoint_over.empty()) {
    const std::size_t axis = axis_index(result, a.midpoint_over, a.name);
    const std::vector<double> x = result.conditions[axis].values;
    result.angles.reset();
    result = without(result, axis, [&](const std::vector<double>& along) { return midpoint(x, along); });
  }
  return result;
}

}  // namespace striate
