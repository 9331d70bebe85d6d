#pragma once
#include <complex>
#include <vector>
#include "integrators/integrator.hpp"
namespace striate {
struct SteadySettings {
  double tolerance = 1e-10;
};
struct SteadyState {
  std::vector<double> y;
  double residual = 0;
  std::complex<double> leading_eigenvalue;
  bool stable = true;
  Counters counters;
};
SteadyState steady_state(const Problem& problem, const SteadySettings& settings = {});
}  // namespace striate
