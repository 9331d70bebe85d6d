#include "circuit/complex.hpp"

#include <cmath>

#include "base/error.hpp"

namespace striate {

ComplexExpr::ComplexExpr(const Expr& re, const Expr& im) : re_(re), im_(convert(im, re.unit())) {}

Expr ComplexExpr::im() const { return im_ ? im_ : quantity(0, re_.unit()); }

ComplexExpr operator+(const ComplexExpr& a, const ComplexExpr& b) {
  if (a.is_real() && b.is_real()) return a.re() + b.re();
  return {a.re() + b.re(), a.im() + b.im()};
}

ComplexExpr operator-(const ComplexExpr& a, const ComplexExpr& b) {
  if (a.is_real() && b.is_real()) return a.re() - b.re();
  return {a.re() - b.re(), a.im() - b.im()};
}

ComplexExpr operator*(const ComplexExpr& a, const ComplexExpr& b) {
  return on_pairs(a, b, [](const Expr& x, const Expr& y) { return x * y; });
}

ComplexExpr operator/(const ComplexExpr& a, const ComplexExpr& b) {
  if (b.is_real()) return on_parts(a, [&](const Expr& x) { return x / b.re(); });
  return a * conj(b) / ComplexExpr(abs2(b));
}

ComplexExpr operator-(const ComplexExpr& a) {
  return on_parts(a, [](const Expr& x) { return -x; });
}

ComplexExpr conj(const ComplexExpr& a) { return a.is_real() ? a : ComplexExpr(a.re(), -a.im()); }

ComplexExpr polar(const Expr& modulus, const Expr& angle) { return {modulus * cos(angle), modulus * sin(angle)}; }

ComplexExpr exp(const ComplexExpr& a) { return a.is_real() ? ComplexExpr(exp(a.re())) : polar(exp(a.re()), a.im()); }

ComplexExpr pow(const ComplexExpr& a, const ComplexExpr& b) {
  if (a.is_real() && b.is_real()) return pow(a.re(), b.re());
  const bool number = b.is_real() && b.re()->op == Op::constant;
  const double exponent = number ? b.re()->value : 0.5;
  if (std::abs(exponent) > 16 || exponent != std::round(exponent))
    throw Error("^",
                "a complex base takes a whole number from -16 to 16 as exponent. Write exp() or polar() for others.");
  if (exponent == 0) return broadcast_to(1.0, a.re().shape());
  ComplexExpr result(1.0);
  for (int i = 0; i < std::abs(static_cast<int>(exponent)); ++i) result = result * a;
  return exponent < 0 ? ComplexExpr(1.0) / result : result;
}

Expr abs2(const ComplexExpr& a) { return a.is_real() ? pow(a.re(), 2.0) : pow(a.re(), 2.0) + pow(a.im(), 2.0); }
Expr abs(const ComplexExpr& a) { return a.is_real() ? abs(a.re()) : sqrt(abs2(a)); }
Expr arg(const ComplexExpr& a) { return atan2(a.im(), a.re()); }

Expr re_im(const ComplexExpr& a) {
  const Expr both = where(index(re_im_axis()), a.im(), a.re());
  const Shape& one = a.re().shape();
  return broadcast_to(both, broadcast(one, a.im().shape())->with_last(re_im_axis()));
}

ComplexExpr parts_of(const Expr& array) {
  const Expr& both = array->op == Op::broadcast ? array->args[0] : array;
  if (both->op != Op::where || !(both->args[0] == index(re_im_axis()))) return {};
  return {both->args[2], both->args[1]};
}

namespace {

std::string with_part(const std::string& description, const std::string& part) {
  return description.empty() ? part : description + ", " + part;
}

}  // namespace

std::string re_description(const std::string& description) { return with_part(description, "real part"); }
std::string im_description(const std::string& description) { return with_part(description, "imaginary part"); }

std::string re_name(const std::string& name) { return name + "_re"; }
std::string im_name(const std::string& name) { return name + "_im"; }

}  // namespace striate
