#pragma once

namespace striate {

/// Who fills an input at each evaluation: the drive of the problem, or the integrator from its random stream, from the
/// past of the run, or from the discrete state (1 while an element is held).
enum class Supply : unsigned char { drive, noise, delayed, held };

/// How the integral of white noise is meant, where its size depends on the state.
enum class Calculus : unsigned char { ito, stratonovich };

/// How white noise enters the rates of a circuit: its size does not depend on the state (additive), each element of it
/// drives one element of one state, on which alone its size depends (diagonal), or in another way.
enum class NoiseEntry : unsigned char { additive, diagonal, general };

}  // namespace striate
