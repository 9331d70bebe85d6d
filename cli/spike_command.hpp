#pragma once

#include <CLI/App.hpp>
#include <string>

namespace striate {

/// Adds distances to the command line. It throws Error and Failure.
void add_spike_command(CLI::App& app, const std::string& command_line);

}  // namespace striate
