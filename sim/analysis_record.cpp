#include "sim/analysis_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace striate {
namespace {

/// What an analysis is drawn against.
struct Abscissa {
  std::string name, label, unit;
};

Abscissa abscissa(const Experiment& e, const Analysis& a, const AnalysisResult& form) {
  if (a.kind == Analysis::Kind::tuning) {
    const FeatureMap features = e.features(a.axis);
    return {a.axis, features.name, features.unit.str()};
  }
  if (a.against == "t") return {"t", "time", e.circuit->time_unit.str()};
  for (const auto& c : form.conditions)
    if (c.name == a.against) return {c.name, c.description.empty() ? c.name : c.description, c.unit.str()};
  return {"", "", "1"};
}

}  // namespace

void create_analysis(H5File& file, const Experiment& e, const Analysis& a, const AnalysisResult& form,
                     const std::vector<std::string>& leading_axes) {
  const std::string path = "/analysis/" + a.name;
  const Abscissa x = abscissa(e, a, form);
  std::vector<std::string> axes = leading_axes;
  for (const auto& c : form.conditions) axes.push_back("/" + c.name);
  if (!form.x.empty()) axes.push_back("/" + x.name);
  file.create_array(path, H5Type::float64, axes, {a.unit, a.label});
  file.set_attribute(path, "kind", std::string("curve"));
  file.set_attribute(path, "x", x.name);
  file.set_attribute(path, "x_label", x.label);
  file.set_attribute(path, "x_unit", x.unit);
  file.set_attribute(path, "y_label", a.label);
  if (a.kind == Analysis::Kind::tuning) file.set_attribute(path, "x_values", form.x);
}

void write_analysis(H5File& file, const Analysis& a, const AnalysisResult& result,
                    const std::vector<std::size_t>& place) {
  const std::string path = "/analysis/" + a.name;
  std::vector<std::size_t> count = file.shape(path);
  std::vector<std::size_t> start = place;
  start.resize(count.size(), 0);
  std::fill_n(count.begin(), place.size(), std::size_t{1});
  file.write_part(path, start, count, std::span<const double>(result.values));
}

void write_data(H5File& file, const Experiment& e, const Analysis& a, const AnalysisResult& form,
                const DataComparison& data) {
  const std::string group = "/data/" + a.name;
  const std::string axis = group + "/point";
  file.create_axis(axis, data.x.size());
  file.write(group + "/x", std::span<const double>(data.x), {axis}, {abscissa(e, a, form).unit, "abscissa"});
  file.write(group + "/y", std::span<const double>(data.y), {axis}, {a.unit, a.label});
  for (const auto& c : form.conditions)
    for (const auto& [name, values] : data.keys)
      if (name == c.name) file.write(group + "/" + name, std::span<const double>(values), {axis}, {c.unit.str(), name});
  file.set_attribute(group, "source", data.source);
  file.set_attribute(group, "compares", "/analysis/" + a.name);
}

void write_scores(H5File& file, const Analysis& a, const DataComparison& data) {
  const std::string path = "/analysis/" + a.name;
  for (const auto& [name, value] : data.scores())
    if (!std::isnan(value)) file.set_attribute(path, name, value);
  if (data.panels > 0) file.set_attribute(path, "panels", static_cast<std::int64_t>(data.panels));
}

std::string analysis_line(const Analysis& a, const AnalysisResult& result, const std::optional<DataComparison>& data) {
  std::string line = a.name + ":";
  const auto curves = curves_of(a, result);
  if (curves.size() == 1 && curves[0].y.size() <= 40) {
    for (const double y : curves[0].y) line += fmt::format(" {:.4g}", y);
    line += " [" + a.unit + "]";
  } else {
    line += fmt::format(" {} curves", curves.size());
  }
  if (!data) return line;
  const std::string unit = a.unit == "1" ? "" : " " + a.unit;
  if (a.comparison->fit_amplitude) line += fmt::format("; times {:.3g}", data->amplitude);
  if (data->panels == 0) return line + fmt::format("; data: {} points, rms {:.3g}{}", data->y.size(), data->rms, unit);
  if (data->panels == 1)
    return line + fmt::format("; against data: r = {:.3f}, rms = {:.3g}{}", data->r, data->rms, unit);
  return line + fmt::format("; against data, {} panels: mean r = {:.3f}, mean r^2 = {:.3f}, rms = {:.3g}{}",
                            data->panels, data->r, data->r2, data->rms, unit);
}

}  // namespace striate
