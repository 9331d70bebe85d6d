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

Abscissa abscissa(const Analysis& a, const AnalysisResult& form) {
  if (!form.row.empty()) return {form.row.back().name(), form.row.back().label, form.row.back().unit};
  for (const auto& c : form.conditions)
    if (c.name == a.against) return {c.name, c.description.empty() ? c.name : c.description, c.unit.str()};
  return {"", "", "1"};
}

/// What picture suits it: a curve, an image, arrows over a sheet, or what its axes say.
std::string picture_kind(const Analysis& a, const AnalysisResult& form) {
  if (a.course && a.course->measure == CourseMeasure::wave_vector) return "arrows";
  if (a.course && a.course->measure == CourseMeasure::spectrum) return "spectrum";
  if (a.course && a.course->measure == CourseMeasure::space_time_spectrum) return "power";
  return form.row.size() < 2 ? "curve" : form.row.size() == 2 ? "map" : "field";
}

/// The conditions that are not left out, "surround 40 deg, contrast 5 %".
std::string conditions_kept(const H5File& file, const Analysis& a) {
  std::string kept;
  for (const auto& [name, value] : a.only) {
    const auto unit = std::get<std::string>(*file.attribute("/" + name, "units"));
    kept += fmt::format("{}{} {:.4g}{}", kept.empty() ? "" : ", ", name, value,
                        unit == "1" ? "" : fmt::format(" {}", unit));
  }
  return kept;
}

}  // namespace

void create_analysis(H5File& file, const Analysis& a, const AnalysisResult& form,
                     const std::vector<std::string>& leading_axes) {
  const std::string path = "/analysis/" + a.name;
  const Abscissa x = abscissa(a, form);
  std::vector<std::string> axes = leading_axes;
  for (const auto& c : form.conditions) axes.push_back("/" + c.name);
  for (const auto& axis : form.row) {
    if (axis.own) file.create_axis(axis.path, std::span<const double>(axis.values), {axis.unit, axis.label});
    axes.push_back(axis.path);
  }
  file.create_array(path, H5Type::float64, axes, {a.unit, a.label});
  file.set_attribute(path, "kind", picture_kind(a, form));
  file.set_attribute(path, "x", x.name);
  file.set_attribute(path, "x_label", x.label);
  file.set_attribute(path, "x_unit", x.unit);
  file.set_attribute(path, "y_label", a.label);
  if (!a.only.empty()) file.set_attribute(path, "only", conditions_kept(file, a));
  if (a.kind == Analysis::Kind::tuning) file.set_attribute(path, "x_values", form.row[0].values);
  if (form.angles)
    file.set_attribute(path, "valid_range", std::vector<double>{form.angles->first, form.angles->second});
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

void write_data(H5File& file, const Analysis& a, const AnalysisResult& form, const DataComparison& data) {
  const std::string group = "/data/" + a.name;
  const std::string axis = group + "/point";
  file.create_axis(axis, data.x.size());
  file.write(group + "/x", std::span<const double>(data.x), {axis}, {abscissa(a, form).unit, "abscissa"});
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
  if (result.row.size() > 1) {
    std::string size;
    for (const auto& axis : result.row) size += fmt::format("{}{}", size.empty() ? "" : " x ", axis.values.size());
    return line + fmt::format(" {} values [{}]", size, a.unit);
  }
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
  if (data->panels == 0)
    return line +
           fmt::format("; data: {} of {} points compared, rms {:.3g}{}", data->pairs, data->y.size(), data->rms, unit);
  if (data->panels == 1)
    return line + fmt::format("; against data: r = {:.3f}, rms = {:.3g}{}", data->r, data->rms, unit);
  return line + fmt::format("; against data, {} panels: mean r = {:.3f}, mean r^2 = {:.3f}, rms = {:.3g}{}",
                            data->panels, data->r, data->r2, data->rms, unit);
}

}  // namespace striate
