#pragma once

#include <functional>
#include <string_view>

#include "circuit/system.hpp"
#include "integrators/gradient.hpp"

namespace striate {

/// A map stepped `steps` times: y[n + 1] = F(t0 + n step, y[n], p, u[n]).
template <class T>
struct Rollout {
  System<T> map;
  std::span<const T> p;   ///< [System::parameters]
  std::span<const T> y0;  ///< [System::states]; empty: the circuit's initial state under p and u[0]
  double t0 = 0;          ///< [time unit]
  std::size_t steps = 0;
  /// u[n] [System::inputs], n in [0, steps); may be empty when the circuit has no inputs. The span must hold until the
  /// next call.
  std::function<std::span<const T>(std::size_t n)> input;

  /// @throws Error in the name of `who` for a flow and for sizes that do not fit
  void check(std::string_view who) const;
  std::span<const T> input_at(std::size_t n) const { return input ? input(n) : std::span<const T>{}; }
  At<T> at(std::size_t n, std::span<const T> y) const {
    return {static_cast<T>(t0 + static_cast<double>(n) * map.step()), y, p, input_at(n)};
  }
  void start(std::span<T> y, Workspace<T>& workspace) const;  ///< y = the state before the first step

  /// loss(n, y, ybar, pbar). @throws Failure, with the first state that is not, when it is not finite
  double sample(std::string_view who, const Loss<T>& loss, std::size_t n, std::span<const T> y, std::span<T> ybar,
                std::span<T> pbar) const;
};

extern template struct Rollout<float>;
extern template struct Rollout<double>;

}  // namespace striate
