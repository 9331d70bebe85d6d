#include "cli/run_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"

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

std::function<std::string(const std::string&)> whole_number_within(int low, int high) {
  return [low, high](const std::string& text) -> std::string {
    int value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure == std::errc{} && end == text.data() + text.size() && low <= value && value <= high) return "";
    return fmt::format("{} is not a whole number from {} to {}", text, low, high);
  };
}

std::string GivenRun::output() const {
  return named.empty() ? std::filesystem::path(experiment).stem().string() + ending : named;
}

RunOptions GivenRun::options(const std::string& command_line) const {
  return {output(), force, quiet, threads, command_line};
}

std::shared_ptr<GivenRun> add_output_options(CLI::App& command, const std::string& kind, const std::string& ending) {
  const auto given = std::make_shared<GivenRun>();
  given->ending = ending;
  command.add_option("experiment", given->experiment, fmt::format("the {} (TOML)", kind))->required()->check(not_empty);
  command
      .add_option("-o,--output", given->named,
                  fmt::format("what comes out; default: the {}'s name with {}, here", kind, ending))
      ->check(not_empty);
  command.add_option("--set", given->set, "KEY=VALUE: another value for a key; KEY= takes it out")
      ->allow_extra_args(false);
  command.add_flag("--force", given->force, "write over an existing file");
  return given;
}

std::shared_ptr<GivenRun> add_run_options(CLI::App& command, const std::string& kind, const std::string& ending) {
  const auto given = add_output_options(command, kind, ending);
  command.add_option("--threads", given->threads, "number of threads; default: all cores")
      ->check(whole_number_within(1, 4096));
  command.add_flag("-q,--quiet", given->quiet, "print nothing but errors");
  return given;
}

}  // namespace striate
