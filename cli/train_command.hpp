#pragma once

#include <string>

namespace CLI {
class App;
}

namespace striate {

/// Adds `striate train`.
void add_train_command(CLI::App& app, const std::string& command_line);

/// Adds samples to the command line.
void add_samples_command(CLI::App& app);

}  // namespace striate
