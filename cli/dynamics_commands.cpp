#include "cli/dynamics_commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/run_command.hpp"
#include "sim/continuation_run.hpp"
#include "sim/lyapunov_run.hpp"
#include "sim/phase_response_run.hpp"
#include "sim/progress.hpp"

namespace striate {
namespace {

using Run = std::function<void(const Experiment&, const RunOptions&)>;

void add(CLI::App& app, const std::string& command_line, const std::string& name, const std::string& help,
         const std::string& ending, const Run& run) {
  auto* command = app.add_subcommand(name, help);
  const auto given = add_run_options(*command, "experiment", ending);
  command->callback([given, command_line, run] {
    stop_at_interrupt();
    const Experiment e = load_experiment(given->experiment, given->overrides());
    run(e, given->options(command_line));
    if (!given->quiet) fmt::print("recorded in {}\n", given->output());
  });
}

}  // namespace

std::function<void(const Experiment&, const RunOptions&)> run_of_kind(const std::string& kind) {
  if (kind == "phase_response") return run_phase_response;
  if (kind == "branches") return run_continuation;
  if (kind == "lyapunov") return run_lyapunov;
  return run_experiment;
}

void add_dynamics_commands(CLI::App& app, const std::string& command_line) {
  add(app, command_line, "prc",
      "Finds a cycle, its phase response and its interaction function.\n"
      "  striate prc examples/wilson_cowan_phase.toml -o prc.h5",
      "_prc.h5", run_phase_response);
  add(app, command_line, "continue",
      "Follows fixed points and cycles along a parameter and finds where they change.\n"
      "  striate continue examples/chimera_branches.toml -o chimera.h5",
      "_branches.h5", run_continuation);
  add(app, command_line, "lyapunov",
      "Finds the largest Lyapunov exponent, of every condition.\n"
      "  striate lyapunov examples/lorenz.toml -o lorenz.h5",
      "_lyapunov.h5", run_lyapunov);
}

}  // namespace striate
