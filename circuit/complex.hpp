#pragma once

#include <string>
#include <vector>

#include "circuit/expr.hpp"

namespace striate {

/// A complex value of the graph: a pair of real ones of one unit. Real expressions are complex ones without an
/// imaginary part, and stay so as long as they meet no other; then the graph is the real one.
class ComplexExpr {
 public:
  ComplexExpr() = default;
  ComplexExpr(double re) : re_(re) {}           // NOLINT: numbers stand in equations as they are
  ComplexExpr(Expr re) : re_(std::move(re)) {}  // NOLINT: so do real expressions
  ComplexExpr(const Expr& re, const Expr& im);

  explicit operator bool() const { return static_cast<bool>(re_); }
  bool is_real() const { return !im_; }
  const Expr& re() const { return re_; }
  Expr im() const;  ///< 0 in the unit of the real part where there is none

 private:
  Expr re_, im_;
};

ComplexExpr operator+(const ComplexExpr& a, const ComplexExpr& b);
ComplexExpr operator-(const ComplexExpr& a, const ComplexExpr& b);
ComplexExpr operator*(const ComplexExpr& a, const ComplexExpr& b);
ComplexExpr operator/(const ComplexExpr& a, const ComplexExpr& b);
ComplexExpr operator-(const ComplexExpr& a);
ComplexExpr conj(const ComplexExpr& a);
/// (re, im) times exp(i a), for a real a: exp(i a) = polar(1, a)
ComplexExpr polar(const Expr& modulus, const Expr& angle);
ComplexExpr exp(const ComplexExpr& a);
/// A complex base takes a whole number from -16 to 16 as exponent. @throws Error otherwise
ComplexExpr pow(const ComplexExpr& a, const ComplexExpr& b);
Expr abs2(const ComplexExpr& a);  ///< re^2 + im^2
Expr abs(const ComplexExpr& a);   ///< its root; the derivative at 0 is infinite: write abs2 where that will do
Expr arg(const ComplexExpr& a);   ///< the angle in (-pi, pi]; 0, with derivative 0, at 0

/// The imaginary unit.
inline ComplexExpr imaginary_unit() { return {Expr(0.0), Expr(1.0)}; }

/// f of both parts, for an f that is linear: sums, means, shifts, renaming, ...
template <class F>
ComplexExpr on_parts(const ComplexExpr& a, const F& f) {
  return a.is_real() ? ComplexExpr(f(a.re())) : ComplexExpr(f(a.re()), f(a.im()));
}

/// f(a, b) for an f that is linear in both: matmul, conv, sparse.
template <class F>
ComplexExpr on_pairs(const ComplexExpr& a, const ComplexExpr& b, const F& f) {
  if (a.is_real()) return on_parts(b, [&](const Expr& x) { return f(a.re(), x); });
  if (b.is_real()) return on_parts(a, [&](const Expr& x) { return f(x, b.re()); });
  return {f(a.re(), b.re()) - f(a.im(), b.im()), f(a.re(), b.im()) + f(a.im(), b.re())};
}

/// The axis along which a recorded complex value holds its real and its imaginary part.
inline const Axis& re_im_axis() {
  static const Axis axis{"re_im", 2};
  return axis;
}

/// Both parts in one array, along a trailing axis re_im.
Expr re_im(const ComplexExpr& a);
/// What re_im made an array of; nothing of others.
ComplexExpr parts_of(const Expr& array);

/// The descriptions of the two parts of a complex variable: "TEXT, real part".
std::string re_description(const std::string& description);
std::string im_description(const std::string& description);

/// The names of the two real variables of a complex one: z_re and z_im.
std::string re_name(const std::string& name);
std::string im_name(const std::string& name);

}  // namespace striate
