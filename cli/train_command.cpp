#include "cli/train_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/error.hpp"
#include "cli/limit_spinning.hpp"
#include "cli/run_command.hpp"
#include "sim/data_set.hpp"
#include "sim/output_file.hpp"
#include "sim/progress.hpp"
#include "sim/recording.hpp"
#include "sim/train.hpp"

namespace striate {

void add_train_command(CLI::App& app, const std::string& command_line) {
  const auto resume = std::make_shared<bool>(false);
  auto* command =
      app.add_subcommand("train",
                         "Trains a circuit by gradient on a task or on data.\n"
                         "  striate train examples/pathfinder.toml -o trained.h5 --set optimiser.rate=0.002");
  const auto given = add_run_options(*command, "training", ".h5");
  command->add_flag("--resume", *resume, "go on from the last checkpoint of the output, to the same bits");
  command->callback([given, resume, command_line] {
    limit_spinning();
    watch_for_interrupt();
    if (*resume && given->force)
      throw Error("striate train: --resume keeps the file and --force writes over it. Give one of them.");
    train(load_training(given->experiment, given->overrides()), {given->options(command_line), *resume});
    if (!given->quiet) fmt::print("trained parameters and curves are in {}\n", given->output());
  });
}

void add_samples_command(CLI::App& app) {
  const auto count = std::make_shared<std::size_t>(32);
  auto* command = app.add_subcommand("samples",
                                     "Writes the first samples of a training's data, to be looked at with plot.\n"
                                     "  striate samples examples/pathfinder.toml -o sheet.h5 --count 32");
  const auto given = add_output_options(*command, "training", "_samples.h5");
  command->add_option("--count", *count, "how many; default 32")->check(whole_number_within(1, 100000));
  command->callback([given, count] {
    const TrainingExperiment training = load_training(given->experiment, given->overrides());
    const OutputPlace output(given->output());
    require_free(output.path(), given->force);
    require_apart(output.path(), training.path, training.resolved);
    write_samples(*training.data, *count, training.title, output.path());
    fmt::print("samples are in {}\n", given->output());
  });
}

}  // namespace striate
