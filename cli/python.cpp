#include "cli/python.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/Error.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"

namespace striate {
namespace {

/// The package beside the installed program, else the one in the source tree.
std::string package_path() {
  std::error_code none;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", none);
  const auto installed = program.parent_path().parent_path() / STRIATE_INSTALLED_PYTHON;
  return std::filesystem::exists(installed / "striate", none) ? installed.string() : STRIATE_SOURCE_PYTHON;
}

}  // namespace

void run_python(const std::vector<std::string>& arguments) {
  const char* chosen = std::getenv("STRIATE_PYTHON");
  const std::string interpreter = chosen != nullptr ? chosen : STRIATE_PYTHON;
  const char* old_path = std::getenv("PYTHONPATH");
  const std::string path = package_path() + (old_path != nullptr ? std::string(":") + old_path : "");
  const pid_t child = fork();
  if (child < 0) throw Failure("python: no process could be started.");
  if (child == 0) {
    setenv("PYTHONPATH", path.c_str(), 1);
    std::vector<char*> argv{const_cast<char*>(interpreter.c_str())};
    for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw Failure(fmt::format("python: it cannot be waited for: {}.", std::strerror(errno)));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw Error(fmt::format(
        "python: '{}' cannot be started. Set STRIATE_PYTHON to a Python 3 with numpy, h5py, xarray and matplotlib.",
        interpreter));
  if (WIFEXITED(status)) throw CLI::RuntimeError(WEXITSTATUS(status));
  throw Failure(fmt::format("python: it was ended by signal {}.", WTERMSIG(status)));
}

}  // namespace striate
