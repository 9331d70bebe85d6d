#include "base/unused_path.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace striate {

std::string unused_path(const std::string& path) {
  std::string free = path;
  for (int n = 1; std::filesystem::exists(std::filesystem::symlink_status(free)); ++n)
    free = fmt::format("{}.{}", path, n);
  return free;
}

}  // namespace striate
