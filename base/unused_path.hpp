#pragma once

#include <string>

namespace striate {

/// `path`, or the first of path.1, path.2, ... where that exists: a place beside the user's files that is none of them.
std::string unused_path(const std::string& path);

}  // namespace striate
