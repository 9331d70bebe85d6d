#pragma once

#include "integrators/fixed_step.hpp"

namespace striate {

/// y += h phi1(h L) f(t, y) with L = System::leak, phi1(z) = (exp(z) - 1) / z, element by element.
///
/// Order 1; exact for dy/dt = -y/tau + constant; stable for any h against the leak, not against the coupling.
/// Source    Hochbruck & Ostermann (2010), Acta Numerica 19, doi:10.1017/S0962492910000048, section 2.1, with L in the
///           place of the Jacobian (Rosenbrock-Euler on the diagonal).
class ExponentialEuler : public FixedStep {
 public:
  ExponentialEuler(Evaluation& evaluation, const Method& method, double t1);

 private:
  void increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                 std::span<double> next) override;
  std::vector<double> leak_;
};

}  // namespace striate
