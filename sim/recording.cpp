#include "sim/recording.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <set>
#include <system_error>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "circuit/text.hpp"
#include "sim/amount.hpp"
#include "sim/analysis.hpp"
#include "sim/observable.hpp"
#include "sim/output_file.hpp"

namespace striate {
namespace {

/// At the least: the states and their rates, and every definition and input.
double evaluation_bytes(const Circuit& circuit) {
  double values = 0;
  for (const auto& name : observable_names(circuit))
    values += static_cast<double>(observable(circuit, name).value.shape().size());
  for (const auto& s : circuit->states) values += static_cast<double>(s.variable.shape().size());
  return 8 * values;
}

void create_axis(H5File& file, const AxisDeclaration& a) {
  if (a.axis == re_im_axis())
    return file.create_axis("/" + a.axis.name, std::vector<std::string>{"re", "im"}, {"", a.description});
  const auto coordinates = a.coordinates();
  file.create_axis("/" + a.axis.name, std::span<const double>(coordinates),
                   {a.has_coordinates ? a.unit.str() : "1", a.description.empty() ? a.axis.name : a.description});
}

/// The values of parameters that the circuit's text computes or draws, which it tells by a formula alone.
void write_drawn_parameters(H5File& file, const Circuit& circuit) {
  constexpr std::size_t most_values = std::size_t{1} << 20;
  for (const auto& p : circuit->parameters) {
    const Shape& shape = p.variable.shape();
    if (!p.drawn_from || shape.size() > most_values) continue;
    file.write("/drawn/" + p.variable->name, std::span<const double>(p.value), axes_of(file, circuit, shape),
               {p.variable.unit().str(), p.description});
  }
}

/// What made the file, its texts and the circuit's; not complete.
void write_origin(H5File& file, const Experiment& e, const Provenance& provenance) {
  file.set_attribute("/", "complete", std::int64_t{0});
  write_provenance(file, e.title, e.circuit->name, e.run.seed, provenance);
  file.flush();
  file.write_text("/experiment_toml", e.resolved);
  file.write_text("/experiment_path", e.path);
  file.write_text("/circuit_text", to_text(e.circuit));
}

}  // namespace

std::vector<double> stimulus_changes(const Experiment& e) {
  if (!e.stimulus) return {};
  std::vector<double> changes = e.stimulus->changes(e.condition(0));
  for (std::size_t c = 1; c < e.condition_count(); ++c)
    if (e.stimulus->changes(e.condition(c)) != changes) return {};
  for (double& t : changes) t *= ms_in_time_units(e.circuit);
  return changes;
}

double recorded_bytes(const Experiment& e, const std::vector<SweepAxis>& sweep) {
  double rows = static_cast<double>(e.condition_count());
  for (const auto& axis : sweep) rows *= static_cast<double>(axis.values.size());
  const double times = e.run.steady ? 1 : std::floor(e.run.duration / e.run.every) + 1;
  double values = 0;
  for (const auto& name : e.run.record)
    values += times * static_cast<double>(observable(e.circuit, name).value.shape().size());
  for (const auto& a : e.analyses) values += static_cast<double>(unknown_result(e, a).width);
  return 8 * rows * values;
}

void require_recordable(const std::string& path, const Experiment& e, const std::vector<SweepAxis>& sweep) {
  std::set<std::string> taken{"t",    "run",  "drawn",           "spikes",          "synapses",    "analysis",
                              "axes", "data", "experiment_toml", "experiment_path", "circuit_text"};
  if (!sweep.empty()) taken.insert({"status", "seed", "errors", "warnings", "score"});
  const auto take = [&](const std::string& name, const std::string& what, const std::string& advice) {
    if (name.empty() || !taken.insert(name).second)
      throw Error(e.path, fmt::format("{} has the name '{}', which another thing in the recording has. {}", what, name,
                                      advice));
  };
  for (const auto& c : e.conditions) take(c.name, "a condition", "Rename it.");
  for (const auto& a : e.circuit->axes) take(a.axis.name, "an axis of the circuit", "Rename one of them.");
  for (const auto& p : e.circuit->projections)
    if (p.synapses) take(p.name, "a projection", "Rename the condition.");
  for (const auto& name : e.run.record)
    if (std::ranges::count(e.conditions, name, &ConditionAxis::name) > 0)
      throw Error(e.path, fmt::format("the condition '{}' has the name of a recorded variable of circuit '{}'. Rename "
                                      "[conditions.{}], or leave the variable out of run.record.",
                                      name, e.circuit->name, name));
  for (const auto& name : e.run.record)
    take(name, "a recorded variable", "Rename it, or leave it out of [run] record.");
  for (const auto& axis : sweep) take(axis.name, "--over " + axis.key, "Is the key given twice?");
  const double needed = evaluation_bytes(e.circuit);
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  if (needed > memory)
    throw Error(e.path, fmt::format("one condition needs {} of memory, but this machine has {}. Set shorter axes.",
                                    bytes_text(needed), bytes_text(memory)));
  const double wanted = recorded_bytes(e, sweep);
  std::error_code unknown;
  const auto folder = std::filesystem::absolute(path, unknown).parent_path();
  const auto space = std::filesystem::space(folder, unknown);
  if (!unknown && space.capacity > 0 && wanted > static_cast<double>(space.available))
    throw Error(path,
                fmt::format("the recording takes {}, but its disk has {} left. Record fewer variables ([run] record), "
                            "fewer times (every) or fewer conditions.",
                            bytes_text(wanted), bytes_text(static_cast<double>(space.available))));
}

void require_free(const std::string& path, bool overwrite, bool resumable) {
  std::error_code none;
  const auto folder = std::filesystem::absolute(path, none).parent_path();
  if (access(folder.c_str(), W_OK) != 0)
    throw Error(path, fmt::format("the file cannot be written: {}. Choose a directory that exists and may be written.",
                                  std::generic_category().message(errno)));
  const std::string earlier = told_of_earlier(path);
  if (!earlier.empty() && !overwrite) throw Error(path, earlier);
  if (!earlier.empty()) std::fputs(fmt::format("striate: warning: {}\n", earlier).c_str(), stderr);
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, none))) return;
  if (!overwrite)
    throw Error(path,
                fmt::format("the file exists already. Choose another name with -o, or write over it with --force.{}",
                            resumable ? " (An interrupted one goes on with --resume.)" : ""));
  try {
    open_recording(path);
  } catch (const Error& e) {
    throw Error(fmt::format("{} So it is not written over.", e.what()));
  }
}

std::vector<std::string> axes_of(H5File& file, const Circuit& circuit, const Shape& shape) {
  std::vector<std::string> paths;
  for (const auto& axis : shape) {
    std::string path = "/" + axis.name;
    const auto declared =
        std::ranges::find(circuit->axes, axis.name, [](const AxisDeclaration& a) { return a.axis.name; });
    if (declared != circuit->axes.end() && !file.exists(path)) create_axis(file, *declared);
    if (file.exists(path) && file.shape(path) != std::vector<std::size_t>{axis.size})
      path += fmt::format("_{}", axis.size);
    if (!file.exists(path)) file.create_axis(path, axis.size);
    paths.push_back(path);
  }
  return paths;
}

void create_circuit_axes(H5File& file, const Circuit& circuit) {
  for (const auto& a : circuit->axes) create_axis(file, a);
  for (const auto& projection : circuit->projections) {
    if (!projection.synapses) continue;
    const Connections& drawn = *projection.synapses;
    std::vector<std::int64_t> number(drawn.size()), pre, post(drawn.target.begin(), drawn.target.end());
    std::iota(number.begin(), number.end(), 0);
    const auto sources = pre_population(*circuit, projection).elements();
    for (std::size_t i = 0; i < sources.size(); ++i) pre.resize(drawn.row[i + 1], sources[i]);
    const std::string axis = "/" + projection.name;
    file.create_axis(axis, std::span<const std::int64_t>(number), {"1", "synapse of " + projection.name});
    file.write("/synapses" + axis + "/pre", std::span<const std::int64_t>(pre), {axis}, {"1", "where it comes from"});
    file.write("/synapses" + axis + "/post", std::span<const std::int64_t>(post), {axis}, {"1", "where it goes"});
  }
}

void create_condition_axes(H5File& file, const std::vector<ConditionAxis>& conditions) {
  for (const auto& c : conditions)
    file.create_axis("/" + c.name, std::span<const double>(c.values),
                     {c.unit.str(), c.description.empty() ? c.name : c.description});
  for (const auto& c : conditions) {
    if (c.labels.empty()) continue;
    std::string meanings;  // the CF conventions' form: apart by blanks
    for (std::string label : c.labels) {
      std::replace(label.begin(), label.end(), ' ', '_');
      meanings += (meanings.empty() ? "" : " ") + label;
    }
    file.set_attribute("/" + c.name, "flag_values", c.values);
    file.set_attribute("/" + c.name, "flag_meanings", meanings);
  }
}

void write_result(const std::string& path, const Experiment& e, const Provenance& provenance, const std::string& kind,
                  const std::function<void(H5File&)>& write) {
  write_whole(path, [&](H5File& file) {
    write_origin(file, e, provenance);
    file.set_attribute("/", "kind", kind);
    create_circuit_axes(file, e.circuit);
    write_drawn_parameters(file, e.circuit);
    write(file);
    finish_result(file);
  });
}

void finish_result(H5File& file) {
  file.set_attribute("/", "finished", utc_now());
  file.set_attribute("/", "complete", std::int64_t{1});
  file.close();
}

void write_states(H5File& file, const std::string& group, const System<double>& system, const std::string& axis,
                  std::span<const double> values, const std::string& per) {
  const std::size_t n = system.states().size();
  for (const auto& f : system.states()) {
    std::vector<double> own;
    for (std::size_t k = 0; k < values.size() / n; ++k)
      own.insert(own.end(), values.begin() + static_cast<std::ptrdiff_t>(k * n + f.offset),
                 values.begin() + static_cast<std::ptrdiff_t>(k * n + f.offset + f.size));
    std::vector<std::string> axes{axis};
    for (const auto& a : f.shape) axes.push_back("/" + a.name);
    const std::string unit = per.empty() ? f.unit.str() : quotient_text(per, f.unit);
    file.write("/" + group + "/" + f.name, std::span<const double>(own), axes,
               {unit, f.description.empty() ? f.name : f.description});
  }
}

Recording::Recording(const std::string& path, bool overwrite, const Experiment& e, const Provenance& provenance,
                     const std::vector<SweepAxis>& sweep)
    : file_(H5File::create(path, overwrite)) {
  take_form(e, sweep);
  write_origin(file_, e, provenance);
  file_.set_attribute("/", "method", e.run.method);
  file_.set_attribute("/", "warnings", std::string());
  for (const auto& axis : sweep) {
    if (axis.numbers.empty())
      file_.create_axis("/" + axis.name, axis.values, {"", axis.key});
    else
      file_.create_axis("/" + axis.name, std::span<const double>(axis.numbers), {axis.unit, axis.key});
  }
  create_condition_axes(file_, e.conditions);
  create_circuit_axes(file_, e.circuit);
  if (sweep.empty()) write_drawn_parameters(file_, e.circuit);
  if (timed_) file_.create_axis("/t", std::span<const double>(output_times(e)), {time_unit_.str(), "time"});
  if (sweep.empty()) tell_changes(stimulus_changes(e));
  for (const auto& name : e.run.record) {
    const Observable r = observable(e.circuit, name);
    std::vector<std::string> axes = condition_axes_;
    if (timed_) axes.emplace_back("/t");
    for (auto& axis : axes_of(file_, e.circuit, r.value.shape())) axes.push_back(std::move(axis));
    const H5Label label{r.value.unit().str(), r.description};
    if (timed_)
      file_.create_blocked_array("/" + name, H5Type::float64, axes, condition_axes_.size(), label);
    else
      file_.create_array("/" + name, H5Type::float64, axes, label);
    if (r.value.shape().has(re_im_axis().name)) file_.set_attribute("/" + name, "complex", std::int64_t{1});
  }
  if (sonata_) {
    file_.set_attribute("/", "magic", std::int64_t{0x0A7A});
    file_.set_attribute("/", "version", std::vector<std::int64_t>{0, 1});
  }
  read_block_rows(e);
  file_.flush();
}

Recording::Recording(H5File file, const Experiment& e, const std::vector<SweepAxis>& sweep) : file_(std::move(file)) {
  take_form(e, sweep);
  read_block_rows(e);
}

void Recording::read_block_rows(const Experiment& e) {
  for (const auto& name : e.run.record)
    block_rows_[name] = timed_ ? file_.block_rows("/" + name, condition_axes_.size()) : 1;
}

void Recording::take_form(const Experiment& e, const std::vector<SweepAxis>& sweep) {
  timed_ = !e.run.steady;
  time_unit_ = e.circuit->time_unit;
  sonata_ = e.run.sonata;
  sweep_axes_ = sweep.size();
  const auto add = [this](const std::string& name, std::size_t size) {
    condition_axes_.push_back("/" + name);
    condition_shape_.push_back(size);
  };
  for (const auto& axis : sweep) add(axis.name, axis.values.size());
  for (const auto& c : e.conditions) add(c.name, c.values.size());
}

Recording::Box Recording::box(const std::string& path, std::size_t index) const {
  Box b{std::vector<std::size_t>(file_.shape(path).size(), 0), file_.shape(path)};
  for (std::size_t a = condition_shape_.size(); a-- > 0;) {
    b.start[a] = index % condition_shape_[a];
    b.count[a] = 1;
    index /= condition_shape_[a];
  }
  return b;
}

void Recording::write(const std::string& variable, std::size_t index, std::span<const double> values) {
  const Box b = box("/" + variable, index);
  file_.write_part("/" + variable, b.start, b.count, values);
}

void Recording::write(const std::string& variable, std::size_t index, std::size_t first, std::size_t count,
                      std::span<const double> values) {
  Box b = box("/" + variable, index);
  if (timed_) {
    b.start[condition_shape_.size()] = first;
    b.count[condition_shape_.size()] = count;
  }
  file_.write_part("/" + variable, b.start, b.count, values);
}

std::string Recording::spike_group(std::size_t index, const EventRule& event) const {
  std::size_t conditions = 1;
  for (std::size_t a = sweep_axes_; a < condition_shape_.size(); ++a) conditions *= condition_shape_[a];
  std::string group = "/spikes/" + event.name;
  if (sweep_axes_ > 0) group += fmt::format("/{}", index / conditions);
  if (sweep_axes_ < condition_shape_.size()) group += fmt::format("/{}", index % conditions);
  return group;
}

Recording::SpikeSeries Recording::create_spikes(const std::string& group, const EventRule& event,
                                                std::size_t expected) {
  const std::string axis = group + (sonata_ ? "/timestamps" : "/times");
  H5Series times = file_.create_growing_axis(axis, H5Type::float64,
                                             {sonata_ ? "ms" : time_unit_.str(), "times of " + event.name}, expected);
  const std::string ids = group + (sonata_ ? "/node_ids" : "/ids");
  H5Series series = file_.create_series(
      ids, H5Type::int64, axis, {}, {"1", "which element, row-major in " + event.guard.shape().str_sizes()}, expected);
  file_.set_attribute(ids, "elements", static_cast<std::int64_t>(event.guard.shape().size()));
  return {std::move(times), std::move(series)};
}

Recording::SpikeSeries Recording::spikes_anew(const std::string& group) {
  SpikeSeries series{file_.open_series(group + "/times"), file_.open_series(group + "/ids")};
  series.times.begin_anew();
  series.ids.begin_anew();
  return series;
}

void Recording::write_spikes(std::size_t index, const EventRule& event, RecordedSpikes spikes, bool last) {
  constexpr std::size_t chunk = std::size_t{1} << 14;
  const std::string group = spike_group(index, event);
  auto series = spikes_.find(group);
  if (series == spikes_.end() && file_.exists(group)) series = spikes_.emplace(group, spikes_anew(group)).first;
  if (series == spikes_.end()) {
    if (sweep_axes_ > 0 && last && spikes.times.empty()) return;
    const std::size_t expected = last ? std::clamp<std::size_t>(spikes.times.size(), 1, chunk) : chunk;
    series = spikes_.emplace(group, create_spikes(group, event, expected)).first;
  }
  if (sonata_)
    for (double& t : spikes.times) t *= time_unit_.to(Unit::parse("ms"));
  series->second.times.append(std::span<const double>(spikes.times));
  series->second.ids.append(std::span<const std::int64_t>(spikes.ids));
  if (!last) return;
  series->second.times.close();
  series->second.ids.close();
  spikes_.erase(series);
}

void Recording::tell_changes(const std::vector<double>& times) {
  if (timed_ && !times.empty()) file_.set_attribute("/t", "stimulus_changes", times);
}

void Recording::tell_recorded(std::size_t index, double t) {
  if (!timed_ || sweep_axes_ > 0) return;
  const std::string path = "/run/recorded_until";
  if (!file_.exists(path))
    file_.create_array(path, H5Type::float64, condition_axes_, {time_unit_.str(), "end of what is recorded"});
  note(index, "recorded_until", t);
}

void Recording::note(std::size_t index, const std::string& name, double value) {
  const std::string path = "/run/" + name;
  if (!file_.exists(path)) file_.create_array(path, H5Type::float64, condition_axes_, {});
  const Box b = box(path, index);
  file_.write_part(path, b.start, b.count, std::span<const double>(&value, 1));
}

void Recording::warn(std::size_t place, const std::string& text) {
  std::string& told = warnings_[place];
  told += (told.empty() ? "" : "\n") + text;
  std::string all;
  for (const auto& [at, warning] : warnings_) all += (all.empty() ? "" : "\n") + warning;
  if (all.size() < 50000) file_.set_attribute("/", "warnings", all);
}

void Recording::finish() { finish_result(file_); }

}  // namespace striate
