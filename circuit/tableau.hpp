#pragma once

#include <string>
#include <vector>

namespace striate {

/// An explicit Runge-Kutta method: k_i = f(t + c_i h, y + h sum_j a_ij k_j), y += h sum_i b_i k_i.
struct Tableau {
  std::string name;
  int order;
  std::vector<std::vector<double>> a;  ///< strictly lower triangular, row i has i entries
  std::vector<double> b;
  std::vector<double> c;
};

/// Order 1. Source: Euler (1768).
const Tableau& euler_tableau();
/// Order 2, the explicit trapezoidal rule. Source: Heun (1900); Hairer, Norsett & Wanner (1993), II.1.
const Tableau& heun_tableau();
/// Order 4, "the" Runge-Kutta method. Source: Kutta (1901); Hairer, Norsett & Wanner (1993), table II.1.2.
const Tableau& rk4_tableau();

}  // namespace striate
