#pragma once

#include <string>

namespace striate {

/// The text of a file. Throws Error on one that is missing, a directory, above 16 MiB or not UTF-8 (with its line).
std::string read_text_file(const std::string& path);

}  // namespace striate
