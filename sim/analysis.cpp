#include "sim/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "io/csv.hpp"

namespace striate {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Source {
  const Field* field;
  std::span<const double> values;
};

Source source_of(const System<double>& system, const std::string& name, const ConditionValues& v) {
  if (const Field* f = system.states().find(name)) return {f, v.states.subspan(v.states.empty() ? 0 : f->offset, v.states.empty() ? 0 : f->size)};
  if (const Field* f = system.observables().find(name))
    return {f, v.observables.subspan(v.observables.empty() ? 0 : f->offset, v.observables.empty() ? 0 : f->size)};
  const Field& f = system.inputs().at(name);
  return {&f, v.inputs.subspan(v.inputs.empty() ? 0 : f.offset, v.inputs.empty() ? 0 : f.size)};
}

/// The responses along the feature axis at the analysis's place.
std::vector<double> line_at(const Experiment& e, const Analysis& a, const Source& source) {
  const Shape& shape = source.field->shape;
  std::size_t offset = 0;
  std::size_t stride = 0;
  std::size_t n = 1;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (shape[i].name == e.feature_axis) {
      stride = shape.stride(i);
      n = shape[i].size;
      continue;
    }
    if (shape[i].name != "y" && shape[i].name != "x")
      throw Error(fmt::format("analysis '{}': '{}' has the axis '{}', which is neither y, x nor the feature axis '{}'.", a.name, a.variable,
                              shape[i].name, e.feature_axis));
    const double place = (shape[i].name == "y" ? a.y : a.x) / (e.stimulus ? e.stimulus->scale() : 1);
    const auto at = static_cast<std::ptrdiff_t>(shape[i].size / 2) + std::lround(place);
    if (at < 0 || at >= static_cast<std::ptrdiff_t>(shape[i].size))
      throw Error(fmt::format("analysis '{}': the place lies outside axis '{}' of {} elements.", a.name, shape[i].name, shape[i].size));
    offset += static_cast<std::size_t>(at) * shape.stride(i);
  }
  std::vector<double> line(n);
  for (std::size_t k = 0; k < n; ++k) line[k] = source.values[offset + k * stride];
  return line;
}

std::vector<double> positions_of(const Experiment& e) { return axis_positions(e.circuit.axis(e.feature_axis)); }

/// The channel that prefers the feature; of two equally near ones the higher.
std::size_t channel(const Experiment& e, double feature) {
  const auto positions = positions_of(e);
  const double u = e.map->to_axis(feature);
  std::size_t best = 0;
  for (std::size_t k = 0; k < positions.size(); ++k)
    if (std::abs(positions[k] - u) <= std::abs(positions[best] - u) + 1e-12) best = k;
  return best;
}

const ConditionAxis* abscissa(const Experiment& e, const Analysis& a) {
  for (const auto& c : e.conditions)
    if (c.name == a.against) return &c;
  return nullptr;
}

/// One curve of an analysis: its abscissae and values, and the other condition variables that select it.
struct Curve {
  std::vector<double> x, y;
  Variables fixed;
};

std::vector<Curve> curves_of(const Experiment& e, const Analysis& a, const AnalysisResult& result) {
  std::vector<Curve> curves;
  const std::size_t count = e.condition_count();
  if (a.kind == Analysis::Kind::tuning) {
    for (std::size_t c = 0; c < count; ++c) {
      Curve curve;
      curve.fixed = e.condition(c);
      for (const double p : positions_of(e)) curve.x.push_back(e.map ? e.map->to_feature(p) : p);
      curve.y.assign(result.values.begin() + static_cast<std::ptrdiff_t>(c * result.width), result.values.begin() + static_cast<std::ptrdiff_t>((c + 1) * result.width));
      curves.push_back(std::move(curve));
    }
    return curves;
  }
  std::map<std::vector<double>, Curve> by_others;
  for (std::size_t c = 0; c < count; ++c) {
    Variables v = e.condition(c);
    const double x = a.against.empty() ? 0 : v.at(a.against).first;
    v.erase(a.against);
    std::vector<double> key;
    for (const auto& [name, value] : v) key.push_back(std::isnan(value.first) ? std::numeric_limits<double>::infinity() : value.first);
    Curve& curve = by_others[key];
    curve.fixed = v;
    curve.x.push_back(x);
    curve.y.push_back(result.values[c]);
  }
  for (auto& [key, curve] : by_others) curves.push_back(std::move(curve));
  return curves;
}

struct Points {
  std::vector<double> x, y;
};

/// The rows of a comparison that belong to one curve.
Points data_of(const Comparison& c, const CsvTable& table, const Variables& fixed) {
  Points points;
  const auto y = table.numbers(c.y_column);
  const auto x = c.x_column.empty() ? std::vector<double>(y.size(), 0.0) : table.numbers(c.x_column);
  for (std::size_t row = 0; row < y.size(); ++row) {
    bool belongs = true;
    for (const auto& [column, text] : c.where) belongs = belongs && table.text(column)[row] == text;
    for (const auto& [column, variable] : c.match) {
      const auto it = fixed.find(variable);
      belongs = belongs && it != fixed.end() && std::abs(table.numbers(column)[row] - it->second.first) < 1e-6 * (1 + std::abs(it->second.first));
    }
    if (!belongs) continue;
    points.x.push_back(x[row]);
    points.y.push_back(y[row] * c.y_scale);
  }
  if (!c.average) return points;
  std::map<long, std::vector<std::size_t>> groups;  // one abscissa, rounded to its whole unit
  for (std::size_t i = 0; i < points.x.size(); ++i) groups[std::lround(points.x[i])].push_back(i);
  Points means;
  for (const auto& [key, rows] : groups) {
    double mx = 0;
    double my = 0;
    for (const std::size_t i : rows) {
      mx += points.x[i] / static_cast<double>(rows.size());
      my += points.y[i] / static_cast<double>(rows.size());
    }
    means.x.push_back(mx);
    means.y.push_back(my);
  }
  return means;
}

}  // namespace

std::size_t analysis_width(const Experiment& e, const System<double>& system, const Analysis& a) {
  if (a.kind != Analysis::Kind::tuning) return 1;
  const Source source = source_of(system, a.variable, {});
  const auto axis = source.field->shape.find(e.feature_axis);
  return axis ? source.field->shape[*axis].size : 1;
}

void analyse(const Experiment& e, const System<double>& system, const Analysis& a, const ConditionValues& values, std::span<double> out) {
  const auto response = line_at(e, a, source_of(system, a.variable, values));
  switch (a.kind) {
    case Analysis::Kind::tuning:
      for (std::size_t k = 0; k < response.size(); ++k) out[k] = a.scale * response[k];
      return;
    case Analysis::Kind::peak: out[0] = a.scale * *std::max_element(response.begin(), response.end()); return;
    case Analysis::Kind::response: out[0] = a.scale * response[a.feature ? channel(e, *a.feature) : 0]; return;
    case Analysis::Kind::decode: break;
  }
  if (!e.map) throw Error(fmt::format("analysis '{}': decoding needs [encoder] with a range of features.", a.name));
  const auto positions = positions_of(e);
  double value = e.map->to_feature(decode(a.decoder, response, positions));
  if (a.relative_to_input) {
    if (e.encoders.empty()) throw Error(fmt::format("analysis '{}': relative_to = \"input\" needs an encoded input.", a.name));
    const auto shown = line_at(e, a, source_of(system, e.encoders[0].first, values));
    value -= e.map->to_feature(decode(a.decoder, shown, positions));
    const double period = e.map->high - e.map->low;
    if (e.circuit.axis(e.feature_axis).circular) value -= period * std::round(value / period);
  }
  out[0] = a.scale * value;
}

std::string record_analysis(const Experiment& e, const Analysis& a, const AnalysisResult& result, Recording& recording) {
  H5File& file = recording.file();
  const std::string path = "/analysis/" + a.name;
  std::vector<std::string> axes;
  for (const auto& c : e.conditions) axes.push_back("/" + c.name);
  const bool tuning = a.kind == Analysis::Kind::tuning;
  if (tuning) axes.push_back("/" + e.feature_axis);
  file.write(path, std::span<const double>(result.values), axes, {a.unit, a.label});
  file.set_attribute(path, "kind", std::string("curve"));
  const ConditionAxis* x_axis = abscissa(e, a);
  file.set_attribute(path, "x", tuning ? e.feature_axis : a.against);
  file.set_attribute(path, "x_label", tuning ? "preferred feature" : (x_axis ? (x_axis->description.empty() ? x_axis->name : x_axis->description) : ""));
  file.set_attribute(path, "x_unit", tuning ? (e.map ? e.map->unit.str() : "1") : (x_axis ? x_axis->unit.str() : "1"));
  file.set_attribute(path, "y_label", a.label);
  if (tuning && e.map) {
    std::vector<double> features;
    for (const double p : positions_of(e)) features.push_back(e.map->to_feature(p));
    file.set_attribute(path, "x_values", features);
  }
  std::string line = a.name + ":";
  const auto curves = curves_of(e, a, result);
  if (curves.size() == 1 && curves[0].y.size() <= 40) {
    for (std::size_t i = 0; i < curves[0].y.size(); ++i) line += fmt::format(" {:.4g}", curves[0].y[i]);
    line += " [" + a.unit + "]";
  } else {
    line += fmt::format(" {} curves", curves.size());
  }
  if (!a.comparison) return line;

  const CsvTable table = CsvTable::read(a.comparison->file);
  double r2_total = 0;
  double r_total = 0;
  double square_total = 0;
  std::size_t panels = 0;
  std::size_t scored = 0;
  std::size_t pairs = 0;
  std::vector<double> all_x, all_y;
  std::vector<std::vector<double>> keys(e.conditions.size());
  for (const auto& curve : curves) {
    const Points data = data_of(*a.comparison, table, curve.fixed);
    if (data.y.empty()) continue;
    ++panels;
    std::vector<double> predicted(data.y.size(), nan);
    if (a.comparison->in_order) {
      if (data.y.size() != curve.y.size())
        throw Error(fmt::format("analysis '{}': {} has {} rows for a curve of {} conditions, and in_order pairs them one by one. "
                                "Select rows with where and match, or drop in_order.", a.name, a.comparison->file, data.y.size(), curve.y.size()));
      predicted = curve.y;
    } else {
      Points known;
      for (std::size_t i = 0; i < curve.y.size(); ++i) {
        if (std::isnan(curve.y[i]) || std::isnan(curve.x[i])) continue;
        known.x.push_back(curve.x[i]);
        known.y.push_back(curve.y[i]);
      }
      if (!known.x.empty())
        for (std::size_t i = 0; i < data.x.size(); ++i) predicted[i] = interpolate(known.x, known.y, data.x[i]);
    }
    const Score s = score(predicted, data.y);
    if (s.n > 0) {
      square_total += s.rms * s.rms * static_cast<double>(s.n);
      pairs += s.n;
    }
    if (!std::isnan(s.r)) {
      r_total += s.r;
      r2_total += s.r * s.r;
      ++scored;
    }
    for (std::size_t i = 0; i < data.y.size(); ++i) {
      all_x.push_back(data.x[i]);
      all_y.push_back(data.y[i]);
      for (std::size_t k = 0; k < e.conditions.size(); ++k) {
        const auto it = curve.fixed.find(e.conditions[k].name);
        keys[k].push_back(it == curve.fixed.end() ? nan : it->second.first);
      }
    }
  }
  if (all_y.empty()) throw Error(fmt::format("analysis '{}': no row of {} belongs to it. Check where and match.", a.name, a.comparison->file));
  const std::string group = "/data/" + a.name;
  const std::string axis = group + "/point";
  file.create_axis(axis, all_x.size());
  file.write(group + "/x", std::span<const double>(all_x), {axis}, {x_axis && !tuning ? x_axis->unit.str() : (e.map ? e.map->unit.str() : "1"), "abscissa"});
  file.write(group + "/y", std::span<const double>(all_y), {axis}, {a.unit, a.label});
  for (std::size_t k = 0; k < e.conditions.size(); ++k)
    if (!std::all_of(keys[k].begin(), keys[k].end(), [](double v) { return std::isnan(v); }))
      file.write(group + "/" + e.conditions[k].name, std::span<const double>(keys[k]), {axis}, {e.conditions[k].unit.str(), e.conditions[k].name});
  std::string source = a.comparison->source;
  if (source.empty() && !table.comments().empty()) source = table.comments()[0];
  file.set_attribute(group, "source", source);
  file.set_attribute(group, "compares", path);
  const double rms = std::sqrt(square_total / static_cast<double>(pairs));
  file.set_attribute(path, "rms", rms);
  if (scored == 0) return line + fmt::format("; data: {} points, rms {:.3g} {}", all_y.size(), rms, a.unit);
  file.set_attribute(path, "r", r_total / static_cast<double>(scored));
  file.set_attribute(path, "r2", r2_total / static_cast<double>(scored));
  file.set_attribute(path, "panels", static_cast<std::int64_t>(scored));
  return line + (scored == 1 ? fmt::format("; against data: r = {:.3f}, rms = {:.3g} {}", r_total, rms, a.unit)
                             : fmt::format("; against data, {} panels: mean r = {:.3f}, mean r^2 = {:.3f}, rms = {:.3g} {}", scored,
                                           r_total / static_cast<double>(scored), r2_total / static_cast<double>(scored), rms, a.unit));
}

}  // namespace striate
