#pragma once

#include <string>

namespace CLI {
class App;
}

namespace striate {

/// Adds `striate sweep`.
void add_sweep_command(CLI::App& app, const std::string& command_line);

}  // namespace striate
