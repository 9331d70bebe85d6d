#include "base/memory.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "base/error.hpp"

namespace striate {

std::uint64_t available_memory() {
  std::ifstream info("/proc/meminfo");
  std::string key, unit;
  std::uint64_t kilobytes = 0;
  while (info >> key >> kilobytes && std::getline(info, unit)) {
    if (key == "MemAvailable:") return kilobytes * 1024;
  }
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string bytes_text(double bytes) {
  constexpr std::array<std::string_view, 6> units{"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t i = 0;
  for (; bytes >= 1000 && i + 1 < units.size(); ++i) bytes /= 1000;
  return fmt::format("{:.3g} {}", bytes, units[i]);
}

void require_memory(std::string_view where, std::string_view what, double bytes) {
  const auto free = static_cast<double>(available_memory());
  if (bytes <= free) return;
  throw Error(where, fmt::format("{} need {} of memory, but {} are free. Make it smaller, or use a larger machine.",
                                 what, bytes_text(bytes), bytes_text(free)));
}

}  // namespace striate
