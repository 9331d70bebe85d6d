#pragma once

#include <string>
#include <vector>

namespace striate {

/// Runs Python with Striate's package on its path. The interpreter is STRIATE_PYTHON, else the one found when Striate
/// was built. @throws Error when it cannot be started, CLI::RuntimeError with its exit code once it has said what is
/// wrong
void run_python(const std::vector<std::string>& arguments);

}  // namespace striate
