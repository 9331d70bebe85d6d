#include "sim/sweep.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

#include "base/error.hpp"
#include "sim/condition_runner.hpp"
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

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA 49:453-472, fig. 15) of the experiment's seed and the
/// point.
std::uint64_t seed_of_point(std::uint64_t seed, std::size_t point) {
  std::uint64_t z = seed + (static_cast<std::uint64_t>(point) + 1) * 0x9e3779b97f4a7c15U;
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
    Experiment e = read_experiment(document, s.path);
    e.run.seed = seed_of_point(e.run.seed, point);
    return e;
  } catch (const Error& error) {  // what the document calls --set was given as --over
    std::string message = error.what();
    for (const auto& key : keys)
      if (message.starts_with("--set " + key + ":")) message.replace(0, 5, "--over");
    throw Error(message);
  }
}

/// What differs between the arrays of two points, as a sentence; empty when they fit into one.
std::string misfit(const Experiment& a, const ConditionRunner& ra, const Experiment& b, const ConditionRunner& rb) {
  const auto other = [](const std::string& what) { return what + " would not be the same at all points"; };
  if (a.run.record != b.run.record) return other("the list of recorded variables");
  if (a.run.steady != b.run.steady) return other("whether traces or steady states are recorded");
  if (ra.times() != rb.times()) return other("the recorded times (run.duration, run.every)");
  if (a.conditions.size() != b.conditions.size()) return other("the condition axes");
  for (std::size_t i = 0; i < a.conditions.size(); ++i) {
    const ConditionAxis &x = a.conditions[i], &y = b.conditions[i];
    if (x.name != y.name || !(x.unit == y.unit) || x.values != y.values)
      return other(fmt::format("the condition axis '{}'", x.name));
  }
  if (a.circuit->axes.size() != b.circuit->axes.size()) return other("the axes of the circuit");
  for (std::size_t i = 0; i < a.circuit->axes.size(); ++i) {
    const auto &x = a.circuit->axes[i], &y = b.circuit->axes[i];
    if (x.axis.name != y.axis.name || x.axis.size != y.axis.size)
      return other(fmt::format("the length of axis '{}' ({} and {} elements)", x.axis.name, x.axis.size, y.axis.size));
    if (x.coordinates() != y.coordinates()) return other(fmt::format("the coordinates of axis '{}'", x.axis.name));
  }
  for (const auto& name : a.run.record) {
    const auto shape = [&](const System<double>& s) {
      if (const Field* f = s.states().find(name)) return f->shape;
      if (const Field* f = s.observables().find(name)) return f->shape;
      return s.inputs().at(name).shape;
    };
    if (!(shape(ra.system()) == shape(rb.system()))) return other(fmt::format("the shape of '{}'", name));
  }
  if (a.analyses.size() != b.analyses.size()) return other("the list of analyses");
  for (std::size_t i = 0; i < a.analyses.size(); ++i)
    if (a.analyses[i].name != b.analyses[i].name || ra.analysis_width(i) != rb.analysis_width(i))
      return other(fmt::format("the analysis '{}'", a.analyses[i].name));
  return "";
}

void require_distinct_names(const Sweep& s, const Experiment& e) {
  std::set<std::string> taken{
      "t", "status", "seed", "errors", "run", "analysis", "data", "experiment_toml", "experiment_path", "circuit_text"};
  for (const auto& c : e.conditions) taken.insert(c.name);
  for (const auto& a : e.circuit->axes) taken.insert(a.axis.name);
  for (const auto& name : e.run.record) taken.insert(name);
  for (const auto& axis : s.axes)
    if (axis.name.empty() || !taken.insert(axis.name).second)
      throw Error(fmt::format("--over {}: its axis would be named '{}', a name that is taken. Is the key given twice?",
                              axis.key, axis.name));
}

/// Tries every value of every axis with the first values of the others.
void require_one_array(const Sweep& s, const Experiment& first, const ConditionRunner& runner) {
  std::size_t stride = point_count(s);
  for (const auto& axis : s.axes) {
    stride /= axis.values.size();
    for (std::size_t i = 1; i < axis.values.size(); ++i) {
      const Experiment e = experiment_at(s, i * stride);
      if (const std::string difference = misfit(first, runner, e, ConditionRunner(e)); !difference.empty())
        throw Error(
            fmt::format("--over {} = {}: {}, but a sweep is one array. Run these values as experiments of their own.",
                        axis.key, axis.values[i], difference));
    }
  }
}

class SweepFile {
 public:
  SweepFile(const Sweep& s, const Experiment& first, const ConditionRunner& runner, const SweepOptions& options)
      : s_(s), recording_(open(s, first, runner, options), first, s.axes), conditions_(first.condition_count()) {
    for (const double v : recording_.file().read_numbers("/status").values)
      status_.push_back(static_cast<PointStatus>(static_cast<int>(v)));
  }

  PointStatus status(std::size_t point) const { return status_[point]; }

  void write(const Experiment& e, std::size_t point, std::size_t condition, const ConditionResult& result) {
    const std::size_t index = point * conditions_ + condition;
    for (std::size_t i = 0; i < e.run.record.size(); ++i) recording_.write(e.run.record[i], index, result.recorded[i]);
    for (std::size_t i = 0; i < e.analyses.size(); ++i)
      recording_.write("analysis/" + e.analyses[i].name, index, result.analyses[i]);
    for (const auto& [name, value] : result.notes) recording_.note(index, name, value);
    if (!result.warning.empty())
      recording_.warn(fmt::format("{}, condition {}: {}", point_text(s_, point), condition, result.warning));
  }

  /// The numbers of a point reach the disk before its status says so.
  void finish_point(std::size_t point, std::uint64_t seed, PointStatus status, const std::string& error) {
    H5File& file = recording_.file();
    const std::string text = fmt::format("/errors/{}", point);
    if (!error.empty() && !file.exists(text)) file.write_text(text, error);
    const auto start = place(s_, point);
    const std::vector<std::size_t> one(start.size(), 1);
    const auto put = [&](const std::string& path, std::int64_t value) {
      file.write_part(path, start, one, std::span<const std::int64_t>(&value, 1));
    };
    put("/seed", static_cast<std::int64_t>(seed));
    file.flush();
    put("/status", static_cast<std::int64_t>(status));
    file.flush();
    status_[point] = status;
  }

  SweepSummary finish() {
    SweepSummary summary;
    summary.points = status_.size();
    for (std::size_t p = 0; p < status_.size(); ++p) {
      if (status_[p] != PointStatus::failed) continue;
      if (summary.failed++ == 0)
        summary.first_failure =
            fmt::format("{}: {}", point_text(s_, p), recording_.file().read_text(fmt::format("/errors/{}", p)));
    }
    recording_.finish();
    return summary;
  }

 private:
  /// The file with all its arrays. A new one gets its name only once it is whole, so that whatever has the name can be
  /// resumed.
  static H5File open(const Sweep& s, const Experiment& first, const ConditionRunner& runner,
                     const SweepOptions& options) {
    const std::string& path = options.run.output;
    if (options.resume && std::filesystem::exists(path)) {
      require_same_sweep(s, first, H5File::open(path));
      return H5File::open_for_writing(path);
    }
    std::error_code none;
    if (std::filesystem::exists(std::filesystem::symlink_status(path, none)) && !options.run.overwrite)
      throw Error(path,
                  "the file exists already. Choose another name with -o, continue it with --resume, or write over it "
                  "with --force.");
    if (std::filesystem::is_directory(path, none)) throw Error(path, "this is not a file; it is not overwritten.");
    const std::string unnamed = path + ".new";
    {
      Recording recording(unnamed, true, first, runner.times(), {options.run.command, omp_get_max_threads()}, s.axes);
      create_arrays(s, first, runner, recording);
      recording.file().close();
    }
    std::filesystem::rename(unnamed, path);
    return H5File::open_for_writing(path);
  }

  static void create_arrays(const Sweep& s, const Experiment& first, const ConditionRunner& runner,
                            Recording& recording) {
    H5File& file = recording.file();
    std::vector<std::string> axes;
    for (const auto& axis : s.axes) axes.push_back("/" + axis.name);
    file.set_attribute("/", "sweep", axis_texts(s));
    file.create_array("/seed", H5Type::int64, axes, {"1", "seed of the point, 0 while it is pending"});
    file.create_array("/status", H5Type::int64, axes, {"1", "0 pending, 1 done, 2 failed"});
    for (std::size_t i = 0; i < first.analyses.size(); ++i) {
      std::vector<std::string> all = recording.condition_axes();
      if (runner.analysis_width(i) > 1)
        all.push_back(first.analyses[i].against == "t" ? "/t" : "/" + first.analyses[i].axis);
      file.create_array("/analysis/" + first.analyses[i].name, H5Type::float64, all,
                        {first.analyses[i].unit, first.analyses[i].label});
    }
  }

  static void require_same_sweep(const Sweep& s, const Experiment& first, const H5File& file) {
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
    if (file.read_text("/experiment_toml") != first.resolved) differs("a sweep of another experiment");
  }

  const Sweep& s_;
  Recording recording_;
  std::size_t conditions_;
  std::vector<PointStatus> status_;
};

/// Runs and records one point. What goes wrong in the computation is the point's; what goes wrong in the file is
/// everyone's.
void run_point(const Sweep& s, std::size_t point, const Experiment& first, const ConditionRunner& first_runner,
               SweepFile& file, std::mutex& lock) {
  std::string error;
  std::uint64_t seed = 0;
  try {
    const Experiment e = experiment_at(s, point);
    seed = e.run.seed;
    const ConditionRunner runner(e);
    if (const std::string difference = misfit(first, first_runner, e, runner); !difference.empty())
      throw Error(difference + ", so this point has no place in the array.");
    for (std::size_t c = 0; c < e.condition_count(); ++c) {
      const ConditionResult result = runner.run(c);
      const std::scoped_lock guard(lock);
      try {
        file.write(e, point, c, result);
      } catch (const Failure& f) {
        throw std::runtime_error(f.what());
      }
    }
  } catch (const Error& e) {
    error = e.what();
  } catch (const Failure& f) {
    error = f.what();
  }
  const std::scoped_lock guard(lock);
  file.finish_point(point, seed, error.empty() ? PointStatus::done : PointStatus::failed, error);
}

}  // namespace

Sweep read_sweep(const std::string& path, std::vector<std::pair<std::string, std::string>> overrides,
                 const std::vector<std::string>& over) {
  TomlDocument::parse_file(path);  // says what is wrong with the file
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  Sweep s{text.str(), path, std::move(overrides), {}};
  for (const auto& axis : over) s.axes.push_back(read_sweep_axis(axis));
  return s;
}

Sweep sweep_of_recording(const std::string& path) {
  const H5File file = H5File::open(path);
  const auto axes = file.attribute("/", "sweep");
  if (!axes || !std::holds_alternative<std::vector<std::string>>(*axes)) throw Error(path, "the file holds no sweep.");
  Sweep s{file.read_text("/experiment_toml"), file.read_text("/experiment_path"), {}, {}};
  for (const auto& axis : std::get<std::vector<std::string>>(*axes)) s.axes.push_back(read_sweep_axis(axis));
  return s;
}

SweepSummary run_sweep(const Sweep& s, const SweepOptions& options) {
  if (options.run.threads > 0) omp_set_num_threads(options.run.threads);
  const Experiment first = experiment_at(s, 0);
  require_distinct_names(s, first);
  const ConditionRunner runner(first);
  require_one_array(s, first, runner);
  SweepFile file(s, first, runner, options);
  std::vector<std::size_t> pending;
  for (std::size_t p = 0; p < point_count(s); ++p)
    if (file.status(p) == PointStatus::pending) pending.push_back(p);

  Progress progress(first.title, pending.size(), options.run.quiet);
  std::mutex lock;
  std::exception_ptr stop;
  std::size_t finished = 0;
  const auto one = [&](std::size_t point) {
    {
      const std::scoped_lock guard(lock);
      if (stop) return;
    }
    try {
      run_point(s, point, first, runner, file, lock);
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
