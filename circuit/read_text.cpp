#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <set>
#include <type_traits>

#include "base/error.hpp"
#include "circuit/lexer.hpp"
#include "circuit/random.hpp"
#include "circuit/surrogate.hpp"
#include "circuit/text.hpp"

namespace striate {
namespace {

constexpr int deepest_nesting = 200;
constexpr double longest_axis = 1 << 30;
constexpr double most_elements = 4e9;
constexpr double most_parameter_values = 1 << 26;  // of one circuit; 512 MB
constexpr double most_coordinates = 1 << 20;

const std::vector<std::string>& keywords() {
  static const std::vector<std::string> words{"circuit",  "source", "time",       "step",  "seed",
                                              "constant", "axis",   "parameter",  "input", "event",
                                              "poisson",  "train",  "projection", "noise", "regime"};
  return words;
}

/// An argument written name=...
struct Keyword {
  std::string name;
  Token at;
  std::vector<std::string> words;  ///< border=zero, over=[a, b]
  std::vector<double> numbers;     ///< pairs=[0, 1]
  Expr value;                      ///< size=9, sd=2*s; empty where a bare name stands, which may be a word or a value
  Token value_at;
};

class Reader {
 public:
  Reader(std::string_view text, std::string origin, const std::map<std::string, double>& settings,
         const ReadColumns& columns)
      : origin_(std::move(origin)), tokens_(tokenize(text, origin_)), settings_(settings), columns_(columns) {}

  Circuit read() {
    name_projections();
    scan();
    if (!projections_.empty() || std::any_of(contents_.parameters.begin(), contents_.parameters.end(),
                                             [](const Parameter& p) { return static_cast<bool>(p.drawn_from); }))
      contents_.seed = whole_seed(tokens_.front(), setting("seed", static_cast<double>(contents_.seed)));
    if (!over_synapses_.empty()) {
      read_event_heads();
      read_projection_heads();
      scan_over_synapses();
    }
    for (const auto& [name, value] : settings_)
      if (!used_settings_.contains(name)) {
        std::vector<std::string> known(used_names_.begin(), used_names_.end());
        throw Error(origin_, fmt::format("the setting '{}' is neither an axis nor a constant of this circuit.{}", name,
                                         suggest_names(name, known)));
      }
    for (auto& d : definitions_) resolve(d);
    for (auto& d : definitions_) {
      if (d.value.is_real())
        contents_.definitions.push_back({d.name, d.value.re(), d.description, position(d.at)});
      else
        define_complex(contents_, d.name, d.value, d.description, position(d.at));
    }
    for (auto& s : contents_.states) {
      const auto whole = complex_part_.find(s.variable->name);
      const std::string& name = whole == complex_part_.end() ? s.variable->name : whole->second;
      const auto part = [&](std::size_t at) {
        const Token& t = tokens_[at];
        const ComplexExpr e = expression_at(at);
        return whole == complex_part_.end() ? real(t, e) : (s.variable->name == re_name(name) ? e.re() : e.im());
      };
      s.equation = part(equations_.at(name));
      const auto initial = initials_.find(name);
      s.initial = initial == initials_.end() ? Expr(0.0) : part(initial->second);
      if (const auto past = histories_.find(name); past != histories_.end()) s.history = part(past->second);
    }
    for (const auto& [name, at] : histories_)
      if (!equations_.contains(name) || initials_.contains(name)) {
        at_ = at;
        fail(equations_.contains(name)
                 ? fmt::format("'{0}' has both {0}(0) and {0}(t <= 0), which holds at 0, too. Keep one.", name)
                 : fmt::format("'{}' has a past, but no equation d{}/dt.{}", name, name,
                               suggest_names(name, keys(equations_))));
      }
    for (const auto& [name, at] : initials_)
      if (!equations_.contains(name)) {
        at_ = at;
        fail(fmt::format("'{}' has an initial value, but no equation d{}/dt or next({}).{}", name, name, name,
                         suggest_names(name, keys(equations_))));
      }
    if (step_at_) contents_.step = read_step(*step_at_);
    read_event_heads();
    read_projection_heads();
    for (std::size_t i = 0; i < contents_.events.size(); ++i) read_event_rest(contents_.events[i], event_rests_[i]);
    for (std::size_t i = 0; i < contents_.projections.size(); ++i)
      read_projection_rest(contents_.projections[i], projection_rests_[i]);
    for (const auto at : regimes_) read_regime(at);
    return located(tokens_.front(), [&] { return Circuit(std::move(contents_)); });
  }

 private:
  struct PendingDefinition {
    std::string name;
    std::size_t expression;
    Token at;
    std::optional<Unit> unit;
    std::string description;
    ComplexExpr value;
    bool open = false;
  };

  // --- tokens -------------------------------------------------------------------------------------------------------
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& take() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  bool is(std::string_view symbol, std::size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::symbol && peek(ahead).text == symbol;
  }
  bool is_name(std::size_t ahead = 0) const { return peek(ahead).kind == Token::Kind::name; }
  bool accept(std::string_view symbol) {
    if (!is(symbol)) return false;
    take();
    return true;
  }
  std::string position(const Token& t) const { return fmt::format("{}:{}:{}", origin_, t.line, t.column); }
  [[noreturn]] void fail_at(const Token& t, const std::string& what) const { throw Error(position(t), what); }
  [[noreturn]] void fail(const std::string& what) const { fail_at(peek(), what); }
  static std::string shown(const Token& t) {
    if (t.kind == Token::Kind::end || t.kind == Token::Kind::end_line) return "the end of the line";
    return "'" + t.text + "'";
  }
  void expect(std::string_view symbol, std::string_view after) {
    if (!accept(symbol))
      fail(fmt::format("'{}' is needed after {}, but {} stands here.", symbol, after, shown(peek())));
  }
  std::string expect_name(std::string_view what) {
    if (!is_name()) fail(fmt::format("{} is needed here, but {} stands here.", what, shown(peek())));
    return take().text;
  }
  void end_statement() {
    if (peek().kind == Token::Kind::end) return;
    if (peek().kind != Token::Kind::end_line)
      fail(fmt::format("{} was not expected here. Start a new line, or add an operator.", shown(peek())));
    take();
  }
  std::string description() { return peek().kind == Token::Kind::string ? take().text : std::string(); }
  static std::vector<std::string> keys(const std::map<std::string, std::size_t>& m) {
    std::vector<std::string> names;
    for (const auto& [name, at] : m) names.push_back(name);
    return names;
  }

  /// Runs a step of building and gives its errors this token's position.
  template <class Build>
  std::invoke_result_t<const Build&> located(const Token& t, const Build& build) const {
    try {
      return build();
    } catch (const Error& e) {
      throw Error(std::string(e.what()).starts_with(origin_ + ":") ? std::string(e.what())
                                                                   : position(t) + ": " + e.what());
    }
  }

  /// A value where only a real one has a meaning.
  Expr real(const Token& t, const ComplexExpr& e) const {
    if (!e.is_real())
      fail_at(t,
              "the value is complex, but only a real one has a meaning here. Take re(), im(), abs2() or arg() of it.");
    return e.re();
  }

  // --- declarations -------------------------------------------------------------------------------------------------
  void scan() {
    bool named = false;
    while (peek().kind != Token::Kind::end) {
      if (peek().kind == Token::Kind::end_line) {
        take();
        continue;
      }
      if (!is_name())
        fail(fmt::format("a line starts with {}, but must start with a name or a keyword.", shown(peek())));
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

  void declare_once(const Token& t, const std::string& word) {
    if (!declared_once_.insert(word).second) fail_at(t, fmt::format("the line '{}' is given twice. Keep one.", word));
  }

  void skip_statement() {
    while (peek().kind != Token::Kind::end_line && peek().kind != Token::Kind::end) take();
    end_statement();
  }

  void declare(const Token& t, const std::string& name, const Expr& value) {
    if (!variables_.emplace(name, value).second || name == "t" || name == "pi" || name == "inf")
      fail_at(t, fmt::format("the name '{}' is taken. Choose another.", name));
  }

  /// A unit written in a declaration: up to a keyword, a bracket, a text, a comma or the end of the line.
  Unit unit_until_end(const Token& t) {
    std::string text;
    int depth = 0;
    for (;; take()) {
      const Token& next = peek();
      const bool part =
          (next.kind == Token::Kind::name && next.text != "in" && next.text != "circular") ||
          next.kind == Token::Kind::number ||
          (next.kind == Token::Kind::symbol && std::string_view("*/^()-%").find(next.text) != std::string_view::npos);
      if (!part || (is(")") && depth == 0)) break;
      if (is("(")) ++depth;
      if (is(")")) --depth;
      text += next.text;
      if (text.size() > 200) fail("a unit is longer than 200 characters.");
    }
    if (text.empty()) fail_at(t, "a unit is needed here. Write 1 for a pure number.");
    return located(t, [&] { return Unit::parse(text); });
  }

  double signed_number(std::string_view what) {
    const bool negative = accept("-");
    if (is_name() && peek().text == "inf") {
      take();
      return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    }
    if (peek().kind != Token::Kind::number)
      fail(fmt::format("{} is needed here, but {} stands here.", what, shown(peek())));
    return (negative ? -1 : 1) * take().value;
  }

  /// "(0, inf)" or "[0, 1)".
  Range range() {
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

  double setting(const std::string& name, double given) {
    used_names_.insert(name);
    if (const auto it = settings_.find(name); it != settings_.end()) {
      used_settings_.insert(name);
      return it->second;
    }
    return given;
  }

  double constant_number(std::string_view what) {
    const Token t = peek();
    const Expr e = real(t, expression());
    if (e->op != Op::constant || !(e.unit() == Unit()))
      fail_at(t, fmt::format("{} must be a number made of numbers and constants.", what));
    return e->value;
  }

  void scan_constant() {
    const Token t = peek();
    const std::string name = expect_name("a constant's name");
    expect("=", "a constant's name");
    declare(t, name, Expr(setting(name, constant_number("a constant"))));
    description();
    end_statement();
  }

  void scan_axis() {
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

  Shape shape_in_brackets() {
    std::vector<Axis> axes;
    if (!accept("[")) return {};
    double elements = 1;
    while (!is("]")) {
      const Token t = peek();
      const std::string name = expect_name("an axis's name");
      const auto it = axes_.find(name);
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

  std::vector<std::string> axis_names() const {
    std::vector<std::string> names;
    for (const auto& [name, axis] : axes_) names.push_back(name);
    return names;
  }

  bool is_file() const { return is_name() && peek().text == "file" && is("(", 1); }

  /// file("edges.csv", "pre", "post"): columns, row by row.
  std::vector<double> numbers_of_file() {
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

  /// Values of a parameter out of a file, in the order of its elements: where pairs are listed each row is a pair's.
  std::vector<double> values_of_file(const std::string& name, const Shape& shape) {
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

  std::vector<double> numbers_in_brackets() {
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

  void scan_parameter() {
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
      p.description = text + re_note;
      add(re_name(name));
      p.description = text + im_note;
      p.value = imaginary;
      add(im_name(name));
      declare_complex(t, name);
    }
    end_statement();
  }

  /// " + 0.5*i" or " - [1, 2]*i" after the real part of a complex parameter; empty for a real one.
  std::vector<double> imaginary_part() {
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

  /// A name for two real variables that have been declared.
  void declare_complex(const Token& t, const std::string& name) {
    if (variables_.contains(name) ||
        !complex_.emplace(name, ComplexExpr(variables_.at(re_name(name)), variables_.at(im_name(name)))).second)
      fail_at(t, fmt::format("the name '{}' is taken. Choose another.", name));
  }

  /// What a parameter's values are drawn from.
  Expr random_expression(const Shape& shape) {
    const Token t = peek();
    drawing_ = &shape;
    places_ = 0;
    const Expr e = real(t, expression());
    drawing_ = nullptr;
    return located(t, [&] { return broadcast_to(e, shape); });
  }

  std::uint64_t whole_seed(const Token& t, double value) const {
    if (!(value >= 0 && value <= 9007199254740992.0 && value == std::round(value)))
      fail_at(t, fmt::format("seed = {}, but must be a whole number from 0 to 2^53.", value));
    return static_cast<std::uint64_t>(value);
  }

  void scan_input() {
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

  void scan_noise() {
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

  void scan_definition() {
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

  /// Moves past an expression: to the ':' that declares its unit, a text, or the end of the line.
  void skip_expression() {
    for (int depth = 0;; take()) {
      const auto kind = peek().kind;
      if (kind == Token::Kind::end || kind == Token::Kind::end_line || kind == Token::Kind::string) return;
      if (depth == 0 && is(":")) return;
      if (is("(") || is("[")) ++depth;
      if ((is(")") || is("]")) && --depth < 0)
        fail("a bracket is closed here that was never opened. Remove it or open it.");
    }
  }

  void scan_initial() {
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

  void scan_history() {
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

  void scan_rate() {
    const Token t = peek();
    const std::string name = take().text.substr(1);
    take();
    take();
    scan_equation(t, name, fmt::format("d{}/dt", name), false);
  }

  void scan_next() {
    const Token t = take();
    take();
    const std::string name = expect_name("a state's name");
    expect(")", "next(" + name);
    scan_equation(t, name, fmt::format("next({})", name), true);
  }

  /// The rest of a state's equation, from its = onwards.
  void scan_equation(const Token& t, const std::string& name, const std::string& left, bool map) {
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
      add(re_name(name), text + re_note);
      add(im_name(name), text + im_note);
      declare_complex(t, name);
      define_complex(contents_, name, complex_.at(name), text, position(t));
      axes_[re_im_axis().name] = re_im_axis();
      for (const auto& part : {re_name(name), im_name(name)}) complex_part_[part] = name;
    } else {
      add(name, text);
    }
    end_statement();
  }

  /// The time increment of a map, in the time unit.
  double read_step(std::size_t at) {
    const Token& t = tokens_[at];
    const Expr e = real(t, expression_at(at));
    if (e->op != Op::constant || !e.unit().same_dimension(contents_.time_unit))
      fail_at(t, fmt::format("the step of a map is a time such as 0.5 {}.", contents_.time_unit.str()));
    return e->value * e.unit().to(contents_.time_unit);
  }

  // --- spikes -------------------------------------------------------------------------------------------------------
  /// The names of projections, which are axes too, and where they are declared.
  void name_projections() {
    for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
      const bool starts = i == 0 || tokens_[i - 1].kind == Token::Kind::end_line;
      if (starts && tokens_[i].text == "projection" && tokens_[i + 1].kind == Token::Kind::name)
        projections_.push_back(i + 1);
    }
  }

  /// Whether the line declares a variable over the synapses of a projection: their number is not known yet.
  bool lies_over_synapses() const {
    const std::string& word = peek().text;
    const bool equation = is("/", 1) || word == "next";
    if (!(word == "parameter" || word == "input" || equation)) return false;
    for (std::size_t i = 0; peek(i).kind != Token::Kind::end_line && peek(i).kind != Token::Kind::end; ++i)
      if (is("[", i))
        for (std::size_t j = i + 1; peek(j).kind == Token::Kind::name || is(",", j); ++j)
          for (const std::size_t p : projections_)
            if (peek(j).text == tokens_[p].text) return true;
    return false;
  }

  void scan_over_synapses() {
    for (const std::size_t at : over_synapses_) {
      at_ = at;
      if (is_name() && peek().text == "parameter") {
        take();
        scan_parameter();
      } else if (peek().text == "input") {
        take();
        scan_input();
      } else if (peek().text == "next") {
        scan_next();
      } else {
        scan_rate();
      }
    }
  }

  /// A projection may go on in the next line after a comma.
  void skip_projection() {
    for (bool comma = false; comma || peek().kind != Token::Kind::end_line; take()) {
      if (peek().kind == Token::Kind::end) break;
      comma = is(",");
    }
    end_statement();
  }

  /// Name and guard of every event; of a source, name and shape.
  void read_event_heads() {
    if (!event_rests_.empty()) return;
    for (const std::size_t at : events_) {
      at_ = at;
      EventRule event;
      event.where = position(peek());
      const std::string& word = tokens_[at - 1].text;
      if (word == "event") {
        event.name = expect_name("an event's name");
        if (expect_name("'when'") != "when") fail("an event is written: event NAME when V > V_th: V = V_reset.");
        event.guard = comparison_as_guard();
      } else {
        event.cause = word == "poisson" ? Cause::poisson : Cause::train;
        event.name = expect_name("a source's name");
        event.guard = broadcast_to(Expr(-1.0), shape_in_brackets());
      }
      contents_.events.push_back(std::move(event));
      event_rests_.push_back(at_);
    }
  }

  void read_event_rest(EventRule& event, std::size_t at) {
    at_ = at;
    if (event.cause == Cause::poisson) {
      if (expect_name("'rate'") != "rate") fail("a source is written: poisson NAME[axes] rate 10 Hz.");
      event.rate = real(peek(), expression());
    }
    event.description = description();
    if (event.cause == Cause::crossing && peek().kind != Token::Kind::end_line && !is(":"))
      fail(fmt::format("':' is needed after an event's condition, but {} stands here.", shown(peek())));
    if (accept(":")) {
      do {
        const std::string name = expect_name("a state's name");
        if (name == "hold" && !is("=")) {
          read_hold(event);
          continue;
        }
        expect("=", "a state's name");
        if (std::any_of(event.jumps.begin(), event.jumps.end(),
                        [&](const auto& jump) { return jump.first == parts_of(name).front(); }))
          fail(fmt::format("event '{}' changes '{}' twice. Keep one.", event.name, name));
        const Token value_at = peek();
        const ComplexExpr value = expression();
        if (complex_.contains(name)) {
          event.jumps.emplace_back(re_name(name), value.re());
          event.jumps.emplace_back(im_name(name), value.im());
        } else {
          event.jumps.emplace_back(name, real(value_at, value));
        }
      } while (accept(","));
    }
    end_statement();
  }

  /// hold V, w for tau_ref keeping arrivals
  void read_hold(EventRule& event) {
    if (event.hold_time) fail(fmt::format("event '{}' holds twice. Name all states at once.", event.name));
    while (peek().text != "for") {
      const std::string name = expect_name("a state's name, or 'for'");
      if (std::find(event.held.begin(), event.held.end(), parts_of(name).front()) != event.held.end())
        fail(fmt::format("event '{}' holds '{}' twice. Name it once.", event.name, name));
      for (const auto& part : parts_of(name)) event.held.push_back(part);
      if (!accept(",") && peek().text != "for") fail("states that stand still are written: hold V, w for tau_ref.");
    }
    take();
    event.hold_time = real(peek(), expression());
    if (is_name() && peek().text == "keeping") {
      take();
      if (expect_name("'arrivals'") != "arrivals") fail("'arrivals' is needed after 'keeping'.");
      event.keeps_arrivals = true;
    }
  }

  std::vector<std::string> parts_of(const std::string& name) const {
    return complex_.contains(name) ? std::vector{re_name(name), im_name(name)} : std::vector{name};
  }

  /// Who is connected to whom. Where variables lie over the synapses, these are drawn.
  void read_projection_heads() {
    if (!projection_rests_.empty()) return;
    for (const std::size_t at : projections_) {
      at_ = at;
      const Token t = peek();
      ProjectionRule p;
      p.where = position(t);
      p.name = expect_name("a projection's name");
      const auto word = [&](std::string_view wanted) {
        if (!is_name() || peek().text != wanted)
          fail(fmt::format(
              "'{}' is needed here, but {} stands here. A projection is written: projection NAME from EVENT to "
              "AXIS: RULE after DELAY: STATE += AMOUNT.",
              wanted, shown(peek())));
        take();
      };
      word("from");
      p.event = expect_name("an event's name");
      if (accept("[")) {
        p.from = axis_ranges();
        expect("]", "the elements of an event");
      }
      word("to");
      p.to = axis_ranges();
      for (const auto& range : p.to)
        if (!axes_.contains(range.axis))
          fail_at(t, fmt::format("projection '{}': no axis '{}' has been declared.{}", p.name, range.axis,
                                 suggest_names(range.axis, axis_names())));
      expect(":", "the targets");
      read_connectivity(p);
      projection_rests_.push_back(at_);
      contents_.projections.push_back(std::move(p));
      ProjectionRule& projection = contents_.projections.back();
      if (std::any_of(over_synapses_.begin(), over_synapses_.end(),
                      [&](std::size_t line) { return names_axis(line, projection.name); })) {
        located(t, [&] {
          draw_synapses(contents_, projection);
          return 0;
        });
        axes_[projection.name] = projection.axis();
      }
    }
  }

  bool names_axis(std::size_t line, const std::string& name) const {
    for (std::size_t i = line; tokens_[i].kind != Token::Kind::end_line && tokens_[i].kind != Token::Kind::end; ++i)
      if (tokens_[i].kind == Token::Kind::name && tokens_[i].text == name) return true;
    return false;
  }

  /// y=0:4, x
  std::vector<AxisRange> axis_ranges() {
    std::vector<AxisRange> ranges;
    const auto bound = [&] {
      const Token t = peek();
      const double value = constant_number("the bound of a population");
      if (!(value >= 0 && value <= longest_axis && value == std::round(value)))
        fail_at(t, fmt::format("the bound {} of a population is not the number of an element.", value));
      return static_cast<std::size_t>(value);
    };
    do {
      AxisRange range{expect_name("an axis's name")};
      if (accept("=")) {
        range.begin = bound();
        expect(":", "the first element of a population");
        range.end = bound();
      }
      ranges.push_back(std::move(range));
    } while (accept(","));
    return ranges;
  }

  /// random(probability=0.02, self=false)
  void read_connectivity(ProjectionRule& p) {
    using Rule = Connectivity::Rule;
    static const std::vector<std::string> rules{"all_to_all", "one_to_one",  "random",   "fixed_in",
                                                "fixed_out",  "fixed_total", "gaussian", "pairs"};
    const Token f = peek();
    const std::string name = expect_name("a rule of connection such as random(probability=0.1)");
    if (std::find(rules.begin(), rules.end(), name) == rules.end())
      fail_at(f, fmt::format("there is no rule of connection '{}'.{}", name, suggest_names(name, rules)));
    const Call c(*this, f, is("(") ? arguments(f) : Arguments{});
    c.count(0);
    const auto count = [&](const std::string& option) {
      const std::int64_t n = c.required_whole(option);
      if (n < 1) fail_at(f, fmt::format("{}: {} = {}, but must be at least 1.", name, option, n));
      return static_cast<std::uint64_t>(n);
    };
    const auto yes = [&](const std::string& option, bool otherwise) {
      return c.choice<bool>(option, {{"true", true}, {"false", false}}, otherwise);
    };
    if (name == "pairs") {
      c.allow({"list"});
      p.rule.rule = Rule::pairs;
      const Keyword* list = c.keyword("list");
      if (!list || list->numbers.size() % 2 != 0 || list->numbers.empty())
        fail_at(f, "pairs needs list=[pre, post, pre, post, ...], or list=file(\"edges.csv\", \"pre\", \"post\").");
      for (std::size_t i = 0; i < list->numbers.size(); ++i) {
        const double v = list->numbers[i];
        if (!(v >= 0 && v <= longest_axis && v == std::round(v)))
          fail_at(list->at, fmt::format("pairs: {} is not the number of an element.", v));
        (i % 2 == 0 ? p.rule.pre : p.rule.post).push_back(static_cast<std::uint32_t>(v));
      }
      return;
    }
    if (name == "all_to_all" || name == "one_to_one") {
      c.allow({"self"});
      p.rule.rule = name == "all_to_all" ? Rule::all_to_all : Rule::one_to_one;
    } else if (name == "random") {
      c.allow({"probability", "self"});
      p.rule.rule = Rule::random;
      const Expr probability = c.required("probability");
      if (probability->op != Op::constant || !(probability->value >= 0 && probability->value <= 1))
        fail_at(f, "random: the probability must be a number from 0 to 1.");
      p.rule.probability = probability->value;
    } else if (name == "gaussian") {
      c.allow({"sd", "in", "out", "self", "repeats"});
      const bool in = c.keyword("in") != nullptr;
      if (in == (c.keyword("out") != nullptr)) fail_at(f, "gaussian needs out=COUNT or in=COUNT.");
      p.rule.rule = in ? Rule::gaussian_in : Rule::gaussian_out;
      p.rule.count = count(in ? "in" : "out");
      const Expr sd = c.required("sd");
      const Unit unit = located(f, [&] { return distance_unit(contents_, p); });
      if (sd->op != Op::constant || !sd.unit().same_dimension(unit))
        fail_at(f, fmt::format("gaussian: sd must be a number in the unit of the axes, [{}].", unit.str()));
      p.rule.sd = sd->value * sd.unit().to(unit);
    } else {
      c.allow({"count", "self", "repeats"});
      p.rule.rule = name == "fixed_in" ? Rule::fixed_in : name == "fixed_out" ? Rule::fixed_out : Rule::fixed_total;
      p.rule.count = count("count");
    }
    p.rule.self = yes("self", true);
    if (name == "gaussian" || name.starts_with("fixed")) p.rule.repeats = yes("repeats", false);
  }

  /// after DELAY: STATE += AMOUNT, ..., on arrival: STATE = VALUE, ..., back from EVENT: STATE = VALUE, ...
  void read_projection_rest(ProjectionRule& p, std::size_t at) {
    at_ = at;
    projection_ = &p;
    const Shape over{p.axis()};
    drawing_ = &over;
    places_ = 0;
    if (is_name() && peek().text == "after") {
      take();
      p.delay = real(peek(), expression());
    }
    expect(":", "the rule of connection");
    Assignments* rules = nullptr;
    do {
      if (peek().kind == Token::Kind::end_line) take();
      const Token t = peek();
      std::string name = expect_name("a state's name");
      if (name == "on" && is_name() && peek().text == "arrival") {
        take();
        expect(":", "'on arrival'");
        rules = &p.on_arrival;
        name = expect_name("a state's name");
      } else if (name == "back" && is_name() && peek().text == "from") {
        take();
        p.back.push_back({expect_name("an event's name"), {}});
        expect(":", "'back from' and the event");
        rules = &p.back.back().changes;
        name = expect_name("a state's name");
      }
      if (!rules && !accept("+=")) fail("what a spike adds is written: STATE += AMOUNT.");
      if (rules) expect("=", "a state's name");
      const Expr value = real(t, expression());
      (rules ? *rules : p.arrivals).emplace_back(name, value);
    } while (accept(","));
    p.description = description();
    projection_ = nullptr;
    drawing_ = nullptr;
    end_statement();
  }

  /// pre(w), post(y), distance(exc)
  Expr synapse_call(const Token& f) {
    expect("(", f.text);
    const Token t = peek();
    const std::string name = expect_name("a name");
    expect(")", f.text);
    const Axis axis = projection_->axis();
    if (f.text == "distance") {
      if (name != projection_->name)
        fail_at(t, fmt::format("distance is that of this projection: distance({}).", projection_->name));
      return located(f, [&] { return striate::distance(axis, distance_unit(contents_, *projection_)); });
    }
    const auto it = variables_.find(name);
    if (it == variables_.end()) {
      std::vector<std::string> known;
      for (const auto& [known_name, value] : variables_) known.push_back(known_name);
      fail_at(t, fmt::format("{} takes a parameter or a state, but '{}' is none.{}", f.text, name,
                             suggest_names(name, known)));
    }
    return located(f, [&] { return f.text == "pre" ? pre(it->second, axis) : post(it->second, axis); });
  }

  /// a > b as the guard a - b.
  Expr comparison_as_guard() {
    const Token t = peek();
    const Expr a = real(t, sum());
    if (!is(">") && !is("<")) fail("an event's condition is written a > b or a < b.");
    const bool greater = take().text == ">";
    const Expr b = real(t, sum());
    return located(t, [&] { return greater ? a - b : b - a; });
  }

  void read_regime(std::size_t at) {
    at_ = at;
    Regime regime;
    regime.where = position(peek());
    regime.name = expect_name("a regime's name");
    regime.description = description();
    if (accept(":")) {
      do {
        const Token t = peek();
        const std::string name = expect_name("a parameter's name");
        expect("=", "a parameter's name");
        std::vector<double> values = is("[") ? numbers_in_brackets() : std::vector<double>{signed_number("a number")};
        const Unit unit = unit_until_end(peek());
        const auto p = std::find_if(contents_.parameters.begin(), contents_.parameters.end(),
                                    [&](const auto& x) { return x.variable->name == name; });
        if (p == contents_.parameters.end()) {
          std::vector<std::string> known;
          for (const auto& x : contents_.parameters) known.push_back(x.variable->name);
          fail_at(t,
                  fmt::format("regime '{}' names no parameter '{}'.{}", regime.name, name, suggest_names(name, known)));
        }
        if (!unit.same_dimension(p->variable.unit()))
          fail_at(t, fmt::format("parameter '{}' is given in [{}] where [{}] is asked.", name, unit.str(),
                                 p->variable.unit().str()));
        for (double& value : values) value *= unit.to(p->variable.unit());
        regime.values.emplace_back(name, std::move(values));
      } while (accept(","));
    }
    contents_.regimes.push_back(std::move(regime));
    end_statement();
  }

  // --- expressions --------------------------------------------------------------------------------------------------
  ComplexExpr expression_at(std::size_t at) {
    at_ = at;
    const ComplexExpr e = expression();
    if (!is(":") && peek().kind != Token::Kind::string) end_statement();
    return e;
  }

  void resolve(PendingDefinition& d) {
    if (d.value) return;
    if (d.open) {
      std::string circle;
      for (auto it = std::find(open_.begin(), open_.end(), d.name); it != open_.end(); ++it) circle += *it + ", ";
      fail_at(d.at, fmt::format(
                        "'{}' is defined by itself (a circular definition: {}{}). Make one of the quantities a state.",
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

  ComplexExpr expression() {
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

  ComplexExpr sum() {
    ComplexExpr e = product();
    while (is("+") || is("-")) {
      const Token op = take();
      const ComplexExpr b = product();
      e = located(op, [&] { return op.text == "+" ? e + b : e - b; });
    }
    return e;
  }

  ComplexExpr product() {
    ComplexExpr e = signed_power();
    while (is("*") || is("/")) {
      const Token op = take();
      const ComplexExpr b = signed_power();
      e = located(op, [&] { return op.text == "*" ? e * b : e / b; });
    }
    return e;
  }

  ComplexExpr signed_power() {
    bool negative = false;
    while (is("-") || is("+")) negative = (take().text == "-") != negative;
    const ComplexExpr e = power();
    return negative ? -e : e;
  }

  ComplexExpr power() {
    const ComplexExpr base = primary();
    if (!is("^")) return base;
    const Token op = take();
    if (++nesting_ > deepest_nesting) fail("the expression is nested too deeply.");
    const ComplexExpr exponent = signed_power();
    --nesting_;
    return located(op, [&] { return pow(base, exponent); });
  }

  ComplexExpr primary() {
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

  /// 10, 10 mV, 10 [mV/ms].
  Expr number(const Token& t) {
    if (accept("[")) {
      std::string text;
      while (!is("]")) {
        if (peek().kind == Token::Kind::end || text.size() > 200)
          fail_at(t, "a unit in brackets does not end. Add the closing ].");
        text += take().text;
      }
      take();
      return located(t, [&] { return quantity(t.value, Unit::parse(text)); });
    }
    if (is_name() && peek().line == t.line && peek().text != "in" && peek().text != "circular") {
      const Token u = take();
      if (variables_.contains(u.text) && !Unit::known(u.text))
        fail_at(
            u, fmt::format("an operator is missing between {} and '{}'. Write {}*{}.", t.text, u.text, t.text, u.text));
      return located(u, [&] { return quantity(t.value, Unit::parse(u.text)); });
    }
    return Expr(t.value);
  }

  ComplexExpr named(const Token& t) {
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
    const bool after_number = at_ >= 3 && is_unit_of_number(at_ - 3);
    fail_at(t, fmt::format(
                   "'{}' is not defined.{}", t.text,
                   after_number ? " A composed unit stands in brackets: 3 [mm/ms]." : suggest_names(t.text, known)));
  }

  /// Whether the token is the unit of the number before it.
  bool is_unit_of_number(std::size_t at) const {
    return at > 0 && tokens_[at].kind == Token::Kind::name && tokens_[at - 1].kind == Token::Kind::number &&
           Unit::known(tokens_[at].text);
  }

  struct Arguments {
    std::vector<Token> starts;
    std::vector<ComplexExpr> values;  ///< empty where a bare name stands, which may be an axis or a value
    std::vector<std::string> words;   ///< the name, where a bare name stands
    std::vector<Keyword> keywords;
  };

  bool bare_name() const { return is_name() && (is(",", 1) || is(")", 1)); }

  /// What stands at `t` as a value.
  ComplexExpr bare_value(const Token& f, const Token& t) {
    const bool has_value =
        variables_.contains(t.text) || definition_index_.contains(t.text) || complex_.contains(t.text);
    const bool is_axis = axes_.contains(t.text) || (t.text[0] == 'd' && axes_.contains(t.text.substr(1)));
    if (is_axis && !has_value)
      fail_at(t, fmt::format("{}: a value is needed here, but '{}' is an axis.", f.text, t.text));
    return named(t);
  }

  Expr keyword_value(const Token& f, const Keyword& k) {
    return k.value || k.words.empty() ? k.value : real(k.value_at, bare_value(f, k.value_at));
  }

  Arguments arguments(const Token& f) {
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
        fail(fmt::format("',' or ')' is needed in the call of {}, but {} stands here.", f.text, shown(peek())));
    }
    take();
    return a;
  }

  /// Checks and reads the arguments of one call.
  class Call {
   public:
    Call(Reader& reader, const Token& f, Arguments a) : reader_(reader), f_(f), a_(std::move(a)) {}

    Expr value(std::size_t i) const {
      const ComplexExpr value = any_value(i);
      if (!value.is_real())
        reader_.fail_at(a_.starts[i],
                        fmt::format("{} takes a real value here. Take re(), im(), abs2() or arg() first.", f_.text));
      return value.re();
    }
    ComplexExpr any_value(std::size_t i) const {
      if (i < a_.values.size()) return a_.values[i] ? a_.values[i] : reader_.bare_value(f_, a_.starts[i]);
      reader_.fail_at(
          f_, fmt::format("{} takes at least {} arguments, but {} are given.", f_.text, i + 1, a_.values.size()));
    }
    Call with(std::size_t i, const Expr& value) const {
      Call other = *this;
      other.a_.values[i] = value;
      return other;
    }
    void count(std::size_t n) const {
      if (a_.values.size() != n)
        reader_.fail_at(f_, fmt::format("{} takes {} argument{}, but {} {} given.", f_.text, n, n == 1 ? "" : "s",
                                        a_.values.size(), a_.values.size() == 1 ? "is" : "are"));
    }
    std::string axis(std::size_t i) const {
      if (i < a_.words.size() && !a_.words[i].empty()) return a_.words[i];
      reader_.fail_at(i < a_.starts.size() ? a_.starts[i] : f_,
                      fmt::format("{}: the name of an axis is needed as argument {}.", f_.text, i + 1));
    }
    std::vector<std::string> axes_from(std::size_t first) const {
      std::vector<std::string> names;
      for (std::size_t i = first; i < a_.words.size(); ++i) {
        if (std::find(names.begin(), names.end(), axis(i)) != names.end())
          reader_.fail_at(a_.starts[i], fmt::format("{}: the axis '{}' is named twice.", f_.text, axis(i)));
        names.push_back(axis(i));
      }
      if (names.empty()) reader_.fail_at(f_, fmt::format("{}: names no axis.", f_.text));
      return names;
    }
    std::int64_t whole(const Expr& e, const Token& at) const {
      if (!e || e->op != Op::constant || e->value != std::round(e->value) || std::abs(e->value) > 1e9)
        reader_.fail_at(at, fmt::format("{}: a whole number is needed here.", f_.text));
      return static_cast<std::int64_t>(e->value);
    }
    std::int64_t whole(std::size_t i) const { return whole(value(i), a_.starts[i]); }
    const Keyword* keyword(const std::string& name) const {
      for (const auto& k : a_.keywords)
        if (k.name == name) return &k;
      return nullptr;
    }
    Expr required(const std::string& name) const {
      const Keyword* k = keyword(name);
      const Expr value = k ? reader_.keyword_value(f_, *k) : Expr();
      if (!value) reader_.fail_at(k ? k->at : f_, fmt::format("{} needs {}=....", f_.text, name));
      return value;
    }
    /// The axes of an option such as over=x or over=[x, y].
    std::vector<std::string> axes_option(const std::string& name) const {
      const Keyword* k = keyword(name);
      if (!k) return {};
      if (k->value || !k->numbers.empty())
        reader_.fail_at(k->at, fmt::format("{}: {} names axes: {}=x or {}=[x, y].", f_.text, name, name, name));
      return k->words;
    }
    std::int64_t required_whole(const std::string& name) const { return whole(required(name), keyword(name)->at); }
    void allow(const std::vector<std::string>& names) const {
      for (const auto& k : a_.keywords)
        if (std::find(names.begin(), names.end(), k.name) == names.end())
          reader_.fail_at(k.at, fmt::format("{} has no option '{}'.{}", f_.text, k.name, suggest_names(k.name, names)));
    }
    template <class Value>
    Value choice(const std::string& name, const std::vector<std::pair<std::string, Value>>& choices,
                 Value otherwise) const {
      const Keyword* k = keyword(name);
      if (!k) return otherwise;
      std::vector<std::string> known;
      for (const auto& [word, value] : choices) {
        if (k->words.size() == 1 && k->words[0] == word) return value;
        known.push_back(word);
      }
      const std::string given = k->words.empty() ? "" : k->words[0];
      reader_.fail_at(k->at,
                      fmt::format("{}: {} = '{}' is not known.{}", f_.text, name, given, suggest_names(given, known)));
    }
    Border border() const {
      return choice<Border>("border",
                            {{"zero", Border::zero}, {"reflect", Border::reflect}, {"circular", Border::circular}},
                            Border::zero);
    }
    Algorithm algorithm() const {
      return choice<Algorithm>("algorithm",
                               {{"automatic", Algorithm::automatic},
                                {"direct", Algorithm::direct},
                                {"separable", Algorithm::separable},
                                {"box", Algorithm::box},
                                {"fft", Algorithm::fft}},
                               Algorithm::automatic);
    }
    const Arguments& all() const { return a_; }

   private:
    Reader& reader_;
    const Token& f_;
    Arguments a_;
  };

  ComplexExpr call(const Token& f) {
    if (f.text == "in") return in_call(f);
    if (projection_ && (f.text == "pre" || f.text == "post" || f.text == "distance")) return synapse_call(f);
    if (f.text == "array") return array_call(f);
    const Call c(*this, f, arguments(f));
    return located(f, [&] { return apply_complex(f, c); });
  }

  /// Functions of complex values; linear ones act on both parts.
  ComplexExpr apply_complex(const Token& f, const Call& c) {
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

  /// in(value, mV): the value held in another unit.
  ComplexExpr in_call(const Token& f) {
    expect("(", f.text);
    const ComplexExpr e = expression();
    expect(",", "the value");
    const Unit unit = unit_until_end(peek());
    expect(")", "the unit");
    return located(f, [&] { return on_parts(e, [&](const Expr& x) { return convert(x, unit); }); });
  }

  Shape sized_shape(const Token& f, const std::vector<Keyword>& keywords) {
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

  /// array([1, 2, 3], y=3) or array([1, 2, 3] [mV], y=3).
  Expr array_call(const Token& f) {
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

  /// , a=1, b=2)
  std::vector<Keyword> trailing_keywords(const Token& f) {
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

  Expr apply(const Token& f, const Call& c) {
    using Unary = Expr (*)(const Expr&);
    using Binary = Expr (*)(const Expr&, const Expr&);
    static const std::map<std::string, Unary> unary{
        {"sqrt", sqrt}, {"exp", exp},         {"log", log},           {"sin", sin},   {"cos", cos},
        {"tanh", tanh}, {"sigmoid", sigmoid}, {"softplus", softplus}, {"relu", relu}, {"abs", striate::abs},
        {"step", step}, {"exprel", exprel},   {"tan", tan},           {"sinh", sinh}, {"cosh", cosh},
        {"asin", asin}, {"acos", acos},       {"atan", atan}};
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
      return c.count(1), c.allow({"size", "kappa"}),
             von_mises(c.axis(0), c.required_whole("size"), c.required("kappa"));
    if (n == "wrapped_gaussian")
      return c.count(1), c.allow({"size", "sd"}),
             wrapped_gaussian(c.axis(0), c.required_whole("size"), c.required("sd"));
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
    fail_at(f, fmt::format("there is no function '{}'.{}", n, suggest_names(n, known)));
  }

  const AxisDeclaration& declared(const Token& f, const std::string& axis) const {
    for (const auto& a : contents_.axes)
      if (a.axis.name == axis) return a;
    fail_at(f, fmt::format("no axis '{}' has been declared.{}", axis, suggest_names(axis, axis_names())));
  }

  int phi_order(const Call& c) const {
    const std::int64_t k = c.whole(0);
    if (k < 0 || k > 20) throw Error(fmt::format("phi: its order is {}, but must lie between 0 and 20.", k));
    return static_cast<int>(k);
  }

  Axis one_axis(const Token& f, const Shape& shape) const {
    if (shape.rank() != 1) fail_at(f, "index takes one axis: index(y) or index(dy=9).");
    return shape[0];
  }

  std::string origin_;
  std::vector<Token> tokens_;
  const std::map<std::string, double>& settings_;
  const ReadColumns& columns_;
  std::set<std::string> used_settings_, used_names_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  CircuitContents contents_;
  std::map<std::string, Axis> axes_;
  std::map<std::string, Expr> variables_;
  std::map<std::string, ComplexExpr> complex_;       ///< complex states and parameters
  std::map<std::string, std::string> complex_part_;  ///< z_re and z_im: z
  std::vector<PendingDefinition> definitions_;
  std::map<std::string, std::size_t> definition_index_;
  std::vector<std::string> open_;  ///< definitions being resolved, outermost first
  std::map<std::string, std::size_t> equations_, initials_, histories_;
  std::optional<std::size_t> step_at_;
  std::set<std::string> declared_once_;
  const Shape* drawing_ = nullptr;  ///< the shape of the parameter whose values are being drawn
  int places_ = 0;                  ///< where numbers are drawn in its expression
  std::vector<std::size_t> events_, regimes_;
  std::vector<std::size_t> event_rests_;                     ///< where each event goes on after its guard
  std::vector<std::size_t> projections_, projection_rests_;  ///< where each begins, and goes on after its rule
  std::vector<std::size_t> over_synapses_;                   ///< lines that wait for numbers of synapses
  const ProjectionRule* projection_ = nullptr;               ///< whose expressions are being read
  double parameter_values_ = 0;
};

}  // namespace

Circuit read_circuit(std::string_view text, const std::string& origin, const std::map<std::string, double>& settings,
                     const ReadColumns& columns) {
  return Reader(text, origin, settings, columns).read();
}

}  // namespace striate
