#pragma once

#include <string>

namespace striate {

/// What differs between two recordings' numbers, as a sentence; empty when every dataset has the same bits.
std::string compare_recordings(const std::string& a, const std::string& b);

}  // namespace striate
