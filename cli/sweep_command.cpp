#include "cli/sweep_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "cli/limit_spinning.hpp"
#include "sim/progress.hpp"
#include "sim/sweep.hpp"

namespace striate {

std::vector<std::pair<std::string, std::string>> split_overrides(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> overrides;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(fmt::format("--set {}: write KEY=VALUE, such as --set parameters.xi=3.", text));
    overrides.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return overrides;
}

std::string not_empty(const std::string& text) { return text.empty() ? "the name is empty" : ""; }

void add_sweep_command(CLI::App& app, const std::string& command_line) {
  struct Given {
    std::string experiment, output;
    std::vector<std::string> over, overrides;
    int threads = 0;
    bool resume = false, force = false, quiet = false;
  };
  const auto given = std::make_shared<Given>();
  auto* sweep =
      app.add_subcommand("sweep",
                         "Runs an experiment over a grid of values, into one file.\n"
                         "  striate sweep examples/tilt_illusion.toml --over parameters.gamma=0.5:1.5:11 -o gamma.h5");
  sweep->add_option("experiment", given->experiment, "the experiment (TOML)")->required()->check(not_empty);
  sweep
      ->add_option("--over", given->over,
                   "KEY=VALUES: 1,2,3 or \"5 ms,10 ms\" or 0:1:11 (from:to:count) or 1:100:5:log; one axis each time")
      ->required()
      ->allow_extra_args(false);
  sweep->add_option("-o,--output", given->output, "the recording; default: the experiment's name with _sweep.h5, here")
      ->check(not_empty);
  sweep->add_flag("--resume", given->resume, "do the points that an interrupted sweep left");
  sweep->add_option("--set", given->overrides, "KEY=VALUE: another value for a key, at all points")
      ->allow_extra_args(false);
  sweep->add_option("--threads", given->threads, "number of threads; default: all cores")->check(CLI::Range(1, 4096));
  sweep->add_flag("--force", given->force, "write over an existing recording");
  sweep->add_flag("-q,--quiet", given->quiet, "print nothing but errors");
  sweep->callback([given, command_line] {
    limit_spinning();
    watch_for_interrupt();
    if (given->resume && given->force)
      throw Error("striate sweep: --resume keeps the file and --force writes over it. Give one of them.");
    const Sweep s = read_sweep(given->experiment, split_overrides(given->overrides), given->over);
    const std::string output =
        given->output.empty() ? std::filesystem::path(given->experiment).stem().string() + "_sweep.h5" : given->output;
    const SweepSummary summary =
        run_sweep(s, {{output, given->force, given->quiet, given->threads, command_line}, given->resume});
    if (summary.failed > 0)
      throw Failure(
          fmt::format("{} of {} points failed. The others are recorded in {}; /status and /errors there tell "
                      "which and why. The first: {}",
                      summary.failed, summary.points, output, summary.first_failure));
    if (!given->quiet) fmt::print("{} points recorded in {}\n", summary.points, output);
  });
}

}  // namespace striate
