#pragma once

#include "integrators/stepper.hpp"
#include "integrators/sundials_session.hpp"

namespace striate {

/// CVODES on one problem: "adams" (orders 1-12, fixed-point iteration) or "bdf" (orders 1-5, Newton with matrix-free
/// GMRES, exact J v).
///
/// CVODES takes Newton by default even for Adams, which then has no linear solver and fails; the fixed-point solver is
/// always attached here.
class CvodesSession {
 public:
  /// @param origin  CVODES counts its time from here, and so resolves times close to it finely
  CvodesSession(Evaluation& evaluation, const Method& method, double t0, double t1, double origin = 0);

  void* memory() const { return mem_.get(); }
  SUNContext context() const { return context_.get(); }
  N_Vector y() const { return y_.get(); }
  bool adams() const { return linear_ == nullptr; }
  Evaluation& evaluation() const { return evaluation_; }
  Shield& shield() { return shield_; }

  /// Begins at (t, y); no step goes beyond `end`.
  void restart(double t, std::span<const double> y, double end);
  /// From t on, no step is smaller than the rounding of t resolves.
  void bound_step(double t);
  /// Throws what a callback threw, or a Failure for a negative code.
  void check(int code);
  /// Reads rejected steps and linear iterations into Evaluation::counters.
  void count();

 private:
  struct MemoryDeleter {
    void operator()(void* memory) const;
  };
  double smallest(double t) const;
  static int rhs(sunrealtype t, N_Vector y, N_Vector ydot, void* self);
  static int jvp(N_Vector v, N_Vector jv, sunrealtype t, N_Vector y, N_Vector, void* self, N_Vector);

  Evaluation& evaluation_;
  std::string name_;
  double t1_, origin_;
  bool fresh_ = true;
  std::uint64_t rejected_before_ = 0, linear_before_ = 0;
  Shield shield_;
  Context context_;  // outlives what was made in it
  Vector y_;
  NonlinearSolver nonlinear_;
  LinearSolver linear_;
  std::unique_ptr<void, MemoryDeleter> mem_;
};

/// @throws Error naming `what` and the way that works for a map, and for a method that is not one of CVODES'
void require_cvodes(const std::string& what, const System<double>& system, const Method& method);

}  // namespace striate
