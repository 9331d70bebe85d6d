#pragma once

#include <cmath>

namespace striate {

/// A value for a message: what is no number has a sign that says nothing.
template <class T>
T printed(T value) {
  return std::isnan(value) ? std::abs(value) : value;
}

}  // namespace striate
