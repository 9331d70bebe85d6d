// The naive evaluator that other tests of this room compare with, and its own check on numbers done by hand.
#include "tests/circuit/evaluation.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "circuit/program/function.hpp"

namespace striate::testing {
namespace {

using Point = std::map<std::string, std::size_t>;  // axis name -> index

std::size_t flat(const Shape& shape, const Point& at) {
  std::size_t i = 0;
  for (const auto& axis : shape) i = i * axis.size + at.at(axis.name);
  return i;
}

/// Calls body(point) for every index of `shape`, on top of what `at` already fixes.
template <class Body>
void each(const Shape& shape, Point& at, const Body& body, std::size_t depth = 0) {
  if (depth == shape.rank()) return body(at);
  for (std::size_t i = 0; i < shape[depth].size; ++i) {
    at[shape[depth].name] = i;
    each(shape, at, body, depth + 1);
  }
}

/// Walks in from outside by the border's own rule; -1 where it gives zero.
std::ptrdiff_t inside(std::ptrdiff_t i, std::ptrdiff_t n, Border border) {
  if (border == Border::zero) return i < 0 || i >= n ? -1 : i;
  while (border == Border::circular && i < 0) i += n;
  while (border == Border::circular && i >= n) i -= n;
  while (border == Border::reflect && (i < 0 || i >= n)) i = n == 1 ? 0 : (i < 0 ? -i : 2 * (n - 1) - i);
  return i;
}

/// Its series where terms stay small, its recurrence phi_{k+1} = (phi_k - 1/k!)/x where that does not cancel.
double phi_by_definition(int k, double x) {
  if (std::abs(x) > 2) {
    long double value = std::exp(static_cast<long double>(x));
    long double inverse_factorial = 1;
    for (int i = 0; i < k; ++i) {
      value = (value - inverse_factorial) / x;
      inverse_factorial /= i + 1;
    }
    return static_cast<double>(value);
  }
  long double term = 1;
  for (int i = 2; i <= k; ++i) term /= i;
  long double total = 0;
  for (int i = 1; i < 200; ++i) {
    total += term;
    term *= static_cast<long double>(x) / (k + i);
  }
  return static_cast<double>(total);
}

double pointwise_by_definition(const Node& n, double a, double b, double c) {
  switch (n.op) {
    case Op::add: return a + b;
    case Op::sub: return a - b;
    case Op::mul: return a * b;
    case Op::div: return a / b;
    case Op::neg: return -a;
    case Op::min: return b < a ? b : a;
    case Op::max: return b > a ? b : a;
    case Op::pow: return std::pow(a, b);
    case Op::sqrt: return std::sqrt(a);
    case Op::exp: return std::exp(a);
    case Op::log: return std::log(a);
    case Op::sin: return std::sin(a);
    case Op::cos: return std::cos(a);
    case Op::atan2: return std::atan2(a, b);
    case Op::tanh: return std::tanh(a);
    case Op::sigmoid: return static_cast<double>(1 / (1 + std::exp(-static_cast<long double>(a))));
    case Op::softplus: return static_cast<double>(std::log1p(std::exp(static_cast<long double>(a))));
    case Op::relu: return a > 0 ? a : 0;
    case Op::abs: return a < 0 ? -a : a;
    case Op::single: return static_cast<float>(a);
    case Op::step: return a > 0 ? 1 : 0;
    case Op::where: return a > 0 ? b : c;
    case Op::phi: return phi_by_definition(static_cast<int>(n.ints[0]), a);
    case Op::convert: return a * n.args[0].unit().to(n.unit);
    default: throw std::logic_error("not pointwise");
  }
}

class Naive {
 public:
  explicit Naive(const Bindings& bindings) {
    for (const auto& [v, values] : bindings) value_[v.get()] = values;
  }

  const std::vector<double>& operator()(const Expr& root) {
    for (const auto& e : topological_order({root}))
      if (!value_.contains(e.get())) value_[e.get()] = compute(*e);
    return value_.at(root.get());
  }

 private:
  double at(const Expr& e, const Point& p) const { return value_.at(e.get())[flat(e.shape(), p)]; }

  std::vector<double> compute(const Node& n) const {
    std::vector<double> out(n.shape.size(), 0.0);
    Point p;
    const auto fill = [&](const auto& value) {
      each(n.shape, p, [&](const Point& q) { out[flat(n.shape, q)] = value(q); });
    };
    switch (n.op) {
      case Op::constant: return {n.value};
      case Op::array: return *n.numbers;
      case Op::index: fill([&](const Point& q) { return static_cast<double>(q.at(n.shape[0].name)); }); return out;
      case Op::variable: throw std::logic_error("no value for " + n.name);
      case Op::conv: return conv_value(n);
      case Op::sparse: return sparse_value(n);
      case Op::line: return line_value(n);
      case Op::maxpool:
      case Op::maxpool_select: return pool_value(n);
      case Op::broadcast:
      case Op::transpose: fill([&](const Point& q) { return at(n.args[0], q); }); return out;
      case Op::rename:
        fill([&](Point q) {
          q[n.names[0]] = q.at(n.names[1]);
          return at(n.args[0], q);
        });
        return out;
      case Op::contract: {
        std::vector<Axis> axes(n.shape.begin(), n.shape.end());
        for (const auto& arg : n.args)
          for (const auto& axis : arg.shape())
            if (!Shape(axes).has(axis.name)) axes.push_back(axis);
        each(Shape(axes), p, [&](const Point& q) { out[flat(n.shape, q)] += at(n.args[0], q) * at(n.args[1], q); });
        return out;
      }
      case Op::sum:
        each(n.args[0].shape(), p, [&](const Point& q) { out[flat(n.shape, q)] += at(n.args[0], q); });
        return out;
      case Op::max_over:
        out.assign(out.size(), -std::numeric_limits<double>::infinity());
        each(n.args[0].shape(), p,
             [&](const Point& q) { out[flat(n.shape, q)] = std::max(out[flat(n.shape, q)], at(n.args[0], q)); });
        return out;
      default: {
        const auto arg = [&](std::size_t i, const Point& q) { return i < n.args.size() ? at(n.args[i], q) : 0.0; };
        fill([&](const Point& q) { return pointwise_by_definition(n, arg(0, q), arg(1, q), arg(2, q)); });
        return out;
      }
    }
  }

  /// <g, k (x) x> is a sum over the indices of g and of k; the missing one of the three collects its coefficients.
  std::vector<double> conv_value(const Node& n) const {
    const auto face = static_cast<Face>(n.ints[0]);
    const Shape& k = face == Face::kernel ? n.shape : n.args[0].shape();
    const Shape& x = face == Face::forward ? n.args[1].shape() : (face == Face::kernel ? n.args[0].shape() : n.shape);
    const Shape& g = face == Face::forward ? n.shape : n.args[1].shape();
    std::vector<Axis> axes(g.begin(), g.end());
    for (const auto& axis : k)
      if (!g.has(axis.name)) axes.push_back(axis);
    std::vector<double> out(n.shape.size(), 0.0);
    Point p;
    each(Shape(axes), p, [&](const Point& q) {
      Point source = q;
      for (const auto& axis : n.names) {
        const auto taps = static_cast<std::ptrdiff_t>(k[*k.find("d" + axis)].size);
        const auto length = static_cast<std::ptrdiff_t>(x[*x.find(axis)].size);
        const auto from = inside(static_cast<std::ptrdiff_t>(q.at(axis) + q.at("d" + axis)) - taps / 2, length,
                                 static_cast<Border>(n.ints[1]));
        if (from < 0) return;
        source[axis] = static_cast<std::size_t>(from);
      }
      if (face == Face::forward) out[flat(g, q)] += at(n.args[0], q) * at(n.args[1], source);
      if (face == Face::transposed) out[flat(x, source)] += at(n.args[0], q) * at(n.args[1], q);
      if (face == Face::kernel) out[flat(k, q)] += at(n.args[0], source) * at(n.args[1], q);
    });
    return out;
  }

  std::vector<double> sparse_value(const Node& n) const {
    const auto face = static_cast<Face>(n.ints[0]);
    const std::string &pre = n.names[0], &post = n.names[1], &synapse = n.names[2];
    const Shape& x = face == Face::forward ? n.args[1].shape() : (face == Face::kernel ? n.args[0].shape() : n.shape);
    const Shape rest = x.without({pre});
    std::vector<double> out(n.shape.size(), 0.0);
    Point p;
    for (std::size_t e = 0; e < n.pattern->size() / 2; ++e)
      each(rest, p, [&](Point q) {
        q[synapse] = e;
        q[post] = static_cast<std::size_t>((*n.pattern)[2 * e]);
        q[pre] = static_cast<std::size_t>((*n.pattern)[2 * e + 1]);
        out[flat(n.shape, q)] += at(n.args[0], q) * at(n.args[1], q);
      });
    return out;
  }

  /// What element i of the result of an untransposed line operation takes from its argument.
  static std::vector<std::pair<std::ptrdiff_t, double>> line_sources(const Node& n, std::ptrdiff_t i, std::size_t out,
                                                                     std::size_t in) {
    const auto length = static_cast<std::ptrdiff_t>(in);
    const std::int64_t* setting = n.ints.data() + 2;
    switch (static_cast<LineKind>(n.ints[0])) {
      case LineKind::shift: return {{inside(i - setting[0], length, static_cast<Border>(setting[1])), 1}};
      case LineKind::pad: return {{inside(i - setting[0], length, static_cast<Border>(setting[2])), 1}};
      case LineKind::slice: return {{i + setting[0], 1}};
      case LineKind::flip: return {{length - 1 - i, 1}};
      case LineKind::resample: break;
    }
    const double cell = static_cast<double>(in) / static_cast<double>(out);
    const double place =
        std::min(std::max((static_cast<double>(i) + 0.5) * cell - 0.5, 0.0), static_cast<double>(in) - 1);
    const double below = std::floor(place);
    return {{static_cast<std::ptrdiff_t>(below), 1 - (place - below)},
            {below + 1 < static_cast<double>(in) ? static_cast<std::ptrdiff_t>(below) + 1 : -1, place - below}};
  }

  std::vector<double> line_value(const Node& n) const {
    const bool transposed = n.ints[1] != 0;
    const std::string& axis = n.names[0];
    const Shape& in = n.args[0].shape();
    const std::size_t n_in = in[*in.find(axis)].size;
    const std::size_t n_out = n.shape[*n.shape.find(axis)].size;
    std::vector<double> out(n.shape.size(), 0.0);
    Point p;
    each(in.without({axis}), p, [&](Point q) {
      for (std::size_t i = 0; i < (transposed ? n_in : n_out); ++i)
        for (const auto& [from, weight] :
             line_sources(n, static_cast<std::ptrdiff_t>(i), transposed ? n_in : n_out, transposed ? n_out : n_in)) {
          if (from < 0) continue;
          Point a = q;
          Point b = q;
          a[axis] = transposed ? i : static_cast<std::size_t>(from);
          b[axis] = transposed ? static_cast<std::size_t>(from) : i;
          out[flat(n.shape, b)] += weight * at(n.args[0], a);
        }
    });
    return out;
  }

  std::vector<double> pool_value(const Node& n) const {
    const bool transposed = n.op == Op::maxpool_select && n.ints[2] != 0;
    const Shape& big = n.args[0].shape();
    const Shape& small = transposed ? n.args[1].shape() : n.shape;
    std::vector<Axis> window;
    for (const auto& axis : big)
      if (std::find(n.names.begin(), n.names.end(), axis.name) != n.names.end())
        window.push_back({"in " + axis.name, static_cast<std::size_t>(n.ints[0])});
    std::vector<double> out(n.shape.size(), 0.0);
    Point p;
    each(small, p, [&](const Point& q) {
      double best = -std::numeric_limits<double>::infinity();
      Point place;
      Point w = q;
      each(Shape(window), w, [&](const Point& r) {
        Point s = q;
        for (const auto& axis : n.names)
          s[axis] = q.at(axis) * static_cast<std::size_t>(n.ints[1]) + r.at("in " + axis);
        if (at(n.args[0], s) > best) {
          best = at(n.args[0], s);
          place = s;
        }
      });
      if (n.op == Op::maxpool)
        out[flat(small, q)] = best;
      else if (transposed)
        out[flat(big, place)] += at(n.args[1], q);
      else
        out[flat(small, q)] = at(n.args[1], place);
    });
    return out;
  }

  std::unordered_map<const Node*, std::vector<double>> value_;
};

}  // namespace

template <class T>
std::vector<double> compiled_value(const Expr& e, const Bindings& bindings) {
  std::vector<ArgumentField> fields;
  std::vector<T> values;
  for (const auto& [v, x] : bindings) {
    fields.push_back({v, 0, values.size()});
    values.insert(values.end(), x.begin(), x.end());
  }
  const Function<T> function({{values.size(), 1}}, fields, {{e, 0, 0, false}});
  std::vector<T> out(e.shape().size());
  const T* const in[] = {values.data()};
  T* const outputs[] = {out.data()};
  function.run(in, outputs, *function.make_memory());
  return {out.begin(), out.end()};
}
template std::vector<double> compiled_value<float>(const Expr&, const Bindings&);
template std::vector<double> compiled_value<double>(const Expr&, const Bindings&);

std::vector<double> naive_value(const Expr& e, const Bindings& bindings) { return Naive(bindings)(e); }

std::vector<double> spread_values(std::size_t n, unsigned seed, double low, double high) {
  std::mt19937 random(seed);
  std::vector<double> values(n);
  const double cell = (high - low) / static_cast<double>(n);
  std::uniform_real_distribution<double> jitter(0.1, 0.3);  // off the cell's middle and its edge, where 0 lies
  for (std::size_t i = 0; i < n; ++i) values[i] = low + (static_cast<double>(i) + jitter(random)) * cell;
  std::shuffle(values.begin(), values.end(), random);
  return values;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

double largest(const std::vector<double>& a) {
  double most = 0;
  for (const double x : a) most = std::max(most, std::abs(x));
  return most;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double d = std::abs(a[i] - b[i]);
    most = std::isnan(d) ? std::numeric_limits<double>::infinity() : std::max(most, d);
  }
  return most;
}

}  // namespace striate::testing

using namespace striate;
using namespace striate::testing;

BOOST_AUTO_TEST_SUITE(naive_evaluator)

BOOST_AUTO_TEST_CASE(sums_products_and_convolutions_are_those_done_by_hand) {
  const Axis x{"x", 3};
  const Expr v = variable(VariableKind::argument, "v", Shape{x}, Unit());
  const Expr k = variable(VariableKind::argument, "k", Shape{{"dx", 3}}, Unit());
  const Bindings values{{v, {1, 2, 4}}, {k, {10, 20, 30}}};
  using Numbers = std::vector<double>;
  // y[i] = 10 v[i-1] + 20 v[i] + 30 v[i+1]
  BOOST_TEST(naive_value(conv(v, k), values) == (Numbers{20 + 60, 10 + 40 + 120, 20 + 80}));
  BOOST_TEST(naive_value(conv(v, k, {}, Border::circular), values) == (Numbers{40 + 20 + 60, 170, 20 + 80 + 30}));
  BOOST_TEST(naive_value(conv(v, k, {}, Border::reflect), values) == (Numbers{20 + 20 + 60, 170, 20 + 80 + 60}));
  BOOST_TEST(naive_value(sum(v * Expr(2.0), {"x"}), values) == (Numbers{14}));
  BOOST_TEST(naive_value(max(v, {"x"}), values) == (Numbers{4}));
  BOOST_TEST(naive_value(matmul(v, v, {"x"}), values) == (Numbers{21}));
  BOOST_TEST(naive_value(shift(v, "x", 1), values) == (Numbers{0, 1, 2}));
  BOOST_TEST(naive_value(maxpool(v, {"x"}, 2, 1), values) == (Numbers{2, 4}));
  BOOST_TEST(naive_value(resample(v, "x", 6), values) == (Numbers{1, 1.25, 1.75, 2.5, 3.5, 4}));
}

BOOST_AUTO_TEST_CASE(composed_functions_are_those_of_the_standard_library) {
  for (const double x : {-0.999, -0.3, -1e-9, 0.0, 1e-300, 0.25, 0.75, 1.0}) {
    const std::pair<double, Expr> cases[] = {{std::tan(x), tan(Expr(x))},   {std::sinh(x), sinh(Expr(x))},
                                             {std::cosh(x), cosh(Expr(x))}, {std::asin(x), asin(Expr(x))},
                                             {std::acos(x), acos(Expr(x))}, {std::atan(x), atan(Expr(x))}};
    for (const auto& [value, composed] : cases) {
      // 1 - x^2 of asin and acos loses digits towards 1; the rest is a few roundings.
      BOOST_TEST(std::abs(composed->value - value) <= (std::abs(x) > 0.9 ? 1e-14 : 1e-15) * std::abs(value));
    }
  }
  BOOST_TEST(sinh(Expr(1000.0))->value == std::numeric_limits<double>::infinity());
  BOOST_TEST(sinh(Expr(-1000.0))->value == -std::numeric_limits<double>::infinity());
  BOOST_TEST(cosh(Expr(-1000.0))->value == std::numeric_limits<double>::infinity());
}

BOOST_AUTO_TEST_CASE(spread_values_keep_their_distance) {
  for (const std::size_t n : {1U, 2U, 7U, 60U}) {
    auto values = spread_values(n, 3);
    std::sort(values.begin(), values.end());
    for (std::size_t i = 0; i < n; ++i) {
      BOOST_TEST(std::abs(values[i]) >= 0.2 / static_cast<double>(n));
      if (i > 0) BOOST_TEST(values[i] - values[i - 1] >= 0.2 / static_cast<double>(n));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(work_done_together)

BOOST_AUTO_TEST_CASE(sums_of_outer_products_are_those_of_plain_loops) {
  const Axis post{"post", 37}, pre{"pre", 17};
  for (const unsigned count : {1U, 2U, 7U, 20U}) {  // 20 are more than one step takes
    Bindings values;
    Expr total;
    for (unsigned i = 0; i < count; ++i) {
      const Expr a = variable(VariableKind::argument, "a" + std::to_string(i), Shape{post}, Unit());
      const Expr b = variable(VariableKind::argument, "b" + std::to_string(i), Shape{pre}, Unit());
      values.emplace_back(a, spread_values(post.size, 2 * i));
      values.emplace_back(b, spread_values(pre.size, 2 * i + 1));
      // Every other one is stored the other way round.
      const Expr product = i % 2 == 0 ? contract(a, b, Shape{post, pre}) : contract(b, a, Shape{post, pre});
      total = total ? total + product : product;
    }
    // At most 20 roundings of numbers below 20.
    BOOST_TEST(distance(compiled_value<double>(total, values), naive_value(total, values)) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(sums_taken_along_with_what_they_sum_are_those_of_plain_loops) {
  for (const std::size_t n : {3U, 512U, 4097U, 70001U}) {  // less than a block, one, more than a chunk, on threads
    const Expr v = variable(VariableKind::argument, "v", Shape{{"x", n}}, Unit());
    const Bindings values{{v, spread_values(n, 1)}};
    const Expr z = v * sin(v);
    const Expr e = z * sum(z, {"x"}) + sum(z * z, {"x"}) * Expr(1.0 / static_cast<double>(n));
    // n roundings, at random, of sums below n.
    const auto size = static_cast<double>(n);
    BOOST_TEST(distance(compiled_value<double>(e, values), naive_value(e, values)) < 2e-16 * size * std::sqrt(size));
  }
}

BOOST_AUTO_TEST_SUITE_END()
