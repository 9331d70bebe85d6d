#include <fcntl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <system_error>

#include "base/error.hpp"
#include "circuit/kernels/kernels.hpp"
#include "cli/commands.hpp"
#include "sim/progress.hpp"
#include "sim/provenance.hpp"

namespace {

constexpr int success = 0;
constexpr int run_failed = 1;
constexpr int wrong_usage = 2;

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

/// A stream that was closed becomes /dev/null: else the next file to be opened would be the standard output.
void open_standard_streams() {
  for (int fd = 0; fd < 3; ++fd)
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1) std::_Exit(run_failed);
}

/// A message on the standard error; where that cannot be written, the exit code has to tell it alone.
/// As a shell takes it for one word.
std::string quoted(const std::string& word) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("_./:=,@%+-", c); };
  if (!word.empty() && std::ranges::all_of(word, plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

void complain(const std::string& message) { std::fputs((message + "\n").c_str(), stderr); }

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is reported like a full disk
  CLI::App app{
      "Striate simulates neural circuits.\n\n"
      "  striate run examples/tilt_illusion.toml      run an experiment, record it to HDF5\n"
      "  striate plot tilt_illusion.h5 -o tilt.png    the picture of it\n"
      "  striate show contextual                      a model's equations and parameters"};
  app.name("striate");
  app.footer("Exit codes: 0 success, 1 the run failed, 2 usage or configuration, 130 after Ctrl-C, 143 after SIGTERM.");
  app.set_version_flag("--version", "striate " + striate::version_text());
  app.require_subcommand(1);
  std::string command_line;
  for (int i = 0; i < argc; ++i) command_line += i == 0 ? "striate" : " " + quoted(argv[i]);
  striate::add_commands(app, command_line);
  try {
    striate::isa_level();  // its mistakes are not those of the first file that needs it
    app.parse(argc, argv);
    if (std::fflush(stdout) == 0) return success;
    complain(fmt::format("striate: what it prints cannot be written: {}.", std::generic_category().message(errno)));
    return run_failed;
  } catch (const CLI::ExtrasError&) {
    complain(unknown_word(app));
    return wrong_usage;
  } catch (const CLI::RequiredError& e) {
    const bool unknown = !app.remaining(true).empty();
    complain(unknown ? unknown_word(app) : fmt::format("striate: {}. See striate --help.", e.what()));
    return wrong_usage;
  } catch (const CLI::Success& e) {  // --help
    return app.exit(e);
  } catch (const CLI::RuntimeError& e) {  // what is wrong has been said
    return e.get_exit_code();
  } catch (const CLI::ParseError& e) {
    complain(fmt::format("striate: {}. See striate --help.", e.what()));
    return wrong_usage;
  } catch (const striate::Interrupted& e) {
    complain(fmt::format("striate: {}", e.what()));
    return 128 + striate::interrupted();
  } catch (const striate::Error& e) {
    complain(fmt::format("striate: {}", e.what()));
    return wrong_usage;
  } catch (const std::bad_alloc&) {
    complain("striate: the memory does not suffice. Use shorter axes, or fewer --threads.");
    return run_failed;
  } catch (const std::exception& e) {
    complain(fmt::format("striate: {}", e.what()));
    return run_failed;
  }
}
