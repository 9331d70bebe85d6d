// Complex values are pairs of real ones: in the builder, in text, in print, against std::complex.
#include <boost/test/unit_test.hpp>

#include <complex>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/evaluation.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

using Complex = std::complex<double>;

struct Pair {
  ComplexExpr expr;
  std::vector<Complex> values;
};

/// A complex argument with its values, and the bindings of its parts.
Pair argument(const std::string& name, const Shape& shape, unsigned seed, Bindings& at) {
  const Expr re = variable(VariableKind::argument, re_name(name), shape, Unit());
  const Expr im = variable(VariableKind::argument, im_name(name), shape, Unit());
  at.emplace_back(re, spread_values(shape.size(), seed, 0.3, 2));
  at.emplace_back(im, spread_values(shape.size(), seed + 1, -2, 2));
  Pair p{{re, im}, {}};
  for (std::size_t i = 0; i < shape.size(); ++i)
    p.values.emplace_back(at[at.size() - 2].second[i], at[at.size() - 1].second[i]);
  return p;
}

void check(const std::string& what, const ComplexExpr& e, const std::vector<Complex>& expected, const Bindings& at) {
  const auto re = compiled_value<double>(e.re(), at);
  const auto im = compiled_value<double>(broadcast_to(e.im(), e.re().shape()), at);
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(std::abs(Complex(re[i], im[i]) - expected[i]) <= 1e-14 * (1 + std::abs(expected[i])),
               what << ", element " << i);
}

const char* const text = R"(circuit ring "complex amplitudes"
time s
axis unit = 3
axis other = 3
parameter lambda = 0.5 1/s
parameter omega[unit] = [1, 2, 3] 1/s
parameter w[unit, other] = 0.1 + 0.2*i 1/s "weights"
z(0) = polar(1, index(unit)) + 0.5*i
dz/dt = (lambda + i*omega)*z - abs2(z)*z*1 [1/s] + matmul(w, rename(z, unit, other), over=other) : complex 1 [unit] "amplitude"
mean_z := mean(conj(z), unit) "a complex definition"
event big when abs2(z) > 4: z = z/2
)";

Circuit built() {
  CircuitBuilder b("ring", "s");
  const Axis unit = b.axis("unit", 3);
  const Axis other = b.axis("other", 3);
  const Expr lambda = b.parameter("lambda", 0.5, "1/s");
  const Expr omega = b.parameter("omega", {1, 2, 3}, {unit}, "1/s");
  const ComplexExpr w = b.complex_parameter("w", {0.1}, {0.2}, {unit, other}, "1/s", "weights");
  const ComplexExpr i = imaginary_unit();
  const ComplexExpr z = b.complex_state("z", "1", {unit}, polar(1.0, index(unit)) + ComplexExpr(0.5) * i, "amplitude");
  const auto to_other = on_parts(z, [](const Expr& x) { return rename(x, "unit", "other"); });
  const auto coupling = on_pairs(w, to_other, [](const Expr& a, const Expr& x) { return matmul(a, x, {"other"}); });
  b.ddt(z, (lambda + i * omega) * z - abs2(z) * z * quantity(1, "1/s") + coupling);
  b.define("mean_z", on_parts(conj(z), [](const Expr& x) { return mean(x, {"unit"}); }), "a complex definition");
  b.event("big", abs2(z) - Expr(4.0), {{z.re(), (z / 2.0).re()}, {z.im(), (z / 2.0).im()}});
  b.describe("complex amplitudes");
  return b.build();
}

std::string message_of(const std::string& line) {
  try {
    read_circuit(std::string("circuit c\ntime s\naxis unit = 3\n") + line + "\n", "c.circuit");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(complex_values)

BOOST_AUTO_TEST_CASE(parts_are_described_with_and_without_a_text) {
  const Circuit c = read_circuit(
      "circuit c\ntime s\nparameter w = 1 + 2*i 1/s \"gain\"\nparameter v = 1 - 2*i 1/s\n"
      "dz/dt = (w + v)*z : complex 1\n");
  const std::vector<std::string> expected{"gain, real part", "gain, imaginary part", "real part", "imaginary part"};
  for (std::size_t k = 0; k < expected.size(); ++k) BOOST_TEST(c->parameters[k].description == expected[k]);
  BOOST_TEST(c->states[1].description == "imaginary part");
}

BOOST_AUTO_TEST_CASE(compute_as_std_complex_does) {
  Bindings at;
  const Shape shape{{"x", 7}};
  const Pair a = argument("a", shape, 1, at);
  const Pair b = argument("b", shape, 3, at);
  const auto each = [&](const auto& f) {
    std::vector<Complex> values;
    for (std::size_t i = 0; i < 7; ++i) values.push_back(f(a.values[i], b.values[i]));
    return values;
  };
  using C = const Complex&;
  check("+", a.expr + b.expr, each([](C x, C y) { return x + y; }), at);
  check("-", a.expr - b.expr, each([](C x, C y) { return x - y; }), at);
  check("*", a.expr * b.expr, each([](C x, C y) { return x * y; }), at);
  check("/", a.expr / b.expr, each([](C x, C y) { return x / y; }), at);
  check("a real one less a complex one", 1.0 - a.expr, each([](C x, C) { return 1.0 - x; }), at);
  check("exp", exp(a.expr), each([](C x, C) { return std::exp(x); }), at);
  check("^3", pow(a.expr, 3.0), each([](C x, C) { return x * x * x; }), at);
  check("^0", pow(a.expr, 0.0), each([](C, C) { return Complex(1.0); }), at);
  check("^-2", pow(a.expr, -2.0), each([](C x, C) { return 1.0 / (x * x); }), at);
  check("conj", conj(a.expr), each([](C x, C) { return std::conj(x); }), at);
  check("abs", abs(a.expr), each([](C x, C) { return Complex(std::abs(x)); }), at);
  check("abs2", abs2(a.expr), each([](C x, C) { return Complex(std::norm(x)); }), at);
  check("arg", arg(a.expr * b.expr), each([](C x, C y) { return Complex(std::arg(x * y)); }), at);
}

BOOST_AUTO_TEST_CASE(without_an_imaginary_part_are_the_real_graph) {
  const Expr x = variable(VariableKind::argument, "x", {}, Unit());
  const ComplexExpr z = x;
  BOOST_TEST(((z * z + 1.0) / z - exp(z)).is_real());
  BOOST_TEST((((z * z + 1.0) / z - exp(z)).re() == (x * x + Expr(1.0)) / x - exp(x)));
}

BOOST_AUTO_TEST_CASE(read_as_they_are_built) { BOOST_TEST((read_circuit(text) == built())); }

BOOST_AUTO_TEST_CASE(print_as_pairs_that_read_back_as_the_same_circuit) {
  const Circuit circuit = read_circuit(text);
  BOOST_TEST_INFO(to_text(circuit));
  BOOST_TEST((read_circuit(to_text(circuit)) == circuit));
}

BOOST_AUTO_TEST_CASE(evolve_as_their_equation_says) {
  const auto system = compile<double>(read_circuit(text));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  std::vector<double> y(6), rate(6);
  system.initial(p, {}, y, workspace);
  system.rhs({0, y, p, {}}, rate, workspace);
  std::vector<Complex> z;
  for (std::size_t i = 0; i < 3; ++i) {
    z.emplace_back(y[i], y[3 + i]);
    BOOST_TEST(std::abs(z[i] - std::polar(1.0, static_cast<double>(i)) - Complex(0, 0.5)) < 1e-15);
  }
  const Complex all = Complex(0.1, 0.2) * (z[0] + z[1] + z[2]);
  for (std::size_t i = 0; i < 3; ++i) {
    const Complex expected = Complex(0.5, 1.0 + static_cast<double>(i)) * z[i] - std::norm(z[i]) * z[i] + all;
    BOOST_TEST(std::abs(Complex(rate[i], rate[3 + i]) - expected) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(are_observed_along_a_trailing_axis_of_two) {
  const auto system = compile<double>(read_circuit(text));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  std::vector<double> y(6), seen(system.observables().size());
  system.initial(p, {}, y, workspace);
  system.observe({0, y, p, {}}, seen, workspace);
  const Field& z = system.observables().at("z");
  BOOST_TEST(z.shape.str_sizes() == "[unit=3, re_im=2]");
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(seen[z.offset + 2 * i] == y[i]);
    BOOST_TEST(seen[z.offset + 2 * i + 1] == y[3 + i]);
  }
  BOOST_TEST(system.observables().at("mean_z").shape.str_sizes() == "[re_im=2]");
}

BOOST_AUTO_TEST_CASE(where_only_real_ones_have_a_meaning_are_refused) {
  BOOST_TEST(message_of("dz/dt = -i*z*1 [1/s] : 1 [unit]").find("c.circuit:4:9: the value is complex") == 0U);
  BOOST_TEST(message_of("a := sin(i)").find("sin takes a real value here") != std::string::npos);
  BOOST_TEST(message_of("a := where(1 + i > 0, 1, 2)").find("the value is complex") != std::string::npos);
  BOOST_TEST(message_of("a := (1 + i)^0.5").find("whole number") != std::string::npos);
  BOOST_TEST(message_of("parameter w = 1 + 2*k 1").find("a complex parameter is written") != std::string::npos);
  BOOST_TEST(message_of("a := (1 + i) + 3 mV").find("units do not match") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
