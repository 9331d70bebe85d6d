#include "circuit/tangents.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "circuit/delay.hpp"
#include "circuit/derive.hpp"

namespace striate {
namespace {

using Pairs = std::vector<std::pair<Expr, Expr>>;

/// The parameters that move along a direction, with how.
Pairs moved(const CircuitContents& c, std::span<const double> direction) {
  Pairs pairs;
  std::size_t at = 0;
  for (const Parameter& p : c.parameters) {
    const std::size_t size = p.variable.shape().size();
    const auto own = direction.subspan(at, size);
    at += size;
    if (std::ranges::all_of(own, [](double x) { return x == 0; })) continue;
    pairs.emplace_back(p.variable, p.variable.shape().rank() == 0
                                       ? quantity(own[0], p.variable.unit())
                                       : array({own.begin(), own.end()}, p.variable.shape(), p.variable.unit()));
  }
  return pairs;
}

/// What is left of `x`, or zero in the shape and unit of `like`.
Expr or_zero(const Expr& x, const Expr& like) { return broadcast_to(x ? x : quantity(0, like.unit()), like.shape()); }

class Derivation {
 public:
  explicit Derivation(const Circuit& flow) : flow_(*flow), supplied_(with_supplied_delays(flow)) {
    c_ = *supplied_.circuit;
    const Expr one = quantity(1, c_.time_unit);
    for (const State& s : c_.states)
      along_time_.emplace_back(s.variable,
                               broadcast_to(convert(one * s.equation, s.variable.unit()), s.variable.shape()));
    along_time_.emplace_back(time_variable(c_.time_unit), one);
    for (const DelayRule& rule : supplied_.rules)
      values_.emplace_back(rule.input,
                           broadcast_to(delayed(substitute({rule.source}, values_)[0], rule.tau), rule.input.shape()));
  }

  Circuit run(std::span<const std::vector<double>> directions) {
    CircuitContents result = flow_;
    result.definitions.clear();
    result.regimes.clear();
    std::vector<State> tangents;
    for (std::size_t k = 0; k < directions.size(); ++k)
      for (State& s : along(directions[k], k)) tangents.push_back(std::move(s));
    result.states.insert(result.states.end(), tangents.begin(), tangents.end());
    if (begun_) {
      State s;
      s.variable = begun_;
      s.initial = Expr(1.0);
      s.equation = Expr(0.0) / quantity(1, c_.time_unit);
      s.history = Expr(0.0);
      result.states.push_back(std::move(s));
    }
    return Circuit(std::move(result));
  }

 private:
  std::vector<State> along(std::span<const double> direction, std::size_t k) {
    const Pairs parameters = direction.empty() ? Pairs{} : moved(c_, direction);
    Pairs pairs = parameters;
    std::vector<State> tangents;
    for (std::size_t i = 0; i < c_.states.size(); ++i) {
      const Expr& x = c_.states[i].variable;
      State s;
      s.variable = variable(VariableKind::state, fmt::format("{}_along_{}", x->name, k), x.shape(), x.unit());
      s.initial = or_zero({}, x);
      if (const Expr& past = flow_.states[i].history) s.history = or_zero(jvp({past}, parameters)[0], x);
      pairs.emplace_back(x, s.variable);
      tangents.push_back(std::move(s));
    }
    for (std::size_t r = 0; r < supplied_.rules.size(); ++r) {
      const DelayRule& rule = supplied_.rules[r];
      Expr change = jvp({rule.source}, pairs)[0];
      if (change) change = broadcast_to(delayed(change, rule.tau), rule.input.shape());
      if (const Expr later = jvp({rule.tau}, parameters)[0]) {
        if (jumps_in_time(rule.source) || jumps_in_time(rule.past))
          throw Error(flow_.name,
                      "delays what jumps at a time of its own: what follows from another delay is not known. "
                      "Make its flank a steep slope.");
        const Expr back = broadcast_to(rate_of(r) * later, rule.input.shape());
        change = change ? change - back : -back;
      }
      if (change) pairs.emplace_back(rule.input, change);
    }
    for (std::size_t i = 0; i < c_.states.size(); ++i) {
      const Expr& rate = c_.states[i].equation;
      tangents[i].equation = substitute({or_zero(jvp({rate}, pairs)[0], rate)}, values_)[0];
    }
    return tangents;
  }

  bool jumps_in_time(const Expr& e) const {
    const auto timed = [&](const Expr& condition) {
      const auto inside = topological_order({condition});
      return std::ranges::find(inside, time_variable(c_.time_unit)) != inside.end();
    };
    return std::ranges::any_of(topological_order({e}), [&](const Expr& node) {
      return (node->op == Op::step || node->op == Op::where) && timed(node->args[0]);
    });
  }

  /// The rate of a delayed value in time: that of its source, a delay ago.
  Expr rate_of(std::size_t r) {
    if (!begun_) begun_ = variable(VariableKind::state, "begun", Shape(), Unit());
    const Expr one = quantity(1, c_.time_unit);
    const Expr t = time_variable(c_.time_unit);
    while (rates_.size() <= r) {
      const DelayRule& rule = supplied_.rules[rates_.size()];
      const Expr now = jvp({rule.source}, along_time_)[0], before = jvp({rule.past}, {{t, one}})[0];
      const Expr rate = begun_ * or_zero(now, rule.source) + (Expr(1.0) - begun_) * or_zero(before, rule.source);
      rates_.push_back(broadcast_to(delayed(rate, rule.tau), rule.input.shape()));
      along_time_.emplace_back(rule.input, rates_.back());
    }
    return rates_[r] / one;
  }

  const CircuitContents& flow_;
  SuppliedDelays supplied_;
  CircuitContents c_;        ///< with inputs in place of delayed values
  Pairs values_;             ///< these inputs and what they stand for
  Pairs along_time_;         ///< everything that moves in time, and how far in a time unit
  std::vector<Expr> rates_;  ///< of the delayed values, over a time unit
  Expr begun_;
};

}  // namespace

Circuit with_tangents(const Circuit& flow, std::span<const std::vector<double>> directions) {
  const auto refuse = [&](const char* why) {
    throw Error(flow->name, fmt::format("{}, so that its rates are not what is derived.", why));
  };
  if (flow.is_map()) refuse("is a map");
  if (!flow->events.empty()) refuse("has events");
  if (!flow->noises.empty()) refuse("has noise");
  std::size_t size = 0;
  for (const Parameter& p : flow->parameters) size += p.variable.shape().size();
  for (const auto& d : directions)
    if (!d.empty() && d.size() != size)
      throw Error(flow->name, fmt::format("a direction has {} values, but the parameters have {}.", d.size(), size));
  return Derivation(flow).run(directions);
}

}  // namespace striate
