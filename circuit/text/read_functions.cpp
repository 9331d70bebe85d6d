#include "circuit/text/reader.hpp"

#include <algorithm>
#include <cmath>

#include "circuit/random.hpp"
#include "circuit/surrogate.hpp"

namespace striate {
namespace {

constexpr double most_coordinates = 1 << 20;

}  // namespace

Expr CircuitReader::Call::value(std::size_t i) const {
  const ComplexExpr value = any_value(i);
  if (!value.is_real())
    reader_.fail_at(a_.starts[i],
                    fmt::format("{} takes a real value here. Take re(), im(), abs2() or arg() first.", f_.text));
  return value.re();
}

ComplexExpr CircuitReader::Call::any_value(std::size_t i) const {
  if (i < a_.values.size()) return a_.values[i] ? a_.values[i] : reader_.bare_value(f_, a_.starts[i]);
  reader_.fail_at(f_,
                  fmt::format("{} takes at least {} arguments, but {} are given.", f_.text, i + 1, a_.values.size()));
}

CircuitReader::Call CircuitReader::Call::with(std::size_t i, const Expr& value) const {
  Call other = *this;
  other.a_.values[i] = value;
  return other;
}

void CircuitReader::Call::count(std::size_t n) const {
  if (a_.values.size() != n)
    reader_.fail_at(f_, fmt::format("{} takes {} argument{}, but {} {} given.", f_.text, n, n == 1 ? "" : "s",
                                    a_.values.size(), a_.values.size() == 1 ? "is" : "are"));
}

std::string CircuitReader::Call::axis(std::size_t i) const {
  if (i < a_.words.size() && !a_.words[i].empty()) return a_.words[i];
  reader_.fail_at(i < a_.starts.size() ? a_.starts[i] : f_,
                  fmt::format("{}: the name of an axis is needed as argument {}.", f_.text, i + 1));
}

std::vector<std::string> CircuitReader::Call::axes_from(std::size_t first) const {
  std::vector<std::string> names;
  for (std::size_t i = first; i < a_.words.size(); ++i) {
    if (contains(names, axis(i)))
      reader_.fail_at(a_.starts[i], fmt::format("{}: the axis '{}' is named twice.", f_.text, axis(i)));
    names.push_back(axis(i));
  }
  if (names.empty()) reader_.fail_at(f_, fmt::format("{}: names no axis.", f_.text));
  return names;
}

std::int64_t CircuitReader::Call::whole(const Expr& e, const Token& at) const {
  if (!e || e->op != Op::constant || e->value != std::round(e->value) || std::abs(e->value) > 1e9)
    reader_.fail_at(at, fmt::format("{}: a whole number is needed here.", f_.text));
  return static_cast<std::int64_t>(e->value);
}

const CircuitReader::Keyword* CircuitReader::Call::keyword(const std::string& name) const {
  for (const auto& k : a_.keywords)
    if (k.name == name) return &k;
  return nullptr;
}

Expr CircuitReader::Call::required(const std::string& name) const {
  const Keyword* k = keyword(name);
  const Expr value = k ? reader_.keyword_value(f_, *k) : Expr();
  if (!value) reader_.fail_at(k ? k->at : f_, fmt::format("{} needs {}=....", f_.text, name));
  return value;
}

std::vector<std::string> CircuitReader::Call::axes_option(const std::string& name) const {
  const Keyword* k = keyword(name);
  if (!k) return {};
  if (k->value || !k->numbers.empty())
    reader_.fail_at(k->at, fmt::format("{}: {} names axes: {}=x or {}=[x, y].", f_.text, name, name, name));
  return k->words;
}

void CircuitReader::Call::allow(const std::vector<std::string>& names) const {
  for (const auto& k : a_.keywords)
    if (!contains(names, k.name))
      reader_.fail_at(k.at, fmt::format("{} has no option '{}'.{}", f_.text, k.name, suggest_names(k.name, names)));
}

Border CircuitReader::Call::border() const {
  return choice<Border>(
      "border", {{"zero", Border::zero}, {"reflect", Border::reflect}, {"circular", Border::circular}}, Border::zero);
}

Algorithm CircuitReader::Call::algorithm() const {
  return choice<Algorithm>("algorithm",
                           {{"automatic", Algorithm::automatic},
                            {"direct", Algorithm::direct},
                            {"separable", Algorithm::separable},
                            {"box", Algorithm::box},
                            {"fft", Algorithm::fft}},
                           Algorithm::automatic);
}

ComplexExpr CircuitReader::call(const Token& f) {
  if (f.text == "in") return in_call(f);
  if (projection_ && (f.text == "pre" || f.text == "post" || f.text == "distance")) return synapse_call(f);
  if (f.text == "array") return array_call(f);
  const Call c(*this, f, arguments(f));
  return located(f, [&] { return apply_complex(f, c); });
}

ComplexExpr CircuitReader::apply_complex(const Token& f, const Call& c) {
  static const std::set<std::string> linear{"sum",      "mean",      "rename",    "shift", "pad", "slice",  "flip",
                                            "resample", "transpose", "broadcast", "exp",   "abs", "delayed"};
  static const std::set<std::string> bilinear{"matmul", "conv", "sparse"};
  const std::string& n = f.text;
  const auto whole = [&] {
    c.count(1);
    c.allow({});
    return c.any_value(0);
  };
  if (n == "re") return whole().re();
  if (n == "im") return whole().im();
  if (n == "conj") return conj(whole());
  if (n == "abs2") return abs2(whole());
  if (n == "arg") return arg(whole());
  if (n == "polar") return c.count(2), c.allow({}), polar(c.value(0), c.value(1));
  if (linear.contains(n) && !c.any_value(0).is_real()) {
    if (n == "exp") return exp(whole());
    if (n == "abs") return abs(whole());
    return on_parts(c.any_value(0), [&](const Expr& x) { return apply(f, c.with(0, x)); });
  }
  if (bilinear.contains(n) && !(c.any_value(0).is_real() && c.any_value(1).is_real()))
    return on_pairs(c.any_value(0), c.any_value(1),
                    [&](const Expr& x, const Expr& y) { return apply(f, c.with(0, x).with(1, y)); });
  if (n == "where") c.count(3);
  if (n == "where" && !(c.any_value(1).is_real() && c.any_value(2).is_real())) {
    const ComplexExpr a = c.any_value(1);
    const ComplexExpr b = c.any_value(2);
    return {apply(f, c.with(1, a.re()).with(2, b.re())), apply(f, c.with(1, a.im()).with(2, b.im()))};
  }
  return apply(f, c);
}

ComplexExpr CircuitReader::in_call(const Token& f) {
  expect("(", f.text);
  const ComplexExpr e = expression();
  expect(",", "the value");
  const Unit unit = unit_until_end(peek());
  expect(")", "the unit");
  return located(f, [&] { return on_parts(e, [&](const Expr& x) { return convert(x, unit); }); });
}

Shape CircuitReader::sized_shape(const Token& f, const std::vector<Keyword>& keywords) {
  std::vector<Axis> axes;
  double elements = 1;
  for (const auto& k : keywords) {
    const Expr value = keyword_value(f, k);
    if (!value || value->op != Op::constant || !(value->value >= 1) || value->value != std::round(value->value))
      fail_at(k.at, fmt::format("the length of axis '{}' must be a whole number of at least 1.", k.name));
    if (Shape(axes).has(k.name)) fail_at(k.at, fmt::format("axis '{}' is named twice.", k.name));
    elements *= value->value;
    if (elements > most_elements) fail_at(k.at, fmt::format("the shape has more than {} elements.", most_elements));
    axes.push_back({k.name, static_cast<std::size_t>(value->value)});
  }
  return Shape(std::move(axes));
}

Expr CircuitReader::array_call(const Token& f) {
  expect("(", f.text);
  std::vector<double> values = numbers_in_brackets();
  Unit unit;
  if (accept("[")) {
    unit = unit_until_end(peek());
    expect("]", "the unit");
  }
  const Shape shape = sized_shape(f, trailing_keywords(f));
  return located(f, [&] { return array(std::move(values), shape, unit); });
}

std::vector<CircuitReader::Keyword> CircuitReader::trailing_keywords(const Token& f) {
  std::vector<Keyword> keywords;
  while (accept(",")) {
    Keyword k;
    k.at = peek();
    k.name = expect_name("a name");
    expect("=", "a name");
    const Token value_at = peek();
    k.value = real(value_at, expression());
    keywords.push_back(std::move(k));
  }
  expect(")", "the arguments of " + f.text);
  return keywords;
}

Expr CircuitReader::apply(const Token& f, const Call& c) {
  using Unary = Expr (*)(const Expr&);
  using Binary = Expr (*)(const Expr&, const Expr&);
  static const std::map<std::string, Unary> unary{
      {"sqrt", sqrt},     {"exp", exp},         {"log", log},           {"sin", sin},   {"cos", cos},
      {"tanh", tanh},     {"sigmoid", sigmoid}, {"softplus", softplus}, {"relu", relu}, {"abs", striate::abs},
      {"single", single}, {"step", step},       {"exprel", exprel},     {"tan", tan},   {"sinh", sinh},
      {"cosh", cosh},     {"asin", asin},       {"acos", acos},         {"atan", atan}};
  static const std::map<std::string, Binary> binary{{"min", min}, {"max", max}, {"pow", pow}, {"atan2", atan2}};
  const std::string& n = f.text;
  if (const auto it = unary.find(n); it != unary.end()) {
    c.count(1);
    c.allow({});
    return it->second(c.value(0));
  }
  if (const auto it = binary.find(n); it != binary.end()) {
    c.count(2);
    c.allow({});
    return it->second(c.value(0), c.value(1));
  }
  if (n == "uniform" || n == "normal" || n == "orthogonal") {
    c.allow({});
    if (!drawing_)
      fail_at(f, fmt::format("{} draws initial values of parameters only: parameter NAME[axes] ~ {}(...).", n, n));
    const int place = places_++;
    if (n == "orthogonal") return orthogonal(c.axes_from(0), *drawing_, place);
    c.count(2);
    return n == "normal" ? normal(c.value(0), c.value(1), *drawing_, place)
                         : uniform(c.value(0), c.value(1), *drawing_, place);
  }
  if (n == "round") {
    c.count(1);
    c.allow({});
    const Expr x = c.value(0);
    if (x->op != Op::constant || !(x.unit() == Unit()))
      fail_at(f, "round takes numbers and constants only: for sizes and counts.");
    return std::round(x->value);
  }
  if (n == "delayed") return c.count(2), c.allow({}), delayed(c.value(0), c.value(1));
  if (n == "where") return c.count(3), c.allow({}), where(c.value(0), c.value(1), c.value(2));
  if (n == "surrogate") return c.count(2), c.allow({}), surrogate(c.value(0), c.value(1));
  if (n == "phi") return c.count(2), c.allow({}), phi(phi_order(c), c.value(1));
  if (n == "sum") return c.allow({}), striate::sum(c.value(0), c.axes_from(1));
  if (n == "mean") return c.allow({}), mean(c.value(0), c.axes_from(1));
  if (n == "max_over") return c.allow({}), max(c.value(0), c.axes_from(1));
  if (n == "conv") {
    c.count(2);
    c.allow({"over", "border", "algorithm"});
    return conv(c.value(0), c.value(1), c.axes_option("over"), c.border(), c.algorithm());
  }
  if (n == "matmul") {
    c.count(2);
    c.allow({"over"});
    if (!c.keyword("over")) fail_at(f, "matmul needs over=AXIS.");
    return matmul(c.value(0), c.value(1), c.axes_option("over"));
  }
  if (n == "sparse") {
    c.count(4);
    c.allow({"pairs"});
    if (!c.keyword("pairs")) fail_at(f, "sparse needs pairs=[post, pre, post, pre, ...].");
    std::vector<std::int64_t> pairs;
    for (const double v : c.keyword("pairs")->numbers) {
      if (v != std::round(v) || std::abs(v) > longest_axis)
        fail_at(c.keyword("pairs")->at, fmt::format("sparse: {} in pairs is not the number of an element.", v));
      pairs.push_back(static_cast<std::int64_t>(v));
    }
    return sparse(c.value(0), c.value(1), c.axis(2), declared(f, c.axis(3)).axis, std::move(pairs));
  }
  if (n == "shift") return c.count(3), c.allow({"border"}), shift(c.value(0), c.axis(1), c.whole(2), c.border());
  if (n == "pad")
    return c.count(4), c.allow({"border"}), pad(c.value(0), c.axis(1), c.whole(2), c.whole(3), c.border());
  if (n == "slice") return c.count(4), c.allow({}), slice(c.value(0), c.axis(1), c.whole(2), c.whole(3));
  if (n == "flip") return c.count(2), c.allow({}), flip(c.value(0), c.axis(1));
  if (n == "resample") return c.count(3), c.allow({}), resample(c.value(0), c.axis(1), c.whole(2));
  if (n == "rename") {
    c.allow({});
    return rename(c.value(0), c.axis(1), c.axis(2));
  }
  if (n == "transpose") return c.allow({}), transpose(c.value(0), c.axes_from(1));
  if (n == "broadcast") return c.count(1), broadcast_to(c.value(0), sized_shape(f, c.all().keywords));
  if (n == "index") {
    if (!c.all().keywords.empty()) return index(one_axis(f, sized_shape(f, c.all().keywords)));
    c.count(1);
    return index(declared(f, c.axis(0)).axis);
  }
  if (n == "size") return c.count(1), c.allow({}), Expr(static_cast<double>(declared(f, c.axis(0)).axis.size));
  if (n == "coordinate" || n == "spacing") {
    c.count(1);
    c.allow({});
    const AxisDeclaration& a = declared(f, c.axis(0));
    if (n == "coordinate" && static_cast<double>(a.axis.size) > most_coordinates)
      fail_at(f, fmt::format("axis '{}' has {} elements, but coordinates are held for {} at most. Use index.",
                             a.axis.name, a.axis.size, most_coordinates));
    if (n == "coordinate") return array(a.coordinates(), Shape{a.axis}, a.unit);
    return quantity(a.spacing(), a.unit);
  }
  if (n == "maxpool") {
    c.allow({"window", "stride"});
    const std::int64_t window = c.required_whole("window");
    return maxpool(c.value(0), c.axes_from(1), window, c.keyword("stride") ? c.required_whole("stride") : window);
  }
  if (n == "offset") return c.count(1), c.allow({"size"}), offset(c.axis(0), c.required_whole("size"));
  if (n == "box") return c.allow({"size"}), box(c.axes_from(0), c.required_whole("size"));
  if (n == "ring")
    return c.allow({"outer", "inner"}), ring(c.axes_from(0), c.required_whole("outer"), c.required_whole("inner"));
  if (n == "gaussian")
    return c.allow({"size", "sd"}), gaussian(c.axes_from(0), c.required_whole("size"), c.required("sd"));
  if (n == "von_mises")
    return c.count(1), c.allow({"size", "kappa"}), von_mises(c.axis(0), c.required_whole("size"), c.required("kappa"));
  if (n == "wrapped_gaussian")
    return c.count(1), c.allow({"size", "sd"}), wrapped_gaussian(c.axis(0), c.required_whole("size"), c.required("sd"));
  std::vector<std::string> known{"delayed",
                                 "where",
                                 "surrogate",
                                 "phi",
                                 "sparse",
                                 "sum",
                                 "mean",
                                 "max_over",
                                 "conv",
                                 "matmul",
                                 "shift",
                                 "pad",
                                 "slice",
                                 "flip",
                                 "resample",
                                 "rename",
                                 "transpose",
                                 "broadcast",
                                 "index",
                                 "size",
                                 "spacing",
                                 "coordinate",
                                 "maxpool",
                                 "offset",
                                 "box",
                                 "ring",
                                 "gaussian",
                                 "von_mises",
                                 "wrapped_gaussian",
                                 "array",
                                 "in",
                                 "re",
                                 "im",
                                 "conj",
                                 "abs2",
                                 "arg",
                                 "polar",
                                 "uniform",
                                 "normal",
                                 "orthogonal"};
  for (const auto& [name, function] : unary) known.push_back(name);
  for (const auto& [name, function] : binary) known.push_back(name);
  if (n == "pre" || n == "post" || n == "distance")
    fail_at(f, fmt::format("{} is of a synapse, and stands in projection lines only: g += w*pre(x). What spikes carry "
                           "to an equation is a state that they add to.",
                           n));
  fail_at(f, fmt::format("there is no function '{}'.{}", n, suggest_names(n, known)));
}

const AxisDeclaration& CircuitReader::declared(const Token& f, const std::string& axis) const {
  for (const auto& a : contents_.axes)
    if (a.axis.name == axis) return a;
  const auto names = axis_names();
  if (std::ranges::count(names, axis) > 0)
    fail_at(f, fmt::format("'{}' numbers synapses, and has no places here. Name an axis that `axis` declares.", axis));
  fail_at(f, fmt::format("no axis '{}' has been declared.{}", axis, suggest_names(axis, names)));
}

int CircuitReader::phi_order(const Call& c) const {
  const std::int64_t k = c.whole(0);
  if (k < 0 || k > 20) throw Error(fmt::format("phi: its order is {}, but must lie between 0 and 20.", k));
  return static_cast<int>(k);
}

Axis CircuitReader::one_axis(const Token& f, const Shape& shape) const {
  if (shape.rank() != 1) fail_at(f, "index takes one axis: index(y) or index(dy=9).");
  return shape[0];
}

}  // namespace striate
