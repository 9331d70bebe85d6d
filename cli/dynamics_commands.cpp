#include "cli/dynamics_commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "cli/sweep_command.hpp"
#include "sim/continuation_run.hpp"
#include "sim/lyapunov_run.hpp"
#include "sim/phase_response_run.hpp"
#include "sim/progress.hpp"

namespace striate {
namespace {

using Run = std::function<void(const Experiment&, const RunOptions&)>;

void add(CLI::App& app, const std::string& command_line, const std::string& name, const std::string& help,
         const std::string& ending, const Run& run) {
  struct Given {
    std::string experiment, output;
    std::vector<std::string> overrides;
    int threads = 0;
    bool force = false, quiet = false;
  };
  const auto given = std::make_shared<Given>();
  auto* command = app.add_subcommand(name, help);
  command->add_option("experiment", given->experiment, "the experiment (TOML)")->required()->check(not_empty);
  command->add_option("-o,--output", given->output, "what comes out; default: the experiment's name with " + ending)
      ->check(not_empty);
  command->add_option("--set", given->overrides, "KEY=VALUE: another value for a key")->allow_extra_args(false);
  command->add_option("--threads", given->threads, "number of threads; default: all cores")->check(CLI::Range(1, 4096));
  command->add_flag("--force", given->force, "write over an existing file");
  command->add_flag("-q,--quiet", given->quiet, "print nothing but errors");
  command->callback([given, command_line, ending, run] {
    stop_at_interrupt();
    const Experiment e = load_experiment(given->experiment, split_overrides(given->overrides));
    const std::string output =
        given->output.empty() ? std::filesystem::path(given->experiment).stem().string() + ending : given->output;
    run(e, {output, given->force, given->quiet, given->threads, command_line});
    if (!given->quiet) fmt::print("recorded in {}\n", output);
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
