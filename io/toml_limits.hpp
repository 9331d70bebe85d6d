#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace striate::detail {

inline constexpr int deepest_toml = 64;

/// The line on which a TOML text nests arrays, inline tables or dotted keys deeper than `deepest_toml`, if any. Parsed
/// trees are built and freed recursively, so this is asked before parsing.
std::optional<std::size_t> line_nested_too_deep(std::string_view text);

}  // namespace striate::detail
