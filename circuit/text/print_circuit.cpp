#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <unordered_set>

#include "base/error.hpp"
#include "circuit/surrogate.hpp"
#include "circuit/text.hpp"

namespace striate {
namespace {

enum Precedence { comparison, sum_level, product_level, sign_level, power_level, primary_level };

std::string number(double value) { return fmt::format("{}", value); }

std::string quoted(const std::string& text) { return text.empty() ? "" : " \"" + text + "\""; }

std::string sizes(const Shape& shape) {
  std::string text;
  for (const auto& axis : shape) text += fmt::format(", {}={}", axis.name, axis.size);
  return text;
}

std::string unit_note(const Unit& unit) { return unit == Unit() ? "" : fmt::format(" [{}]", unit.str()); }

std::string numbers(const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double v : values) texts.push_back(number(v));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

/// In brackets where the unit that follows would be read as that of its last number.
std::string before_unit(std::string text) {
  return std::isdigit(static_cast<unsigned char>(text.back())) ? "(" + text + ")" : text;
}

struct Text {
  std::string text;
  Precedence level = primary_level;
};

/// Writes expressions bottom up; nodes that have a name are written by it.
class Printer {
 public:
  void name(const Expr& e, const std::string& text) { named_.emplace(e.get(), text); }

  std::string operator()(const Expr& root) {
    written_.clear();
    const auto order = unnamed_below(root);
    std::unordered_map<const Node*, std::size_t> uses;
    for (const auto& e : order)
      for (const auto& arg : operands(e)) ++uses[arg.get()];
    std::size_t held = 0;
    for (const auto& e : order) {
      const auto it = named_.find(e.get());
      const auto& text =
          written_.emplace(e.get(), it != named_.end() ? Text{it->second, primary_level} : write(e)).first->second.text;
      held += text.size();
      if (held > longest_text)
        throw Error(
            fmt::format("an expression takes more than {} MB as text, because it repeats parts that have no name. Name "
                        "them as definitions.",
                        longest_text >> 20U));
      for (const auto& arg : operands(e))
        if (--uses[arg.get()] == 0) {
          held -= written_.at(arg.get()).text.size();
          written_.erase(arg.get());
        }
    }
    return written_.at(root.get()).text;
  }

 private:
  static constexpr std::size_t longest_text = std::size_t{1} << 24U;

  /// What the text of e is made of: nothing when it has a name.
  std::vector<Expr> operands(const Expr& e) const { return named_.contains(e.get()) ? std::vector<Expr>{} : e->args; }

  /// The nodes that `root` needs in writing, each after its operands.
  std::vector<Expr> unnamed_below(const Expr& root) const {
    std::vector<Expr> order;
    std::unordered_set<const Node*> done;
    std::vector<std::pair<Expr, bool>> stack{{root, false}};
    while (!stack.empty()) {
      auto [e, ready] = std::move(stack.back());
      stack.pop_back();
      if (done.contains(e.get())) continue;
      if (ready) {
        done.insert(e.get());
        order.push_back(std::move(e));
        continue;
      }
      stack.emplace_back(e, true);
      for (const auto& arg : operands(e)) stack.emplace_back(arg, false);
    }
    return order;
  }

  std::string at_least(const Expr& e, Precedence level) const {
    const Text& t = written_.at(e.get());
    return t.level >= level ? t.text : "(" + t.text + ")";
  }
  std::string plain(const Expr& e) const { return written_.at(e.get()).text; }

  std::string call(std::string_view name, const std::vector<Expr>& args, const std::string& rest = "") const {
    std::vector<std::string> texts;
    for (const auto& arg : args) texts.push_back(plain(arg));
    return fmt::format("{}({}{})", name, fmt::join(texts, ", "), rest);
  }

  std::string options(const Node& n) const {
    constexpr std::string_view borders[] = {"zero", "reflect", "circular"};
    constexpr std::string_view algorithms[] = {"automatic", "direct", "separable", "box", "fft"};
    std::vector<std::string> over;
    for (const auto& axis : n.args[1].shape())
      if (n.args[0].shape().has(axis.name) && !n.shape.has(axis.name)) over.push_back(axis.name);
    std::string text;
    if (!over.empty()) text += fmt::format(", over=[{}]", fmt::join(over, ", "));
    if (n.ints[1] != 0) text += fmt::format(", border={}", borders[n.ints[1]]);
    if (n.ints[2] != 0) text += fmt::format(", algorithm={}", algorithms[n.ints[2]]);
    return text;
  }

  Text write(const Expr& e) const {
    const Node& n = *e;
    const auto& a = n.args;
    const auto binary = [&](std::string_view sign, Precedence level) {
      return Text{
          fmt::format("{}{}{}", at_least(a[0], level), sign, at_least(a[1], static_cast<Precedence>(level + 1))),
          level};
    };
    switch (n.op) {
      case Op::constant: return {number(n.value) + unit_note(n.unit), n.value < 0 ? sign_level : primary_level};
      case Op::variable: return {n.name};
      case Op::random: {
        constexpr std::string_view kinds[] = {"uniform", "normal", "orthogonal"};
        if (a.empty()) return {fmt::format("{}({})", kinds[n.ints[0]], fmt::join(n.names, ", "))};
        return {call(kinds[n.ints[0]], a)};
      }
      case Op::index: return {fmt::format("index({}={})", n.shape[0].name, n.shape[0].size)};
      case Op::array: return {fmt::format("array({}{}{})", numbers(*n.numbers), unit_note(n.unit), sizes(n.shape))};
      case Op::add: return binary(" + ", sum_level);
      case Op::sub: return binary(" - ", sum_level);
      case Op::mul: return binary("*", product_level);
      case Op::div: return binary("/", product_level);
      case Op::pow:
        return {fmt::format("{}^{}", at_least(a[0], primary_level), at_least(a[1], sign_level)), power_level};
      case Op::neg: return {"-" + at_least(a[0], power_level), sign_level};
      case Op::phi: return {n.ints[0] == 1 ? call("exprel", a) : fmt::format("phi({}, {})", n.ints[0], plain(a[0]))};
      case Op::where:
        if (is_surrogate(n)) return {call("surrogate", std::vector<Expr>{a[1], a[2]})};
        break;
      case Op::convert: return {fmt::format("in({}, {})", plain(a[0]), n.unit.str())};
      case Op::conv:
        if (n.ints[0] == 0) return {fmt::format("conv({}, {}{})", plain(a[1]), plain(a[0]), options(n))};
        break;
      case Op::contract: {
        std::vector<std::string> over;
        for (const auto& axis : a[0].shape())
          if (!n.shape.has(axis.name)) over.push_back(axis.name);
        return {call("matmul", a, fmt::format(", over=[{}]", fmt::join(over, ", ")))};
      }
      case Op::sparse:
        if (n.ints[0] == 0)
          return {call("sparse", a,
                       fmt::format(", {}, {}, pairs=[{}]", n.names[0], n.names[1], fmt::join(*n.pattern, ", ")))};
        break;
      case Op::line: {
        if (n.ints[1] != 0) break;
        constexpr std::string_view borders[] = {"zero", "reflect", "circular"};
        constexpr std::string_view kinds[] = {"shift", "pad", "slice", "flip", "resample"};
        const auto kind = static_cast<LineKind>(n.ints[0]);
        std::string rest = ", " + n.names[0];
        const std::size_t settings = n.ints.size() - (kind == LineKind::shift || kind == LineKind::pad ? 1 : 0);
        for (std::size_t i = 2; i < settings; ++i) rest += fmt::format(", {}", n.ints[i]);
        if (settings < n.ints.size() && n.ints.back() != 0) rest += fmt::format(", border={}", borders[n.ints.back()]);
        return {call(kinds[n.ints[0]], a, rest)};
      }
      case Op::sum: return {call("sum", a, fmt::format(", {}", fmt::join(n.names, ", ")))};
      case Op::max_over: return {call("max_over", a, fmt::format(", {}", fmt::join(n.names, ", ")))};
      case Op::broadcast: return {call("broadcast", a, sizes(n.shape))};
      case Op::delayed: return {call("delayed", a)};
      case Op::rename: return {call("rename", a, fmt::format(", {}, {}", n.names[0], n.names[1]))};
      case Op::maxpool:
        return {call("maxpool", a,
                     fmt::format(", {}, window={}, stride={}", fmt::join(n.names, ", "), n.ints[0], n.ints[1]))};
      default: break;
    }
    if (is_pointwise(n.op)) return {call(op_name(n.op), a)};
    // Operations that only derivatives contain; for reading by people.
    return {call(fmt::format("{}_derivative", op_name(n.op)), a)};
  }

  std::unordered_map<const Node*, std::string> named_;
  std::unordered_map<const Node*, Text> written_;
};

/// The equation as the reader expects it: it brings the unit and the shape of the declaration itself.
Expr undressed(const Expr& e, const Unit& unit) {
  Expr inner = e->op == Op::broadcast ? e->args[0] : e;
  if (inner->op == Op::convert && inner.unit() == unit) inner = inner->args[0];
  if (is_zero(inner)) inner = quantity(0, Unit());
  return inner;
}

std::string ranges_text(const std::vector<AxisRange>& ranges) {
  std::vector<std::string> texts;
  for (const auto& r : ranges) texts.push_back(r.end ? fmt::format("{}={}:{}", r.axis, r.begin, *r.end) : r.axis);
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string rule_text(const Connectivity& c, const Unit& unit) {
  using Rule = Connectivity::Rule;
  constexpr std::string_view names[] = {"all_to_all",  "one_to_one", "random",   "fixed_in", "fixed_out",
                                        "fixed_total", "gaussian",   "gaussian", "pairs"};
  std::vector<std::string> options;
  if (c.rule == Rule::random) options.push_back("probability=" + number(c.probability));
  if (c.rule == Rule::fixed_in || c.rule == Rule::fixed_out || c.rule == Rule::fixed_total)
    options.push_back(fmt::format("count={}", c.count));
  if (c.rule == Rule::gaussian_in || c.rule == Rule::gaussian_out) {
    options.push_back(fmt::format("sd={}{}", number(c.sd), unit_note(unit)));
    options.push_back(fmt::format("{}={}", c.rule == Rule::gaussian_in ? "in" : "out", c.count));
  }
  if (c.rule == Rule::pairs) {
    std::vector<std::uint32_t> list;
    for (std::size_t i = 0; i < c.pre.size(); ++i) list.insert(list.end(), {c.pre[i], c.post[i]});
    options.push_back(fmt::format("list=[{}]", fmt::join(list, ", ")));
  }
  if (!c.self) options.emplace_back("self=false");
  if (c.repeats) options.emplace_back("repeats=true");
  const auto name = names[static_cast<std::size_t>(c.rule)];
  return options.empty() ? std::string(name) : fmt::format("{}({})", name, fmt::join(options, ", "));
}

std::string projection_text(const Circuit& circuit, const ProjectionRule& p, Printer& print) {
  std::string text = fmt::format("projection {} from {}{} to {}: {}", p.name, p.event,
                                 p.from.empty() ? std::string() : fmt::format("[{}]", ranges_text(p.from)),
                                 ranges_text(p.to), rule_text(p.rule, distance_unit(*circuit, p)));
  if (!is_zero(p.delay)) text += " after " + print(undressed(p.delay, circuit->time_unit));
  std::vector<std::string> clauses;
  const auto add = [&](const Assignments& assignments, std::string_view sign, const std::string& first) {
    for (std::size_t i = 0; i < assignments.size(); ++i) {
      const auto& [state, value] = assignments[i];
      clauses.push_back(fmt::format("{}{} {} {}", i == 0 ? first : "", state, sign,
                                    print(undressed(value, circuit.state(state).variable.unit()))));
    }
  };
  add(p.arrivals, "+=", "");
  add(p.on_arrival, "=", "on arrival: ");
  for (const auto& back : p.back) add(back.changes, "=", "back from " + back.event + ": ");
  return fmt::format("{}: {}{}\n", text, fmt::join(clauses, ", "), quoted(p.description));
}

std::string range_note(const Range& range) { return range.unbounded() ? "" : " in " + range.str(); }

}  // namespace

std::string to_text(const Expr& e) { return Printer()(e); }

std::string to_text(const Circuit& circuit) {
  const CircuitContents& c = *circuit;
  std::string text = fmt::format("circuit {}{}\n", c.name, quoted(c.description));
  for (const auto& line : c.source) text += fmt::format("source \"{}\"\n", line);
  text += fmt::format("time {}\n", c.time_unit.str());
  if (circuit.is_map()) text += fmt::format("step {} [{}]\n", number(c.step), c.time_unit.str());
  const bool draws = !c.projections.empty() || std::any_of(c.parameters.begin(), c.parameters.end(),
                                                           [](const Parameter& p) { return bool(p.drawn_from); });
  if (draws) text += fmt::format("seed {}\n", c.seed);
  if (!c.axes.empty()) text += "\n";
  for (const auto& a : c.axes) {
    text += fmt::format("axis {} = {}", a.axis.name, a.axis.size);
    if (a.has_coordinates)
      text += fmt::format(" in [{}, {}{} {}", number(a.low), number(a.high), a.closed ? ']' : ')', a.unit.str());
    text += fmt::format("{}{}\n", a.circular ? " circular" : "", quoted(a.description));
  }
  if (!c.parameters.empty()) text += "\n";
  for (const auto& p : c.parameters) {
    const bool uniform = std::all_of(p.value.begin(), p.value.end(), [&](double v) { return v == p.value[0]; });
    const std::string value = p.drawn_from ? "~ " + before_unit(Printer()(undressed(p.drawn_from, p.variable.unit())))
                              : uniform    ? "= " + number(p.value[0])
                                           : "= " + numbers(p.value);
    text += fmt::format("parameter {}{} {} {}{}{}\n", p.variable->name, p.variable.shape().str(), value,
                        p.variable.unit().str(), range_note(p.range), quoted(p.description));
  }
  if (!c.inputs.empty()) text += "\n";
  for (const auto& u : c.inputs)
    text += fmt::format("input {}{} : {}{}\n", u.variable->name, u.variable.shape().str(), u.variable.unit().str(),
                        quoted(u.description));
  if (!c.noises.empty()) text += "\n";
  for (const auto& n : c.noises)
    text += fmt::format("noise {}{} {}{}\n", n.variable->name, n.variable.shape().str(),
                        n.calculus == Calculus::ito ? "ito" : "stratonovich", quoted(n.description));

  Printer print;
  if (!c.definitions.empty()) text += "\n";
  for (const auto& d : c.definitions) {
    text += fmt::format("{} := {} : {}{}\n", d.name, print(d.value), d.value.unit().str(), quoted(d.description));
    if (!d.value->args.empty()) print.name(d.value, d.name);
  }
  if (!c.states.empty()) text += "\n";
  for (const auto& s : c.states) {
    const Expr initial = undressed(s.initial, s.variable.unit());
    if (s.history)
      text += fmt::format("{}(t <= 0) = {}\n", s.variable->name, print(undressed(s.history, s.variable.unit())));
    else if (!is_zero(initial))
      text += fmt::format("{}(0) = {}\n", s.variable->name, print(initial));
    const Unit unit = s.map ? s.variable.unit() : s.variable.unit() / c.time_unit;
    text +=
        fmt::format("{} = {} : {}{}{}\n", s.left_side(), print(undressed(s.equation, unit)), s.variable.unit().str(),
                    s.variable.shape().rank() == 0 ? std::string() : fmt::format(" {}", s.variable.shape().str()),
                    quoted(s.description));
  }
  if (!c.events.empty()) text += "\n";
  for (const auto& event : c.events) {
    const auto value = [&](const Expr& e, const Unit& unit) { return print(undressed(e, unit)); };
    std::vector<std::string> changes;
    for (const auto& [state, after] : event.jumps)
      changes.push_back(fmt::format("{} = {}", state, value(after, circuit.state(state).variable.unit())));
    if (event.hold_time)
      changes.push_back(fmt::format("hold {}{}for {}{}", fmt::join(event.held, ", "), event.held.empty() ? "" : " ",
                                    value(event.hold_time, c.time_unit),
                                    event.keeps_arrivals ? " keeping arrivals" : ""));
    const Expr& guard = event.guard;
    const bool difference = guard->op == Op::sub;
    if (event.cause == Cause::crossing)
      text += fmt::format("event {} when {} > {}", event.name, print(difference ? guard->args[0] : guard),
                          difference ? print(guard->args[1]) : "0");
    else
      text +=
          fmt::format("{} {}{}", event.cause == Cause::poisson ? "poisson" : "train", event.name, guard.shape().str());
    if (event.rate) text += " rate " + value(event.rate, Unit() / c.time_unit);
    text += quoted(event.description);
    text += fmt::format("{}{}\n", changes.empty() ? "" : ": ", fmt::join(changes, ", "));
  }
  if (!c.projections.empty()) text += "\n";
  for (const auto& p : c.projections) text += projection_text(circuit, p, print);
  if (!c.regimes.empty()) text += "\n";
  for (const auto& r : c.regimes) {
    text += fmt::format("regime {}{}", r.name, quoted(r.description));
    for (std::size_t i = 0; i < r.values.size(); ++i) {
      const auto& [name, values] = r.values[i];
      text += fmt::format("{} {} = {} {}", i == 0 ? ":" : ",", name,
                          values.size() == 1 ? number(values[0]) : numbers(values),
                          circuit.parameter(name).variable.unit().str());
    }
    text += "\n";
  }
  return text;
}

}  // namespace striate
