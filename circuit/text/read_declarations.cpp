#include "circuit/text/reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace striate {
namespace {

constexpr double most_parameter_values = 1 << 26;  // of one circuit; 512 MB

const std::vector<std::string>& keywords() {
  static const std::vector<std::string> words{"circuit",  "source", "time",       "step",  "seed",
                                              "constant", "axis",   "parameter",  "input", "event",
                                              "poisson",  "train",  "projection", "noise", "regime"};
  return words;
}

}  // namespace

void CircuitReader::scan() {
  bool named = false;
  while (peek().kind != Token::Kind::end) {
    if (peek().kind == Token::Kind::end_line) {
      take();
      continue;
    }
    if (!is_name()) fail(fmt::format("a line starts with {}, but must start with a name or a keyword.", shown(peek())));
    const Token first = peek();
    const std::string& word = first.text;
    if (projections_.size() > 0 && lies_over_synapses()) {
      over_synapses_.push_back(at_);
      skip_statement();
      continue;
    }
    if (is(":=", 1)) {
      scan_definition();
    } else if (is("(", 1) && peek(2).kind == Token::Kind::number) {
      scan_initial();
    } else if (is("(", 1) && peek(2).text == "t" && is("<=", 3)) {
      scan_history();
    } else if (word.size() > 1 && word[0] == 'd' && is("/", 1) && peek(2).text == "dt") {
      scan_rate();
    } else if (word == "next" && is("(", 1)) {
      scan_next();
    } else if (std::find(keywords().begin(), keywords().end(), word) != keywords().end()) {
      take();
      if (word == "circuit" || word == "time" || word == "seed") declare_once(first, word);
      if (word == "circuit") {
        contents_.name = expect_name("the circuit's name");
        contents_.description = description();
        named = true;
        end_statement();
      } else if (word == "source") {
        if (peek().kind != Token::Kind::string) fail("a text in quotes is needed after source.");
        contents_.source.push_back(take().text);
        end_statement();
      } else if (word == "time") {
        const Token t = peek();
        if (!contents_.noises.empty()) fail_at(first, "the time unit must be declared before noise.");
        contents_.time_unit = unit_until_end(t);
        end_statement();
      } else if (word == "step") {
        if (step_at_) fail_at(first, "the step is given twice. Keep one.");
        step_at_ = at_;
        skip_statement();
      } else if (word == "seed") {
        const Token value = take();
        if (value.kind != Token::Kind::number) fail_at(value, "a whole number is needed after seed.");
        contents_.seed = whole_seed(value, value.value);
        end_statement();
      } else if (word == "constant") {
        scan_constant();
      } else if (word == "axis") {
        scan_axis();
      } else if (word == "parameter") {
        scan_parameter();
      } else if (word == "input") {
        scan_input();
      } else if (word == "projection") {
        skip_projection();
      } else if (word == "noise") {
        scan_noise();
      } else {
        (word == "regime" ? regimes_ : events_).push_back(at_);
        skip_statement();
      }
    } else {
      fail(
          fmt::format("'{}' starts neither a declaration nor an equation (name := ..., dV/dt = ..., next(V) = ..., "
                      "V(0) = ...).{}",
                      word, suggest_names(word, keywords())));
    }
  }
  if (!named) throw Error(position(tokens_.front()), "the text lacks its first line: circuit NAME \"what it is\".");
}

void CircuitReader::declare_once(const Token& t, const std::string& word) {
  if (!declared_once_.insert(word).second) fail_at(t, fmt::format("the line '{}' is given twice. Keep one.", word));
}

void CircuitReader::skip_statement() {
  while (peek().kind != Token::Kind::end_line && peek().kind != Token::Kind::end) take();
  end_statement();
}

void CircuitReader::declare(const Token& t, const std::string& name, const Expr& value) {
  if (!variables_.emplace(name, value).second || name == "t" || name == "pi" || name == "inf")
    fail_at(t, fmt::format("the name '{}' is taken. Choose another.", name));
}

Unit CircuitReader::unit_until_end(const Token& t) {
  std::string text;
  int depth = 0;
  bool after_word = false;
  for (;; take()) {
    const Token& next = peek();
    const bool part =
        (next.kind == Token::Kind::name && next.text != "in" && next.text != "circular") ||
        next.kind == Token::Kind::number ||
        (next.kind == Token::Kind::symbol && std::string_view("*/^()-%").find(next.text) != std::string_view::npos);
    if (!part || (is(")") && depth == 0)) break;
    if (is("(")) ++depth;
    if (is(")")) --depth;
    const bool word = next.kind != Token::Kind::symbol;
    if (word && after_word) text += ' ';
    after_word = word;
    text += next.text;
    if (text.size() > 200) fail("a unit is longer than 200 characters.");
  }
  if (text.empty()) fail_at(t, "a unit is needed here. Write 1 for a pure number.");
  return located(t, [&] { return Unit::parse(text); });
}

double CircuitReader::signed_number(std::string_view what) {
  const bool negative = accept("-");
  if (is_name() && peek().text == "inf") {
    take();
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  if (peek().kind != Token::Kind::number)
    fail(fmt::format("{} is needed here, but {} stands here.", what, shown(peek())));
  return (negative ? -1 : 1) * take().value;
}

Range CircuitReader::range() {
  Range r;
  if (!is("(") && !is("[")) fail("a range such as (0, inf) or [0, 1] is needed here.");
  r.low_open = take().text == "(";
  r.low = signed_number("the lower end of a range");
  expect(",", "the lower end of a range");
  r.high = signed_number("the upper end of a range");
  if (!is(")") && !is("]")) fail("a range ends with ) or ].");
  r.high_open = take().text == ")";
  return r;
}

double CircuitReader::setting(const std::string& name, double given) {
  used_names_.insert(name);
  if (const auto it = settings_.find(name); it != settings_.end()) {
    used_settings_.insert(name);
    return it->second;
  }
  return given;
}

double CircuitReader::constant_number(std::string_view what) {
  const Token t = peek();
  const Expr e = real(t, expression());
  if (e->op != Op::constant || !(e.unit() == Unit()))
    fail_at(t, fmt::format("{} must be a number made of numbers and constants.", what));
  return e->value;
}

void CircuitReader::scan_constant() {
  const Token t = peek();
  const std::string name = expect_name("a constant's name");
  expect("=", "a constant's name");
  declare(t, name, Expr(setting(name, constant_number("a constant"))));
  description();
  end_statement();
}

void CircuitReader::scan_axis() {
  const Token t = peek();
  AxisDeclaration a;
  a.axis.name = expect_name("an axis's name");
  expect("=", "an axis's name");
  if (axes_.contains(a.axis.name)) fail_at(t, fmt::format("axis '{}' is declared twice. Rename one.", a.axis.name));
  for (const std::size_t p : projections_)
    if (tokens_[p].text == a.axis.name)
      fail_at(t, fmt::format("projection '{}' has the name of an axis, which it gives to the axis of its synapses. "
                             "Rename one.",
                             a.axis.name));
  const double size = setting(a.axis.name, constant_number("an axis's length"));
  if (!(size >= 1 && size <= longest_axis && size == std::round(size)))
    fail_at(t, fmt::format("axis '{}' = {}, but its length must be a whole number from 1 to {}.", a.axis.name, size,
                           longest_axis));
  a.axis.size = static_cast<std::size_t>(size);
  if (is_name() && peek().text == "in") {
    take();
    const Range r = range();
    if (r.low_open)
      fail_at(t, fmt::format("axis '{}' excludes its first position. Start its range with [.", a.axis.name));
    a.has_coordinates = true;
    a.low = r.low;
    a.high = r.high;
    a.closed = setting(a.axis.name + ".closed", r.high_open ? 0 : 1) != 0;
    a.unit = unit_until_end(peek());
  }
  if (is_name() && peek().text == "circular") {
    take();
    a.circular = true;
  }
  a.description = description();
  a.where = position(t);
  axes_[a.axis.name] = a.axis;
  contents_.axes.push_back(std::move(a));
  end_statement();
}

Shape CircuitReader::shape_in_brackets() {
  std::vector<Axis> axes;
  if (!accept("[")) return {};
  double elements = 1;
  while (!is("]")) {
    const Token t = peek();
    const std::string name = expect_name("an axis's name");
    const auto it = axes_.find(name);
    if (it == axes_.end() && declared_below(name))
      fail_at(t, fmt::format("axis '{}' is declared further down. Move its line above this one.", name));
    if (it == axes_.end())
      fail_at(t, fmt::format("no axis '{}' has been declared.{}", name, suggest_names(name, axis_names())));
    if (Shape(axes).has(name)) fail_at(t, fmt::format("axis '{}' is named twice.", name));
    axes.push_back(it->second);
    elements *= static_cast<double>(it->second.size);
    if (elements > most_elements)
      fail_at(t, fmt::format("the shape has more than {} elements. Shorten an axis.", most_elements));
    if (!accept(",") && !is("]"))
      fail(fmt::format("',' or ']' is needed in a list of axes, but {} stands here.", shown(peek())));
  }
  take();
  return Shape(std::move(axes));
}

bool CircuitReader::declared_below(const std::string& axis) const {
  for (std::size_t i = at_; i + 1 < tokens_.size(); ++i)
    if (tokens_[i].text == "axis" && tokens_[i + 1].text == axis) return true;
  return false;
}

std::vector<std::string> CircuitReader::axis_names() const {
  std::vector<std::string> names;
  for (const auto& [name, axis] : axes_) names.push_back(name);
  return names;
}

std::vector<double> CircuitReader::numbers_of_file() {
  const Token f = take();
  take();
  std::vector<std::string> texts;
  do {
    if (peek().kind != Token::Kind::string)
      fail("file takes texts in quotes: the name of a file and of its columns, file(\"edges.csv\", \"weight\").");
    texts.push_back(take().text);
  } while (accept(","));
  expect(")", "the columns of file");
  if (texts.size() < 2) fail_at(f, "file names no column: file(\"edges.csv\", \"weight\").");
  if (!columns_)
    fail_at(f, fmt::format("file(\"{}\"): files are read for circuits that are files themselves.", texts[0]));
  return located(f, [&] { return columns_(texts[0], {texts.begin() + 1, texts.end()}); });
}

std::vector<double> CircuitReader::values_of_file(const std::string& name, const Shape& shape) {
  const Token f = peek();
  const std::string file = peek(2).text;
  std::vector<double> values = numbers_of_file();
  if (values.size() != shape.size())
    fail_at(f, fmt::format("'{}' has {} values, but '{}' has the shape {}, and takes {}.", file, values.size(), name,
                           shape.str_sizes(), shape.size()));
  for (const auto& p : contents_.projections) {
    if (shape.rank() != 1 || shape[0].name != p.name || p.rule.rule != Connectivity::Rule::pairs) continue;
    const std::vector<double> rows = values;
    for (std::size_t i = 0; i < rows.size(); ++i) values[i] = rows[p.synapses->given[i]];
  }
  return values;
}

std::vector<double> CircuitReader::numbers_in_brackets() {
  std::vector<double> values;
  if (is_file()) return numbers_of_file();
  expect("[", "=");
  while (!is("]")) {
    values.push_back(signed_number("a number"));
    if (!accept(",") && !is("]"))
      fail(fmt::format("',' or ']' is needed in a list of numbers, but {} stands here.", shown(peek())));
  }
  take();
  return values;
}

void CircuitReader::scan_parameter() {
  const Token t = peek();
  const std::string name = expect_name("a parameter's name");
  const Shape shape = shape_in_brackets();
  Parameter p;
  if (accept("~"))
    p.drawn_from = random_expression(shape);
  else
    expect("=", "a parameter's name");
  if (p.drawn_from)
    p.value.clear();
  else if (is("["))
    p.value = numbers_in_brackets();
  else if (is_file())
    p.value = values_of_file(name, shape);
  else if (is_name() && variables_.contains(peek().text) && variables_.at(peek().text)->op == Op::constant)
    p.value = {variables_.at(take().text)->value};
  else
    p.value = {signed_number("a number, a constant or a list of numbers")};
  const std::vector<double> imaginary = imaginary_part();
  const Unit unit = unit_until_end(peek());
  if (is_name() && peek().text == "in") {
    take();
    p.range = range();
    if (!(p.range.low < p.range.high || p.range.contains(p.range.low)))
      fail(fmt::format("the range {} is empty. Its lower end comes first.", p.range.str()));
  }
  p.description = description();
  parameter_values_ += static_cast<double>(shape.size());
  if (parameter_values_ > most_parameter_values)
    fail_at(t, fmt::format("with '{}' the parameters have more than {} values together. Shorten an axis.", name,
                           most_parameter_values));
  p.where = position(t);
  const auto add = [&](const std::string& part) {
    p.variable = variable(VariableKind::parameter, part, shape, unit);
    declare(t, part, p.variable);
    contents_.parameters.push_back(p);
  };
  if (imaginary.empty()) {
    add(name);
  } else {
    const std::string text = p.description;
    p.description = re_description(text);
    add(re_name(name));
    p.description = im_description(text);
    p.value = imaginary;
    add(im_name(name));
    declare_complex(t, name);
  }
  end_statement();
}

std::vector<double> CircuitReader::imaginary_part() {
  if (!is("+") && !is("-")) return {};
  const bool negative = take().text == "-";
  std::vector<double> values =
      is("[") ? numbers_in_brackets() : std::vector<double>{signed_number("the imaginary part")};
  expect("*", "the imaginary part");
  if (expect_name("i") != "i") fail("a complex parameter is written NAME = 1 + 0.5*i UNIT.");
  if (negative)
    for (double& v : values) v = -v;
  return values;
}

void CircuitReader::declare_complex(const Token& t, const std::string& name) {
  if (variables_.contains(name) ||
      !complex_.emplace(name, ComplexExpr(variables_.at(re_name(name)), variables_.at(im_name(name)))).second)
    fail_at(t, fmt::format("the name '{}' is taken. Choose another.", name));
}

Expr CircuitReader::random_expression(const Shape& shape) {
  const Token t = peek();
  drawing_ = &shape;
  places_ = 0;
  const Expr e = real(t, expression());
  drawing_ = nullptr;
  return located(t, [&] { return broadcast_to(e, shape); });
}

std::uint64_t CircuitReader::whole_seed(const Token& t, double value) const {
  if (!(value >= 0 && value <= static_cast<double>(largest_seed) && value == std::round(value)))
    fail_at(t, fmt::format("seed = {}, but must be a whole number from 0, below 2^53.", value));
  return static_cast<std::uint64_t>(value);
}

void CircuitReader::scan_input() {
  const Token t = peek();
  const std::string name = expect_name("an input's name");
  const Shape shape = shape_in_brackets();
  expect(":", "an input");
  const Unit unit = unit_until_end(peek());
  const Expr v = variable(VariableKind::input, name, shape, unit);
  declare(t, name, v);
  contents_.inputs.push_back({v, description(), position(t)});
  end_statement();
}

void CircuitReader::scan_noise() {
  const Token t = peek();
  const std::string name = expect_name("a noise's name");
  const Shape shape = shape_in_brackets();
  const Token which = peek();
  const std::string calculus = is_name() ? take().text : "";
  if (calculus != "ito" && calculus != "stratonovich")
    fail_at(which, fmt::format("noise is 'ito' or 'stratonovich', but {} stands here. Where its size does not depend "
                               "on the state both mean the same.",
                               shown(which)));
  const Expr v = variable(VariableKind::input, name, shape, noise_unit(contents_.time_unit));
  declare(t, name, v);
  contents_.noises.push_back(
      {v, calculus == "ito" ? Calculus::ito : Calculus::stratonovich, description(), position(t)});
  end_statement();
}

void CircuitReader::scan_definition() {
  PendingDefinition d;
  d.at = peek();
  d.name = take().text;
  take();
  d.expression = at_;
  skip_expression();
  if (accept(":")) d.unit = unit_until_end(peek());
  d.description = description();
  if (!definition_index_.emplace(d.name, definitions_.size()).second)
    fail_at(d.at, fmt::format("the name '{}' is defined twice. Rename one.", d.name));
  definitions_.push_back(std::move(d));
  end_statement();
}

void CircuitReader::skip_expression() {
  for (int depth = 0;; take()) {
    const auto kind = peek().kind;
    if (kind == Token::Kind::end || kind == Token::Kind::end_line) return;
    if (depth == 0 && (is(":") || kind == Token::Kind::string)) return;
    if (is("(") || is("[")) ++depth;
    if ((is(")") || is("]")) && --depth < 0)
      fail("a bracket is closed here that was never opened. Remove it or open it.");
  }
}

void CircuitReader::scan_initial() {
  const Token t = peek();
  const std::string name = take().text;
  take();
  if (take().value != 0) fail_at(t, fmt::format("an initial value is written {}(0) = ....", name));
  expect(")", "(0");
  expect("=", "(0)");
  if (!initials_.emplace(name, at_).second) fail_at(t, fmt::format("'{}' has two initial values. Keep one.", name));
  skip_expression();
  end_statement();
}

void CircuitReader::scan_history() {
  const Token t = peek();
  const std::string name = take().text;
  for (int i = 0; i < 3; ++i) take();
  if (peek().kind != Token::Kind::number || take().value != 0)
    fail_at(t, fmt::format("the past of a state is written {}(t <= 0) = ....", name));
  expect(")", "(t <= 0");
  expect("=", "(t <= 0)");
  if (!histories_.emplace(name, at_).second) fail_at(t, fmt::format("'{}' has two pasts. Keep one.", name));
  skip_expression();
  end_statement();
}

void CircuitReader::scan_rate() {
  const Token t = peek();
  const std::string name = take().text.substr(1);
  take();
  take();
  scan_equation(t, name, fmt::format("d{}/dt", name), false);
}

void CircuitReader::scan_next() {
  const Token t = take();
  take();
  const std::string name = expect_name("a state's name");
  expect(")", "next(" + name);
  scan_equation(t, name, fmt::format("next({})", name), true);
}

void CircuitReader::scan_equation(const Token& t, const std::string& name, const std::string& left, bool map) {
  expect("=", left);
  const std::size_t expression = at_;
  skip_expression();
  if (!accept(":"))
    fail(fmt::format("the unit of '{}' is needed at the end of its equation: {} = ... : mV.", name, left));
  const bool is_complex = is_name() && peek().text == "complex";
  if (is_complex) take();
  const Unit unit = unit_until_end(peek());
  const Shape shape = shape_in_brackets();
  const std::string text = description();
  equations_[name] = expression;
  const auto add = [&](const std::string& part, const std::string& what) {
    const Expr v = variable(VariableKind::state, part, shape, unit);
    declare(t, part, v);
    contents_.states.push_back({v, Expr(), Expr(), what, position(t), map});
  };
  if (is_complex) {
    add(re_name(name), re_description(text));
    add(im_name(name), im_description(text));
    declare_complex(t, name);
    define_complex(contents_, name, complex_.at(name), text, position(t));
    axes_[re_im_axis().name] = re_im_axis();
    for (const auto& part : {re_name(name), im_name(name)}) complex_part_[part] = name;
  } else {
    add(name, text);
  }
  end_statement();
}

double CircuitReader::read_step(std::size_t at) {
  const Token& t = tokens_[at];
  const Expr e = real(t, expression_at(at));
  if (e->op != Op::constant || !e.unit().same_dimension(contents_.time_unit))
    fail_at(t, fmt::format("the step of a map is a time such as 0.5 {}.", contents_.time_unit.str()));
  return e->value * e.unit().to(contents_.time_unit);
}

}  // namespace striate
