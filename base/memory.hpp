#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace striate {

/// Memory that can be taken without pushing other programs out [bytes].
std::uint64_t available_memory();

/// "1.2 GB"
std::string bytes_text(double bytes);

/// @throws Error when `what` ("3000000 synapses") would need more memory than is available
void require_memory(std::string_view where, std::string_view what, double bytes);

}  // namespace striate
