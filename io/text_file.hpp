#pragma once

#include <string>
#include <string_view>

namespace striate {

/// The text of a file. Throws Error on one that is missing, a directory, above 16 MiB or not UTF-8 (with its line).
std::string read_text_file(const std::string& path);

/// The place of the first byte that is not UTF-8 (RFC 3629), or the text's length.
std::size_t first_foreign_byte(std::string_view text);

}  // namespace striate
