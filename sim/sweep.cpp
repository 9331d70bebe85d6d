#include "sim/sweep.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <mutex>
#include <new>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/unused_path.hpp"
#include "circuit/text.hpp"
#include "io/text_file.hpp"
#include "sim/analysis_record.hpp"
#include "sim/condition_runner.hpp"
#include "sim/course_writer.hpp"
#include "sim/observable.hpp"
#include "sim/output_file.hpp"
#include "sim/progress.hpp"
#include "sim/recording.hpp"

namespace striate {
namespace {

std::vector<std::string> axis_texts(const Sweep& s) {
  std::vector<std::string> texts;
  for (const auto& axis : s.axes) texts.push_back(axis.text());
  return texts;
}

std::size_t point_count(const Sweep& s) {
  std::size_t n = 1;
  for (const auto& axis : s.axes) {
    n *= axis.values.size();
    if (n > 100000000) throw Error("--over: the grid has more than 100 million points. Take fewer values.");
  }
  return n;
}

/// The place of a point along each axis; the last axis is the fastest.
std::vector<std::size_t> place(const Sweep& s, std::size_t point) {
  std::vector<std::size_t> index(s.axes.size());
  for (std::size_t a = s.axes.size(); a-- > 0;) {
    index[a] = point % s.axes[a].values.size();
    point /= s.axes[a].values.size();
  }
  return index;
}

std::string point_text(const Sweep& s, std::size_t point) {
  const auto index = place(s, point);
  std::string text;
  for (std::size_t a = 0; a < s.axes.size(); ++a)
    text += fmt::format("{}{} = {}", a == 0 ? "" : ", ", s.axes[a].key, s.axes[a].values[index[a]]);
  return text;
}

/// The experiment's seed (which may be swept) at the first place along the axes of circuit and stimulus, and at each
/// other place one of its own: the finaliser of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA 49:453-472, fig. 15) of
/// both. Points that differ in keys of [run] alone, such as the step, have the same noise.
std::uint64_t seed_of_point(const Sweep& s, std::uint64_t seed, std::size_t point) {
  const auto index = place(s, point);
  std::uint64_t number = 0;
  for (std::size_t a = 0; a < s.axes.size(); ++a)
    if (!s.axes[a].key.starts_with("run.")) number = number * s.axes[a].values.size() + index[a];
  if (number == 0) return seed;
  std::uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return (z ^ (z >> 31U)) >> 1U;  // held as a signed number in the file
}

TomlDocument base_document(const Sweep& s) {
  TomlDocument document = TomlDocument::parse_string(s.text, s.path);
  for (const auto& [key, value] : s.overrides) document.set(key, value);
  return document;
}

Experiment experiment_at(const Sweep& s, std::size_t point) {
  const auto index = place(s, point);
  std::set<std::string> keys;
  for (const auto& axis : s.axes) keys.insert(axis.key);
  try {
    TomlDocument document = base_document(s);
    for (std::size_t a = 0; a < s.axes.size(); ++a) document.set(s.axes[a].key, s.axes[a].values[index[a]]);
    return read_experiment(document, s.path);
  } catch (const Error& error) {  // what the document calls --set was given as --over
    std::string message = error.what();
    for (const auto& key : keys)
      if (message.starts_with("--set " + key + ":")) message.replace(0, 5, "--over");
    throw Error(message);
  }
}

/// An analysis as the file holds it: less the conditions left out or averaged over.
AnalysisResult form_of(const Experiment& e, const Analysis& a) { return related_result(e, a, unknown_result(e, a)); }

/// What differs between the arrays of two points, as a sentence; empty when they fit into one.
std::string misfit(const Experiment& a, const Experiment& b) {
  const auto other = [](const std::string& what) { return what + " would not be the same at all points"; };
  if (a.run.record != b.run.record) return other("the list of recorded variables");
  if (a.run.steady != b.run.steady) return other("whether traces or steady states are recorded");
  if (output_times(a) != output_times(b)) return other("the recorded times (run.duration, run.every)");
  if (a.conditions.size() != b.conditions.size()) return other("the condition axes");
  for (std::size_t i = 0; i < a.conditions.size(); ++i) {
    const ConditionAxis &x = a.conditions[i], &y = b.conditions[i];
    const auto same = [](double u, double v) { return u == v || (std::isnan(u) && std::isnan(v)); };
    if (x.name != y.name || !(x.unit == y.unit) || !std::ranges::equal(x.values, y.values, same))
      return other(fmt::format("the condition axis '{}'", x.name));
  }
  if (a.run.sonata || b.run.sonata) return "spikes in the SONATA layout are of one run";
  if (a.circuit->axes.size() != b.circuit->axes.size()) return other("the axes of the circuit");
  for (std::size_t i = 0; i < a.circuit->axes.size(); ++i) {
    const auto &x = a.circuit->axes[i], &y = b.circuit->axes[i];
    if (x.axis.name != y.axis.name || x.axis.size != y.axis.size)
      return other(fmt::format("the length of axis '{}' ({} and {} elements)", x.axis.name, x.axis.size, y.axis.size));
    if (x.coordinates() != y.coordinates()) return other(fmt::format("the coordinates of axis '{}'", x.axis.name));
  }
  for (const auto& name : a.run.record) {
    const Expr x = observable(a.circuit, name).value, y = observable(b.circuit, name).value;
    if (!(x.shape() == y.shape())) return other(fmt::format("the shape of '{}'", name));
    if (!(x.unit() == y.unit())) return other(fmt::format("the unit of '{}'", name));
  }
  if (a.analyses.size() != b.analyses.size()) return other("the list of analyses");
  for (std::size_t i = 0; i < a.analyses.size(); ++i) {
    const Analysis &x = a.analyses[i], &y = b.analyses[i];
    const AnalysisResult p = form_of(a, x), q = form_of(b, y);
    if (x.name != y.name || x.unit != y.unit || x.comparison.has_value() != y.comparison.has_value() ||
        p.width != q.width || p.row.size() != q.row.size() ||
        !std::ranges::equal(p.conditions, q.conditions, {}, &ConditionAxis::name, &ConditionAxis::name))
      return other(fmt::format("the analysis '{}'", x.name));
    for (std::size_t k = 0; k < p.row.size(); ++k)
      if (p.row[k] != q.row[k])
        return other(fmt::format("the axis '{}' of the analysis '{}'", p.row[k].name(), x.name));
  }
  return "";
}

/// The experiment of the first point with this value that can be run.
/// @throws Error for a value that is refused beside all values of the other axes (beside a thousand, of more)
Experiment runnable(const Sweep& s, std::size_t axis, std::size_t value) {
  const std::size_t size = s.axes[axis].values.size();
  std::size_t stride = 1;
  for (std::size_t a = axis + 1; a < s.axes.size(); ++a) stride *= s.axes[a].values.size();
  const std::size_t tries = std::min<std::size_t>(point_count(s) / size, 1000);
  std::string first_error;
  for (std::size_t other = 0; other < tries; ++other) {
    const std::size_t point = (other / stride * size + value) * stride + other % stride;
    try {
      Experiment e = experiment_at(s, point);
      const ConditionRunner checked(e);
      return e;
    } catch (const Error& e) {
      if (first_error.empty()) first_error = e.what();
    }
  }
  const std::string what = fmt::format("--over {} = {}", s.axes[axis].key, s.axes[axis].values[value]);
  throw Error(first_error.starts_with("--over") ? first_error : what + ": " + first_error);
}

/// When what is shown changes, if no value along the axes alters that. What is refused at some points only is their own
/// failure.
/// @throws Error for a value that fits nowhere, or that changes the form of the file
std::vector<double> require_one_array(const Sweep& s, const Experiment& form) {
  std::vector<double> changes = stimulus_changes(form);
  for (std::size_t a = 0; a < s.axes.size(); ++a)
    for (std::size_t i = 0; i < s.axes[a].values.size(); ++i) {
      const Experiment e = runnable(s, a, i);
      if (const std::string difference = misfit(form, e); !difference.empty())
        throw Error(
            fmt::format("--over {} = {}: {}, but a sweep is one array. Run these values as experiments of their own.",
                        s.axes[a].key, s.axes[a].values[i], difference));
      if (stimulus_changes(e) != changes) changes.clear();
    }
  return changes;
}

class SweepFile {
 public:
  SweepFile(const Sweep& s, const Experiment& form, const std::vector<double>& changes, const std::string& path,
            const SweepOptions& options)
      : s_(s),
        recording_(open(s, form, changes, path, options), form, s.axes),
        writer_(recording_, lock_),
        conditions_(form.condition_count()),
        quiet_(options.run.quiet) {
    for (const double v : recording_.file().read_numbers("/status").values)
      status_.push_back(static_cast<PointStatus>(static_cast<int>(v)));
    for (const auto& warning : form.warnings) warn(0, warning);
  }

  PointStatus status(std::size_t point) const { return status_[point]; }

  /// Runs and records one condition of a point.
  ConditionResult run(const ConditionRunner& runner, const Experiment& e, std::size_t point, std::size_t condition) {
    const std::size_t index = point * conditions_ + condition;
    ConditionResult result = writer_.run(runner, e, condition, index);
    in_file([&] {
      for (const auto& [name, value] : result.notes) recording_.note(index, name, value);
    });
    return result;
  }

  void write(const Experiment& e, std::size_t point, const Analysis& a, const AnalysisResult& raw) {
    in_file([&] {
      const AnalysisResult result = related_result(e, a, raw);
      write_analysis(recording_.file(), a, result, place(s_, point));
      if (!a.comparison) return;
      for (const auto& [name, value] : compare_with_data(a, result).scores()) put(score_path(a, name), point, value);
    });
  }

  /// The numbers of a point reach the disk before its status says so.
  void finish_point(std::size_t point, std::uint64_t seed, PointStatus status, const std::string& error,
                    const std::string& warning) {
    writer_.require_written();
    const std::scoped_lock guard(lock_);
    H5File& file = recording_.file();
    const auto tell = [&](const char* group, const std::string& text) {
      const std::string path = fmt::format("/{}/{}", group, point);
      if (!text.empty() && !file.exists(path)) file.write_text(path, text);
    };
    tell("errors", error);
    tell("warnings", warning);
    put("/seed", point, static_cast<std::int64_t>(seed));
    file.flush();
    put("/status", point, static_cast<std::int64_t>(status));
    file.flush();
    status_[point] = status;
  }

  SweepSummary finish() {
    SweepSummary summary;
    summary.points = status_.size();
    const H5File& file = recording_.file();
    const auto count = [&](const char* group, std::size_t p, std::size_t& number, std::string& first) {
      const std::string path = fmt::format("/{}/{}", group, p);
      if (file.exists(path) && number++ == 0) first = fmt::format("{}: {}", point_text(s_, p), file.read_text(path));
    };
    std::size_t warned = 0;
    std::string first_warning;
    for (std::size_t p = 0; p < status_.size(); ++p) {
      if (status_[p] == PointStatus::failed)  // a kill may leave the error of a point that a resumed sweep ends well
        count("errors", p, summary.failed, summary.first_failure);
      count("warnings", p, warned, first_warning);
    }
    if (warned > 0)
      warn(1, fmt::format("{} of {} points have warnings, told in /warnings. The first: {}", warned, summary.points,
                          first_warning));
    recording_.finish();
    return summary;
  }

 private:
  static std::string score_path(const Analysis& a, const std::string& score) {
    return fmt::format("/score/{}_{}", a.name, score);
  }

  void warn(std::size_t place, const std::string& text) {
    recording_.warn(place, text);
    if (!quiet_) std::fputs(fmt::format("striate: warning: {}\n", text).c_str(), stderr);
  }

  /// A failure in the file is not that of a point.
  void in_file(const auto& write) {
    const std::scoped_lock guard(lock_);
    try {
      write();
    } catch (const Failure& f) {
      throw std::runtime_error(f.what());
    }
  }

  template <class Number>
  void put(const std::string& path, std::size_t point, Number value) {
    const auto start = place(s_, point);
    const std::vector<std::size_t> one(start.size(), 1);
    recording_.file().write_part(path, start, one, std::span<const Number>(&value, 1));
  }

  /// The file with all its arrays. A new one gets its name only once it is whole, so that whatever has the name can be
  /// resumed.
  static H5File open(const Sweep& s, const Experiment& form, const std::vector<double>& changes,
                     const std::string& path, const SweepOptions& options) {
    if (options.resume && std::filesystem::exists(path)) {
      require_same_sweep(s, form, open_recording(path));
      return H5File::open_for_writing(path);
    }
    const std::string unnamed = unused_path(path + ".new");
    {
      EarlierFile until_whole(unnamed);
      Recording recording(unnamed, true, form, {options.run.command, omp_get_max_threads()}, s.axes);
      recording.tell_changes(changes);
      create_arrays(s, form, recording.file());
      recording.file().close();
      until_whole.release();
    }
    std::filesystem::rename(unnamed, path);
    return H5File::open_for_writing(path);
  }

  static void create_arrays(const Sweep& s, const Experiment& form, H5File& file) {
    std::vector<std::string> axes;
    for (const auto& axis : s.axes) axes.push_back("/" + axis.name);
    file.set_attribute("/", "sweep", axis_texts(s));
    file.create_array("/seed", H5Type::int64, axes, {"1", "seed of the point, 0 while it is pending"});
    file.create_array("/status", H5Type::int64, axes, {"1", "0 pending, 1 done, 2 failed"});
    for (const auto& a : form.analyses) {
      const AnalysisResult result = form_of(form, a);
      create_analysis(file, a, result, axes);
      if (!a.comparison) continue;
      const DataComparison data = compare_with_data(a, result);
      write_data(file, a, result, data);
      for (const auto& [name, value] : data.scores())
        file.create_array(score_path(a, name), H5Type::float64, axes,
                          {name == "rms" ? a.unit : "1", fmt::format("{} of {}", name, a.label)});
    }
  }

  static void require_same_sweep(const Sweep& s, const Experiment& form, const H5File& file) {
    const auto differs = [&](const std::string& what) {
      throw Error(file.path(), fmt::format("the file holds {}. Resume with the command that made it (striate info "
                                           "tells it), or choose another output with -o.",
                                           what));
    };
    const auto axes = file.attribute("/", "sweep");
    const auto* texts = axes ? std::get_if<std::vector<std::string>>(&*axes) : nullptr;
    if (texts == nullptr)
      differs("no sweep");
    else if (*texts != axis_texts(s))
      differs("a sweep over other values");
    if (file.read_text("/experiment_toml") != form.resolved) differs("a sweep of another experiment");
    if (file.read_text("/circuit_text") != to_text(form.circuit)) differs("a sweep of another circuit");
  }

  const Sweep& s_;
  Recording recording_;
  std::mutex lock_;  ///< of the recording
  CourseWriter writer_;
  std::size_t conditions_;
  bool quiet_;
  std::vector<PointStatus> status_;
};

/// Runs and records one point. What goes wrong in the computation is the point's; what goes wrong in the file is
/// everyone's.
void run_point(const Sweep& s, std::size_t point, const Experiment& form, SweepFile& file) {
  std::string error;
  std::string warnings;
  std::uint64_t seed = 0;
  try {
    Experiment e = experiment_at(s, point);
    e.run.seed = seed = seed_of_point(s, e.run.seed, point);
    if (const std::string difference = misfit(form, e); !difference.empty())
      throw Error(difference + ", so this point has no place in the array.");
    const ConditionRunner runner(e);
    std::vector<AnalysisResult> analyses;
    for (const auto& a : e.analyses) analyses.push_back(unknown_result(e, a));
    for (std::size_t c = 0; c < e.condition_count(); ++c) {
      const ConditionResult result = file.run(runner, e, point, c);
      for (std::size_t i = 0; i < analyses.size(); ++i) analyses[i].set(c, result.analyses[i]);
      if (!result.warning.empty())
        warnings += fmt::format("{}condition {}: {}", warnings.empty() ? "" : "\n", c, result.warning);
    }
    for (std::size_t i = 0; i < analyses.size(); ++i) file.write(e, point, e.analyses[i], analyses[i]);
  } catch (const Error& e) {
    error = e.what();
  } catch (const Failure& f) {
    error = f.what();
  } catch (const std::bad_alloc&) {
    error = "the memory does not suffice for this point. Run with fewer --threads, or record less.";
  }
  file.finish_point(point, seed, error.empty() ? PointStatus::done : PointStatus::failed, error, warnings);
}

}  // namespace

Sweep read_sweep(const std::string& path, std::vector<std::pair<std::string, std::string>> overrides,
                 const std::vector<std::string>& over) {
  Sweep s{read_text_file(path), path, std::move(overrides), {}};
  TomlDocument::parse_string(s.text, path);  // says what is wrong with the file
  for (const auto& axis : over) s.axes.push_back(read_sweep_axis(axis));
  return s;
}

Sweep sweep_of_recording(const std::string& path) {
  const H5File file = open_recording(path);
  const auto axes = file.attribute("/", "sweep");
  if (!axes || !std::holds_alternative<std::vector<std::string>>(*axes)) throw Error(path, "the file holds no sweep.");
  Sweep s{file.read_text("/experiment_toml"), file.read_text("/experiment_path"), {}, {}};
  for (const auto& axis : std::get<std::vector<std::string>>(*axes)) s.axes.push_back(read_sweep_axis(axis));
  return s;
}

SweepSummary run_sweep(const Sweep& s, const SweepOptions& options) {
  use_threads(options.run);
  const OutputPlace locked(options.run.output);
  const std::string& output = locked.path();
  if (!options.resume) require_free(output, options.run.overwrite, true);
  const Experiment form = runnable(s, 0, 0);
  require_apart(output, form.path, form.resolved);
  require_recordable(output, form, s.axes);
  const std::vector<double> changes = require_one_array(s, form);
  SweepFile file(s, form, changes, output, options);
  std::vector<std::size_t> pending;
  for (std::size_t p = 0; p < point_count(s); ++p)
    if (file.status(p) == PointStatus::pending) pending.push_back(p);

  Progress progress(form.title, pending.size(), options.run.quiet);
  std::mutex lock;
  std::exception_ptr stop;
  std::size_t finished = 0;
  const auto one = [&](std::size_t point) {
    {
      const std::scoped_lock guard(lock);
      if (stop) return;
    }
    try {
      run_point(s, point, form, file);
      const std::scoped_lock guard(lock);
      progress.done(++finished);
    } catch (...) {
      const std::scoped_lock guard(lock);
      if (!stop) stop = std::current_exception();
    }
  };
  const auto n = static_cast<std::ptrdiff_t>(pending.size());
#pragma omp parallel for schedule(dynamic)
  for (std::ptrdiff_t i = 0; i < n; ++i) one(pending[static_cast<std::size_t>(i)]);
  if (stop) std::rethrow_exception(stop);
  return file.finish();
}

}  // namespace striate
