#pragma once

namespace striate {

/// What makes the elements of an event fire: their guards, chance, or a record that the experiment supplies.
enum class Cause : unsigned char { crossing, poisson, train };

}  // namespace striate
