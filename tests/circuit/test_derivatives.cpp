// One suite over every operation: its value, its derivatives of first and second order, and its stated derivative at
// kinks.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "base/error.hpp"
#include "circuit/derive.hpp"
#include "circuit/surrogate.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/evaluation.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

Expr argument(const std::string& name, Shape shape, std::string_view unit = "1") {
  return variable(VariableKind::argument, name, std::move(shape), Unit::parse(unit));
}

/// One of the overloads of a function of one expression.
constexpr auto function_of_one = [](Expr (*f)(const Expr&)) { return std::function<Expr(const Expr&)>(f); };

/// An argument of a case and the interval its values come from.
struct Operand {
  Expr variable;
  double low = -1;
  double high = 1;
};

struct Case {
  std::string name;
  std::vector<Operand> operands;
  Expr value;
};

const Axis x5{"x", 5}, x8{"x", 8}, x9{"x", 9}, y4{"y", 4}, y6{"y", 6}, f3{"f", 3}, g2{"g", 2}, b2{"b", 2};
const Axis dx3{"dx", 3}, dx4{"dx", 4}, dx5{"dx", 5}, dy3{"dy", 3}, dy2{"dy", 2};

void add_pointwise(std::vector<Case>& cases) {
  const auto unary = [&](const std::string& name, const std::function<Expr(const Expr&)>& f, double low = -2,
                         double high = 2) {
    const Expr a = argument("a", {y4, x5});
    cases.push_back({name, {{a, low, high}}, f(a)});
  };
  unary("neg", [](const Expr& a) { return -(a * a); });
  unary("sqrt", function_of_one(striate::sqrt), 0.5, 3);
  unary("exp", function_of_one(striate::exp));
  unary("log", function_of_one(striate::log), 0.5, 3);
  unary("sin", function_of_one(striate::sin));
  unary("cos", function_of_one(striate::cos));
  unary("tanh", function_of_one(striate::tanh));
  unary("sigmoid", function_of_one(striate::sigmoid));
  unary("softplus", function_of_one(striate::softplus));
  unary("relu", function_of_one(striate::relu));
  unary("relu squared", [](const Expr& a) { return pow(relu(a), 2.0); });
  unary("abs", function_of_one(striate::abs));
  unary("step", [](const Expr& a) { return step(a) * a; });
  unary("pow 2", [](const Expr& a) { return pow(a, 2.0); });
  unary("pow 3", [](const Expr& a) { return pow(a, 3.0); });
  unary(
      "pow -2", [](const Expr& a) { return pow(a, -2.0); }, 0.5, 2);
  unary(
      "pow 1.7", [](const Expr& a) { return pow(a, 1.7); }, 0.5, 2);
  unary("phi 1", [](const Expr& a) { return phi(1, a); });
  unary("phi 2", [](const Expr& a) { return phi(2, a); });
  unary("phi 3", [](const Expr& a) { return phi(3, a); });
  unary(
      "phi 1 near its removable singularity", [](const Expr& a) { return phi(1, a); }, -1e-3, 1e-3);
  unary(
      "phi 2 at large arguments", [](const Expr& a) { return phi(2, a); }, -30, -5);
  unary("exprel of a quotient", [](const Expr& a) { return Expr(1.0) / exprel(-a / Expr(3.0)); });
  unary("sum over an axis inside a quotient", [](const Expr& a) { return a / (Expr(4.0) + sum(a * a, {"x"})); });

  const auto binary = [&](const std::string& name, const std::function<Expr(const Expr&, const Expr&)>& f,
                          double low = -1, double high = 1) {
    const Expr a = argument("a", {y4, x5});
    const Expr same = argument("c", {y4, x5});
    const Expr leading = argument("d", {y4});
    const Expr trailing = argument("e", {x5});
    const Expr turned = argument("h", {x5, y4});
    const Expr other = argument("o", {f3});
    const Expr scalar = argument("s", {});
    cases.push_back({name, {{a, low, high}, {same, low, high}}, f(a, same)});
    cases.push_back({name + ", leading axis only", {{a, low, high}, {leading, low, high}}, f(a, leading)});
    cases.push_back({name + ", trailing axis only", {{a, low, high}, {trailing, low, high}}, f(trailing, a)});
    cases.push_back({name + ", axes exchanged", {{a, low, high}, {turned, low, high}}, f(a, turned)});
    cases.push_back({name + ", another axis", {{a, low, high}, {other, low, high}}, f(a, other)});
    cases.push_back({name + ", a scalar", {{a, low, high}, {scalar, low, high}}, f(scalar, a)});
  };
  binary("add", [](const Expr& a, const Expr& b) { return a + b; });
  binary("sub", [](const Expr& a, const Expr& b) { return a - b; });
  binary("mul", [](const Expr& a, const Expr& b) { return a * b; });
  binary("div", [](const Expr& a, const Expr& b) { return a / (Expr(2.0) + b); });
  binary("min", [](const Expr& a, const Expr& b) { return min(a * Expr(1.1), b); });
  binary("max", [](const Expr& a, const Expr& b) { return max(a * Expr(1.1), b); });
  binary(
      "pow", [](const Expr& a, const Expr& b) { return pow(a, b); }, 0.4, 2);
  binary(
      "atan2", [](const Expr& a, const Expr& b) { return atan2(a, b); }, 0.2, 2);
  binary("atan2 in other quadrants", [](const Expr& a, const Expr& b) { return atan2(a - Expr(1.5), b - Expr(3.0)); });
  binary("greater", [](const Expr& a, const Expr& b) { return greater(a * Expr(1.1), b) * b; });
  binary("where", [](const Expr& a, const Expr& b) { return where(a, a * b, b * b); });
  binary("a sum of products", [](const Expr& a, const Expr& b) { return a * b + b * b - a * a * b; });

  const Expr v = argument("v", {x5}, "mV");
  const Expr g = argument("g", {y4, x5}, "nS");
  const Expr c = argument("c", {y4}, "pF");
  cases.push_back({"convert", {{v}, {g}, {c, 0.5, 2}}, convert(g * v / c, Unit::parse("V/s"))});
  cases.push_back({"convert inside sums", {{v}, {g}}, v + convert(v * g / quantity(2, "nS"), Unit::parse("V"))});
}

void add_convolutions(std::vector<Case>& cases) {
  for (const Border border : {Border::zero, Border::reflect, Border::circular}) {
    const std::string at = border == Border::zero ? ", zero" : (border == Border::reflect ? ", reflect" : ", circular");
    const auto add = [&](const std::string& name, const Shape& x, const Shape& k,
                         const std::vector<std::string>& over = {},
                         std::vector<Algorithm> algorithms = {Algorithm::automatic}) {
      for (const Algorithm algorithm : algorithms) {
        const Expr in = argument("u", x);
        const Expr kernel = argument("k", k);
        const std::string by =
            algorithm == Algorithm::automatic ? "" : (algorithm == Algorithm::direct ? ", direct" : ", fft");
        cases.push_back({"conv " + name + at + by, {{in}, {kernel}}, conv(in, kernel, over, border, algorithm)});
      }
    };
    const std::vector<Algorithm> both{Algorithm::direct, Algorithm::fft};
    add("1-D odd", {x9}, {dx3}, {}, both);
    add("1-D even", {x9}, {dx4}, {}, both);
    add("1-D kernel as long as the axis", {x5}, {dx5});
    add("1-D one tap", {x5}, {{"dx", 1}});
    add("2-D odd", {y6, x8}, {dy3, dx5}, {}, both);
    add("2-D even and odd", {y6, x8}, {dy2, dx3}, {}, both);
    add("2-D with axes exchanged in the kernel", {y6, x8}, {dx5, dy3});
    add("along the first of two axes", {x5, f3}, {dx3});
    add("along the middle of three axes", {y4, x5, f3}, {dx3});
    add("2-D with a batch axis in front", {b2, y4, x5}, {dy3, dx3}, {}, both);
    add("2-D with a batch axis behind", {y4, x5, b2}, {dy3, dx3});
    add("2-D with a batch axis between", {y4, b2, x5}, {dy3, dx3});
    add("2-D one kernel a channel", {f3, y4, x5}, {f3, dy3, dx3}, {}, both);
    add("2-D one kernel a channel, channel last", {y4, x5, f3}, {dy3, dx3, f3});
    add("2-D mixing channels", {f3, y4, x5}, {g2, f3, dy3, dx3}, {"f"}, both);
    add("2-D mixing channels with a batch axis", {b2, f3, y4, x5}, {f3, g2, dy3, dx3}, {"f"});
    add("1-D mixing channels, channel last", {x5, f3}, {dx3, f3, g2}, {"f"});
    add("2-D one kernel a channel, channels made", {f3, y4, x5}, {g2, f3, dy3, dx3}, {}, both);
    add("1-D one kernel a channel, channels made, with a batch axis", {b2, f3, x8}, {f3, g2, dx3});
    add("channels summed, none made", {f3, x8}, {f3, dx3}, {"f"});
    add("channels made, none summed", {x8}, {g2, dx3});

    const Expr one = argument("one", {b2, f3, y4, x5}), other = argument("other", {b2, f3, y4, x5});
    const Expr kernel = argument("k", {g2, f3, dy3, dx3});
    for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
      const auto by = [&](const Expr& in) { return conv(in, kernel, {"f"}, border, algorithm); };
      cases.push_back({"conv, one kernel at three places" + at + (algorithm == Algorithm::fft ? ", fft" : ", direct"),
                       {{one}, {other}, {kernel}},
                       by(one) * by(other) + by(one * other)});
    }

    // Kernels that separate: the parameters of the kernel are operands.
    const Expr in = argument("u", {y6, x8});
    const Expr feature = argument("w", {f3, y4, x5});
    const Expr sd = argument("sd", {});
    const Expr weight = argument("weight", {g2, f3});
    for (const Algorithm algorithm : {Algorithm::separable, Algorithm::direct, Algorithm::fft}) {
      const std::string by =
          algorithm == Algorithm::separable ? ", separable" : (algorithm == Algorithm::direct ? ", direct" : ", fft");
      cases.push_back({"conv gaussian" + at + by,
                       {{in}, {sd, 0.8, 1.5}},
                       conv(in, gaussian({"y", "x"}, 5, sd), {}, border, algorithm)});
      cases.push_back({"conv difference of gaussians" + at + by,
                       {{in}, {sd, 0.8, 1.5}},
                       conv(in, gaussian({"y", "x"}, 3, sd) - Expr(0.5) * gaussian({"y", "x"}, 3, sd * Expr(2.0)), {},
                            border, algorithm)});
      cases.push_back({"conv gaussian mixing channels" + at + by,
                       {{feature}, {sd, 0.8, 1.5}, {weight}},
                       conv(feature, weight * gaussian({"y", "x"}, 3, sd), {"f"}, border, algorithm)});
    }
    for (const Algorithm algorithm : {Algorithm::box, Algorithm::separable, Algorithm::direct, Algorithm::fft}) {
      const std::string by =
          algorithm == Algorithm::box
              ? ", box"
              : (algorithm == Algorithm::separable ? ", separable"
                                                   : (algorithm == Algorithm::direct ? ", direct" : ", fft"));
      cases.push_back({"conv box" + at + by, {{in}}, conv(in, box({"y", "x"}, 3), {}, border, algorithm)});
      cases.push_back({"conv even box" + at + by, {{in}}, conv(in, box({"y", "x"}, 4), {}, border, algorithm)});
      cases.push_back({"conv ring" + at + by, {{in}}, conv(in, ring({"y", "x"}, 5, 1), {}, border, algorithm)});
    }
  }
  const Expr u = argument("u", {f3, y4});
  const Expr kappa = argument("kappa", {});
  cases.push_back({"conv von Mises round a feature axis",
                   {{u}, {kappa, 0.5, 2}},
                   conv(u, von_mises("f", 3, kappa), {}, Border::circular)});
  cases.push_back({"conv wrapped Gaussian round a feature axis",
                   {{u}, {kappa, 0.5, 2}},
                   conv(u, wrapped_gaussian("f", 3, kappa), {}, Border::circular)});
}

void add_other_linear(std::vector<Case>& cases) {
  const Expr a = argument("a", {y4, x5});
  const Expr m = argument("m", {f3, x5});
  const Expr turned = argument("n", {x5, f3});
  const Expr batched = argument("p", {b2, x5, f3});
  const Expr shared = argument("q", {b2, y4, x5});
  const Expr v = argument("v", {x5});
  const Expr square = argument("sq", {g2, x5}), channels = argument("ch", {b2, x5, f3, y4});
  cases.push_back({"matmul with a batch in front, and its gradient summed over the batch",
                   {{square}, {channels}},
                   matmul(square, channels, {"x"})});
  cases.push_back(
      {"matmul with a batch in front of the first operand", {{channels}, {square}}, matmul(channels, square, {"x"})});
  cases.push_back({"matmul matrix vector", {{a}, {v}}, matmul(a, v, {"x"})});
  cases.push_back({"matmul vector matrix", {{a}, {v}}, matmul(v, a, {"x"})});
  cases.push_back({"matmul matrix matrix", {{a}, {m}}, matmul(a, m, {"x"})});
  cases.push_back({"matmul matrix with its transpose stored", {{a}, {turned}}, matmul(a, turned, {"x"})});
  cases.push_back({"matmul both stored the other way",
                   {{turned}, {argument("r", {x5, y4})}},
                   matmul(argument("r", {x5, y4}), turned, {"x"})});
  cases.push_back({"matmul with a batch axis in both", {{shared}, {batched}}, matmul(shared, batched, {"x"})});
  cases.push_back({"matmul with a batch axis in one", {{a}, {batched}}, matmul(a, batched, {"x"})});
  cases.push_back({"matmul over two axes", {{a}, {shared}}, matmul(a, shared, {"y", "x"})});
  cases.push_back({"matmul of a vector with itself", {{v}}, matmul(v, v, {"x"})});
  cases.push_back({"matmul over no axis", {{a}, {m}}, matmul(a, m, {})});

  const std::vector<std::int64_t> pairs{0, 1, 2, 0, 2, 4, 1, 1, 2, 1, 0, 3, 2, 4};  // one pair twice, one pre unused
  const Expr w = argument("w", {{"synapse", 7}});
  cases.push_back({"sparse", {{w}, {v}}, sparse(w, v, "x", {"post", 3}, pairs)});
  cases.push_back({"sparse with a leading axis", {{w}, {a}}, sparse(w, a, "x", {"post", 3}, pairs)});
  const Expr trailing = argument("t", {x5, y4});
  cases.push_back({"sparse with a trailing axis", {{w}, {trailing}}, sparse(w, trailing, "x", {"post", 3}, pairs)});

  for (const Border border : {Border::zero, Border::reflect, Border::circular}) {
    const std::string at = border == Border::zero ? ", zero" : (border == Border::reflect ? ", reflect" : ", circular");
    for (const int by : {1, -2, 7})
      cases.push_back({"shift by " + std::to_string(by) + at, {{a}}, shift(a, "x", by, border)});
    cases.push_back({"pad" + at, {{a}}, pad(a, "y", 2, 3, border)});
    cases.push_back({"pad past the length" + at, {{a}}, pad(a, "x", 7, 0, border)});
  }
  cases.push_back({"slice", {{a}}, slice(a, "x", 1, 4)});
  cases.push_back({"slice of the first axis", {{a}}, slice(a, "y", 2, 3)});
  cases.push_back({"flip", {{a}}, flip(a, "y")});
  cases.push_back({"resample finer", {{a}}, resample(a, "x", 12)});
  cases.push_back({"resample coarser", {{a}}, resample(a, "y", 3)});
  cases.push_back({"resample to one", {{a}}, resample(a, "x", 1)});
  const Expr e = argument("e", {y4, {"x", 2}});
  cases.push_back({"concatenate", {{a}, {e}}, concatenate({a, e * e, a}, "x")});
  cases.push_back({"rename", {{a}}, rename(a, "x", "z") * a});
  cases.push_back({"rename, then sum", {{a}}, sum(rename(a * a, "x", "z"), {"z"})});
  cases.push_back({"transpose", {{a}}, transpose(a, {"x", "y"})});
  cases.push_back({"broadcast", {{v}}, broadcast_to(v, {f3, x5, y4})});
  cases.push_back({"broadcast of a broadcast, renamed between",
                   {{v}},
                   broadcast_to(rename(broadcast_to(v, {f3, x5}), "x", "z"), {{"z", 5}, y4, f3})});
}

void add_reductions(std::vector<Case>& cases) {
  const Expr a = argument("a", {f3, y4, x5});
  using Names = std::vector<std::string>;
  for (const Names& axes :
       {Names{"f"}, Names{"y"}, Names{"x"}, Names{"y", "x"}, Names{"x", "f"}, Names{"f", "y", "x"}}) {
    std::string over;
    for (const auto& axis : axes) over += " " + axis;
    cases.push_back({"sum over" + over, {{a}}, sum(a, axes)});
    cases.push_back({"mean of squares over" + over, {{a}}, mean(a * a, axes)});
    cases.push_back({"max over" + over, {{a}}, max(a, axes)});
    cases.push_back({"max of a nonlinear function over" + over, {{a}}, max(sin(a) * Expr(2.0), axes)});
  }
  const Expr image = argument("i", {{"y", 6}, {"x", 7}});
  const Expr stack = argument("j", {f3, {"y", 4}, b2, {"x", 4}});
  cases.push_back({"maxpool side by side", {{image}}, maxpool(image, {"y", "x"}, 2, 2)});
  cases.push_back({"maxpool overlapping", {{image}}, maxpool(image, {"y", "x"}, 3, 1)});
  cases.push_back({"maxpool with gaps", {{image}}, maxpool(image, {"y", "x"}, 2, 3)});
  cases.push_back({"maxpool along one axis", {{image}}, maxpool(sin(image), {"x"}, 3, 2)});
  cases.push_back({"maxpool with other axes around", {{stack}}, maxpool(stack * stack, {"y", "x"}, 2, 2)});
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> c;
    add_pointwise(c);
    add_convolutions(c);
    add_other_linear(c);
    add_reductions(c);
    return c;
  }();
  return all;
}

Bindings values_of(const std::vector<Operand>& operands) {
  Bindings values;
  unsigned seed = 1;
  for (const auto& o : operands)
    values.emplace_back(o.variable, spread_values(o.variable.shape().size(), seed++, o.low, o.high));
  return values;
}

/// Beside each of `like` a variable of its shape: a direction in its unit, or a cotangent in the inverse one.
enum class Companion { direction, cotangent };
Bindings companions(Companion kind, const std::string& prefix, const std::vector<Expr>& like, unsigned seed) {
  Bindings result;
  for (std::size_t i = 0; i < like.size(); ++i)
    result.emplace_back(variable(VariableKind::argument, prefix + std::to_string(i), like[i].shape(),
                                 kind == Companion::direction ? like[i].unit() : like[i].unit().pow(-1)),
                        spread_values(like[i].shape().size(), seed++));
  return result;
}

Bindings joined(Bindings a, const Bindings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<Expr> variables(const std::vector<Operand>& operands) {
  std::vector<Expr> v;
  for (const auto& o : operands) v.push_back(o.variable);
  return v;
}

std::vector<double> value_or_zero(const Expr& e, const Expr& like, const Bindings& at) {
  return e ? compiled_value<double>(e, at) : std::vector<double>(like.shape().size(), 0.0);
}

/// Checks J v of `outputs` against differences and <lambda, J v> = <J' lambda, v>, at `at`, over the operands `wrt`.
/// @returns the graphs of J v and of J' lambda, and the values of v and lambda they need
struct Derived {
  std::vector<Expr> graphs;
  Bindings at;
};
Derived check_derivatives(const std::string& name, const std::vector<Expr>& outputs, const std::vector<Expr>& wrt,
                          const Bindings& at, const std::string& order) {
  BOOST_TEST_CONTEXT(name << ", order " << order) {
    const Bindings v = companions(Companion::direction, "v" + order, wrt, 100);
    std::vector<std::pair<Expr, Expr>> directions;
    for (std::size_t i = 0; i < wrt.size(); ++i) directions.emplace_back(wrt[i], v[i].first);
    const auto tangents = jvp(outputs, directions);
    const Bindings here = joined(at, v);

    // Richardson's combination of central differences: error h^4 f''''' / 120 and eps |f| / h, both below 1e-10 of the
    // values at h = 2e-3; operands keep 2 h from every kink.
    constexpr double h = 2e-3;
    const auto moved = [&](double by) {
      Bindings b = at;
      for (std::size_t i = 0; i < wrt.size(); ++i)
        for (auto& [variable, values] : b)
          if (variable == wrt[i])
            for (std::size_t j = 0; j < values.size(); ++j) values[j] += by * v[i].second[j];
      return b;
    };
    std::vector<std::vector<double>> tangent_values;
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const auto value = [&](double by) { return compiled_value<double>(outputs[o], moved(by)); };
      const auto p1 = value(h / 2), m1 = value(-h / 2), p2 = value(h), m2 = value(-h);
      std::vector<double> difference(p1.size());
      double scale = 1e-3;
      for (std::size_t i = 0; i < p1.size(); ++i) {
        difference[i] = (8 * (p1[i] - m1[i]) - (p2[i] - m2[i])) / (6 * h);
        scale = std::max({scale, std::abs(p1[i]), std::abs(difference[i])});
      }
      tangent_values.push_back(value_or_zero(tangents[o], outputs[o], here));
      if (tangents[o]) {
        BOOST_TEST((tangents[o].shape() == outputs[o].shape()));
        BOOST_TEST((tangents[o].unit() == outputs[o].unit()));
      }
      BOOST_TEST(distance(tangent_values[o], difference) <= 2e-9 * scale);
    }

    const Bindings lambda = companions(Companion::cotangent, "lambda" + order, outputs, 200);
    std::vector<std::pair<Expr, Expr>> cotangents;
    for (std::size_t o = 0; o < outputs.size(); ++o) cotangents.emplace_back(outputs[o], lambda[o].first);
    const auto gradients = vjp(cotangents, wrt);
    const Bindings there = joined(at, lambda);
    double forward = 0, backward = 0, magnitude = 1;
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      forward += dot(lambda[o].second, tangent_values[o]);
      magnitude += largest(tangent_values[o]) * static_cast<double>(tangent_values[o].size());
    }
    for (std::size_t i = 0; i < wrt.size(); ++i) {
      if (gradients[i]) BOOST_TEST((gradients[i].shape() == wrt[i].shape()));
      backward += dot(value_or_zero(gradients[i], wrt[i], there), v[i].second);
    }
    // Each side is a sum of products of numbers up to `magnitude`; some hundred roundings meet.
    BOOST_TEST(std::abs(forward - backward) <= 1e-13 * magnitude);

    Derived derived{{}, joined(here, lambda)};
    for (const auto& e : tangents)
      if (e) derived.graphs.push_back(e);
    for (const auto& e : gradients)
      if (e) derived.graphs.push_back(e);
    return derived;
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(every_operation)

BOOST_AUTO_TEST_CASE(names_of_cases_differ) {
  std::set<std::string> names;
  for (const auto& c : cases()) BOOST_TEST(names.insert(c.name).second, c.name);
}

BOOST_AUTO_TEST_CASE(has_the_value_of_its_definition) {
  // Double: a few roundings of sums of some tens of terms of order 1. Float: the same with 6e-8.
  for (const auto& c : cases()) {
    BOOST_TEST_CONTEXT(c.name) {
      const auto at = values_of(c.operands);
      const auto expected = naive_value(c.value, at);
      const double scale = std::max(1.0, largest(expected));
      BOOST_TEST(distance(compiled_value<double>(c.value, at), expected) <= 1e-13 * scale);
      BOOST_TEST(distance(compiled_value<float>(c.value, at), expected) <= 1e-5 * scale);
    }
  }
}

BOOST_AUTO_TEST_CASE(has_the_derivatives_of_its_value_twice) {
  for (const auto& c : cases()) {
    const auto first = check_derivatives(c.name, {c.value}, variables(c.operands), values_of(c.operands), "1");
    check_derivatives(c.name, first.graphs, variables(c.operands), first.at, "2");
  }
}

BOOST_AUTO_TEST_CASE(has_derivative_graphs_that_compile_to_their_definition) {
  for (const auto& c : cases()) {
    BOOST_TEST_CONTEXT(c.name) {
      const auto wrt = variables(c.operands);
      const auto lambda = companions(Companion::cotangent, "l", {c.value}, 300);
      const auto at = joined(values_of(c.operands), lambda);
      for (const auto& g : vjp({{c.value, lambda[0].first}}, wrt)) {
        if (!g) continue;
        const auto expected = naive_value(g, at);
        const double scale = std::max(1.0, largest(expected));
        BOOST_TEST(distance(compiled_value<double>(g, at), expected) <= 2e-13 * scale);
        BOOST_TEST(distance(compiled_value<float>(g, at), expected) <= 2e-5 * scale);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(kinks)

namespace {

using Numbers = std::vector<double>;

/// The derivative of f at the values of x, element by element.
Numbers slope(const std::function<Expr(const Expr&)>& f, const Numbers& at) {
  const Axis axis{"x", at.size()};
  const Expr x = argument("x", {axis});
  const Expr v = argument("v", {axis});
  const auto d = jvp({f(x)}, {{x, v}})[0];
  return d ? compiled_value<double>(d, {{x, at}, {v, Numbers(at.size(), 1.0)}}) : Numbers(at.size(), 0.0);
}

}  // namespace

BOOST_AUTO_TEST_CASE(rectifiers_and_absolute_values_have_slope_0_at_0) {
  BOOST_TEST(slope(function_of_one(striate::relu), {-1, -0.0, 0, 1}) == (Numbers{0, 0, 0, 1}));
  BOOST_TEST(slope([&](const Expr& x) { return atan2(x, Expr(2.0) * x); }, {0}) == (Numbers{0}));  // no angle, no slope
  BOOST_TEST(slope(function_of_one(striate::abs), {-2, -0.0, 0, 3}) == (Numbers{-1, 0, 0, 1}));
  BOOST_TEST(slope(function_of_one(striate::step), {-1, 0, 1}) == (Numbers{0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(ties_of_min_and_max_go_to_the_second_operand) {
  const auto two = [](const Expr& x) { return Expr(2.0) * x; };
  BOOST_TEST(slope([&](const Expr& x) { return max(x, two(x)); }, {-1, 0, 1}) == (Numbers{1, 2, 2}));
  BOOST_TEST(slope([&](const Expr& x) { return max(two(x), x); }, {-1, 0, 1}) == (Numbers{1, 1, 2}));
  BOOST_TEST(slope([&](const Expr& x) { return min(x, two(x)); }, {-1, 0, 1}) == (Numbers{2, 2, 1}));
  BOOST_TEST(slope([&](const Expr& x) { return min(two(x), x); }, {-1, 0, 1}) == (Numbers{2, 1, 1}));
}

BOOST_AUTO_TEST_CASE(a_rectifier_has_slope_0_at_its_kink_however_it_is_written) {
  for (const double c : {0.0, 1.0}) {
    const Expr k(c);
    BOOST_TEST(slope([&](const Expr& x) { return max(x, k); }, {c - 1, c, c + 1}) == (Numbers{0, 0, 1}));
    BOOST_TEST(slope([&](const Expr& x) { return max(k, x); }, {c - 1, c, c + 1}) == (Numbers{0, 0, 1}));
    BOOST_TEST(slope([&](const Expr& x) { return min(x, k); }, {c - 1, c, c + 1}) == (Numbers{1, 0, 0}));
    BOOST_TEST(slope([&](const Expr& x) { return min(k, x); }, {c - 1, c, c + 1}) == (Numbers{1, 0, 0}));
    BOOST_TEST(slope([&](const Expr& x) { return max(k, k - x); }, {-1, 0, 1}) == (Numbers{-1, 0, 0}));
  }
}

// sqrt, log and 1/x have slopes without end at 0, where the other branch is taken.
BOOST_AUTO_TEST_CASE(a_branch_that_is_not_taken_has_no_part_in_the_slope) {
  const Expr x = argument("x", {{"x", 3}}), a = argument("a", {}), g = argument("g", {{"x", 3}});
  const auto chosen = [&](const Expr& taken) { return where(x, taken, a); };
  const auto of_a = [&](const Expr& f) {
    return compiled_value<double>(vjp({{f, g}}, {a})[0], {{x, {-1, 0, 4}}, {a, {9}}, {g, {1, 10, 100}}})[0];
  };
  BOOST_TEST(of_a(chosen(sqrt(a * x))) == 1 + 10 + 100 * 0.5 * 4 / 6, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(of_a(chosen(sqrt(a * x) * Expr(3.0))) == 1 + 10 + 100 * 3 * 0.5 * 4 / 6,
             boost::test_tools::tolerance(1e-15));
  BOOST_TEST(of_a(chosen(-log(a * x))) == 1 + 10 - 100 / 9.0, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(of_a(chosen(Expr(1.0) / (a * x))) == 1 + 10 - 100 / (81 * 4.0), boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(where_follows_its_second_value_at_0) {
  BOOST_TEST(slope([](const Expr& x) { return where(x, Expr(3.0) * x, Expr(5.0) * x); }, {-1, 0, 1}) ==
             (Numbers{5, 5, 3}));
}

BOOST_AUTO_TEST_CASE(equal_maxima_over_an_axis_share_the_derivative) {
  const Expr a = argument("a", {{"y", 2}, {"x", 4}});
  const Expr l = argument("l", {{"y", 2}});
  const auto g = vjp({{max(a, {"x"}), l}}, {a})[0];
  BOOST_TEST(compiled_value<double>(g, {{a, {1, 3, 3, 0, 2, 2, 2, 2}}, {l, {1, 8}}}) ==
             (Numbers{0, 0.5, 0.5, 0, 2, 2, 2, 2}));
}

BOOST_AUTO_TEST_CASE(equal_maxima_of_a_window_give_the_derivative_to_the_first) {
  const Expr a = argument("a", {{"x", 4}});
  const Expr l = argument("l", {{"x", 2}});
  const auto g = vjp({{maxpool(a, {"x"}, 2, 2), l}}, {a})[0];
  BOOST_TEST(compiled_value<double>(g, {{a, {3, 3, 1, 2}}, {l, {5, 7}}}) == (Numbers{5, 0, 0, 7}));
}

BOOST_AUTO_TEST_CASE(smooth_functions_have_finite_slopes_where_formulas_divide_by_zero) {
  // exprel'(0) = 1/2, phi_2'(0) = 1/6, softplus'(+-800) = 1 and 0.
  BOOST_TEST(slope(function_of_one(striate::exprel), {0})[0] == 0.5, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(slope([](const Expr& x) { return phi(2, x); }, {0})[0] == 1.0 / 6, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(slope(function_of_one(striate::softplus), {-800, 800}) == (Numbers{0, 1}));
  BOOST_TEST(slope(function_of_one(striate::sigmoid), {-800, 800}) == (Numbers{0, 0}));
  BOOST_TEST(slope(function_of_one(striate::single), {0.1, -3}) == (Numbers{1, 1}));
  BOOST_TEST(slope([](const Expr& x) { return pow(x, 2.0); }, {0}) == (Numbers{0}));
  // 0^b counts as constant in b: its slope there is 0, not log(0).
  const Expr b = argument("b", {});
  const Expr v = argument("v", {});
  const Expr base = argument("base", {});
  const auto d = jvp({pow(base, b)}, {{b, v}})[0];
  BOOST_TEST(compiled_value<double>(d, {{b, {1.5}}, {v, {1}}, {base, {0}}}) == (Numbers{0}));
}

BOOST_AUTO_TEST_CASE(a_surrogate_has_the_value_of_one_and_the_slopes_of_the_other) {
  const Numbers at{-1.5, -0.2, 0, 0.4, 2};
  const auto fast_sigmoid = [](const Expr& x) { return x / (Expr(1.0) + Expr(3.0) * striate::abs(x)); };
  const auto spike = [&](const Expr& x) { return surrogate(step(x), fast_sigmoid(x)); };
  const Expr x = argument("x", {Axis{"x", at.size()}});
  const Expr both = spike(x) * x;
  BOOST_TEST(compiled_value<double>(spike(x), {{x, at}}) == (Numbers{0, 0, 0, 1, 1}), boost::test_tools::per_element());
  BOOST_TEST(slope(spike, at) == slope(fast_sigmoid, at), boost::test_tools::per_element());
  // 1/(1 + 3 |x|)^2, and as a factor of a product: s' x + s
  Numbers expected, product;
  for (const double a : at) {
    expected.push_back(std::pow(1 + 3 * std::abs(a), -2));
    product.push_back(expected.back() * a + (a > 0 ? 1 : 0));
  }
  BOOST_TEST(distance(slope(spike, at), expected) < 1e-15);
  const Expr g = vjp({{both, broadcast_to(Expr(1.0), x.shape())}}, {x})[0];
  BOOST_TEST(distance(compiled_value<double>(g, {{x, at}}), product) < 1e-15);
  BOOST_TEST(to_text(spike(x)) == "surrogate(step(x), x/(1 + 3*abs(x)))");
  BOOST_CHECK_THROW(surrogate(quantity(1, "mV"), argument("y", {}, "ms")), Error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(long_arrays)

namespace {

struct Shapes {
  std::string name;
  Shape a, b, c;
};

// Longer than the blocks of the evaluator and no multiple of any, with operands along leading, middle and trailing
// axes.
const std::vector<Shapes>& long_shapes() {
  static const std::vector<Shapes> shapes{
      {"one axis of 1000", {{"x", 1000}}, {{"x", 1000}}, {}},
      {"a long axis and a scalar", {{"x", 4099}}, {}, {{"x", 4099}}},
      {"leading axis", {{"y", 37}, {"x", 41}}, {{"y", 37}}, {{"y", 37}, {"x", 41}}},
      {"trailing axis", {{"y", 37}, {"x", 41}}, {{"x", 41}}, {{"y", 37}}},
      {"middle axis", {{"z", 5}, {"y", 17}, {"x", 19}}, {{"y", 17}}, {{"z", 5}, {"x", 19}}},
      {"first and last axis", {{"z", 5}, {"y", 17}, {"x", 19}}, {{"z", 5}, {"x", 19}}, {{"z", 5}, {"y", 17}}},
      {"axes exchanged", {{"y", 37}, {"x", 41}}, {{"x", 41}, {"y", 37}}, {{"y", 37}, {"x", 41}}},
      {"three axes turned round",
       {{"z", 7}, {"y", 11}, {"x", 13}},
       {{"x", 13}, {"z", 7}, {"y", 11}},
       {{"y", 11}, {"x", 13}}},
      {"no common axis", {{"y", 31}}, {{"x", 43}}, {{"f", 2}}},
      {"axes of length 1", {{"u", 1}, {"y", 300}, {"w", 1}}, {{"w", 1}, {"y", 300}}, {{"u", 1}}}};
  return shapes;
}

struct PointwiseCase {
  std::string name;
  std::function<Expr(const Expr&, const Expr&, const Expr&)> f;
  double low = -3, high = 3;
};

const std::vector<PointwiseCase>& pointwise_cases() {
  using E = const Expr&;
  static const std::vector<PointwiseCase> all{
      {"add", [](E a, E b, E c) { return a + b + c; }},
      {"sub", [](E a, E b, E c) { return a - b - c; }},
      {"mul", [](E a, E b, E c) { return a * b * c; }},
      {"div", [](E a, E b, E c) { return a / b / c; }, 0.5, 3},
      {"neg", [](E a, E b, E c) { return -a + -b * -c; }},
      {"min", [](E a, E b, E c) { return min(min(a, b), c); }},
      {"max", [](E a, E b, E c) { return max(max(a, b), c); }},
      {"pow", [](E a, E b, E c) { return pow(a, b) + pow(c, 3.0); }, 0.5, 3},
      {"pow of integers", [](E a, E b, E c) { return pow(a, 2.0) + pow(b, 5.0) + pow(c, -3.0); }, 0.5, 3},
      {"sqrt", [](E a, E b, E c) { return sqrt(a) + sqrt(b) * sqrt(c); }, 0.1, 3},
      {"exp", [](E a, E b, E c) { return exp(a) + exp(b) * c; }},
      {"log", [](E a, E b, E c) { return log(a) + log(b) * log(c); }, 0.1, 3},
      {"sin", [](E a, E b, E c) { return sin(a) + sin(b) * sin(c); }, -20, 20},
      {"cos", [](E a, E b, E c) { return cos(a) + cos(b) * cos(c); }, -20, 20},
      {"atan2", [](E a, E b, E c) { return atan2(a, b) + atan2(b - c, a); }},
      {"tanh", [](E a, E b, E c) { return tanh(a) + tanh(b) * tanh(c); }},
      {"sigmoid", [](E a, E b, E c) { return sigmoid(a) + sigmoid(b) * sigmoid(c); }, -20, 20},
      {"softplus", [](E a, E b, E c) { return softplus(a) + softplus(b) * softplus(c); }, -20, 20},
      {"relu", [](E a, E b, E c) { return relu(a) + relu(b) * relu(c); }},
      {"abs", [](E a, E b, E c) { return abs(a) + abs(b) * abs(c); }},
      {"step", [](E a, E b, E c) { return step(a) + step(b) * step(c); }},
      {"where", [](E a, E b, E c) { return where(a, b, c) + where(c, a, b); }},
      {"phi", [](E a, E b, E c) { return phi(1, a) + phi(2, b) * phi(3, c); }, -8, 3},
      {"convert",
       [](E a, E b, E c) { return a * quantity(1, "mV") + convert(b * quantity(1, "uV"), Unit::parse("mV")) * c; }},
      {"more operations than one piece holds",
       [](E a, E b, E c) {
         Expr e = a;
         for (int i = 0; i < 60; ++i) e = tanh(e * b + c * Expr(0.1 * i)) + Expr(0.01) * a;
         return e;
       },
       -1, 1}};
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(pointwise_operations_have_their_value_at_every_element) {
  for (const auto& shapes : long_shapes()) {
    const Expr a = argument("a", shapes.a), b = argument("b", shapes.b), c = argument("c", shapes.c);
    for (const auto& p : pointwise_cases()) {
      BOOST_TEST_CONTEXT(p.name << ", " << shapes.name) {
        const Bindings at = values_of({{a, p.low, p.high}, {b, p.low, p.high}, {c, p.low, p.high}});
        const Expr e = p.f(a, b, c);
        const auto expected = naive_value(e, at);
        const auto in_double = compiled_value<double>(e, at);
        const auto in_float = compiled_value<float>(e, at);
        double worst_double = 0, worst_float = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
          // Where terms cancel, rounding counts against the terms: those are of order 1 and larger.
          const double scale = std::max(1.0, std::abs(expected[i]));
          worst_double = std::max(worst_double, std::abs(in_double[i] - expected[i]) / scale);
          worst_float = std::max(worst_float, std::abs(in_float[i] - expected[i]) / scale);
        }
        BOOST_TEST(worst_double <= 1e-13);
        BOOST_TEST(worst_float <= (p.name == "step" || p.name == "where" ? 1e-6 : 1e-5) * (p.high > 5 ? 10 : 1));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(reductions_and_linear_operators_have_their_value_over_many_blocks) {
  const Expr a = argument("a", {{"z", 3}, {"y", 2500}, {"x", 3}});
  const Expr b = argument("b", {{"x", 3}, {"y", 2500}});
  const Expr k = argument("k", {{"dy", 21}});
  const Expr w = argument("w", {{"synapse", 3000}});
  std::vector<std::int64_t> pairs;
  for (std::int64_t e = 0; e < 3000; ++e) {
    pairs.push_back(e * 7919 % 700);
    pairs.push_back(e * 104729 % 2500);
  }
  const Bindings at = values_of({{a}, {b}, {k}, {w}});
  const std::vector<std::pair<std::string, Expr>> values{{"sum over the middle", sum(a, {"y"})},
                                                         {"sum over all", sum(a, {"z", "y", "x"})},
                                                         {"sum over the ends", sum(a, {"z", "x"})},
                                                         {"max over the middle", max(a, {"y"})},
                                                         {"max over all", max(a, {"z", "y", "x"})},
                                                         {"matmul", matmul(a, b, {"y"})},
                                                         {"matmul over two axes", matmul(a, b, {"y", "x"})},
                                                         {"conv", conv(a, k)},
                                                         {"sparse", sparse(w, a, "y", {"post", 700}, pairs)},
                                                         {"shift", shift(a, "y", 600, Border::circular)},
                                                         {"resample", resample(a, "y", 700)},
                                                         {"transpose", transpose(a, {"x", "z", "y"})}};
  for (const auto& [name, e] : values) {
    BOOST_TEST_CONTEXT(name) {
      const auto expected = naive_value(e, at);
      // Sums of up to 22500 terms below 1 in blocks: partial sums reach some hundreds. A place of resample near 2500 is
      // exact to 2500 roundings of 1.
      const bool long_sum = e->op == Op::sum || e->op == Op::contract;
      const double scale = std::max(1.0, largest(expected)) * (long_sum ? 100 : (e->op == Op::line ? 20 : 1));
      BOOST_TEST(distance(compiled_value<double>(e, at), expected) <= 1e-13 * scale);
      BOOST_TEST(distance(compiled_value<float>(e, at), expected) <= 1e-5 * scale);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
