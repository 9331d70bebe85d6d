#include "sim/lyapunov_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "sim/amount.hpp"
#include "sim/condition_runner.hpp"
#include "sim/output_file.hpp"
#include "sim/progress.hpp"
#include "sim/quantity.hpp"
#include "sim/recording.hpp"
#include "sim/stimulus_drive.hpp"

namespace striate {
namespace {

Problem problem_of(const Experiment& e, const System<double>& system, std::size_t condition) {
  const StimulusDrive shown(e, system, condition);
  std::vector<double> u(system.driven());
  shown.evaluate(0, u);
  return {system, parameter_values(e, system, condition), std::make_shared<ConstantDrive>(std::move(u)), {}, 0, 1, {}};
}

}  // namespace

LyapunovSettings read_lyapunov(const TomlTable& t, const Circuit& circuit) {
  const auto time = [&](const char* key, bool above) {
    const double value = evaluate(t.at(key), circuit->time_unit);
    if (std::isfinite(value) && (above ? value > 0 : value >= 0)) return value;
    t.at(key).fail(above ? "but must be above 0 and finite." : "but must be finite and not below 0.");
  };
  LyapunovSettings s;
  s.duration = time("duration", true);
  s.step = time("step", true);
  if (s.step > s.duration) t.at("step").fail("but must not be longer than the duration.");
  if (t.has("transient")) s.transient = time("transient", false);
  s.seed = whole_number(t, "seed", 0, 0, std::numeric_limits<std::int64_t>::max());
  return s;
}

void run_lyapunov(const Experiment& e, const RunOptions& options) {
  if (!e.lyapunov)
    throw Error(e.path, "lacks [lyapunov]: for how long the growth is followed (duration) and in which steps (step).");
  const int threads = use_threads(options);
  const OutputPlace output(options.output);
  require_free(output.path(), options.overwrite);
  require_apart(output.path(), e.path, e.resolved);
  for (const auto& condition : e.conditions) {
    const auto& name = condition.name;
    for (const char* taken : {"exponent", "standard_error", "followed", "course"})
      if (name == taken)
        throw Error(e.path, fmt::format("a condition has the name '{}' of a result. Rename it.", name));
    for (const auto& a : e.circuit->axes)
      if (name == a.axis.name)
        throw Error(e.path, fmt::format("a condition has the name '{}' of an axis. Rename it.", name));
  }
  const System<double> system = compile<double>(e.circuit);
  const std::string time = system.time_unit().str();
  const std::string rate = time == "1" ? "1" : "1/" + time;
  const std::size_t count = e.condition_count();
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  std::vector<LyapunovExponent> found(count, {unknown, unknown, {}});
  std::vector<std::string> failures;
  Progress progress(e.title, count, options.quiet);
  for (std::size_t c = 0; c < count; ++c) {
    LyapunovSettings settings = *e.lyapunov;
    settings.watch = [&](double share) { progress.within(c, share); };
    const std::string where = count > 1 ? e.condition_text(c) + ": " : "";
    try {
      found[c] = lyapunov_exponent(problem_of(e, system, c), settings);
      if (!options.quiet)
        fmt::print("{}largest Lyapunov exponent {}, standard error {:.2g}\n", where,
                   amount_text(found[c].value, Unit::parse(rate), 6), found[c].standard_error);
    } catch (const Failure& failure) {
      failures.push_back(fmt::format("{}: {}{}", system.name(), where, failure.what()));
    }
    progress.done(c + 1, c);
  }
  if (failures.size() == count) throw Failure(fmt::format("{}: {}", e.path, failures.front()));
  std::size_t parts = 0;
  for (const auto& condition : found) parts = std::max(parts, condition.course.size());
  std::vector<double> exponents, errors, courses;
  for (auto& condition : found) {
    condition.course.resize(parts, unknown);
    exponents.push_back(condition.value);
    errors.push_back(condition.standard_error);
    courses.insert(courses.end(), condition.course.begin(), condition.course.end());
  }

  write_result(output.path(), e, {options.command, threads}, "lyapunov", [&](H5File& file) {
    create_condition_axes(file, e.conditions);
    std::vector<std::string> axes;
    for (const auto& condition : e.conditions) axes.push_back("/" + condition.name);
    std::vector<double> ends;
    for (std::size_t k = 1; k <= parts; ++k)
      ends.push_back(e.lyapunov->duration * static_cast<double>(k) / static_cast<double>(parts));
    file.write("/exponent", std::span<const double>(exponents), axes, {rate, "largest Lyapunov exponent"});
    file.write("/standard_error", std::span<const double>(errors), axes, {rate, "standard error of the exponent"});
    file.create_axis("/followed", std::span<const double>(ends), {system.time_unit().str(), "time followed"});
    axes.emplace_back("/followed");
    file.write("/course", std::span<const double>(courses), axes, {rate, "mean growth so far"});
  });
  if (!failures.empty())
    throw Failure(fmt::format("{}: {} of {} conditions failed and are NaN in {}, which holds the others. The first: {}",
                              e.path, failures.size(), count, options.output, failures.front()));
}

}  // namespace striate
