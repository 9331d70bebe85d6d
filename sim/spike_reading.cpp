#include "sim/spike_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/nan.hpp"
#include "sim/analysis.hpp"
#include "sim/experiment.hpp"
#include "sim/read_analysis.hpp"

namespace striate {
namespace {

constexpr std::size_t least_intervals = 4;  // of an element that has a coefficient of variation

std::size_t event_index(const Circuit& circuit, const TomlValue& name) {
  std::vector<std::string> names;
  for (const auto& event : circuit->events) {
    if (event.name == name.as_string()) return names.size();
    names.push_back(event.name);
  }
  name.fail(fmt::format("but circuit '{}' has no event or source of this name.{}", circuit->name,
                        suggest_names(name.as_string(), names)));
}

std::size_t elements_of(const Circuit& circuit, const TomlValue& event) {
  return circuit->events[event_index(circuit, event)].guard.shape().size();
}

std::size_t event_number(const Circuit& circuit, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(circuit->events, name, &EventRule::name) - circuit->events.begin());
}

std::size_t bins_of(const SpikeReading& r) {
  return static_cast<std::size_t>((r.measure.window.to - r.measure.window.from) / r.bin * (1 + 1e-12));
}

/// Counts less their mean, over their norm; NaN for an element whose counts are all the same.
std::vector<std::vector<double>> standardised(std::vector<std::vector<double>> counts) {
  for (auto& row : counts) {
    const double mean = std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size());
    double square = 0;
    for (double& c : row) {
      c -= mean;
      square += c * c;
    }
    for (double& c : row) c = square > 0 ? c / std::sqrt(square) : nan;
  }
  return counts;
}

double mean_of(std::span<const double> values) {
  double sum = 0, n = 0;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    sum += v;
    n += 1;
  }
  return n > 0 ? sum / n : nan;
}

/// The mean of all pairs' correlations, from the norm of the sum of what is standardised.
double mean_correlation(const std::vector<std::vector<double>>& z) {
  std::vector<double> sum(z.empty() ? 0 : z[0].size());
  double n = 0;
  for (const auto& row : z) {
    if (row.empty() || std::isnan(row[0])) continue;
    n += 1;
    for (std::size_t b = 0; b < row.size(); ++b) sum[b] += row[b];
  }
  if (n < 2) return nan;
  return (std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0) - n) / (n * (n - 1));
}

double mean_off_diagonal(const std::vector<double>& matrix, std::size_t n) {
  std::vector<double> pairs;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) pairs.push_back(matrix[i * n + j]);
  return mean_of(pairs);
}

}  // namespace

const std::vector<std::string>& spike_readings() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"spike_rate", "spike_cv", "spike_correlation"};
    all.insert(all.end(), spike_measure_names().begin(), spike_measure_names().end());
    return all;
  }();
  return names;
}

SpikeReading read_spike_reading(const TomlTable& t, const Experiment& e, double from) {
  using Kind = SpikeReading::Kind;
  SpikeReading r;
  const auto which = std::ranges::find(spike_readings(), t.string("kind")) - spike_readings().begin();
  r.kind = static_cast<Kind>(std::min<std::ptrdiff_t>(which, 3));
  if (e.run.steady) t.at("kind").fail("but a steady state has no spikes. Set [run] method and duration.");
  r.event = t.string("event");
  r.end = elements_of(e.circuit, t.at("event"));
  r.each = t.boolean("each", false);
  if (const auto range = t.find("elements")) {
    const auto ends = range->as_numbers();
    const auto size = static_cast<double>(r.end);
    const auto whole = [](double x) { return x == std::floor(x); };
    if (ends.size() != 2 || !std::ranges::all_of(ends, whole) ||
        !(0 <= ends[0] && ends[0] < ends[1] && ends[1] <= size))
      range->fail(
          fmt::format("but '{}' has {} elements: [first, end], whole numbers, the end excluded.", r.event, r.end));
    r.first = static_cast<std::size_t>(ends[0]);
    r.end = static_cast<std::size_t>(ends[1]);
  }
  const Unit& time = e.circuit->time_unit;
  r.measure.window = {from, e.run.duration * ms_in_time_units(e.circuit)};
  if (r.kind == Kind::correlation) {
    r.bin = evaluate(t.at("bin"), time);
    const double bins = (r.measure.window.to - from) / r.bin, elements = static_cast<double>(r.end - r.first);
    if (!(r.bin > 0 && bins >= 2)) t.at("bin").fail("but a run has at least two bins.");
    if (const double bytes = 8 * bins * elements; bytes > static_cast<double>(available_memory()))
      t.at("bin").fail(
          fmt::format("but {:.3g} bins of {} elements need {} of memory. Take longer bins, or fewer "
                      "elements.",
                      bins, elements, bytes_text(bytes)));
  }
  if (r.kind == Kind::distance) {
    r.measure.name = t.string("kind");
    if (r.measure.name == "van_rossum") {
      r.measure.decay = evaluate(t.at("decay"), time);
      if (t.has("rise")) r.measure.rise = evaluate(t.at("rise"), time);
    }
    if (r.measure.name == "victor_purpura") {
      const Unit per_time = time.dimensionless() ? Unit() : Unit::parse("1/" + time.str());
      r.measure.cost = evaluate(t.at("cost"), per_time);
    }
    if (const auto with = t.find("with")) {
      r.with = with->as_string();
      if (const std::size_t n = elements_of(e.circuit, *with); n < r.end)
        with->fail(fmt::format("but it has {} elements, and those of '{}' go up to {}.", n, r.event, r.end));
    }
    try {
      spike_measure(r.measure);
    } catch (const Error& error) {
      t.at("kind").fail(fmt::format("but {}", error.what()));
    }
  }
  if (r.of_pairs() && r.end - r.first < 2)
    t.at("event").fail("but pairs need two elements. Compare with another event: with = ....");
  return r;
}

std::vector<RowAxis> spike_row(const Experiment& e, const Analysis& a) {
  const SpikeReading& r = *a.spikes;
  if (!r.each) return {};
  std::vector<double> ids(r.end - r.first);
  std::iota(ids.begin(), ids.end(), static_cast<double>(r.first));
  const auto axis = [&](const std::string& name) {
    return RowAxis{"/axes/" + a.name + "/" + name, "element of " + r.event, "1", ids, true};
  };
  if (!r.of_pairs()) return {axis("element")};
  if (static_cast<double>(ids.size()) * static_cast<double>(ids.size()) * static_cast<double>(e.condition_count()) >
      1e8)
    throw Error(fmt::format("analysis '{}': {} elements make more than 1e8 pairs. Read fewer: elements = [0, 1000].",
                            a.name, ids.size()));
  return {axis("element"), axis("other")};
}

Unit spike_unit(const Experiment& e, const SpikeReading& r) {
  return r.kind == SpikeReading::Kind::rate && !e.circuit->time_unit.dimensionless() ? Unit::parse("Hz") : Unit();
}

void SpikeMeter::Intervals::add(double t) {
  if (spikes++ > 0) {
    const double interval = t - last, off = interval - mean;
    mean += off / static_cast<double>(spikes - 1);
    square += off * (interval - mean);
  }
  last = t;
}

double SpikeMeter::Intervals::variation() const {
  if (spikes <= least_intervals) return nan;
  return std::sqrt(square / static_cast<double>(spikes - 1)) / mean;
}

SpikeMeter::SpikeMeter(const Experiment& e, const Analysis& analysis)
    : analysis_(analysis), reading_(*analysis.spikes), event_(event_number(e.circuit, reading_.event)) {
  using Kind = SpikeReading::Kind;
  const Unit& unit = e.circuit->time_unit;
  const SpikeWindow& window = reading_.measure.window;
  per_second_ = 1 / ((window.to - window.from) * (unit.dimensionless() ? 1 : unit.to(Unit::parse("s"))));
  const std::size_t n = reading_.end - reading_.first;
  switch (reading_.kind) {
    case Kind::rate:
    case Kind::cv: elements_.resize(n); break;
    case Kind::correlation: counts_.assign(n, std::vector<double>(bins_of(reading_))); break;
    case Kind::distance: trains_.resize(n); break;
  }
  if (reading_.with.empty()) return;
  with_ = event_number(e.circuit, reading_.with);
  others_.resize(n);
}

void SpikeMeter::add(std::size_t event, double t, std::span<const std::uint32_t> ids) {
  const SpikeReading& r = reading_;
  const double from = less_rounding(r.measure.window.from, r.measure.window.to);
  if (t < from) return;
  const bool own = event == event_, other = !others_.empty() && event == with_;
  if (!own && !other) return;
  const auto bin = static_cast<std::size_t>(counts_.empty() ? 0 : (t - from) / r.bin);
  for (const std::size_t id : ids) {
    if (id < r.first || id >= r.end) continue;
    const std::size_t i = id - r.first;
    if (other) others_[i].push_back(t);
    if (!own) continue;
    if (!elements_.empty()) elements_[i].add(t);
    if (!counts_.empty() && bin < counts_[i].size()) counts_[i][bin] += 1;
    if (!trains_.empty()) trains_[i].push_back(t);
  }
}

std::vector<double> SpikeMeter::of_elements() const {
  std::vector<double> values;
  for (const Intervals& element : elements_)
    values.push_back(reading_.kind == SpikeReading::Kind::rate ? static_cast<double>(element.spikes) * per_second_
                                                               : element.variation());
  return reading_.each ? values : std::vector<double>{mean_of(values)};
}

std::vector<double> SpikeMeter::result() {
  using Kind = SpikeReading::Kind;
  const SpikeReading& r = reading_;
  const std::size_t n = r.end - r.first;
  std::vector<double> values;
  if (r.kind == Kind::rate || r.kind == Kind::cv) {
    values = of_elements();
  } else if (r.kind == Kind::correlation) {
    const auto z = standardised(std::move(counts_));
    if (!r.each) {
      values.assign(1, mean_correlation(z));
    } else {
      values.resize(n * n);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          values[i * n + j] = std::inner_product(z[i].begin(), z[i].end(), z[j].begin(), 0.0);
    }
  } else if (!r.with.empty()) {
    const auto measure = spike_measure(r.measure);
    for (std::size_t i = 0; i < n; ++i) values.push_back(measure(trains_[i], others_[i]));
    if (!r.each) values = {mean_of(values)};
  } else {
    values = spike_distances(trains_, r.measure);
    if (!r.each) values = {mean_off_diagonal(values, n)};
  }
  return values;
}

}  // namespace striate
