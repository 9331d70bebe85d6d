#include "sim/run.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <cstdio>
#include <exception>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "sim/analysis_record.hpp"
#include "sim/condition_runner.hpp"
#include "sim/course_writer.hpp"
#include "sim/output_file.hpp"
#include "sim/progress.hpp"
#include "sim/recording.hpp"

namespace striate {
namespace {

void record_analysis(const Experiment& e, const Analysis& a, const AnalysisResult& raw, Recording& recording,
                     const RunOptions& options) {
  const AnalysisResult result = related_result(e, a, raw);
  create_analysis(recording.file(), a, result);
  write_analysis(recording.file(), a, result);
  std::optional<DataComparison> data;
  if (a.comparison) {
    data = compare_with_data(a, result);
    write_data(recording.file(), a, result, *data);
    write_scores(recording.file(), a, *data);
  }
  if (!options.quiet) fmt::print("{}\n", analysis_line(a, result, data));
}

bool opens(const std::string& path) {
  try {
    open_recording(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// On a full disk the file stays where it can be opened and wrote over nothing.
Recording begun(const std::string& path, const Experiment& e, const Provenance& provenance, EarlierFile& earlier) {
  try {
    return {path, true, e, provenance};
  } catch (const Failure& failure) {
    if (!earlier.stood() && opens(path)) {
      earlier.release();
      throw;
    }
    const std::string what = failure.what();
    throw Failure(fmt::format("{}. {} Free some space or choose another place.", what.substr(0, what.find(". ")),
                              earlier.stood() ? "What stood there before is back." : "Nothing is left of it."));
  }
}

}  // namespace

int use_threads(const RunOptions& options) {
  if (options.threads > 0) omp_set_num_threads(options.threads);
  return omp_get_max_threads();
}

void run_experiment(const Experiment& e, const RunOptions& options) {
  const int threads = use_threads(options);
  const OutputPlace locked(options.output);
  const std::string& output = locked.path();
  require_free(output, options.overwrite);
  require_apart(output, e.path, e.resolved);
  require_recordable(output, e);
  const ConditionRunner runner(e);
  const std::size_t count = e.condition_count();
  std::vector<AnalysisResult> analyses;
  for (const auto& a : e.analyses) analyses.push_back(unknown_result(e, a));
  EarlierFile earlier(output);
  Recording recording = begun(output, e, {options.command, threads}, earlier);
  const auto warn = [&](std::size_t place, const std::string& text) {
    recording.warn(place, text);
    if (!options.quiet) std::fputs(fmt::format("striate: warning: {}\n", text).c_str(), stderr);
  };
  for (const auto& warning : e.warnings) warn(0, warning);
  Progress progress(e.title, count, options.quiet);

  std::mutex lock;
  std::optional<CourseWriter> writer(std::in_place, recording, lock);
  std::exception_ptr first_failure;
  std::size_t failed_condition = count;
  std::size_t finished = 0;
  const auto one = [&](std::size_t c) {
    {
      const std::scoped_lock guard(lock);
      if (first_failure) return;
    }
    try {
      const ConditionResult result = writer->run(runner, e, c, c, [&](double share) { progress.within(c, share); });
      const std::scoped_lock guard(lock);
      for (const auto& [name, value] : result.notes) recording.note(c, name, value);
      for (std::size_t i = 0; i < e.analyses.size(); ++i) analyses[i].set(c, result.analyses[i]);
      if (!result.warning.empty()) warn(c + 1, fmt::format("condition {}: {}", c, result.warning));
      recording.file().flush();
      progress.done(++finished, c);
    } catch (...) {
      const std::scoped_lock guard(lock);
      if (c < failed_condition) {
        failed_condition = c;
        first_failure = std::current_exception();
      }
    }
  };
  const auto n = static_cast<std::ptrdiff_t>(count);
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (std::ptrdiff_t c = 0; c < n; ++c) one(static_cast<std::size_t>(c));

  writer.reset();
  try {
    if (first_failure) std::rethrow_exception(first_failure);
    for (std::size_t i = 0; i < e.analyses.size(); ++i)
      record_analysis(e, e.analyses[i], analyses[i], recording, options);
  } catch (const Error&) {  // a mistake touches no file
    recording.file().close();
    throw;
  } catch (...) {  // what came before is worth a look
    earlier.release();
    throw;
  }
  earlier.release();
  recording.finish();
}

}  // namespace striate
