#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.hpp"
#include "circuit/text.hpp"
#include "circuit/text/lexer.hpp"

namespace striate {

/// Reads one circuit from its text (read_circuit). Lines are taken in the order in which they stand, except for what
/// may name what comes later: equations, events and definitions are only found at first, and read at the end.
class CircuitReader {
 public:
  CircuitReader(std::string_view text, std::string origin, const std::map<std::string, double>& settings,
                const ReadColumns& columns)
      : origin_(std::move(origin)), tokens_(tokenize(text, origin_)), settings_(settings), columns_(columns) {}
  Circuit read();
  std::optional<double> constant(const std::string& name);

 private:
  /// An argument written name=...
  struct Keyword {
    std::string name;
    Token at;
    std::vector<std::string> words;  ///< border=zero, over=[a, b]
    std::vector<double> numbers;     ///< pairs=[0, 1]
    Expr value;                      ///< size=9, sd=2*s; empty where a bare name stands, which may be a word or a value
    Token value_at;
  };
  struct PendingDefinition {
    std::string name;
    std::size_t expression;
    Token at;
    std::optional<Unit> unit;
    std::string description;
    ComplexExpr value;
    bool open = false;
  };

  // --- tokens (circuit/text/read_circuit.cpp)
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& take() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  bool is(std::string_view symbol, std::size_t ahead = 0) const;
  bool is_name(std::size_t ahead = 0) const { return peek(ahead).kind == Token::Kind::name; }
  bool accept(std::string_view symbol);
  std::string position(const Token& t) const { return fmt::format("{}:{}:{}", origin_, t.line, t.column); }
  [[noreturn]] void fail_at(const Token& t, const std::string& what) const { throw Error(position(t), what); }
  [[noreturn]] void fail(const std::string& what) const { fail_at(peek(), what); }
  static std::string shown(const Token& t);
  void expect(std::string_view symbol, std::string_view after);
  std::string expect_name(std::string_view what);
  void end_statement();
  std::string description() { return peek().kind == Token::Kind::string ? take().text : std::string(); }
  static std::vector<std::string> keys(const std::map<std::string, std::size_t>& m);
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
  Expr real(const Token& t, const ComplexExpr& e) const;

  // --- declarations (circuit/text/read_declarations.cpp)
  void scan();
  void declare_once(const Token& t, const std::string& word);
  void skip_statement();
  void declare(const Token& t, const std::string& name, const Expr& value);
  /// A unit written in a declaration: up to a keyword, a bracket, a text, a comma or the end of the line.
  Unit unit_until_end(const Token& t);
  double signed_number(std::string_view what);
  /// "(0, inf)" or "[0, 1)".
  Range range();
  double setting(const std::string& name, double given);
  double constant_number(std::string_view what);
  void scan_constant();
  void scan_axis();
  Shape shape_in_brackets();
  std::vector<std::string> axis_names() const;
  bool declared_below(const std::string& axis) const;
  bool is_file() const { return is_name() && peek().text == "file" && is("(", 1); }
  /// file("edges.csv", "pre", "post"): columns, row by row.
  std::vector<double> numbers_of_file();
  /// Values of a parameter out of a file, in the order of its elements: where pairs are listed each row is a pair's.
  std::vector<double> values_of_file(const std::string& name, const Shape& shape);
  std::vector<double> numbers_in_brackets();
  void scan_parameter();
  /// " + 0.5*i" or " - [1, 2]*i" after the real part of a complex parameter; empty for a real one.
  std::vector<double> imaginary_part();
  /// A name for two real variables that have been declared.
  void declare_complex(const Token& t, const std::string& name);
  /// What a parameter's values are drawn from.
  Expr random_expression(const Shape& shape);
  std::uint64_t whole_seed(const Token& t, double value) const;
  void scan_input();
  void scan_noise();
  void scan_definition();
  /// Moves past an expression: to the ':' that declares its unit, a text, or the end of the line.
  void skip_expression();
  void scan_initial();
  void scan_history();
  void scan_rate();
  void scan_next();
  /// The rest of a state's equation, from its = onwards.
  void scan_equation(const Token& t, const std::string& name, const std::string& left, bool map);
  /// The time increment of a map, in the time unit.
  double read_step(std::size_t at);

  // --- spikes (circuit/text/read_events.cpp)
  /// The names of projections, which are axes too, and where they are declared.
  void name_projections();
  /// Whether the line declares a variable over the synapses of a projection: their number is not known yet.
  bool lies_over_synapses() const;
  void scan_over_synapses();
  /// A projection may go on in the next line after a comma.
  void skip_projection();
  /// Name and guard of every event; of a source, name and shape.
  void read_event_heads();
  void read_event_rest(EventRule& event, std::size_t at);
  /// hold V, w for tau_ref keeping arrivals
  void read_hold(EventRule& event);
  std::vector<std::string> parts_of(const std::string& name) const;
  /// Who is connected to whom. Where variables lie over the synapses, these are drawn.
  void read_projection_heads();
  bool names_axis(std::size_t line, const std::string& name) const;
  /// y=0:4, x
  std::vector<AxisRange> axis_ranges();
  /// random(probability=0.02, self=false)
  void read_connectivity(ProjectionRule& p);
  /// after DELAY: STATE += AMOUNT, ..., on arrival: STATE = VALUE, ..., back from EVENT: STATE = VALUE, ...
  void read_projection_rest(ProjectionRule& p, std::size_t at);
  /// pre(w), post(y), distance(exc)
  Expr synapse_call(const Token& f);
  /// a > b as the guard a - b.
  Expr comparison_as_guard();
  void read_regime(std::size_t at);

  // --- expressions (circuit/text/read_expressions.cpp)
  ComplexExpr expression_at(std::size_t at);
  void resolve(PendingDefinition& d);
  ComplexExpr expression();
  ComplexExpr sum();
  ComplexExpr product();
  ComplexExpr signed_power();
  ComplexExpr power();
  ComplexExpr primary();
  /// 10, 10 mV, 10 [mV/ms].
  Expr number(const Token& t);
  ComplexExpr named(const Token& t);
  /// Whether the token is the unit of the number before it.
  bool is_unit_of_number(std::size_t at) const;
  struct Arguments {
    std::vector<Token> starts;
    std::vector<ComplexExpr> values;  ///< empty where a bare name stands, which may be an axis or a value
    std::vector<std::string> words;   ///< the name, where a bare name stands
    std::vector<Keyword> keywords;
  };
  bool bare_name() const { return is_name() && (is(",", 1) || is(")", 1)); }
  /// What stands at `t` as a value.
  ComplexExpr bare_value(const Token& f, const Token& t);
  Expr keyword_value(const Token& f, const Keyword& k);
  Arguments arguments(const Token& f);
  /// Checks and reads the arguments of one call.
  class Call {
   public:
    Call(CircuitReader& reader, const Token& f, Arguments a) : reader_(reader), f_(f), a_(std::move(a)) {}

    Expr value(std::size_t i) const;
    ComplexExpr any_value(std::size_t i) const;
    Call with(std::size_t i, const Expr& value) const;
    void count(std::size_t n) const;
    std::string axis(std::size_t i) const;
    std::vector<std::string> axes_from(std::size_t first) const;
    std::int64_t whole(const Expr& e, const Token& at) const;
    std::int64_t whole(std::size_t i) const { return whole(value(i), a_.starts[i]); }
    const Keyword* keyword(const std::string& name) const;
    Expr required(const std::string& name) const;
    /// The axes of an option such as over=x or over=[x, y].
    std::vector<std::string> axes_option(const std::string& name) const;
    std::int64_t required_whole(const std::string& name) const {
      const Expr given = required(name);
      return whole(given, keyword(name)->at);
    }
    void allow(const std::vector<std::string>& names) const;
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
    Border border() const;
    Algorithm algorithm() const;
    const Arguments& all() const { return a_; }

   private:
    CircuitReader& reader_;
    const Token& f_;
    Arguments a_;
  };

  // --- functions (circuit/text/read_functions.cpp)
  ComplexExpr call(const Token& f);
  /// Functions of complex values; linear ones act on both parts.
  ComplexExpr apply_complex(const Token& f, const Call& c);
  /// in(value, mV): the value held in another unit.
  ComplexExpr in_call(const Token& f);
  Shape sized_shape(const Token& f, const std::vector<Keyword>& keywords);
  /// array([1, 2, 3], y=3) or array([1, 2, 3] [mV], y=3).
  Expr array_call(const Token& f);
  /// , a=1, b=2)
  std::vector<Keyword> trailing_keywords(const Token& f);
  Expr apply(const Token& f, const Call& c);
  const AxisDeclaration& declared(const Token& f, const std::string& axis) const;
  int phi_order(const Call& c) const;
  Axis one_axis(const Token& f, const Shape& shape) const;

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

}  // namespace striate
