#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/run.hpp"

namespace striate {

/// KEY=VALUE texts as pairs. @throws Error
std::vector<std::pair<std::string, std::string>> split_overrides(const std::vector<std::string>& texts);

/// What is wrong with an empty text as the name of a file; nothing with others. For CLI::Option::check.
std::string not_empty(const std::string& text);
/// What is wrong with a text that is no whole number within [low, high]. For CLI::Option::check.
std::function<std::string(const std::string&)> whole_number_within(int low, int high);

/// What the command line says of an experiment and where its results go.
struct GivenRun {
  std::string ending;  ///< of the output's name where none is given
  std::string experiment, named;
  std::vector<std::string> set;
  int threads = 0;
  bool force = false, quiet = false;

  std::string output() const;
  std::vector<std::pair<std::string, std::string>> overrides() const { return split_overrides(set); }
  RunOptions options(const std::string& command_line) const;
};

/// Adds the experiment, -o, --set and --force to a command.
/// @param kind  "experiment" or "training"
std::shared_ptr<GivenRun> add_output_options(CLI::App& command, const std::string& kind, const std::string& ending);

/// Adds those, --threads and -q.
std::shared_ptr<GivenRun> add_run_options(CLI::App& command, const std::string& kind, const std::string& ending);

}  // namespace striate
