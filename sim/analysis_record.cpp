#include "sim/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "io/csv.hpp"

namespace striate {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

const ConditionAxis* abscissa(const Analysis& a, const AnalysisResult& result) {
  for (const auto& c : result.conditions)
    if (c.name == a.against) return &c;
  return nullptr;
}

/// One curve of an analysis: its abscissae and values, and the other condition variables that select it.
struct Curve {
  std::vector<double> x, y;
  Variables fixed;
};

std::vector<Curve> curves_of(const Analysis& a, const AnalysisResult& result) {
  std::vector<Curve> curves;
  const std::size_t count = result.values.size() / result.width;
  if (!result.x.empty()) {
    for (std::size_t c = 0; c < count; ++c) {
      Curve curve;
      curve.fixed = condition_at(result.conditions, c);
      curve.x = result.x;
      curve.y.assign(result.values.begin() + static_cast<std::ptrdiff_t>(c * result.width),
                     result.values.begin() + static_cast<std::ptrdiff_t>((c + 1) * result.width));
      curves.push_back(std::move(curve));
    }
    return curves;
  }
  std::map<std::vector<double>, Curve> by_others;
  for (std::size_t c = 0; c < count; ++c) {
    Variables v = condition_at(result.conditions, c);
    const double x = a.against.empty() ? 0 : v.at(a.against).first;
    v.erase(a.against);
    std::vector<double> key;
    for (const auto& [name, value] : v)
      key.push_back(std::isnan(value.first) ? std::numeric_limits<double>::infinity() : value.first);
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

/// Means of the points that form a chain along x without a gap above `within`, by ascending x.
Points averaged(const Points& points, double within) {
  std::vector<std::size_t> order(points.x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return points.x[i] < points.x[j]; });
  Points means;
  double n = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || points.x[order[i]] - points.x[order[i - 1]] > within) {
      means.x.push_back(0);
      means.y.push_back(0);
      n = 0;
    }
    n += 1;
    means.x.back() += (points.x[order[i]] - means.x.back()) / n;
    means.y.back() += (points.y[order[i]] - means.y.back()) / n;
  }
  return means;
}

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
      const std::string& text = table.text(column)[row];
      char* end = nullptr;
      const double number = std::strtod(text.c_str(), &end);
      belongs = belongs && it != fixed.end() && end != text.c_str() && *end == '\0' &&
                std::abs(number - it->second.first) < 1e-6 * (1 + std::abs(it->second.first));
    }
    if (c.x_range) belongs = belongs && x[row] >= c.x_range->first && x[row] <= c.x_range->second;
    if (!belongs) continue;
    points.x.push_back(c.x_step > 0 ? c.x_step * std::round(x[row] / c.x_step) : x[row]);
    points.y.push_back(y[row] * c.y_scale);
  }
  return c.average_within > 0 ? averaged(points, c.average_within) : points;
}

/// A curve at the abscissae of its data.
struct Panel {
  std::vector<double> model, data;
};

/// Means over the panels in which a correlation exists, and the error over all points.
struct PanelScores {
  double amplitude = 1, r = 0, r2 = 0, rms = 0;
  std::int64_t scored = 0;
};

PanelScores scores(std::vector<Panel>& panels, bool fit_amplitude) {
  PanelScores s;
  if (fit_amplitude) {
    double product = 0;
    double square = 0;
    for (const auto& panel : panels)
      for (std::size_t i = 0; i < panel.data.size(); ++i) {
        if (std::isnan(panel.model[i]) || std::isnan(panel.data[i])) continue;
        product += panel.model[i] * panel.data[i];
        square += panel.model[i] * panel.model[i];
      }
    s.amplitude = product / square;
    for (auto& panel : panels)
      for (double& value : panel.model) value *= s.amplitude;
  }
  double squares = 0;
  std::size_t pairs = 0;
  for (const auto& panel : panels) {
    const Score one = score(panel.model, panel.data);
    if (one.n > 0) squares += one.rms * one.rms * static_cast<double>(one.n);
    pairs += one.n;
    if (std::isnan(one.r)) continue;
    s.r += one.r;
    s.r2 += one.r * one.r;
    ++s.scored;
  }
  s.rms = std::sqrt(squares / static_cast<double>(pairs));
  s.r /= static_cast<double>(s.scored);
  s.r2 /= static_cast<double>(s.scored);
  return s;
}

}  // namespace

std::string record_analysis(const Experiment& e, const Analysis& a, const AnalysisResult& result,
                            Recording& recording) {
  H5File& file = recording.file();
  const std::string path = "/analysis/" + a.name;
  std::vector<std::string> axes;
  for (const auto& c : result.conditions) axes.push_back("/" + c.name);
  const bool tuning = a.kind == Analysis::Kind::tuning;
  const bool timed = a.against == "t";
  if (tuning) axes.push_back("/" + a.axis);
  if (timed) axes.emplace_back("/t");
  file.write(path, std::span<const double>(result.values), axes, {a.unit, a.label});
  file.set_attribute(path, "kind", std::string("curve"));
  const ConditionAxis* x_axis = abscissa(a, result);
  const std::string x_unit = tuning  ? e.features(a.axis).unit.str()
                             : timed ? e.circuit->time_unit.str()
                                     : (x_axis ? x_axis->unit.str() : "1");
  file.set_attribute(path, "x", tuning ? a.axis : a.against);
  file.set_attribute(path, "x_label",
                     tuning  ? e.features(a.axis).name
                     : timed ? "time"
                             : (x_axis ? (x_axis->description.empty() ? x_axis->name : x_axis->description) : ""));
  file.set_attribute(path, "x_unit", x_unit);
  file.set_attribute(path, "y_label", a.label);
  if (tuning) file.set_attribute(path, "x_values", result.x);
  std::string line = a.name + ":";
  const auto curves = curves_of(a, result);
  if (curves.size() == 1 && curves[0].y.size() <= 40) {
    for (std::size_t i = 0; i < curves[0].y.size(); ++i) line += fmt::format(" {:.4g}", curves[0].y[i]);
    line += " [" + a.unit + "]";
  } else {
    line += fmt::format(" {} curves", curves.size());
  }
  if (!a.comparison) return line;

  const CsvTable table = CsvTable::read(a.comparison->file);
  std::vector<Panel> panels;
  std::vector<double> all_x, all_y;
  std::vector<std::vector<double>> keys(result.conditions.size());
  for (const auto& curve : curves) {
    const Points data = data_of(*a.comparison, table, curve.fixed);
    if (data.y.empty()) continue;
    std::vector<double> predicted(data.y.size(), nan);
    if (a.comparison->in_order) {
      std::vector<double> in_order;
      for (std::size_t i = 0; i < curve.y.size(); ++i)
        if (!std::isnan(curve.x[i])) in_order.push_back(curve.y[i]);
      if (data.y.size() != in_order.size())
        throw Error(fmt::format(
            "analysis '{}': {} has {} rows for a curve of {} conditions, and in_order pairs them one by one. "
            "Select rows with where and match, or drop in_order.",
            a.name, a.comparison->file, data.y.size(), in_order.size()));
      predicted = in_order;
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
    panels.push_back({predicted, data.y});
    for (std::size_t i = 0; i < data.y.size(); ++i) {
      all_x.push_back(data.x[i]);
      all_y.push_back(data.y[i]);
      for (std::size_t k = 0; k < result.conditions.size(); ++k) {
        const auto it = curve.fixed.find(result.conditions[k].name);
        keys[k].push_back(it == curve.fixed.end() ? nan : it->second.first);
      }
    }
  }
  if (all_y.empty())
    throw Error(
        fmt::format("analysis '{}': no row of {} belongs to it. Check where and match.", a.name, a.comparison->file));
  const std::string group = "/data/" + a.name;
  const std::string axis = group + "/point";
  file.create_axis(axis, all_x.size());
  file.write(group + "/x", std::span<const double>(all_x), {axis}, {x_unit, "abscissa"});
  file.write(group + "/y", std::span<const double>(all_y), {axis}, {a.unit, a.label});
  for (std::size_t k = 0; k < result.conditions.size(); ++k)
    if (!std::all_of(keys[k].begin(), keys[k].end(), [](double v) { return std::isnan(v); }))
      file.write(group + "/" + result.conditions[k].name, std::span<const double>(keys[k]), {axis},
                 {result.conditions[k].unit.str(), result.conditions[k].name});
  std::string source = a.comparison->source;
  if (source.empty() && !table.comments().empty()) source = table.comments()[0];
  file.set_attribute(group, "source", source);
  file.set_attribute(group, "compares", path);
  const PanelScores s = scores(panels, a.comparison->fit_amplitude);
  if (a.comparison->fit_amplitude) {
    file.set_attribute(path, "amplitude", s.amplitude);
    line += fmt::format("; times {:.3g}", s.amplitude);
  }
  file.set_attribute(path, "rms", s.rms);
  if (s.scored == 0) return line + fmt::format("; data: {} points, rms {:.3g} {}", all_y.size(), s.rms, a.unit);
  file.set_attribute(path, "r", s.r);
  file.set_attribute(path, "r2", s.r2);
  file.set_attribute(path, "panels", s.scored);
  if (s.scored == 1) return line + fmt::format("; against data: r = {:.3f}, rms = {:.3g} {}", s.r, s.rms, a.unit);
  return line + fmt::format("; against data, {} panels: mean r = {:.3f}, mean r^2 = {:.3f}, rms = {:.3g} {}", s.scored,
                            s.r, s.r2, s.rms, a.unit);
}

}  // namespace striate
