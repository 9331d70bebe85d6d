#pragma once

#include <string>
#include <string_view>

#include "integrators/rollout.hpp"

namespace striate {

/// How the adjoint system v = J' v + g of a fixed point is solved.
enum class FixedPointSolver {
  neumann,   ///< the series g + J' g + J'^2 g + ...: least memory, as many products as the spectral radius demands
  gmres,     ///< fewest products; keeps up to twenty vectors
  anderson,  ///< the series accelerated with five differences
};

/// @throws Error naming the nearest solvers
FixedPointSolver fixed_point_solver_named(std::string_view name);

struct FixedPointSettings {
  FixedPointSolver solver = FixedPointSolver::gmres;
  double tolerance = 1e-5;          ///< stop where |g - (I - J')v| <= tolerance |g|; does not depend on the loss' scale
  int products = 100;               ///< at most so many products with J'
  double forward_tolerance = 1e-3;  ///< warn where |F(y) - y| / |y| is larger
  double near_one = 0.95;           ///< warn where the spectral radius is larger
};

struct FixedPointReport {
  int products = 0;             ///< with J'
  double residual = 0;          ///< |g - (I - J')v| / |g| of the v that was used
  double forward_residual = 0;  ///< |F(y) - y| / |y|
  double spectral_radius = 0;   ///< of J, an estimate out of the same products
  std::vector<std::string> warnings;
};

/// Recurrent back-propagation: bar.p += (dy/dp)' g and bar.u += (dy/du)' g at a fixed point y = F(y, p, u), by
/// v = J' v + g and one product with v. Memory and time do not depend on how y was reached.
///
/// Of a flow, at a steady state f = 0, F is one relaxation y + h f with h half of each state's pointwise time constant.
/// Source     Almeida (1987), Pineda (1987) Phys. Rev. Lett. 59:2229; Linsley et al. (2020), arXiv:2005.11362.
/// Departure:
///            the stop looks at the residual, relative to g. The published stop compares the norm of the sum with 1 and
///            silently falls back to one term.
/// @param at   its y is the fixed point
/// @param bar  p and u where wanted; y must be empty
/// @throws Failure where the solution is worse than none (residual >= 1): the series diverges
template <class T>
FixedPointReport fixed_point_vjp(const System<T>& system, const At<T>& at, std::span<const T> g,
                                 const Cotangent<T>& bar, const FixedPointSettings& settings, Workspace<T>& workspace);

/// weight * mean_i max(p_i - threshold, 0)^2 with p = 1' dF/dy, which keeps a map contracting, and its exact gradient,
/// added to bar: with c = dpenalty/dp held, that of 1' (dF/dy) c (System::second).
///
/// It bounds signed column sums of the Jacobian from above: no proof of contraction.
/// Source   Linsley et al. (2020), arXiv:2005.11362 (threshold 0.9, weight 10).
/// @throws Error for a flow
template <class T>
double contraction_penalty(const System<T>& map, const At<T>& at, double threshold, double weight,
                           const Cotangent<T>& bar, Workspace<T>& workspace);

struct ContractionPenalty {
  double weight = 0;  ///< 0: none
  double threshold = 0.9;
};

template <class T>
struct RecurrentBackPropagation {
  Gradient<T> gradient;  ///< loss and penalty together; y0 stays 0
  double penalty = 0;
  std::vector<T> y;  ///< the state after the last step
  FixedPointReport report;
};

/// C-RBP: steps a map without storing anything, takes the last state for a fixed point, and differentiates the loss of
/// that state alone (sample number n = steps).
/// @throws as bptt and fixed_point_vjp do
template <class T>
RecurrentBackPropagation<T> recurrent_back_propagation(const Rollout<T>& rollout, const Loss<T>& loss,
                                                       Workspace<T>& workspace, const FixedPointSettings& settings = {},
                                                       const ContractionPenalty& penalty = {});

#define STRIATE_DECLARE(T)                                                                                         \
  extern template FixedPointReport fixed_point_vjp(const System<T>&, const At<T>&, std::span<const T>,             \
                                                   const Cotangent<T>&, const FixedPointSettings&, Workspace<T>&); \
  extern template double contraction_penalty(const System<T>&, const At<T>&, double, double, const Cotangent<T>&,  \
                                             Workspace<T>&);                                                       \
  extern template RecurrentBackPropagation<T> recurrent_back_propagation(                                          \
      const Rollout<T>&, const Loss<T>&, Workspace<T>&, const FixedPointSettings&, const ContractionPenalty&);
STRIATE_DECLARE(float)
STRIATE_DECLARE(double)
#undef STRIATE_DECLARE

}  // namespace striate
