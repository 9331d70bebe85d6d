#pragma once

#include <span>

#include "integrators/evaluation.hpp"

namespace striate {

/// KINSOL on f(t, y) = 0. The return code is what KINSOL believes: it may report success without convergence (the stop
/// test of its Anderson iteration looks at the length of the accelerated update, not at f), so the caller must evaluate
/// f.
class Kinsol {
 public:
  /// @param relaxation  [states, time unit] the fixed-point map is y + relaxation * f
  Kinsol(Evaluation& evaluation, double t, std::span<const double> relaxation, double tolerance);

  /// Anderson-accelerated iteration of the map. y is improved in place.
  int anderson(int depth, double damping, int iterations, std::span<double> y);
  /// Newton with line search and GMRES(30), forcing term 0.01.
  int newton(int iterations, std::span<double> y);

 private:
  Evaluation& evaluation_;
  double t_;
  std::span<const double> relaxation_;
  double tolerance_;
};

}  // namespace striate
