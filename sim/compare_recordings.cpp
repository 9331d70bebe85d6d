#include "sim/compare_recordings.hpp"

#include <fmt/format.h>
#include <algorithm>

#include <bit>
#include <cmath>

#include "io/hdf5.hpp"

namespace striate {
namespace {

/// What recordings of earlier versions lack.
bool is_recent(const std::string& path) { return path == "/drawn" || path == "/checkpoint/data"; }

std::string compare_group(const H5File& a, const H5File& b, const std::string& group) {
  for (const auto& names : {b.datasets(group), b.groups(group)})
    for (const auto& name : names)
      if (const std::string path = (group == "/" ? "" : group) + "/" + name; !a.exists(path) && !is_recent(path))
        return fmt::format("{} is missing in the first", path);
  for (const auto& name : a.datasets(group)) {
    const std::string path = (group == "/" ? "" : group) + "/" + name;
    if (!b.exists(path)) return fmt::format("{} is missing in the second", path);
    if (a.type(path) != b.type(path)) return fmt::format("{} has another type", path);
    if (a.type(path) == H5Type::text) {
      if (a.read_texts(path) != b.read_texts(path)) return fmt::format("{} has another text", path);
      continue;
    }
    const H5Array x = a.read_numbers(path);
    const H5Array y = b.read_numbers(path);
    if (x.shape != y.shape) return fmt::format("{} has another shape", path);
    std::size_t different = 0;
    double largest = 0;
    for (std::size_t i = 0; i < x.values.size(); ++i) {
      if (std::bit_cast<std::uint64_t>(x.values[i]) == std::bit_cast<std::uint64_t>(y.values[i])) continue;
      ++different;
      largest = std::max(largest, std::abs(x.values[i] - y.values[i]));
    }
    if (different > 0)
      return fmt::format("{} differs in {} of {} values, by at most {:.3g}", path, different, x.values.size(), largest);
  }
  for (const auto& name : a.groups(group)) {
    const std::string path = (group == "/" ? "" : group) + "/" + name;
    if (!b.exists(path)) return fmt::format("{} is missing in the second", path);
    if (auto difference = compare_group(a, b, path); !difference.empty()) return difference;
  }
  return "";
}

}  // namespace

std::string compare_recordings(const std::string& a, const std::string& b) {
  return compare_group(H5File::open(a), H5File::open(b), "/");
}

}  // namespace striate
