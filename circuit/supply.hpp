#pragma once

namespace striate {

/// Who fills an input at each evaluation: the drive of the problem, or the integrator from its random stream, from the
/// past of the run, or from the discrete state (1 while an element is held).
enum class Supply : unsigned char { drive, noise, delayed, held };

}  // namespace striate
