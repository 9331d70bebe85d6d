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
  /// Embedded pairs, whose last stage is the first of the next step (its row of `a` is b): h sum_i error_i k_i
  /// estimates the step's error, of order `order`.
  std::vector<double> error = {};
  /// Embedded pairs: y(t + s h) = y + h sum_i k_i sum_m dense[i][m] s^(m+1).
  std::vector<std::vector<double>> dense = {};
};

/// Order 1. Source: Euler (1768).
const Tableau& euler_tableau();
/// Order 2, the explicit trapezoidal rule. Source: Heun (1900); Hairer, Norsett & Wanner (1993), II.1.
const Tableau& heun_tableau();
/// Order 4, "the" Runge-Kutta method. Source: Kutta (1901); Hairer, Norsett & Wanner (1993), table II.1.2.
const Tableau& rk4_tableau();

/// Order 3 with error of order 2. Source: Bogacki & Shampine (1989), doi:10.1016/0893-9659(89)90079-7; dense output is
/// the cubic Hermite interpolant.
const Tableau& bs32_tableau();
/// Order 5 with error of order 4. Source: Dormand & Prince (1980), doi:10.1016/0771-050X(80)90013-3; dense output of
/// order 4 after Shampine (1986), doi:10.1090/S0025-5718-1986-0815836-3.
const Tableau& dp54_tableau();

}  // namespace striate
