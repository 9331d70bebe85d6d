#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace striate {

/// The part of a loss that sample number n of the states contributes: returns its value and adds its derivatives to
/// ybar [states] and pbar [parameters]. The loss is the sum over samples. An integral over time is a state of its own.
template <class T>
using Loss = std::function<double(std::size_t n, std::span<const T> y, std::span<T> ybar, std::span<T> pbar)>;

/// A loss and its derivatives.
template <class T>
struct Gradient {
  double loss = 0;
  std::vector<T> y0;  ///< [states] towards the initial state
  std::vector<T> p;   ///< [parameters]; the way over an initial state that depends on them included
};

}  // namespace striate
