#include "circuit/pointwise_value.hpp"

#include <cmath>
#include <stdexcept>

namespace striate {
namespace {

/// phi_k by its series near 0, where the recurrence phi_k = (phi_{k-1} - 1/(k-1)!)/x cancels.
double phi_value(int k, double x) {
  if (k == 0) return std::exp(x);
  double factorial = 1;
  for (int i = 2; i < k; ++i) factorial *= i;
  if (std::abs(x) > 1) return (phi_value(k - 1, x) - 1 / factorial) / x;
  double term = 1 / (factorial * k);
  double total = term;
  for (int i = 1; i < 30; ++i) {
    term *= x / (k + i);
    total += term;
  }
  return total;
}

}  // namespace

double pointwise_value(Op op, double a, double b, double c, int k) {
  switch (op) {
    case Op::add: return a + b;
    case Op::sub: return a - b;
    case Op::mul: return a * b;
    case Op::div: return a / b;
    case Op::neg: return -a;
    case Op::min: return std::isnan(a) || a < b ? a : b;
    case Op::max: return std::isnan(a) || a > b ? a : b;
    case Op::pow: return std::pow(a, b);
    case Op::sqrt: return std::sqrt(a);
    case Op::exp: return std::exp(a);
    case Op::log: return std::log(a);
    case Op::sin: return std::sin(a);
    case Op::cos: return std::cos(a);
    case Op::atan2: return a == 0 && b == 0 ? 0 : std::atan2(a, b);
    case Op::tanh: return std::tanh(a);
    case Op::sigmoid: return a >= 0 ? 1 / (1 + std::exp(-a)) : std::exp(a) / (1 + std::exp(a));
    case Op::softplus: return a > 0 ? a + std::log1p(std::exp(-a)) : std::log1p(std::exp(a));
    case Op::relu: return a <= 0 ? 0 : a;
    case Op::abs: return std::abs(a);
    case Op::single: return static_cast<double>(static_cast<float>(a));
    case Op::step: return std::isnan(a) ? a : (a > 0 ? 1 : 0);
    case Op::where: return std::isnan(a) ? a : (a > 0 ? b : c);
    case Op::phi: return phi_value(k, a);
    default: throw std::logic_error("not a pointwise operation");
  }
}

}  // namespace striate
