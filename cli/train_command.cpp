#include "cli/train_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "cli/limit_spinning.hpp"
#include "cli/sweep_command.hpp"
#include "sim/data_set.hpp"
#include "sim/output_file.hpp"
#include "sim/progress.hpp"
#include "sim/recording.hpp"
#include "sim/train.hpp"

namespace striate {

void add_train_command(CLI::App& app, const std::string& command_line) {
  struct Given {
    std::string experiment, output;
    std::vector<std::string> overrides;
    int threads = 0;
    bool resume = false, force = false, quiet = false;
  };
  const auto given = std::make_shared<Given>();
  auto* command =
      app.add_subcommand("train",
                         "Trains a circuit by gradient on a task or on data.\n"
                         "  striate train examples/pathfinder.toml -o trained.h5 --set optimiser.rate=0.002");
  command->add_option("experiment", given->experiment, "the training (TOML)")->required()->check(not_empty);
  command->add_option("-o,--output", given->output, "what comes out; default: the experiment's name with .h5, here")
      ->check(not_empty);
  command->add_option("--set", given->overrides, "KEY=VALUE: another value for a key")->allow_extra_args(false);
  command->add_option("--threads", given->threads, "number of threads; default: all cores")->check(CLI::Range(1, 4096));
  command->add_flag("--resume", given->resume, "go on from the last checkpoint of the output, to the same bits");
  command->add_flag("--force", given->force, "write over an existing file");
  command->add_flag("-q,--quiet", given->quiet, "print nothing but errors");
  command->callback([given, command_line] {
    limit_spinning();
    watch_for_interrupt();
    if (given->resume && given->force)
      throw Error("striate train: --resume keeps the file and --force writes over it. Give one of them.");
    const TrainingExperiment training = load_training(given->experiment, split_overrides(given->overrides));
    const std::string output =
        given->output.empty() ? std::filesystem::path(given->experiment).stem().string() + ".h5" : given->output;
    train(training, {{output, given->force, given->quiet, given->threads, command_line}, given->resume});
    if (!given->quiet) fmt::print("trained parameters and curves are in {}\n", output);
  });
}

void add_samples_command(CLI::App& app) {
  struct Given {
    std::string experiment, output;
    std::vector<std::string> overrides;
    std::size_t count = 32;
    bool force = false;
  };
  const auto given = std::make_shared<Given>();
  auto* command = app.add_subcommand("samples",
                                     "Writes the first samples of a training's data, to be looked at with plot.\n"
                                     "  striate samples examples/pathfinder.toml -o sheet.h5 --count 32");
  command->add_option("experiment", given->experiment, "the training (TOML)")->required();
  command->add_option("-o,--output", given->output, "what comes out; default: the training's name with _samples.h5");
  command->add_option("--set", given->overrides, "KEY=VALUE: another value for a key")->allow_extra_args(false);
  command->add_option("--count", given->count, "how many; default 32")->check(CLI::Range(1, 100000));
  command->add_flag("--force", given->force, "write over an existing file");
  command->callback([given] {
    const TrainingExperiment training = load_training(given->experiment, split_overrides(given->overrides));
    const std::string output = given->output.empty()
                                   ? std::filesystem::path(given->experiment).stem().string() + "_samples.h5"
                                   : given->output;
    require_free(output, given->force);
    require_apart(output, training.path, training.resolved);
    write_samples(*training.data, given->count, training.title, output);
    fmt::print("samples are in {}\n", output);
  });
}

}  // namespace striate
