#pragma once

#include <string>

namespace CLI {
class App;
}

namespace striate {

/// Adds `striate train`.
void add_train_command(CLI::App& app, const std::string& command_line);

}  // namespace striate
