#pragma once

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "integrators/integrator.hpp"

namespace striate::test {

inline Problem problem(const std::string& text, double t1, std::vector<double> y0 = {}) {
  return {compile<double>(read_circuit(text)), {}, nullptr, std::move(y0), 0.0, t1, {}};
}

/// An input that is any function of time, with breakpoints.
class FunctionDrive : public Drive {
 public:
  FunctionDrive(std::function<double(double)> f, std::vector<double> breaks = {})
      : f_(std::move(f)), breaks_(std::move(breaks)) {}
  void evaluate(double t, std::span<double> u) const override { u[0] = f_(t); }
  std::vector<double> breakpoints(double, double) const override { return breaks_; }

 private:
  std::function<double(double)> f_;
  std::vector<double> breaks_;
};

/// tau_E E' = -E + w_EE E - w_EI I + 1, tau_I I' = -I + w_IE E: a damped oscillation.
inline const char* linear_ei = R"(circuit linear_ei
time ms
E(0) = 0
I(0) = 0
dE/dt = (-E + 1.5*E - 2*I + 1)/(10 ms) : 1
dI/dt = (-I + 2*E)/(5 ms) : 1
)";

using Pair = std::array<double, 2>;

/// Where linear_ei is a time t after `begin`: fixed + exp(A t) (begin - fixed), A = ((0.05, -0.2), (0.4, -0.2)) per ms.
inline Pair linear_ei_exact(double t, Pair begin = {0, 0}) {
  const double half_trace = -0.075, frequency = std::sqrt(0.07 - half_trace * half_trace);
  const double decay = std::exp(half_trace * t), c = decay * std::cos(frequency * t);
  const double s = decay * std::sin(frequency * t) / frequency;
  const Pair fixed{2.0 / 7, 4.0 / 7}, away{begin[0] - fixed[0], begin[1] - fixed[1]};
  return {fixed[0] + c * away[0] + s * (0.125 * away[0] - 0.2 * away[1]),
          fixed[1] + c * away[1] + s * (0.4 * away[0] - 0.125 * away[1])};
}

/// A pendulum: smooth and nonlinear, energy conserved.
inline const char* pendulum = R"(circuit pendulum
time ms
q(0) = 1
v(0) = 0
dq/dt = v/(1 ms) : 1
dv/dt = -sin(q)/(1 ms) : 1
)";

inline Method named(const std::string& name, double rtol = 1e-5) {
  Method method;
  method.name = name;
  method.rtol = rtol;
  method.atol = rtol / 10;
  for (const char* fixed : {"euler", "heun", "rk4", "exponential_euler"}) {
    if (name == fixed) method.step = 0.1;
  }
  return method;
}

/// The names of all methods for flows without noise.
inline std::vector<std::string> flow_methods() {
  auto names = method_names();
  for (const char* other : {"iterate", "euler_maruyama", "stochastic_heun", "milstein", "sra1"})
    std::erase(names, other);
  return names;
}

/// Fixed-step methods get `step`, imex the states of the circuit that are named.
inline Method prepared(const std::string& name, double rtol, double step, std::vector<std::string> implicit) {
  Method method = named(name, rtol);
  if (method.step > 0) method.step = step;
  if (name.starts_with("imex")) method.implicit = std::move(implicit);
  return method;
}

}  // namespace striate::test
