// Construction of pointwise expressions: units, broadcasting, and the folding of constants.
#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"
#include "circuit/expr.hpp"
#include "circuit/pointwise_value.hpp"
#include "circuit/surrogate.hpp"

namespace striate {
namespace {

std::string describe(const Expr& e) {
  return fmt::format("{}[{}]", e->op == Op::variable ? "'" + e->name + "' " : "", e.unit().str());
}

Shape common_shape(std::string_view op, const std::vector<Expr>& args) {
  Shape shape;
  for (const auto& arg : args) {
    const auto joined = broadcast(shape, arg.shape());
    if (!joined)
      throw Error(
          fmt::format("{}: the shapes {} and {} do not broadcast: an axis has two lengths. "
                      "Rename one axis or resample.",
                      op, shape.str_sizes(), arg.shape().str_sizes()));
    shape = *joined;
  }
  return shape;
}

Expr pointwise(Op op, std::vector<Expr> args, Unit unit, int k = 0) {
  Shape shape = common_shape(op_name(op), args);
  bool constant = true;
  for (const auto& arg : args) constant = constant && arg->op == Op::constant;
  if (constant) {
    double values[3] = {0, 0, 0};
    for (std::size_t i = 0; i < args.size(); ++i) values[i] = args[i]->value;
    return quantity(pointwise_value(op, values[0], values[1], values[2], k), unit);
  }
  Node node;
  node.op = op;
  node.args = std::move(args);
  node.shape = std::move(shape);
  node.unit = std::move(unit);
  if (op == Op::phi) node.ints = {k};
  return intern(std::move(node));
}

bool is_constant(const Expr& e, double value) { return e->op == Op::constant && e->value == value; }
bool is_literal_zero(const Expr& e) { return is_zero(e) && e.unit() == Unit(); }

/// b in the unit of a; a literal 0 takes any unit. The units of a sum must have one dimension.
std::pair<Expr, Expr> same_unit(std::string_view what, const Expr& a, const Expr& b) {
  if (a.unit() == b.unit()) return {a, b};
  if (is_literal_zero(a)) return {quantity(0, b.unit()), b};
  if (is_literal_zero(b)) return {a, quantity(0, a.unit())};
  if (!a.unit().same_dimension(b.unit()))
    throw Error(
        fmt::format("{}: the left side is {} and the right side is {}; their units do not match. "
                    "Check a missing factor or a parameter's unit.",
                    what, describe(a), describe(b)));
  return {a, convert(b, a.unit())};
}

Expr dimensionless(std::string_view what, const Expr& a) {
  if (a.unit() == Unit()) return a;
  if (!a.unit().dimensionless())
    throw Error(fmt::format("{}: its argument is {}, but must be dimensionless. Divide it by a scale with that unit.",
                            what, describe(a)));
  return convert(a, Unit());
}

Expr transcendental(Op op, const Expr& a) { return pointwise(op, {dimensionless(op_name(op), a)}, Unit()); }

Expr broadcast_like(const Expr& value, const Expr& a, const Expr& b) {
  const Shape shape = common_shape("broadcast", {a, b});
  return shape == value.shape() ? value : broadcast_to(value, shape);
}

}  // namespace

Expr quantity(double value, const Unit& unit) {
  Node node;
  node.value = value == 0 ? 0 : value;  // one zero, without a sign
  node.unit = unit;
  return intern(std::move(node));
}

Expr quantity(double value, std::string_view unit) { return quantity(value, Unit::parse(unit)); }

Expr operator+(const Expr& a0, const Expr& b0) {
  const auto [a, b] = same_unit("+", a0, b0);
  if (is_zero(a)) return broadcast_like(b, a, b);
  if (is_zero(b)) return broadcast_like(a, a, b);
  if (b->op == Op::neg) return a - b->args[0];
  return pointwise(Op::add, {a, b}, a.unit());
}

Expr operator-(const Expr& a0, const Expr& b0) {
  const auto [a, b] = same_unit("-", a0, b0);
  if (is_zero(b)) return broadcast_like(a, a, b);
  if (is_zero(a)) return -broadcast_like(b, a, b);
  return pointwise(Op::sub, {a, b}, a.unit());
}

Expr operator*(const Expr& a, const Expr& b) {
  const Unit unit = a.unit() * b.unit();
  if (is_zero(a) || is_zero(b)) return broadcast_to(quantity(0, unit), common_shape("*", {a, b}));
  if (is_constant(a, 1) && a.unit() == Unit()) return broadcast_like(b, a, b);
  if (is_constant(b, 1) && b.unit() == Unit()) return broadcast_like(a, a, b);
  return pointwise(Op::mul, {a, b}, unit);
}

Expr operator/(const Expr& a, const Expr& b) {
  const Unit unit = a.unit() / b.unit();
  if (is_constant(b, 1) && b.unit() == Unit()) return a;
  if (is_zero(a) && !is_zero(b)) return broadcast_to(quantity(0, unit), common_shape("/", {a, b}));
  return pointwise(Op::div, {a, b}, unit);
}

Expr operator-(const Expr& a) { return a->op == Op::neg ? a->args[0] : pointwise(Op::neg, {a}, a.unit()); }

Expr min(const Expr& a0, const Expr& b0) {
  const auto [a, b] = same_unit("min", a0, b0);
  return pointwise(Op::min, {a, b}, a.unit());
}

Expr max(const Expr& a0, const Expr& b0) {
  const auto [a, b] = same_unit("max", a0, b0);
  return pointwise(Op::max, {a, b}, a.unit());
}

Expr pow(const Expr& a, const Expr& b0) {
  const Expr b = dimensionless("the exponent of ^", b0);
  if (is_constant(b, 1)) return a;
  if (is_constant(b, 0)) return broadcast_to(Expr(1.0), a.shape());
  Unit unit;
  if (!(a.unit() == Unit())) {
    if (b->op == Op::constant)
      unit = a.unit().pow(b->value);
    else if (a.unit().dimensionless())
      return pow(convert(a, Unit()), b);
    else
      throw Error(
          fmt::format("^: the base is {} and the exponent is not a number, so the result has no unit. "
                      "Divide the base by a scale with that unit.",
                      describe(a)));
  }
  return pointwise(Op::pow, {a, b}, unit);
}

Expr sqrt(const Expr& a) { return pointwise(Op::sqrt, {a}, a.unit().pow(0.5)); }
Expr exp(const Expr& a) { return transcendental(Op::exp, a); }
Expr log(const Expr& a) { return transcendental(Op::log, a); }
Expr sin(const Expr& a) { return transcendental(Op::sin, a); }
Expr cos(const Expr& a) { return transcendental(Op::cos, a); }
Expr atan2(const Expr& y0, const Expr& x0) {
  const auto [y, x] = same_unit("atan2", y0, x0);
  return pointwise(Op::atan2, {y, x}, Unit());
}
Expr tanh(const Expr& a) { return transcendental(Op::tanh, a); }
Expr tan(const Expr& a) { return sin(a) / cos(a); }
Expr sinh(const Expr& a) {
  const Expr x = dimensionless("sinh", a);
  return (x * exprel(x) + x * exprel(-x)) / 2.0;
}
Expr cosh(const Expr& a) { return (exp(a) + exp(-a)) / 2.0; }
Expr asin(const Expr& a) {
  const Expr x = dimensionless("asin", a);
  return atan2(x, sqrt(1.0 - x * x));
}
Expr acos(const Expr& a) {
  const Expr x = dimensionless("acos", a);
  return atan2(sqrt(1.0 - x * x), x);
}
Expr atan(const Expr& a) { return atan2(dimensionless("atan", a), 1.0); }
Expr sigmoid(const Expr& a) { return transcendental(Op::sigmoid, a); }
Expr softplus(const Expr& a) { return transcendental(Op::softplus, a); }
Expr relu(const Expr& a) { return pointwise(Op::relu, {a}, a.unit()); }
Expr abs(const Expr& a) { return pointwise(Op::abs, {a}, a.unit()); }
Expr single(const Expr& a) { return pointwise(Op::single, {a}, a.unit()); }
Expr step(const Expr& a) { return pointwise(Op::step, {a}, Unit()); }
Expr greater(const Expr& a, const Expr& b) { return step(a - b); }

Expr where(const Expr& condition, const Expr& a0, const Expr& b0) {
  const auto [a, b] = same_unit("where", a0, b0);
  if (condition->op == Op::constant) return broadcast_like(condition->value > 0 ? a : b, a, b);
  if (a == b) return broadcast_like(a, condition, a);
  return pointwise(Op::where, {condition, a, b}, a.unit());
}

Expr surrogate(const Expr& a, const Expr& b0) {
  const auto [value, stand_in] = same_unit("surrogate", a, b0);
  const Expr together = pointwise(Op::where, {Expr(1.0), value, stand_in}, value.unit());
  if (together->op != Op::where) return together;
  Node node = *together;
  node.ints = {1};
  return intern(std::move(node));
}

Expr phi(int k, const Expr& a) {
  if (k < 0) throw Error(fmt::format("phi({}, x): there are phi_0, phi_1, ....", k));
  if (k == 0) return exp(a);
  return pointwise(Op::phi, {dimensionless("exprel", a)}, Unit(), k);
}

Expr convert(const Expr& a, const Unit& unit) {
  if (a.unit() == unit) return a;
  if (!a.unit().same_dimension(unit) && !is_literal_zero(a))
    throw Error(fmt::format("{} is given where [{}] is asked. Check a missing factor or a parameter's unit.",
                            describe(a), unit.str()));
  if (a->op == Op::constant) return quantity(is_zero(a) ? 0 : a->value * a.unit().to(unit), unit);
  if (a->op == Op::convert) return convert(a->args[0], unit);
  Node node;
  node.op = Op::convert;
  node.args = {a};
  node.shape = a.shape();
  node.unit = unit;
  return intern(std::move(node));
}

Expr with_args(const Expr& e, std::vector<Expr> args) {
  const Node& n = *e;
  switch (n.op) {
    case Op::add: return args[0] + args[1];
    case Op::sub: return args[0] - args[1];
    case Op::mul: return args[0] * args[1];
    case Op::div: return args[0] / args[1];
    case Op::neg: return -args[0];
    case Op::min: return min(args[0], args[1]);
    case Op::max: return max(args[0], args[1]);
    case Op::pow: return pow(args[0], args[1]);
    case Op::atan2: return atan2(args[0], args[1]);
    case Op::sqrt: return sqrt(args[0]);
    case Op::relu: return relu(args[0]);
    case Op::abs: return abs(args[0]);
    case Op::single: return single(args[0]);
    case Op::step: return step(args[0]);
    case Op::where: return is_surrogate(n) ? surrogate(args[1], args[2]) : where(args[0], args[1], args[2]);
    case Op::phi: return phi(static_cast<int>(n.ints[0]), args[0]);
    case Op::convert: return convert(args[0], n.unit);
    case Op::exp:
    case Op::log:
    case Op::sin:
    case Op::cos:
    case Op::tanh:
    case Op::sigmoid:
    case Op::softplus: return transcendental(n.op, args[0]);
    case Op::delayed: return delayed(args[0], args[1]);
    case Op::sum: return sum(args[0], n.names);
    case Op::broadcast: return broadcast_to(args[0], n.shape);
    case Op::contract: return contract(args[0], args[1], n.shape);
    default: {
      Node copy = n;
      copy.args = std::move(args);
      return intern(std::move(copy));
    }
  }
}

}  // namespace striate
