#include "circuit/text/reader.hpp"

#include <algorithm>
#include <cmath>

#include "circuit/random.hpp"

namespace striate {

void CircuitReader::name_projections() {
  for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
    const bool starts = i == 0 || tokens_[i - 1].kind == Token::Kind::end_line;
    if (!starts || tokens_[i].text != "projection" || tokens_[i + 1].kind != Token::Kind::name) continue;
    const Token& name = tokens_[i + 1];
    for (const std::size_t before : projections_)
      if (tokens_[before].text == name.text)
        fail_at(name, fmt::format("the name '{}' is declared twice. Rename one.", name.text));
    projections_.push_back(i + 1);
  }
}

bool CircuitReader::lies_over_synapses() const {
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

void CircuitReader::scan_over_synapses() {
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

void CircuitReader::skip_projection() {
  for (bool comma = false; comma || peek().kind != Token::Kind::end_line; take()) {
    if (peek().kind == Token::Kind::end) break;
    comma = is(",");
  }
  end_statement();
}

void CircuitReader::read_event_heads() {
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

void CircuitReader::read_event_rest(EventRule& event, std::size_t at) {
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

void CircuitReader::read_hold(EventRule& event) {
  if (event.hold_time) fail(fmt::format("event '{}' holds twice. Name all states at once.", event.name));
  while (peek().text != "for") {
    const std::string name = expect_name("a state's name, or 'for'");
    if (contains(event.held, parts_of(name).front()))
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

std::vector<std::string> CircuitReader::parts_of(const std::string& name) const {
  return complex_.contains(name) ? std::vector{re_name(name), im_name(name)} : std::vector{name};
}

void CircuitReader::read_projection_heads() {
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

bool CircuitReader::names_axis(std::size_t line, const std::string& name) const {
  for (std::size_t i = line; tokens_[i].kind != Token::Kind::end_line && tokens_[i].kind != Token::Kind::end; ++i)
    if (tokens_[i].kind == Token::Kind::name && tokens_[i].text == name) return true;
  return false;
}

std::vector<AxisRange> CircuitReader::axis_ranges() {
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

void CircuitReader::read_connectivity(ProjectionRule& p) {
  using Rule = Connectivity::Rule;
  static const std::vector<std::string> rules{"all_to_all", "one_to_one",  "random",   "fixed_in",
                                              "fixed_out",  "fixed_total", "gaussian", "pairs"};
  const Token f = peek();
  const std::string name = expect_name("a rule of connection such as random(probability=0.1)");
  if (!contains(rules, name))
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
      fail_at(f, fmt::format("pairs needs list=[pre, post, pre, post, ...], or list=file(\"edges.csv\", \"pre\", "
                             "\"post\"){}.",
                             list ? fmt::format("; here are {} numbers", list->numbers.size()) : ""));
    for (std::size_t i = 0; i < list->numbers.size(); ++i) {
      const double v = list->numbers[i];
      if (!(v >= 0 && v <= longest_axis && v == std::round(v)))
        fail_at(list->at, fmt::format("pairs: {} in pair {} is not the number of an element.", v, i / 2));
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

void CircuitReader::read_projection_rest(ProjectionRule& p, std::size_t at) {
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

Expr CircuitReader::synapse_call(const Token& f) {
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

Expr CircuitReader::comparison_as_guard() {
  const Token t = peek();
  const Expr a = real(t, sum());
  if (!is(">") && !is("<")) fail("an event's condition is written a > b or a < b.");
  const bool greater = take().text == ">";
  const Expr b = real(t, sum());
  return located(t, [&] { return greater ? a - b : b - a; });
}

void CircuitReader::read_regime(std::size_t at) {
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

}  // namespace striate
