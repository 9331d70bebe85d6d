#include "sim/analysis_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/error.hpp"
#include "base/nan.hpp"
#include "io/csv.hpp"
#include "sim/over_time.hpp"
#include "sim/score.hpp"

namespace striate {
namespace {

struct Points {
  std::vector<double> x, y;
};

/// Means of the points that form a chain along x without a gap above `within`, by ascending x; those that lack a number
/// are left out.
Points averaged(const Points& points, double within, double period) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < points.x.size(); ++i)
    if (!std::isnan(points.x[i]) && !std::isnan(points.y[i])) order.push_back(i);
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
    const double y = n > 1 ? nearest_turn(points.y[order[i]], means.y.back(), period) : points.y[order[i]];
    means.y.back() += (y - means.y.back()) / n;
  }
  return means;
}

/// The rows of a comparison that belong to one curve.
Points data_of(const Comparison& c, const CsvTable& table, const Variables& fixed, double period) {
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
  return c.average_within > 0 ? averaged(points, c.average_within, period) : points;
}

/// Whether x lies in the range of ascending values, or beyond an end by less than half the step there: the 0 of a
/// figure is read as -0.4.
bool within(const std::vector<double>& known, double x) {
  const double rounding = 1e-9 * std::max(std::abs(known.front()), std::abs(known.back()));
  const bool alone = known.size() < 2;
  const double before = alone ? 0 : (known[1] - known[0]) / 2, after = alone ? 0 : (known.back() - known.end()[-2]) / 2;
  return x >= known.front() - before - rounding && x <= known.back() + after + rounding;
}

/// The curve's values at the data's places: in order, or between its points; NaN beyond them. Between two angles the
/// curve goes the shorter way.
std::vector<double> predicted(const Analysis& a, const Curve& curve, const Points& data, double period) {
  if (a.comparison->in_order) {
    std::vector<double> in_order;
    for (std::size_t i = 0; i < curve.y.size(); ++i)
      if (!std::isnan(curve.x[i])) in_order.push_back(curve.y[i]);
    if (data.y.size() != in_order.size())
      throw Error(
          fmt::format("analysis '{}': {} has {} rows for a curve of {} conditions, and in_order pairs them one by one. "
                      "Select rows with where and match, or drop in_order.",
                      a.name, a.comparison->file, data.y.size(), in_order.size()));
    return in_order;
  }
  std::vector<std::pair<double, double>> ascending;
  for (std::size_t i = 0; i < curve.y.size(); ++i)
    if (!std::isnan(curve.y[i]) && !std::isnan(curve.x[i])) ascending.emplace_back(curve.x[i], curve.y[i]);
  std::ranges::stable_sort(ascending, {}, &std::pair<double, double>::first);
  Points known;
  for (const auto& [x, y] : ascending) {
    known.x.push_back(x);
    known.y.push_back(known.y.empty() ? y : nearest_turn(y, known.y.back(), period));
  }
  std::vector<double> values(data.y.size(), nan);
  if (!known.x.empty())
    for (std::size_t i = 0; i < data.x.size(); ++i)
      if (within(known.x, data.x[i])) values[i] = interpolate(known.x, known.y, data.x[i]);
  return values;
}

/// A curve at the abscissae of its data.
struct Panel {
  std::vector<double> model, data;
};

/// Multiplies all panels by the one factor that brings them nearest to the data, and returns it.
double fit_amplitude(std::vector<Panel>& panels) {
  double product = 0;
  double square = 0;
  for (const auto& panel : panels)
    for (std::size_t i = 0; i < panel.data.size(); ++i) {
      if (std::isnan(panel.model[i]) || std::isnan(panel.data[i])) continue;
      product += panel.model[i] * panel.data[i];
      square += panel.model[i] * panel.model[i];
    }
  for (auto& panel : panels)
    for (double& value : panel.model) value *= product / square;
  return product / square;
}

void set_scores(DataComparison& c, const std::vector<Panel>& panels) {
  double r = 0;
  double r2 = 0;
  double squares = 0;
  double pairs = 0;
  for (const auto& panel : panels) {
    const Score s = score(panel.model, panel.data);
    if (s.n > 0) {
      squares += s.rms * s.rms * static_cast<double>(s.n);
      pairs += static_cast<double>(s.n);
    }
    if (std::isnan(s.r)) continue;
    r += s.r;
    r2 += s.r * s.r;
    ++c.panels;
  }
  c.pairs = static_cast<std::size_t>(pairs);
  if (pairs > 0) c.rms = std::sqrt(squares / pairs);
  if (c.panels == 0) return;
  c.r = r / static_cast<double>(c.panels);
  c.r2 = r2 / static_cast<double>(c.panels);
}

}  // namespace

std::vector<Curve> curves_of(const Analysis& a, const AnalysisResult& result) {
  std::vector<Curve> curves;
  const std::size_t count = result.values.size() / result.width;
  if (const auto row = result.x(); !row.empty()) {
    for (std::size_t c = 0; c < count; ++c) {
      Curve curve;
      curve.fixed = condition_at(result.conditions, c);
      curve.x.assign(row.begin(), row.end());
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

std::vector<std::pair<std::string, double>> DataComparison::scores() const {
  return {{"amplitude", amplitude}, {"r", r}, {"r2", r2}, {"rms", rms}};
}

DataComparison compare_with_data(const Analysis& a, const AnalysisResult& result) {
  const CsvTable table = CsvTable::read(a.comparison->file);
  DataComparison c;
  c.source = a.comparison->source;
  if (c.source.empty() && !table.comments().empty()) c.source = table.comments()[0];
  for (const auto& axis : result.conditions) c.keys.emplace_back(axis.name, std::vector<double>{});
  // What is scaled to the data is no angle any more.
  const double period =
      result.angles && !a.comparison->fit_amplitude ? result.angles->second - result.angles->first : 0;
  std::vector<Panel> panels;
  for (const auto& curve : curves_of(a, result)) {
    const Points data = data_of(*a.comparison, table, curve.fixed, period);
    if (data.y.empty()) continue;
    Panel& panel = panels.emplace_back(Panel{predicted(a, curve, data, period), data.y});
    for (std::size_t i = 0; i < data.y.size(); ++i) panel.model[i] = nearest_turn(panel.model[i], data.y[i], period);
    c.x.insert(c.x.end(), data.x.begin(), data.x.end());
    c.y.insert(c.y.end(), data.y.begin(), data.y.end());
    for (auto& [name, values] : c.keys) {
      const auto it = curve.fixed.find(name);
      values.resize(c.y.size(), it == curve.fixed.end() ? nan : it->second.first);
    }
  }
  if (std::ranges::all_of(c.y, [](double y) { return std::isnan(y); }))
    throw Error(fmt::format("analysis '{}': no row of {} with a number belongs to it. Check where and match.", a.name,
                            a.comparison->file));
  std::erase_if(c.keys, [](const auto& key) {
    return std::all_of(key.second.begin(), key.second.end(), [](double v) { return std::isnan(v); });
  });
  if (a.comparison->fit_amplitude) c.amplitude = fit_amplitude(panels);
  set_scores(c, panels);
  return c;
}

}  // namespace striate
