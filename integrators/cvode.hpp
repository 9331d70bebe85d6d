#pragma once

#include "integrators/stepper.hpp"

namespace striate {

/// "adams" and "bdf", one CVODES step at a time.
std::unique_ptr<Stepper> make_cvode(Evaluation& evaluation, const Method& method, double t0, double t1);

}  // namespace striate
