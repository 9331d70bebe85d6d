#include "sim/run.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>

#include "sim/analysis.hpp"
#include "sim/condition_runner.hpp"
#include "sim/progress.hpp"
#include "sim/recording.hpp"

namespace striate {

void run_experiment(const Experiment& e, const RunOptions& options) {
  const int threads = options.threads > 0 ? options.threads : omp_get_max_threads();
  omp_set_num_threads(threads);
  const ConditionRunner runner(e);
  const std::size_t count = e.condition_count();
  std::vector<AnalysisResult> analyses;
  for (std::size_t i = 0; i < e.analyses.size(); ++i) {
    AnalysisResult r;
    r.width = runner.analysis_width(i);
    r.x = row_abscissae(e, e.analyses[i], runner.times());
    r.conditions = e.conditions;
    r.values.assign(count * r.width, std::numeric_limits<double>::quiet_NaN());
    analyses.push_back(std::move(r));
  }
  Recording recording(options.output, options.overwrite, e, runner.times(), {options.command, threads});
  Progress progress(e.title, count, options.quiet);

  std::mutex lock;
  std::exception_ptr first_failure;
  std::size_t failed_condition = count;
  std::atomic<std::size_t> finished{0};
  const auto one = [&](std::size_t c) {
    {
      const std::scoped_lock guard(lock);
      if (first_failure) return;
    }
    try {
      const ConditionResult result = runner.run(c);
      const std::scoped_lock guard(lock);
      for (std::size_t i = 0; i < e.run.record.size(); ++i) recording.write(e.run.record[i], c, result.recorded[i]);
      for (const auto& [name, value] : result.notes) recording.note(c, name, value);
      for (std::size_t i = 0; i < e.analyses.size(); ++i)
        std::copy(result.analyses[i].begin(), result.analyses[i].end(),
                  analyses[i].values.begin() + static_cast<std::ptrdiff_t>(c * analyses[i].width));
      if (!result.warning.empty()) recording.warn(fmt::format("condition {}: {}", c, result.warning));
      recording.file().flush();
      progress.done(++finished);
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

  if (first_failure) {
    recording.file().flush();
    std::rethrow_exception(first_failure);
  }
  for (std::size_t i = 0; i < e.analyses.size(); ++i) {
    const std::string line =
        record_analysis(e, e.analyses[i], related_result(e, e.analyses[i], analyses[i]), recording);
    if (!options.quiet) fmt::print("{}\n", line);
  }
  recording.finish();
}

}  // namespace striate
