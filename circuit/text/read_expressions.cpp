#include "circuit/text/reader.hpp"

#include <algorithm>
#include <numbers>

namespace striate {
namespace {

constexpr int deepest_nesting = 200;
constexpr const char* composed_unit = " A composed unit stands in brackets: 3 [mm/ms].";

}  // namespace

ComplexExpr CircuitReader::expression_at(std::size_t at) {
  at_ = at;
  const ComplexExpr e = expression();
  if (!is(":") && peek().kind != Token::Kind::string) end_statement();
  return e;
}

void CircuitReader::resolve(PendingDefinition& d) {
  if (d.value) return;
  if (d.open) {
    std::string circle;
    for (auto it = std::find(open_.begin(), open_.end(), d.name); it != open_.end(); ++it) circle += *it + ", ";
    fail_at(d.at,
            fmt::format("'{}' is defined by itself (a circular definition: {}{}). Make one of the quantities a state.",
                        d.name, circle, d.name));
  }
  if (++nesting_ > deepest_nesting) fail_at(d.at, "definitions refer to one another too deeply.");
  d.open = true;
  open_.push_back(d.name);
  const std::size_t back = at_;
  ComplexExpr value = expression_at(d.expression);
  if (d.unit)
    value = located(d.at, [&] { return on_parts(value, [&](const Expr& x) { return convert(x, *d.unit); }); });
  at_ = back;
  d.open = false;
  open_.pop_back();
  d.value = value;
  --nesting_;
}

ComplexExpr CircuitReader::expression() {
  if (++nesting_ > deepest_nesting) fail("the expression is nested too deeply. Name parts of it with :=.");
  const Token t = peek();
  ComplexExpr e = sum();
  if (is(">") || is("<") || is(">=") || is("<=")) {
    const std::string op = take().text;
    const Expr a = real(t, e);
    const Expr b = real(t, sum());
    e = located(t, [&] {
      if (op == ">") return greater(a, b);
      if (op == "<") return greater(b, a);
      return Expr(1.0) - (op == ">=" ? greater(b, a) : greater(a, b));
    });
  }
  --nesting_;
  return e;
}

ComplexExpr CircuitReader::sum() {
  ComplexExpr e = product();
  while (is("+") || is("-")) {
    const Token op = take();
    const ComplexExpr b = product();
    e = located(op, [&] { return op.text == "+" ? e + b : e - b; });
  }
  return e;
}

ComplexExpr CircuitReader::product() {
  ComplexExpr e = signed_power();
  while (is("*") || is("/")) {
    const Token op = take();
    const ComplexExpr b = signed_power();
    e = located(op, [&] { return op.text == "*" ? e * b : e / b; });
  }
  return e;
}

ComplexExpr CircuitReader::signed_power() {
  bool negative = false;
  while (is("-") || is("+")) negative = (take().text == "-") != negative;
  const ComplexExpr e = power();
  return negative ? -e : e;
}

ComplexExpr CircuitReader::power() {
  const ComplexExpr base = primary();
  if (!is("^")) return base;
  const Token op = take();
  if (++nesting_ > deepest_nesting) fail("the expression is nested too deeply.");
  const ComplexExpr exponent = signed_power();
  --nesting_;
  return located(op, [&] { return pow(base, exponent); });
}

ComplexExpr CircuitReader::primary() {
  const Token t = take();
  if (t.kind == Token::Kind::number) return number(t);
  if (t.kind == Token::Kind::symbol && t.text == "(") {
    const ComplexExpr e = expression();
    expect(")", "an expression in brackets");
    return e;
  }
  if (t.kind != Token::Kind::name) fail_at(t, fmt::format("a value is needed here, but {} stands here.", shown(t)));
  if (is("(")) return call(t);
  return named(t);
}

Expr CircuitReader::number(const Token& t) {
  if (accept("[")) {
    const Unit unit = unit_until_end(t);
    expect("]", "the unit");
    return located(t, [&] { return quantity(t.value, unit); });
  }
  if (is_name() && peek().line == t.line && peek().text != "in" && peek().text != "circular") {
    const Token u = take();
    if (variables_.contains(u.text) && !Unit::known(u.text))
      fail_at(u,
              fmt::format("an operator is missing between {} and '{}'. Write {}*{}.", t.text, u.text, t.text, u.text));
    if (is("^") && t.value != 1)
      fail(fmt::format("{0} {1}^ may mean {0} [{1}^2] or ({0} {1})^2. Write one of them.", t.text, u.text));
    return located(u, [&] { return quantity(t.value, Unit::parse(u.text)); });
  }
  if (is("%") && peek().line == t.line) {
    take();
    return quantity(t.value, Unit::parse("%"));
  }
  return Expr(t.value);
}

ComplexExpr CircuitReader::named(const Token& t) {
  if (const auto it = complex_.find(t.text); it != complex_.end()) return it->second;
  if (const auto it = variables_.find(t.text); it != variables_.end()) return it->second;
  if (const auto it = definition_index_.find(t.text); it != definition_index_.end()) {
    auto& d = definitions_[it->second];
    resolve(d);
    return d.value;
  }
  if (t.text == "t") return time_variable(contents_.time_unit);
  if (t.text == "pi") return Expr(std::numbers::pi);
  if (t.text == "i") return imaginary_unit();
  std::vector<std::string> known;
  for (const auto& [name, value] : variables_) known.push_back(name);
  for (const auto& [name, i] : definition_index_) known.push_back(name);
  if (at_ >= 3 && is_unit_of_number(at_ - 3)) fail_at(t, fmt::format("'{}' is not defined.{}", t.text, composed_unit));
  fail_at(t, fmt::format("'{}' is not defined.{}{}", t.text, suggest_names(t.text, known),
                         Unit::known(t.text) ? " A unit stands behind a number: 3 ms, 3 [1/ms]." : ""));
}

bool CircuitReader::is_unit_of_number(std::size_t at) const {
  return at > 0 && tokens_[at].kind == Token::Kind::name && tokens_[at - 1].kind == Token::Kind::number &&
         Unit::known(tokens_[at].text);
}

ComplexExpr CircuitReader::bare_value(const Token& f, const Token& t) {
  const bool has_value = variables_.contains(t.text) || definition_index_.contains(t.text) || complex_.contains(t.text);
  const bool is_axis = axes_.contains(t.text) || (t.text[0] == 'd' && axes_.contains(t.text.substr(1)));
  if (is_axis && !has_value)
    fail_at(t, fmt::format("{}: a value is needed here, but '{}' is an axis.", f.text, t.text));
  return named(t);
}

Expr CircuitReader::keyword_value(const Token& f, const Keyword& k) {
  return k.value || k.words.empty() ? k.value : real(k.value_at, bare_value(f, k.value_at));
}

CircuitReader::Arguments CircuitReader::arguments(const Token& f) {
  Arguments a;
  expect("(", f.text);
  while (!is(")")) {
    if (is_name() && is("=", 1)) {
      Keyword k;
      k.at = peek();
      k.name = take().text;
      take();
      k.value_at = peek();
      if (is_file() || (is("[") && (peek(1).kind == Token::Kind::number || is("-", 1)))) {
        k.numbers = numbers_in_brackets();
      } else if (accept("[")) {
        while (!is("]")) {
          k.words.push_back(expect_name("an axis's name"));
          if (!accept(",") && !is("]")) fail("',' or ']' is needed in a list of names.");
        }
        take();
      } else if (bare_name()) {
        k.words.push_back(take().text);
      } else {
        k.value = real(k.value_at, expression());
      }
      for (const auto& before : a.keywords)
        if (before.name == k.name) fail_at(k.at, fmt::format("{}: {}= is given twice. Keep one.", f.text, k.name));
      a.keywords.push_back(std::move(k));
    } else {
      a.starts.push_back(peek());
      if (bare_name()) {
        a.words.push_back(take().text);
        a.values.emplace_back();
      } else {
        a.words.emplace_back();
        a.values.push_back(expression());
      }
    }
    if (!accept(",") && !is(")"))
      fail(fmt::format("',' or ')' is needed in the call of {}, but {} stands here.{}", f.text, shown(peek()),
                       peek().kind == Token::Kind::number ? composed_unit : ""));
  }
  take();
  return a;
}

}  // namespace striate
