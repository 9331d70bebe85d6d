#pragma once

#include <CLI/App.hpp>
#include <string>

namespace striate {

/// Adds run, check, list, show, info, rerun and plot to the command line. Each throws Error, Failure or Interrupted.
void add_commands(CLI::App& app, const std::string& command_line);

}  // namespace striate
