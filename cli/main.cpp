#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <new>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "sim/progress.hpp"

namespace {

constexpr int success = 0;
constexpr int run_failed = 1;
constexpr int wrong_usage = 2;
constexpr int after_interrupt = 130;

/// The names of a command's options, for suggestions.
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    for (const auto& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// What the user typed that no command or option takes.
std::string unknown_word(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  for (const auto& word : app.remaining(true)) {
    std::vector<std::string> known = option_names(*at);
    if (at == &app)
      for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
        known.push_back(command->get_name());
    return fmt::format("striate{}: '{}' is not known.{}", at == &app ? "" : " " + at->get_name(), word,
                       striate::suggest_names(word, known));
  }
  return "striate: something is not known.";
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is reported like a full disk
  CLI::App app{
      "Striate simulates neural circuits.\n\n"
      "  striate run examples/tilt_illusion.toml      run an experiment, record it to HDF5\n"
      "  striate plot tilt_illusion.h5 -o tilt.png    the picture of it\n"
      "  striate show contextual                      a model's equations and parameters"};
  app.name("striate");
  app.footer("Exit codes: 0 success, 1 the run failed, 2 usage or configuration, 130 after Ctrl-C.");
  app.require_subcommand(1);
  std::string command_line;
  for (int i = 0; i < argc; ++i) command_line += (i == 0 ? "" : " ") + std::string(i == 0 ? "striate" : argv[i]);
  striate::add_commands(app, command_line);
  try {
    app.parse(argc, argv);
    return success;
  } catch (const CLI::ExtrasError&) {
    fmt::print(stderr, "{}\n", unknown_word(app));
    return wrong_usage;
  } catch (const CLI::RequiredError& e) {
    const bool unknown = !app.remaining(true).empty();
    fmt::print(stderr, "{}\n", unknown ? unknown_word(app) : fmt::format("striate: {}. See striate --help.", e.what()));
    return wrong_usage;
  } catch (const CLI::Success& e) {  // --help
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "striate: {}. See striate --help.\n", e.what());
    return wrong_usage;
  } catch (const striate::Interrupted& e) {
    fmt::print(stderr, "striate: {}\n", e.what());
    return after_interrupt;
  } catch (const striate::Error& e) {
    fmt::print(stderr, "striate: {}\n", e.what());
    return wrong_usage;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "striate: the memory does not suffice. Use shorter axes, or fewer --threads.\n");
    return run_failed;
  } catch (const std::exception& e) {
    fmt::print(stderr, "striate: {}\n", e.what());
    return run_failed;
  }
}
