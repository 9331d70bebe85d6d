#pragma once

#include "integrators/stepper.hpp"

namespace striate {

/// CVODES: "adams" (orders 1-12, fixed-point iteration) and "bdf" (orders 1-5, Newton with matrix-free GMRES, exact J
/// v).
///
/// CVODES takes Newton by default even for Adams, which then has no linear solver and fails; the fixed-point solver is
/// always attached here.
std::unique_ptr<Stepper> make_cvode(Evaluation& evaluation, const Method& method, double t0, double t1);

}  // namespace striate
