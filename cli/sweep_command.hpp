#pragma once

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace striate {

/// KEY=VALUE texts as pairs. @throws Error
std::vector<std::pair<std::string, std::string>> split_overrides(const std::vector<std::string>& texts);

/// What is wrong with an empty text as the name of a file; nothing with others. For CLI::Option::check.
std::string not_empty(const std::string& text);

/// Adds `striate sweep`.
void add_sweep_command(CLI::App& app, const std::string& command_line);

}  // namespace striate
