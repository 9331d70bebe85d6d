#include "cli/sweep_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/error.hpp"
#include "cli/limit_spinning.hpp"
#include "cli/run_command.hpp"
#include "sim/progress.hpp"
#include "sim/sweep.hpp"

namespace striate {

void add_sweep_command(CLI::App& app, const std::string& command_line) {
  struct Given {
    std::vector<std::string> over;
    bool resume = false;
  };
  const auto given = std::make_shared<Given>();
  auto* sweep =
      app.add_subcommand("sweep",
                         "Runs an experiment over a grid of values, into one file.\n"
                         "  striate sweep examples/tilt_illusion.toml --over parameters.gamma=0.5:1.5:11 -o gamma.h5");
  const auto run = add_run_options(*sweep, "experiment", "_sweep.h5");
  sweep
      ->add_option("--over", given->over,
                   "KEY=VALUES: 1,2,3 or \"5 ms,10 ms\" or 0:1:11 (from:to:count) or 1:100:5:log; one axis each time")
      ->required()
      ->allow_extra_args(false);
  sweep->add_flag("--resume", given->resume, "do the points that an interrupted sweep left");
  sweep->callback([given, run, command_line] {
    limit_spinning();
    watch_for_interrupt();
    if (given->resume && run->force)
      throw Error("striate sweep: --resume keeps the file and --force writes over it. Give one of them.");
    const Sweep s = read_sweep(run->experiment, run->overrides(), given->over);
    const SweepSummary summary = run_sweep(s, {run->options(command_line), given->resume});
    if (summary.failed > 0)
      throw Failure(
          fmt::format("{} of {} points failed. The others are recorded in {}; /status and /errors there tell "
                      "which and why. The first: {}",
                      summary.failed, summary.points, run->output(), summary.first_failure));
    if (!run->quiet) fmt::print("{} points recorded in {}\n", summary.points, run->output());
  });
}

}  // namespace striate
