#pragma once

#include <functional>
#include <string>

#include "sim/run.hpp"

namespace CLI {
class App;
}

namespace striate {

/// What makes a file of this kind from an experiment: a recording where the kind is empty.
std::function<void(const Experiment&, const RunOptions&)> run_of_kind(const std::string& kind);

/// Adds `striate prc` and `striate continue`.
void add_dynamics_commands(CLI::App& app, const std::string& command_line);

}  // namespace striate
