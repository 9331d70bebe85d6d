#include "sim/over_time.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/nan.hpp"

namespace striate {
namespace {

double mean(std::span<const double> t, std::span<const double> x) {
  if (t.size() == 1) return x[0];
  double area = 0;
  for (std::size_t i = 1; i < t.size(); ++i) area += (t[i] - t[i - 1]) * (x[i] + x[i - 1]) / 2;
  return area / (t.back() - t.front());
}

double mean_angle(std::span<const double> t, std::span<const double> x, double period) {
  const double turn = 2 * std::numbers::pi / period;
  std::vector<double> cosine, sine;
  for (const double angle : x) {
    cosine.push_back(std::cos(turn * angle));
    sine.push_back(std::sin(turn * angle));
  }
  return direction(mean(t, cosine), mean(t, sine), period);
}

double range_of(std::span<const double> x) {
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  return *high - *low;
}

/// Upward passages of the middle of the range per time; 0 of what rests.
double frequency(std::span<const double> t, std::span<const double> x, double low, double high, double least) {
  if (!(high - low > least)) return 0;
  const double level = (low + high) / 2;
  double first = nan;
  double last = nan;
  double turns = -1;
  for (std::size_t i = 1; i < t.size(); ++i) {
    if (!(x[i - 1] < level && x[i] >= level)) continue;
    last = t[i - 1] + (t[i] - t[i - 1]) * (level - x[i - 1]) / (x[i] - x[i - 1]);
    if (turns < 0) first = last;
    turns += 1;
  }
  return turns > 0 ? turns / (last - first) : nan;
}

}  // namespace

OverTime over_time_named(const std::string& name) {
  const std::vector<std::string> names{"last", "mean", "largest", "smallest", "peak_to_peak", "frequency"};
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) throw Error("a course in time becomes one of these." + suggest_names(name, names));
  return static_cast<OverTime>(at - names.begin());
}

double direction(double along, double across, double period) {
  return std::hypot(along, across) > 1e-12 ? std::atan2(across, along) / (2 * std::numbers::pi) * period : nan;
}

double within_turn(const std::pair<double, double>& turn, double angle) {
  const double period = turn.second - turn.first;
  const bool inside = turn.first <= angle && angle <= turn.second;
  return inside ? angle : angle - period * std::floor((angle - turn.first) / period);
}

double nearest_turn(double angle, double to, double period) {
  return period > 0 ? angle - period * std::round((angle - to) / period) : angle;
}

double less_rounding(double from, double end) { return from - 1e-12 * std::abs(end); }

double over_time(OverTime how, std::span<const double> t, std::span<const double> x, double from, double period) {
  if (t.empty()) return nan;
  const std::span<const double> whole = x;
  const auto begin = std::lower_bound(t.begin(), t.end(), less_rounding(from, t.back()));
  const auto first = static_cast<std::size_t>(begin - t.begin());
  if (first == t.size()) return nan;
  t = t.subspan(first);
  x = x.subspan(first);
  if (how != OverTime::last && std::ranges::any_of(x, [](double value) { return std::isnan(value); })) return nan;
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  switch (how) {
    case OverTime::last: return x.back();
    case OverTime::mean: return period > 0 ? mean_angle(t, x, period) : mean(t, x);
    case OverTime::largest: return *high;
    case OverTime::smallest: return *low;
    case OverTime::peak_to_peak: return *high - *low;
    case OverTime::frequency: {
      // The error of a step at the usual tolerance is about 1e-6 of a value.
      const double error = 1e-5 * std::max(std::abs(*low), std::abs(*high));
      return frequency(t, x, *low, *high, std::max(1e-3 * range_of(whole), error));
    }
  }
  return nan;
}

}  // namespace striate
