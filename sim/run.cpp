#include "sim/run.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <mutex>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "integrators/integrator.hpp"
#include "integrators/steady_state.hpp"
#include "sim/analysis.hpp"
#include "sim/encoder.hpp"
#include "sim/linear_decoder.hpp"
#include "sim/progress.hpp"
#include "sim/recording.hpp"
#include "sim/stimulus_drive.hpp"

namespace striate {
namespace {

/// 0, every, 2 every, ... and the end.
std::vector<double> output_times(const Experiment& e) {
  if (e.run.steady) return {};
  const double to_time_unit = e.circuit->time_unit.dimensionless() ? 1 : Unit::parse("ms").to(e.circuit->time_unit);
  const double end = e.run.duration * to_time_unit;
  const auto count = static_cast<std::size_t>(std::floor(e.run.duration / e.run.every + 1e-9));
  std::vector<double> times;
  for (std::size_t i = 0; i <= count; ++i) times.push_back(std::min(end, static_cast<double>(i) * e.run.every * to_time_unit));
  if (times.back() < end) times.push_back(end);
  return times;
}

/// What one condition leaves behind: traces of the recorded variables, and its last state.
struct ConditionResult {
  std::vector<std::vector<double>> recorded;  ///< by recorded variable, [t, its shape]
  std::vector<double> states, observables, inputs;
  std::vector<std::pair<std::string, double>> notes;
  std::string warning;
};

class ConditionRunner {
 public:
  ConditionRunner(const Experiment& e, const System<double>& system, const std::vector<double>& times) : e_(e), system_(system), times_(times) {}

  /// `sampled` sees every output time, in order.
  ConditionResult run(std::size_t condition, const std::function<void(const ConditionResult&)>& sampled) const {
    ConditionResult result;
    result.recorded.resize(e_.run.record.size());
    const auto drive = std::make_shared<const StimulusDrive>(e_, system_, condition);
    auto workspace = system_.workspace();
    result.inputs.resize(system_.inputs().size());
    result.observables.resize(system_.observables().size());
    Problem problem{system_, system_.default_parameters(), drive, {}, 0, times_.empty() ? 1 : times_.back(), {}};
    const auto observe = [&](double t, std::span<const double> y) {
      drive->evaluate(t, result.inputs);
      system_.observe({t, y, problem.p, result.inputs}, result.observables, workspace);
      result.states.assign(y.begin(), y.end());
    };
    if (e_.run.method == "static") {
      observe(0, {});
      keep(result);
      sampled(result);
    } else if (e_.run.steady) {
      run_steady(problem, result, observe);
      sampled(result);
    } else {
      run_timed(problem, result, observe, sampled);
    }
    return result;
  }

 private:
  template <class Observe>
  void run_steady(const Problem& problem, ConditionResult& result, const Observe& observe) const {
    SteadySettings settings;
    settings.tolerance = e_.run.tolerance;
    settings.accept_unstable = true;  // the result carries a warning
    const SteadyState steady = steady_state(problem, settings);
    observe(0, steady.y);
    keep(result);
    result.notes = {{"residual", steady.residual},
                    {"leading_eigenvalue", steady.leading_eigenvalue.real()},
                    {"rhs_evaluations", static_cast<double>(steady.counters.rhs)},
                    {"jacobian_products", static_cast<double>(steady.counters.jvp)}};
    if (steady.stability != Stability::stable) {
      result.warning = fmt::format("the steady state found is {}: leading eigenvalue {:.3g}", to_string(steady.stability), steady.leading_eigenvalue.real());
    }
  }

  template <class Observe>
  void run_timed(const Problem& problem, ConditionResult& result, const Observe& observe,
                 const std::function<void(const ConditionResult&)>& sampled) const {
    Method method;
    method.name = e_.run.method;
    method.rtol = e_.run.tolerance;
    method.atol = e_.run.absolute;
    method.step = e_.run.step * (e_.circuit->time_unit.dimensionless() ? 1 : Unit::parse("ms").to(e_.circuit->time_unit));
    method.implicit = e_.run.implicit;
    Observer observer;
    observer.sample = [&](double t, std::span<const double> y) {
      observe(t, y);
      keep(result);
      sampled(result);
    };
    observer.progress = [](double, const Counters&) {
      if (interrupted()) throw Interrupted();
    };
    const Solution solution = solve(problem, method, times_, observer);
    result.notes = {{"steps", static_cast<double>(solution.counters.steps)},
                    {"rejected_steps", static_cast<double>(solution.counters.rejected)},
                    {"rhs_evaluations", static_cast<double>(solution.counters.rhs)},
                    {"jacobian_products", static_cast<double>(solution.counters.jvp)},
                    {"events", static_cast<double>(solution.counters.events)}};
  }

  void keep(ConditionResult& result) const {
    for (std::size_t i = 0; i < e_.run.record.size(); ++i) {
      const std::string& name = e_.run.record[i];
      const auto append = [&](const Field& f, const std::vector<double>& values) {
        result.recorded[i].insert(result.recorded[i].end(), values.begin() + static_cast<std::ptrdiff_t>(f.offset),
                                  values.begin() + static_cast<std::ptrdiff_t>(f.offset + f.size));
      };
      if (const Field* f = system_.states().find(name)) append(*f, result.states);
      else if (const Field* g = system_.observables().find(name)) append(*g, result.observables);
      else append(system_.inputs().at(name), result.inputs);
    }
  }

  const Experiment& e_;
  const System<double>& system_;
  const std::vector<double>& times_;
};

/// The decoder of one analysis, from the conditions of [training].
LinearDecoder train(const Experiment& e, const System<double>& system, const std::vector<double>& times, const Analysis& a) {
  const Experiment& taught = *e.training->conditions;
  const ConditionRunner runner(taught, system, times);
  std::vector<std::vector<double>> responses(taught.condition_count());
  std::vector<double> angles(taught.condition_count());
  for (std::size_t c = 0; c < responses.size(); ++c) {
    const ConditionResult result = runner.run(c, [](const ConditionResult&) {});
    responses[c] = response_line(taught, system, a, {result.states, result.observables, result.inputs});
    const auto& [angle, unit] = taught.condition(c).at(e.training->target);
    angles[c] = angle * unit.to(Unit::parse("rad"));
  }
  return {responses, angles, e.training->ridge};
}

/// Where the rows of an analysis lie.
std::vector<double> row_abscissae(const Experiment& e, const Analysis& a, const std::vector<double>& times) {
  if (a.against == "t") return times;
  if (a.kind != Analysis::Kind::tuning) return {};
  std::vector<double> x = axis_positions(e.circuit.axis(e.feature_axis));
  if (e.map)
    for (double& position : x) position = e.map->to_feature(position);
  return x;
}

}  // namespace

void run_experiment(const Experiment& e, const RunOptions& options) {
  const int threads = options.threads > 0 ? options.threads : omp_get_max_threads();
  omp_set_num_threads(threads);
  const System<double> system = compile<double>(e.circuit);
  const auto times = output_times(e);
  const std::size_t count = e.condition_count();
  std::vector<AnalysisResult> analyses;
  std::vector<std::optional<LinearDecoder>> trained;
  for (const auto& a : e.analyses) {
    AnalysisResult r;
    r.width = analysis_width(e, system, a, times.size());
    r.x = row_abscissae(e, a, times);
    r.conditions = e.conditions;
    trained.push_back(a.trained ? std::optional(train(e, system, times, a)) : std::nullopt);
    r.values.assign(count * r.width, std::numeric_limits<double>::quiet_NaN());
    analyses.push_back(std::move(r));
  }
  Recording recording(options.output, options.overwrite, e, times, {options.command, threads});
  Progress progress(e.title, count, options.quiet);
  const ConditionRunner runner(e, system, times);

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
      if (interrupted()) throw Interrupted();
      std::size_t sample = 0;
      const ConditionResult result = runner.run(c, [&](const ConditionResult& now) {
        for (std::size_t i = 0; i < e.analyses.size(); ++i) {
          const bool timed = e.analyses[i].against == "t";
          const std::size_t width = timed ? 1 : analyses[i].width;
          analyse(e, system, e.analyses[i], trained[i] ? &*trained[i] : nullptr, {now.states, now.observables, now.inputs},
                  std::span(analyses[i].values).subspan(c * analyses[i].width + (timed ? sample : 0), width));
        }
        ++sample;
      });
      const std::scoped_lock guard(lock);
      for (std::size_t i = 0; i < e.run.record.size(); ++i) recording.write(e.run.record[i], c, result.recorded[i]);
      for (const auto& [name, value] : result.notes) recording.note(c, name, value);
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
    try {
      std::rethrow_exception(first_failure);
    } catch (const Failure& f) {
      std::string where;
      for (const auto& [name, value] : e.condition(failed_condition)) where += fmt::format("{}{} = {:g} {}", where.empty() ? "" : ", ", name, value.first, value.second.str());
      throw Failure(where.empty() ? f.what() : fmt::format("condition {}: {}", where, f.what()));
    }
  }
  for (std::size_t i = 0; i < e.analyses.size(); ++i) {
    const std::string line = record_analysis(e, e.analyses[i], related_result(e, e.analyses[i], analyses[i]), recording);
    if (!options.quiet) fmt::print("{}\n", line);
  }
  recording.finish();
}

}  // namespace striate
