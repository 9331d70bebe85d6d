#pragma once

#include <optional>

#include "circuit/text.hpp"

namespace striate {

/// The number that a text, with these settings, declares as `constant name = ...`; nothing where it declares none.
/// @throws Error as read_circuit does, for mistakes in declarations
std::optional<double> constant_in_text(std::string_view text, const std::string& origin, const std::string& name,
                                       const std::map<std::string, double>& settings = {},
                                       const ReadColumns& columns = {});

}  // namespace striate
