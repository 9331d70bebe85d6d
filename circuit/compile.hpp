#pragma once

#include "circuit/circuit.hpp"
#include "circuit/system.hpp"

namespace striate {

/// A circuit made executable in double or float. Derivatives, guards and observables are compiled on first use.
/// @throws Error where an algorithm is asked for that an operation does not have
template <class T>
System<T> compile(const Circuit& circuit);

extern template System<float> compile(const Circuit&);
extern template System<double> compile(const Circuit&);

}  // namespace striate
