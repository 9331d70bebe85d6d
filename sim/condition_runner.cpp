#include "sim/condition_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "circuit/compile.hpp"
#include "integrators/evaluation.hpp"
#include "integrators/integrator.hpp"
#include "integrators/non_finite.hpp"
#include "integrators/steady_state.hpp"
#include "sim/amount.hpp"
#include "sim/analysis_data.hpp"
#include "sim/course_analysis.hpp"
#include "sim/progress.hpp"
#include "sim/spike_reading.hpp"
#include "sim/stimulus_drive.hpp"

namespace striate {
namespace {

Method method_of(const Experiment& e) {
  Method method;
  method.name = e.run.method;
  method.rtol = e.run.tolerance;
  method.atol = e.run.absolute;
  method.step = e.run.step * ms_in_time_units(e.circuit);
  method.implicit = e.run.implicit;
  if (e.run.grid) method.spikes = Method::Spikes::grid;
  method.single = e.run.single;
  return method;
}

/// The circuit with the definitions that are recorded or analysed: the others cost neither memory nor time.
Circuit with_what_is_read(const Experiment& e) {
  std::vector<std::string> read;
  for (const auto& d : e.circuit->definitions) {
    const auto reads = [&](const Analysis& a) {
      return a.variable == d.name || (a.course && a.course->with == d.name);
    };
    if (std::ranges::find(e.run.record, d.name) != e.run.record.end() || std::ranges::any_of(e.analyses, reads))
      read.push_back(d.name);
  }
  return e.circuit.with_definitions(read);
}

/// One condition on its way.
class Course {
 public:
  Course(const Experiment& e, const System<double>& system, const std::vector<double>& times, std::size_t condition,
         std::shared_ptr<const Drive> drive = nullptr, std::string_view use = "condition")
      : e_(e),
        system_(system),
        times_(times),
        drive_(drive ? std::move(drive) : std::make_shared<const StimulusDrive>(e, system, condition)),
        problem_{system,  parameter_values(e, system, condition), drive_, {},
                 0,       times.empty() ? 1 : times.back(),       {},     0,
                 e.trains},
        workspace_(system.workspace()),
        observables_(system.observables().size()),
        inputs_(system.inputs().size()) {
    problem_.seed = RandomKey(e.run.seed, use).bits({condition, 0, 0, 0})[0];
    result_.recorded.resize(e.run.record.size());
  }

  ConditionResult run(const std::vector<std::size_t>& widths, const std::vector<std::optional<LinearDecoder>>& trained,
                      const CourseObserver& observer = {}) {
    observer_ = observer;
    if (!observer_.sample)
      observer_.sample = [this](std::size_t i, std::span<const double> now) { append(now, result_.recorded[i]); };
    for (const std::size_t width : widths) result_.analyses.emplace_back(width);
    trained_ = &trained;
    courses_.resize(widths.size());
    others_.resize(widths.size());
    if (e_.run.method == "static")
      keep(0, {});
    else if (e_.run.steady)
      run_steady();
    else
      run_timed();
    for (std::size_t i = 0; i < widths.size(); ++i)
      for (double& value : result_.analyses[i]) value *= e_.analyses[i].scale;
    return std::move(result_);
  }

  /// What a run refuses when it begins.
  void try_start() {
    std::vector<double> rates(system_.states().size());
    observables_.resize(system_.observables().size());
    const auto evaluate = [&](const At<double>& at) {
      if (!rates.empty()) system_.rhs(at, rates, workspace_);
      if (const std::string bad = told_of_non_finite(system_, at.t, at.y, rates); !bad.empty())
        throw Failure(fmt::format("{}: the run would fail at its start. {}.", e_.path, bad));
      if (!observables_.empty()) system_.observe(at, observables_, workspace_);
    };
    if (!e_.run.steady) {
      Integrator integrator(method_of(e_));
      integrator.start(problem_);
      return evaluate(integrator.at());
    }
    Evaluation evaluation(problem_);
    std::vector<double> y(rates.size());
    evaluation.initial(0, y);
    evaluate(evaluation.at(0, y));
  }

  /// The variables' last values, for decoders in training.
  ConditionValues last() {
    derive();
    return {states_, observables_, inputs_};
  }

 private:
  /// The steady state of what is shown at time 0; an unstable one is kept with a warning.
  SteadyState settled(double tolerance) {
    SteadySettings settings;
    settings.tolerance = tolerance;
    settings.accept_unstable = true;
    SteadyState steady = steady_state(problem_, settings);
    if (steady.stability != Stability::stable) {
      result_.warning = fmt::format("the steady state found is {}: leading eigenvalue {:.3g}",
                                    to_string(steady.stability), steady.leading_eigenvalue.real());
    }
    return steady;
  }

  void run_steady() {
    const SteadyState steady = settled(e_.run.tolerance);
    keep(0, steady.y);
    result_.notes = {{"residual", steady.residual},
                     {"leading_eigenvalue", steady.leading_eigenvalue.real()},
                     {"growth_bound", steady.growth_bound},
                     {"rhs_evaluations", static_cast<double>(steady.counters.rhs)},
                     {"jacobian_products", static_cast<double>(steady.counters.jvp)}};
  }

  void run_timed() {
    samples_ = times_.size();
    Observer observer;
    observer.inputs = [&](const At<double>& at) { inputs_.assign(at.u.begin(), at.u.end()); };
    observer.sample = [&](double t, std::span<const double> y) { keep(t, y); };
    for (const Analysis& a : e_.analyses)
      if (a.spikes && !result_.analyses.empty()) spike_meters_.emplace_back(e_, a);
    if (!observer_.spikes) {
      result_.spikes.resize(system_.events().size());
      observer_.spikes = [this](std::size_t event, double now, std::span<const std::uint32_t> ids) {
        if (e_.run.records_spikes(e_.circuit->events[event])) result_.spikes[event].append(now, ids);
      };
    }
    observer.spikes = [&](double t, std::size_t event, std::span<const std::uint32_t> ids) {
      observer_.spikes(event, t, ids);
      for (SpikeMeter& meter : spike_meters_) meter.add(event, t, ids);
    };
    observer.progress = [&](double t, const Counters&) {
      if (interrupted()) throw Interrupted();
      if (observer_.progress) observer_.progress(t / problem_.t1);
    };
    if (e_.run.from_steady) problem_.y0 = settled(e_.run.absolute).y;
    if (!result_.analyses.empty() && std::ranges::any_of(e_.analyses, &Analysis::on_steps))
      observer.step = [&](const At<double>& at) { follow(at); };
    const Solution solution = solve(problem_, method_of(e_), times_, observer);
    auto meter = spike_meters_.begin();
    for (std::size_t i = 0; i < courses_.size(); ++i) {
      const Analysis& a = e_.analyses[i];
      if (a.spikes)
        result_.analyses[i] = (meter++)->result();
      else if (a.course)
        result_.analyses[i] = analyse_course(e_, system_, a, courses_[i], others_[i], problem_.p);
      else if (!courses_[i].empty())
        result_.analyses[i][0] = reduced(e_, a, a.on_steps() ? step_times_ : times_, courses_[i]);
    }
    result_.notes = {{"steps", static_cast<double>(solution.counters.steps)},
                     {"rejected_steps", static_cast<double>(solution.counters.rejected)},
                     {"rhs_evaluations", static_cast<double>(solution.counters.rhs)},
                     {"jacobian_products", static_cast<double>(solution.counters.jvp)},
                     {"events", static_cast<double>(solution.counters.events)}};
  }

  /// Inputs and observables that go with the states: computed only for what asks for them.
  void derive() {
    if (derived_) return;
    drive_->evaluate(t_, std::span(inputs_).first(system_.driven()));
    system_.observe({t_, states_, problem_.p, inputs_}, observables_, workspace_);
    derived_ = true;
  }

  /// The present values of a state, definition or input.
  std::span<const double> now(const std::string& name) {
    const auto part = [](const Field& f, std::span<const double> values) { return values.subspan(f.offset, f.size); };
    if (const Field* f = system_.states().find(name)) return part(*f, states_);
    derive();
    if (const Field* g = system_.observables().find(name)) return part(*g, observables_);
    return part(system_.inputs().at(name), inputs_);
  }

  void append(std::span<const double> values, std::vector<double>& course) const {
    course.reserve(values.size() * samples_);
    course.insert(course.end(), values.begin(), values.end());
  }

  void go_to(double t, std::span<const double> y) {
    t_ = t;
    derived_ = false;
    states_ = y;
  }

  void read(std::size_t analysis, std::span<double> out) {
    const auto& trained = (*trained_)[analysis];
    analyse(e_, system_, e_.analyses[analysis], trained ? &*trained : nullptr, last(), out);
  }

  /// Keeps what is read after every step.
  void follow(const At<double>& at) {
    inputs_.assign(at.u.begin(), at.u.end());
    go_to(at.t, at.y);
    step_times_.push_back(at.t);
    for (std::size_t i = 0; i < e_.analyses.size(); ++i)
      if (e_.analyses[i].on_steps()) read(i, std::span(&courses_[i].emplace_back(), 1));
  }

  void keep(double t, std::span<const double> y) {
    go_to(t, y);
    for (std::size_t i = 0; i < e_.run.record.size(); ++i) observer_.sample(i, now(e_.run.record[i]));
    for (std::size_t i = 0; i < result_.analyses.size(); ++i) {
      if (e_.analyses[i].spikes || e_.analyses[i].on_steps()) continue;
      if (const auto& course = e_.analyses[i].course) {
        append(now(e_.analyses[i].variable), courses_[i]);
        if (!course->with.empty()) append(now(course->with), others_[i]);
        continue;
      }
      const bool timed = e_.analyses[i].against == "t";
      const bool of_the_end = !timed && e_.analyses[i].over_time == OverTime::last;
      if (of_the_end && sample_ + 1 < samples_) continue;
      const std::span<double> row(result_.analyses[i]);
      read(i, timed ? row.subspan(sample_, 1) : row);
      if (e_.analyses[i].over_time != OverTime::last) courses_[i].push_back(row[0]);
    }
    if (++sample_ < samples_) return;
    last_states_.assign(y.begin(), y.end());
    states_ = last_states_;
  }

  const Experiment& e_;
  const System<double>& system_;
  const std::vector<double>& times_;
  std::shared_ptr<const Drive> drive_;
  Problem problem_;
  Workspace<double> workspace_;
  std::span<const double> states_;  ///< of the sample at hand; after the run, of the last one
  std::vector<double> last_states_, observables_, inputs_;
  const std::vector<std::optional<LinearDecoder>>* trained_ = nullptr;
  CourseObserver observer_;
  std::size_t sample_ = 0, samples_ = 1;
  double t_ = 0;
  bool derived_ = false;
  std::vector<double> step_times_;
  std::vector<std::vector<double>> courses_;  ///< by analysis, of those that reduce or measure them
  std::vector<std::vector<double>> others_;   ///< of the variables they compare with
  std::vector<SpikeMeter> spike_meters_;      ///< one an analysis that reads spikes
  ConditionResult result_;
};

/// The decoders of the analyses that read with one, from one run of each condition of [training].
std::vector<std::optional<LinearDecoder>> train(const Experiment& e, const System<double>& system,
                                                const std::vector<double>& times) {
  std::vector<std::optional<LinearDecoder>> decoders(e.analyses.size());
  if (std::none_of(e.analyses.begin(), e.analyses.end(), [](const Analysis& a) { return a.trained; })) return decoders;
  const Experiment& taught = *e.training->conditions;
  const std::size_t count = taught.condition_count();
  std::vector<double> angles(count);
  std::vector<std::vector<std::vector<double>>> responses(e.analyses.size(), std::vector<std::vector<double>>(count));
  for (std::size_t c = 0; c < count; ++c) {
    Course course(taught, system, times, c, nullptr, "training condition");
    course.run({}, {});
    const auto [angle, unit] = taught.condition(c).at(e.training->target);
    angles[c] = angle * unit.to(Unit::parse("rad")) * 2 * std::numbers::pi / e.training->period;
    for (std::size_t i = 0; i < e.analyses.size(); ++i)
      if (e.analyses[i].trained) responses[i][c] = response_line(system, e.analyses[i], course.last());
  }
  for (std::size_t i = 0; i < e.analyses.size(); ++i)
    if (e.analyses[i].trained) decoders[i].emplace(responses[i], angles, e.training->ridge);
  return decoders;
}

}  // namespace

std::vector<double> parameter_values(const Experiment& e, const System<double>& system, std::size_t condition) {
  std::vector<double> p = system.default_parameters();
  for (const auto& [varied, value] : e.parameters(condition)) {
    const Field& f = system.parameters().at(varied.name);
    if (varied.element)
      p[f.offset + *varied.element] = value;
    else
      std::fill_n(p.begin() + static_cast<std::ptrdiff_t>(f.offset), f.size, value);
  }
  return p;
}

ConditionRunner::ConditionRunner(const Experiment& experiment)
    : e_(experiment), system_(compile<double>(with_what_is_read(experiment))), times_(output_times(experiment)) {
  check();
}

void throw_told(const Experiment& e, const Error& error) {
  const std::string message = error.what();
  const bool told = message.starts_with(e.path) || message.starts_with("--");
  throw Error(told ? message : e.path + ": " + message);
}

void throw_told(const Experiment& e, const Failure& failure) {
  throw Failure(fmt::format("{}: {}", e.path, failure.what()));
}

/// Finds what cannot be run or analysed, before anything runs.
void ConditionRunner::check() try {
  if (!e_.run.steady) Integrator settings(method_of(e_));
  first_drive_ = std::make_shared<const StimulusDrive>(e_, system_, 0);
  const std::vector<double> y(system_.states().size());
  const std::vector<double> observables(system_.observables().size());
  const std::vector<double> u(system_.inputs().size());
  for (const auto& a : e_.analyses) {
    AnalysisResult unknown = unknown_result(e_, a);
    widths_.push_back(unknown.width);
    const AnalysisResult related = related_result(e_, a, unknown);
    if (a.comparison) compare_with_data(a, related);
    if (!a.course && !a.spikes) analyse(e_, system_, a, nullptr, {y, observables, u}, unknown.values);
  }
} catch (const Error& error) {
  throw_told(e_, error);
}

void ConditionRunner::try_start() const try {
  Course(e_, system_, times_, 0, first_drive_).try_start();
} catch (const Error& error) {
  throw_told(e_, error);
}

ConditionResult ConditionRunner::run(std::size_t condition, const CourseObserver& observer) const {
  if (interrupted()) throw Interrupted();
  const auto& trained = trained_.get([&] { return train(e_, system_, times_); });
  try {
    return Course(e_, system_, times_, condition, condition == 0 ? first_drive_ : nullptr)
        .run(widths_, trained, observer);
  } catch (const Error& error) {
    const std::string where = e_.condition_text(condition), what = error.what();
    throw_told(e_, where.empty() || what.starts_with(e_.path) ? error : Error("condition " + where, what));
  } catch (const Failure& f) {
    const std::string where = e_.condition_text(condition);
    throw Failure(where.empty() ? f.what() : fmt::format("condition {}: {}", where, f.what()));
  }
}

}  // namespace striate
