#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace striate {

inline constexpr std::size_t largest_text = std::size_t{16} << 20;

/// The text of a file. Throws Error on one that is missing, a directory, above largest_text or not UTF-8 (with its
/// line).
std::string read_text_file(const std::string& path);

/// Without the blanks, tabs and carriage returns around it.
std::string_view trimmed(std::string_view text);

/// The place of the first byte that is not UTF-8 (RFC 3629), or the text's length.
std::size_t first_foreign_byte(std::string_view text);

}  // namespace striate
