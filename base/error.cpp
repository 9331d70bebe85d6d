#include "base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <numeric>

namespace striate {
namespace {

/// Edit distance with neighbouring transpositions, blind to case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::vector<std::string> closest_names(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t longest_compared = 200;
  if (name.size() > longest_compared) return {};
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const auto& candidate : known) {
    if (candidate.size() > longest_compared) continue;
    const bool part = candidate.starts_with(std::string(name) + "_");  // z_re of z
    const std::size_t distance = part ? 1 : edit_distance(name, candidate);
    if (distance <= std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3))
      ranked.emplace_back(distance, candidate);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, ranked.size()); ++i) names.push_back(ranked[i].second);
  return names;
}

std::string suggest_names(std::string_view name, const std::vector<std::string>& known) {
  if (const auto near = closest_names(name, known); !near.empty())
    return fmt::format(" Closest: {}.", fmt::join(near, ", "));
  if (known.empty()) return "";
  constexpr std::size_t shown = 12;
  const std::vector<std::string> first(known.begin(),
                                       known.begin() + static_cast<std::ptrdiff_t>(std::min(shown, known.size())));
  return fmt::format(" Known: {}{}", fmt::join(first, ", "), known.size() > shown ? ", ..." : ".");
}

}  // namespace striate
