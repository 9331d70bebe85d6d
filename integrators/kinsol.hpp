#pragma once

#include <span>

#include "integrators/evaluation.hpp"

namespace striate {

/// KINSOL on f(t, y) = 0: Newton with line search and GMRES(30), forcing term 0.01. y is improved in place.
///
/// The return code is what KINSOL believes, some of whose successes are short steps and not small residuals: the caller
/// must evaluate f. (The Anderson iteration of KINSOL 6.4 is not used at all: it tests the length of the accelerated
/// update instead of f; docs/integrators.md.)
/// @param relaxation  [states, time unit] the time scale of each state, by which its rate is weighted in GMRES
int newton_krylov(Evaluation& evaluation, double t, std::span<const double> relaxation, double tolerance,
                  int iterations, std::span<double> y);

}  // namespace striate
