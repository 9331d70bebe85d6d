// Circuits print as text and read back to the same graph; a circuit written in text equals the one built in C++.
#include "circuit/text.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "base/error.hpp"
#include "tests/circuit/evaluation.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

void require_reads_back(const Circuit& circuit) {
  const std::string text = to_text(circuit);
  BOOST_TEST_CONTEXT(text) {
    const Circuit again = read_circuit(text);
    BOOST_TEST((again == circuit));
    BOOST_TEST(to_text(again) == text);
  }
}

void require_reads_back(const std::string& text) { require_reads_back(read_circuit(text)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(text_form)

BOOST_AUTO_TEST_CASE(the_text_of_a_circuit_is_what_a_person_would_write) {
  const std::string text =
      "circuit leaky \"a leaky cell\"\n"
      "source \"textbook\"\n"
      "time ms\n"
      "\n"
      "axis n = 3 in [0, 180) deg circular \"preferred orientation\"\n"
      "\n"
      "parameter g_L = 10 nS in (0, inf) \"leak\"\n"
      "parameter C = 200 pF in (0, inf)\n"
      "parameter w[n] = [1, 2, 3.5] nS\n"
      "\n"
      "input I[n] : pA \"current\"\n"
      "\n"
      "E := -65 [mV] : mV\n"
      "leak := g_L*(E - V) : pA \"leak current\"\n"
      "\n"
      "V(0) = E\n"
      "dV/dt = (leak + I - w*(V - 10 [mV]))/C : mV [n] \"membrane potential\"\n"
      "\n"
      "event spike when V > -50 [mV]: V = -70 [mV]\n"
      "\n"
      "regime slow \"a large cell\": C = 400 pF, w = [1, 1, 2] nS\n";
  // E is a number, so V(0) = E prints as the number it is.
  std::string printed = text;
  printed.replace(printed.find("g_L*(E - V)"), 11, "g_L*(-65 [mV] - V)");
  printed.replace(printed.find("V(0) = E"), 8, "V(0) = -65 [mV]");
  BOOST_TEST(to_text(read_circuit(text)) == printed);
  require_reads_back(text);
}

BOOST_AUTO_TEST_CASE(text_and_builder_give_the_same_circuit) {
  CircuitBuilder c("ring", "ms");
  c.describe("recurrent ring", {"made up"});
  AxisDeclaration declaration;
  declaration.axis = {"theta", 12};
  declaration.has_coordinates = true;
  declaration.high = 180;
  declaration.closed = false;
  declaration.circular = true;
  declaration.unit = Unit::parse("deg");
  const Axis theta = c.axis(declaration);
  const Expr tau = c.parameter("tau", 10, "ms", {0}, "time constant");
  const Expr kappa = c.parameter("kappa", 1.5, "1");
  const Expr v_th = c.parameter("V_th", -50, "mV");
  const Expr drive = c.input("X", "1", Shape{theta});
  const Expr r = c.state("r", "1", Shape{theta});
  const Expr v = c.state("V", "mV", Shape{theta}, quantity(-65, "mV"));
  const Expr near = c.define("near", conv(r, von_mises("theta", 5, kappa), {}, Border::circular), "recurrent drive");
  c.ddt(r, (-r + relu(drive + near - Expr(0.5) * pow(r, 2.0))) / tau);
  const Expr xi = c.noise("xi", Calculus::ito, Shape{theta}, "of the membrane");
  c.ddt(v, (quantity(0.01, "V") * delayed(r, tau) - v) / tau + quantity(2, "mV/ms^0.5") * xi);
  c.history(r, exprel(c.time() / tau));
  c.event("spike", v - v_th, {{v, quantity(-70, "mV")}, {r, r + Expr(1.0)}});
  c.regime({"narrow", "", {{"kappa", {4}}}});
  const Circuit built = c.build();
  const Circuit read = read_circuit(R"(
    circuit ring "recurrent ring"   # comments and indentation do not matter
    source "made up"
    axis theta = 12 in [0, 180) deg circular
    parameter tau = 10 ms in (0, inf) "time constant"
    parameter kappa = 1.5 1
    parameter V_th = -50 mV
    input X[theta] : 1
    noise xi[theta] ito "of the membrane"
    near := conv(r, von_mises(theta, size=5, kappa=kappa),
                 border=circular) : 1 "recurrent drive"
    r(t <= 0) = exprel(t/tau)
    dr/dt = (-r + relu(X + near - 0.5*r^2))/tau : 1 [theta]
    V(0) = -65 mV
    dV/dt = (0.01 V * delayed(r, tau) - V)/tau + 2 [mV/ms^0.5]*xi : mV [theta]
    event spike when V > V_th: V = -70 mV, r = r + 1
    regime narrow: kappa = 4 1
  )");
  BOOST_TEST((read == built), to_text(read) + to_text(built));
  require_reads_back(built);
}

BOOST_AUTO_TEST_CASE(every_function_of_the_language_reads_back) {
  std::ifstream file(STRIATE_SOURCE_DIR "/fuzz/corpus/circuit/operations.circuit");
  std::stringstream text;
  text << file.rdbuf();
  BOOST_REQUIRE(!text.str().empty());
  require_reads_back(text.str());
}

BOOST_AUTO_TEST_CASE(columns_of_files_stand_for_lists_anywhere) {
  const auto text = [](const std::string& pairs, const std::string& weights) {
    return "circuit c\naxis pre = 3\naxis post = 3\nda/dt = -a/(1 ms) : 1 [pre]\n"
           "into := sparse(array(" +
           weights + ", e=3), a, pre, post, pairs=" + pairs + ") \"of three\"\n";
  };
  const auto columns = [](const std::string& file, const std::vector<std::string>& names) {
    BOOST_TEST(file == "e.csv");
    return names.size() == 2 ? std::vector<double>{0, 1, 1, 0, 2, 2} : std::vector<double>{2, 3, 4};
  };
  const Circuit read =
      read_circuit(text("file(\"e.csv\", \"post\", \"pre\")", "file(\"e.csv\", \"w\")"), "c", {}, columns);
  BOOST_TEST((read == read_circuit(text("[0, 1, 1, 0, 2, 2]", "[2, 3, 4]"))));
}

BOOST_AUTO_TEST_CASE(operators_bind_as_in_arithmetic) {
  const Expr a = variable(VariableKind::argument, "a", {}, Unit());
  const Expr b = variable(VariableKind::argument, "b", {}, Unit());
  const Expr c = variable(VariableKind::argument, "c", {}, Unit());
  const Bindings at{{a, {3}}, {b, {5}}, {c, {0.5}}};
  struct Line {
    std::string text;
    double value;
  };
  for (const auto& [text, value] : {Line{"a - b - c", 3 - 5 - 0.5},
                                    {"a - (b - c)", 3 - (5 - 0.5)},
                                    {"a/b/c", 3.0 / 5 / 0.5},
                                    {"a/(b/c)", 0.3},
                                    {"a/(b*c)", 1.2},
                                    {"a^b^c", std::pow(3, std::pow(5, 0.5))},
                                    {"(a^b)^c", std::pow(243, 0.5)},
                                    {"-a^2", -9},
                                    {"(-a)^2", 9},
                                    {"a^-2", 1.0 / 9},
                                    {"a*-b", -15},
                                    {"a - -b", 8},
                                    {"--a", 3},
                                    {"2^-a^c", std::pow(2, -std::pow(3, 0.5))},
                                    {"a > b", 0},
                                    {"a <= b", 1},
                                    {"(a < b) + (b >= a)", 2},
                                    {"-(a + b)*c", -4},
                                    {"a*b + c", 15.5},
                                    {"a + b*c", 5.5},
                                    {"+a", 3}}) {
    // The text with a, b and c as parameters; its definition is evaluated with their values.
    const Circuit read =
        read_circuit("circuit c\nparameter a = 1 1\nparameter b = 1 1\nparameter c = 1 1\nvalue := " + text + "\n");
    Bindings values;
    for (std::size_t i = 0; i < 3; ++i) values.emplace_back(read->parameters[i].variable, at[i].second);
    BOOST_TEST(naive_value(read->definitions[0].value, values)[0] == value, boost::test_tools::tolerance(1e-15));
    require_reads_back(read);
  }
}

BOOST_AUTO_TEST_CASE(random_expressions_read_back) {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  for (int trial = 0; trial < 300; ++trial) {
    CircuitBuilder c("random");
    const Axis x = c.axis("x", 4), y = c.axis("y", 3);
    std::vector<Expr> known{c.parameter("p", 0.3, "1"),
                            c.input("X", "1", {y, x}),
                            c.input("U", "1", {x}),
                            c.input("W", "1", {x, y}),
                            Expr(-2.5),
                            Expr(1e-7),
                            Expr(3.0)};
    for (int i = 0; i < 12; ++i) {
      const auto any = [&] { return known[static_cast<std::size_t>(pick(static_cast<int>(known.size())))]; };
      const Expr a = any(), b = any(), d = any();
      switch (pick(16)) {
        case 0: known.push_back(a + b); break;
        case 1: known.push_back(a - b); break;
        case 2: known.push_back(a * b); break;
        case 3: known.push_back(a / (b * b + Expr(1.0))); break;
        case 4: known.push_back(-a); break;
        case 5: known.push_back(pow(a * a + Expr(1.0), b)); break;
        case 6: known.push_back(pow(a, static_cast<double>(pick(5)) - 2)); break;
        case 7: known.push_back(where(a, b, d)); break;
        case 8: known.push_back(sin(a) * b); break;
        case 9: known.push_back(greater(a, b)); break;
        case 10: known.push_back(convert(a * quantity(2, "mV"), Unit::parse("V")) / quantity(1, "V")); break;
        case 11: known.push_back(a.shape().has("x") ? shift(a, "x", pick(5) - 2, Border::reflect) : a); break;
        case 12: known.push_back(a.shape().has("x") ? sum(a, {"x"}) : max(a, b)); break;
        case 13: known.push_back(a.shape().has("x") ? conv(a, gaussian({"x"}, 3, Expr(1.0))) : min(a, b)); break;
        case 14: known.push_back(broadcast_to(a, {y, x})); break;
        default: known.push_back(c.define("d" + std::to_string(i), a)); break;
      }
    }
    c.define("last", known.back());
    bool finite = true;  // powers of folded numbers may leave the numbers; such circuits are refused
    for (const auto& e : topological_order(known)) finite = finite && std::isfinite(e->value);
    if (finite) require_reads_back(c.build());
  }
}

BOOST_AUTO_TEST_CASE(an_axis_may_have_the_name_of_a_variable) {
  const std::string text =
      "circuit c\naxis y = 3\naxis x = 4\ninput a[y, x] : 1\ny := sum(a, x, y)\nz := sum(conv(a, box(x, size=3)), "
      "y)\nk := matmul(a, a, over=y)\n";
  const Circuit c = read_circuit(text);
  BOOST_TEST(c->definitions[0].value.shape().rank() == 0U);
  BOOST_TEST((c->definitions[1].value.shape() == Shape{{"x", 4}}));
  BOOST_TEST((c->definitions[2].value.shape() == Shape{{"x", 4}}));
  require_reads_back(c);
}

BOOST_AUTO_TEST_CASE(numbers_keep_every_bit) {
  std::mt19937_64 random(3);
  CircuitBuilder c("numbers");
  for (int i = 0; i < 200; ++i) {
    const double value = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 1000) - 600);
    c.parameter("p" + std::to_string(i), i % 2 == 0 ? value : -value, "mV");
    c.define("d" + std::to_string(i), quantity(value, "nS"));
  }
  require_reads_back(c.build());
}

BOOST_AUTO_TEST_CASE(the_order_of_lines_does_not_matter_to_names) {
  const Circuit a = read_circuit("circuit c\ndV/dt = -I : mV\nI := b*V\nb := 2/(1 ms)\n");
  const Circuit b = read_circuit("circuit c\nb := 2/(1 ms)\nI := b*V\ndV/dt = -I : mV\n");
  BOOST_TEST((a.state("V").equation == b.state("V").equation));
}

BOOST_AUTO_TEST_CASE(a_chain_of_a_hundred_thousand_terms_neither_overflows_nor_bloats) {
  std::string text = "circuit c\nparameter a = 1 1\nx := a";
  for (int i = 0; i < 100000; ++i) text += " + a";
  const Circuit c = read_circuit(text + "\n");
  BOOST_TEST(to_text(c).size() < 2 * text.size());
}

BOOST_AUTO_TEST_SUITE_END()
