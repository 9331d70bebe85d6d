#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

/// Reversing a chain of steps with few stored states. To reverse `steps` steps from a stored state, advance
/// binomial_split steps, store that state, reverse the rest from there, and then the steps skipped.
///
/// Source   Griewank & Walther (2000), ACM Trans. Math. Softw. 26:19, doi:10.1145/347837.347846: no other schedule
///          needs fewer forward steps.
/// @param slots  states that can be stored at once, the one at the start included; >= 1
/// @param steps  >= 2
std::size_t binomial_split(std::size_t steps, std::size_t slots);

/// The forward steps of that schedule, up to the state before the last step at each turn:
/// r steps - C(slots + r, slots + 1) with the smallest r for which steps <= C(slots + r, slots).
std::uint64_t binomial_advances(std::size_t steps, std::size_t slots);

}  // namespace striate
