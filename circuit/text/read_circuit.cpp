#include <algorithm>

#include "circuit/text/constant.hpp"
#include "circuit/text/reader.hpp"

namespace striate {

Circuit CircuitReader::read() {
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

std::optional<double> CircuitReader::constant(const std::string& name) {
  name_projections();
  scan();
  const auto found = variables_.find(name);
  if (found == variables_.end() || found->second->op != Op::constant) return std::nullopt;
  return found->second->value;
}

bool CircuitReader::is(std::string_view symbol, std::size_t ahead) const {
  return peek(ahead).kind == Token::Kind::symbol && peek(ahead).text == symbol;
}

bool CircuitReader::accept(std::string_view symbol) {
  if (!is(symbol)) return false;
  take();
  return true;
}

std::string CircuitReader::shown(const Token& t) {
  if (t.kind == Token::Kind::end || t.kind == Token::Kind::end_line) return "the end of the line";
  return "'" + t.text + "'";
}

void CircuitReader::expect(std::string_view symbol, std::string_view after) {
  if (!accept(symbol)) fail(fmt::format("'{}' is needed after {}, but {} stands here.", symbol, after, shown(peek())));
}

std::string CircuitReader::expect_name(std::string_view what) {
  if (!is_name()) fail(fmt::format("{} is needed here, but {} stands here.", what, shown(peek())));
  return take().text;
}

void CircuitReader::end_statement() {
  if (peek().kind == Token::Kind::end) return;
  if (peek().kind != Token::Kind::end_line)
    fail(fmt::format("{} was not expected here. Start a new line, or add an operator.", shown(peek())));
  take();
}

std::vector<std::string> CircuitReader::keys(const std::map<std::string, std::size_t>& m) {
  std::vector<std::string> names;
  for (const auto& [name, at] : m) names.push_back(name);
  return names;
}

Expr CircuitReader::real(const Token& t, const ComplexExpr& e) const {
  if (!e.is_real())
    fail_at(t, "the value is complex, but only a real one has a meaning here. Take re(), im(), abs2() or arg() of it.");
  return e.re();
}

Circuit read_circuit(std::string_view text, const std::string& origin, const std::map<std::string, double>& settings,
                     const ReadColumns& columns) {
  return CircuitReader(text, origin, settings, columns).read();
}

std::optional<double> constant_in_text(std::string_view text, const std::string& origin, const std::string& name,
                                       const std::map<std::string, double>& settings, const ReadColumns& columns) {
  return CircuitReader(text, origin, settings, columns).constant(name);
}

}  // namespace striate
