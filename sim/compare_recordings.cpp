#include "sim/compare_recordings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "io/hdf5.hpp"

namespace striate {
namespace {

/// What recordings of earlier versions lack.
bool is_recent(const std::string& path) {
  return path == "/drawn" || path == "/checkpoint/data" || path == "/run/recorded_until";
}

/// What says by whom and when a file was made, and what HDF5 itself keeps about axes.
bool is_of_the_making(const std::string& attribute) {
  static const std::set<std::string> names{
      "command", "threads", "created", "finished",       "striate_version", "striate_commit",  "instruction_set",
      "folder",  "CLASS",   "NAME",    "DIMENSION_LIST", "REFERENCE_LIST",  "DIMENSION_LABELS"};
  return names.contains(attribute);
}

bool same_bits(const H5Attribute& a, const H5Attribute& b) {
  const auto same = [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  };
  if (std::holds_alternative<double>(a) && std::holds_alternative<double>(b))
    return same(std::get<double>(a), std::get<double>(b));
  const auto *x = std::get_if<std::vector<double>>(&a), *y = std::get_if<std::vector<double>>(&b);
  return x != nullptr && y != nullptr ? std::ranges::equal(*x, *y, same) : a == b;
}

/// Of those that both have: others may add to a file.
std::string compare_attributes(const H5File& a, const H5File& b, const std::string& path) {
  for (const auto& name : a.attributes(path)) {
    if (is_of_the_making(name)) continue;
    const auto x = a.attribute(path, name), y = b.attribute(path, name);
    if (y && !same_bits(*x, *y)) return fmt::format("{} has another attribute {}", path, name);
  }
  return "";
}

/// The bits of whole numbers and others.
std::vector<std::uint64_t> bits_of(const H5File& file, const std::string& path, H5Type type) {
  std::vector<std::uint64_t> bits;
  if (type == H5Type::int64 || type == H5Type::uint8) {
    for (const std::int64_t value : file.read_integers(path)) bits.push_back(static_cast<std::uint64_t>(value));
  } else {
    for (const double value : file.read_numbers(path).values) bits.push_back(std::bit_cast<std::uint64_t>(value));
  }
  return bits;
}

std::string compare_numbers(const H5File& a, const H5File& b, const std::string& path) {
  const H5Type type = a.type(path);
  if (a.shape(path) != b.shape(path)) return fmt::format("{} has another shape", path);
  const auto x = bits_of(a, path, type), y = bits_of(b, path, type);
  const bool whole = type == H5Type::int64 || type == H5Type::uint8;
  const auto number = [&](std::uint64_t bits) {
    return whole ? static_cast<double>(static_cast<std::int64_t>(bits)) : std::bit_cast<double>(bits);
  };
  std::size_t different = 0, unlike = 0;
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i]) continue;
    ++different;
    const double u = number(x[i]), v = number(y[i]);
    if (std::isfinite(u) && std::isfinite(v))
      largest = std::max(largest, std::abs(u - v));
    else
      ++unlike;
  }
  if (different == 0) return "";
  return fmt::format(
      "{} differs in {} of {} values{}{}", path, different, x.size(),
      different > unlike ? fmt::format(", by at most {:.3g}", largest) : std::string(),
      unlike > 0 ? fmt::format(", {} of which are not finite in one of the two", unlike) : std::string());
}

std::string compare_dataset(const H5File& a, const H5File& b, const std::string& path) {
  if (!b.exists(path)) return fmt::format("{} is missing in the second", path);
  if (a.type(path) != b.type(path)) return fmt::format("{} has another type", path);
  if (a.type(path) != H5Type::text) return compare_numbers(a, b, path);
  return a.read_texts(path) == b.read_texts(path) ? "" : fmt::format("{} has another text", path);
}

std::string compare_group(const H5File& a, const H5File& b, const std::string& group) {
  const auto below = [&](const std::string& name) { return (group == "/" ? "" : group) + "/" + name; };
  for (const auto& names : {b.datasets(group), b.groups(group)})
    for (const auto& name : names)
      if (const std::string path = below(name); !a.exists(path) && !is_recent(path))
        return fmt::format("{} is missing in the first", path);
  std::string difference = compare_attributes(a, b, group);
  for (const auto& name : a.datasets(group)) {
    if (difference.empty()) difference = compare_dataset(a, b, below(name));
    if (difference.empty()) difference = compare_attributes(a, b, below(name));
  }
  for (const auto& name : a.groups(group)) {
    if (difference.empty() && !b.exists(below(name)))
      difference = fmt::format("{} is missing in the second", below(name));
    if (difference.empty()) difference = compare_group(a, b, below(name));
  }
  return difference;
}

}  // namespace

std::string compare_recordings(const std::string& a, const std::string& b) {
  return compare_group(H5File::open(a), H5File::open(b), "/");
}

}  // namespace striate
