#include "sim/continuation_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "integrators/integrator.hpp"
#include "sim/amount.hpp"
#include "sim/condition_runner.hpp"
#include "sim/output_file.hpp"
#include "sim/recording.hpp"
#include "sim/stimulus_drive.hpp"

namespace striate {
namespace {

/// One number of every point, or all states of it.
template <class Points, class Of>
std::vector<double> column(const Points& points, const Of& of) {
  std::vector<double> values;
  for (const auto& p : points) {
    if constexpr (std::is_arithmetic_v<decltype(of(p))>) {
      values.push_back(static_cast<double>(of(p)));
    } else {
      values.insert(values.end(), of(p).begin(), of(p).end());
    }
  }
  return values;
}

void write_branch(H5File& file, const std::string& group, const Branch& branch, const System<double>& system,
                  const Field& parameter) {
  const std::string axis = "/" + group + "/point";
  file.create_axis(axis, branch.points.size());
  const auto write = [&](const std::string& name, const H5Label& label, const auto& of) {
    file.write("/" + group + "/" + name, std::span<const double>(column(branch.points, of)), {axis}, label);
  };
  write("parameter", {parameter.unit.str(), parameter.description.empty() ? parameter.name : parameter.description},
        [](const BranchPoint& p) { return p.parameter; });
  write("unstable", {"1", "unstable directions"}, [](const BranchPoint& p) { return p.unstable; });
  if (branch.cycles)
    write("period", {system.time_unit().str(), "period"}, [](const BranchPoint& p) { return p.period; });
  const auto low = column(branch.points, [](const BranchPoint& p) -> const std::vector<double>& { return p.low; });
  const auto high = column(branch.points, [](const BranchPoint& p) -> const std::vector<double>& { return p.high; });
  write_states(file, group + "/low", system, axis, low);
  write_states(file, group + "/high", system, axis, high);
  file.set_attribute("/" + group, "cycles", std::int64_t{branch.cycles});
  file.set_attribute("/" + group, "ends", std::vector<std::string>{branch.end[0], branch.end[1]});
}

Problem problem_of(const Experiment& e, const System<double>& system) {
  Problem problem{system, parameter_values(e, system, 0), std::make_shared<const StimulusDrive>(e, system, 0), {}, 0, 1,
                  {}};
  const ContinuationPlan& plan = *e.continuation;
  if (!plan.initial.empty()) {
    problem.y0.resize(system.states().size());
    std::vector<double> u(system.inputs().size());
    problem.drive->evaluate(0, u);
    auto workspace = system.workspace();
    system.initial(problem.p, u, problem.y0, workspace);
    for (const auto& [name, value] : plan.initial) {
      const Field& f = system.states().at(name);
      std::fill_n(problem.y0.begin() + static_cast<std::ptrdiff_t>(f.offset), f.size, value);
    }
  }
  if (plan.march > 0 && !plan.from_cycle) {
    problem.t1 = plan.march;
    Method method;
    method.name = "dp54";
    method.rtol = 1e-8;
    method.atol = 1e-10;
    problem.y0 = solve(problem, method).y;
  }
  return problem;
}

std::vector<Branch> found_branches(const Experiment& e, const System<double>& system) try {
  const ContinuationPlan& plan = *e.continuation;
  const Problem problem = problem_of(e, system);
  if (!plan.from_cycle) return continue_branches(problem, plan.settings);
  CycleSettings search;
  search.transient = plan.march;
  search.angles = plan.angles;
  return {continue_cycle(problem, plan.settings, search)};
} catch (const Error& error) {
  throw_told(e, error);
} catch (const Failure& failure) {
  throw_told(e, failure);
}

}  // namespace

void run_continuation(const Experiment& e, const RunOptions& options) {
  if (!e.continuation) throw Error(e.path, "lacks [continuation]: along which parameter, from and to where.");
  if (e.condition_count() > 1)
    throw Error(e.path, "has several conditions, but branches are those of one circuit. Keep one value of each.");
  const int threads = use_threads(options);
  const OutputPlace output(options.output);
  require_free(output.path(), options.overwrite);
  require_apart(output.path(), e.path, e.resolved);
  const System<double> system = compile<double>(e.circuit);
  const auto branches = found_branches(e, system);
  const Field& parameter = system.parameters().at(e.continuation->settings.parameter);
  write_result(output.path(), e, {options.command, threads}, "branches", [&](H5File& file) {
    file.set_attribute("/", "parameter", parameter.name);
    std::vector<SpecialPoint> special;
    std::vector<double> owner;
    for (std::size_t b = 0; b < branches.size(); ++b) {
      write_branch(file, fmt::format("branches/{}", b), branches[b], system, parameter);
      const auto& [down, up] = branches[b].end;
      if (!options.quiet)
        fmt::print(
            "branch {} of {}: {} points, {}\n", b, branches[b].cycles ? "cycles" : "fixed points",
            branches[b].points.size(),
            down.starts_with("its start") ? fmt::format("back to {}", down) : fmt::format("from {} to {}", down, up));
      for (const auto& s : branches[b].special) {
        special.push_back(s);
        owner.push_back(static_cast<double>(b));
        if (options.quiet) continue;
        fmt::print("  {} at {} = {}", to_string(s.kind), parameter.name,
                   amount_text(s.at.parameter, parameter.unit, 8));
        if (s.at.period > 0) fmt::print(", period {}", amount_text(s.at.period, system.time_unit(), 6));
        fmt::print("\n");
      }
    }
    std::vector<std::string> kinds;
    for (const auto& s : special) kinds.emplace_back(to_string(s.kind));
    if (!special.empty()) {
      const auto write = [&](const std::string& name, const H5Label& label, const std::vector<double>& values) {
        file.write("/special/" + name, std::span<const double>(values), {"/special/kind"}, label);
      };
      file.create_axis("/special/kind", kinds);
      write("parameter", {parameter.unit.str(), parameter.name},
            column(special, [](const SpecialPoint& s) { return s.at.parameter; }));
      write("period", {system.time_unit().str(), "period; 0 of a fixed point"},
            column(special, [](const SpecialPoint& s) { return s.at.period; }));
      write("branch", {"1", "its branch"}, owner);
      const auto y = column(special, [](const SpecialPoint& s) -> const std::vector<double>& { return s.at.y; });
      write_states(file, "special/state", system, "/special/kind", y);
    }
  });
}

}  // namespace striate
