#include "circuit/propagator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_map>

#include "base/error.hpp"

namespace striate {
namespace {

/// A value as rest + sum of coefficient times state; without `linear`, it is of another kind.
struct Affine {
  std::map<std::size_t, Expr> coefficient;
  Expr rest;
  bool linear = true;
};

Expr plus(const Expr& a, const Expr& b) { return !a ? b : (!b ? a : a + b); }

/// Finds the linear form of every node of the rates.
class Forms {
 public:
  explicit Forms(const CircuitContents& flow) {
    for (std::size_t i = 0; i < flow.states.size(); ++i) {
      const Expr& x = flow.states[i].variable;
      form_[x.get()] = {{{i, Expr(1.0)}}, {}, true};
    }
  }

  const Affine& operator()(const Expr& root) {
    for (const auto& e : topological_order({root}))
      if (!form_.contains(e.get())) form_.emplace(e.get(), of(e));
    return form_.at(root.get());
  }

 private:
  const Affine& at(const Expr& e) const { return form_.at(e.get()); }

  Affine mapped(const Affine& a, const std::function<Expr(const Expr&)>& f) const {
    Affine result;
    result.linear = a.linear;
    for (const auto& [i, c] : a.coefficient) result.coefficient[i] = f(c);
    if (a.rest) result.rest = f(a.rest);
    return result;
  }

  Affine of(const Expr& e) const {
    const auto free = [&](std::size_t k) { return at(e->args[k]).linear && at(e->args[k]).coefficient.empty(); };
    bool constant = true;
    for (std::size_t k = 0; k < e->args.size(); ++k) constant = constant && free(k);
    if (constant) return {{}, e, true};
    switch (e->op) {
      case Op::neg: return mapped(at(e->args[0]), [](const Expr& c) { return -c; });
      case Op::convert: return converted(at(e->args[0]), e);
      case Op::broadcast: return mapped(at(e->args[0]), [&](const Expr& c) { return broadcast_to(c, e.shape()); });
      case Op::mul:
        if (free(0)) return mapped(at(e->args[1]), [&](const Expr& c) { return e->args[0] * c; });
        if (free(1)) return mapped(at(e->args[0]), [&](const Expr& c) { return c * e->args[1]; });
        break;
      case Op::div:
        if (free(1)) return mapped(at(e->args[0]), [&](const Expr& c) { return c / e->args[1]; });
        break;
      case Op::add:
      case Op::sub: {
        Affine sum = at(e->args[0]);
        const Affine& other = at(e->args[1]);
        const auto sign = [&](const Expr& c) { return e->op == Op::sub ? -c : c; };
        sum.linear = sum.linear && other.linear;
        for (const auto& [i, c] : other.coefficient) sum.coefficient[i] = plus(sum.coefficient[i], sign(c));
        if (other.rest) sum.rest = plus(sum.rest, sign(other.rest));
        return sum;
      }
      default: break;
    }
    return {{}, e, false};
  }

  static Affine converted(const Affine& a, const Expr& e) {
    // A coefficient carries the unit of the value over the state's.
    Affine result;
    result.linear = a.linear;
    for (const auto& [i, c] : a.coefficient)
      result.coefficient[i] = convert(c, c.unit() * e.unit() / e->args[0].unit());
    if (a.rest) result.rest = convert(a.rest, e.unit());
    return result;
  }

  std::unordered_map<const Node*, Affine> form_;
};

/// The first variable of `e` that `unwanted` holds of, or none.
Expr find_variable(const Expr& e, const std::function<bool(const Node&)>& unwanted) {
  for (const auto& node : topological_order({e}))
    if (node->op == Op::variable && unwanted(*node)) return node;
  return {};
}

/// dx/dt = A x + b of the states, with A_ij in coefficient[i][j].
struct LinearFlow {
  std::vector<std::map<std::size_t, Expr>> coefficient;
  std::vector<Expr> rest;
};

LinearFlow linear_flow(const CircuitContents& flow) {
  LinearFlow result;
  Forms forms(flow);
  for (const auto& state : flow.states) {
    const auto refuse = [&](const std::string& what) {
      throw Error("circuit '" + flow.name + "'",
                  fmt::format("the rate of {} {}, but exact solves rates that are linear in the states, element by "
                              "element, with constant coefficients. Use exponential_euler, or another method.",
                              state.variable->name, what));
    };
    const Affine& form = forms(state.equation);
    if (!form.linear) refuse("is not linear");
    for (const auto& [j, c] : form.coefficient) {
      const Expr other = find_variable(c, [](const Node& v) { return v.kind != VariableKind::parameter; });
      if (other) refuse(fmt::format("multiplies {} by {}", flow.states[j].variable->name, other->name));
    }
    if (form.rest && find_variable(form.rest, [](const Node& v) { return v.kind == VariableKind::time; }))
      refuse("depends on the time");
    result.coefficient.push_back(form.coefficient);
    result.rest.push_back(form.rest);
  }
  return result;
}

/// Adds up the paths through which the states and the constants act on one state.
class Paths {
 public:
  Paths(const CircuitContents& flow, const LinearFlow& linear, Expr h)
      : flow_(flow), linear_(linear), h_(std::move(h)) {}

  /// State i one step later.
  Expr next(std::size_t i) {
    const Expr& x = flow_.states[i].variable;
    path_ = {i};
    change_ = {};
    walk(i, h_);
    return change_ ? x + change_ : x;
  }

 private:
  Expr pure(std::size_t i) const {
    const auto a = linear_.coefficient[i].find(i);
    return a == linear_.coefficient[i].end() ? Expr(0.0) : h_ * a->second;
  }

  /// Adds what arrives at the head of the path: `weight` is h times the product of its couplings, in the units of the
  /// first state over the rate of the last.
  void walk(std::size_t last, const Expr& weight) {
    std::vector<Expr> z;
    for (const std::size_t k : path_) z.push_back(pure(k));
    // The state's own leak and its constants act together, so that they cancel where it rests.
    auto constant = z;
    constant.emplace_back(0.0);
    Expr rate = linear_.rest[last];
    if (path_.size() == 1) {
      const auto own = linear_.coefficient[last].find(last);
      if (own != linear_.coefficient[last].end()) rate = plus(own->second * flow_.states[last].variable, rate);
    }
    if (rate) change_ = plus(change_, weight * exp_difference(constant) * rate);
    for (const auto& [j, c] : linear_.coefficient[last]) {
      if (j == last) continue;
      if (std::find(path_.begin(), path_.end(), j) != path_.end()) {
        throw Error("circuit '" + flow_.name + "'",
                    fmt::format("the rates of {} and {} depend on each other, but exact solves chains. Use "
                                "exponential_euler, or another method.",
                                flow_.states[j].variable->name, flow_.states[last].variable->name));
      }
      path_.push_back(j);
      auto longer = z;
      longer.push_back(pure(j));
      change_ = plus(change_, weight * c * exp_difference(longer) * flow_.states[j].variable);
      walk(j, weight * c * h_);
      path_.pop_back();
    }
  }

  const CircuitContents& flow_;
  const LinearFlow& linear_;
  Expr h_;
  std::vector<std::size_t> path_;
  Expr change_;
};

Expr factorial_inverse(std::size_t n) {
  double f = 1;
  for (std::size_t k = 2; k <= n; ++k) f *= static_cast<double>(k);
  return Expr(1 / f);
}

/// e^c sum_k h_k(z - c)/(k + m)!, h_k the complete homogeneous polynomials, for |z - c| < 1.
Expr series(const std::vector<Expr>& z) {
  const std::size_t m = z.size() - 1;
  std::vector<Expr> x;
  for (std::size_t i = 0; i < m; ++i) x.push_back(z[i] - z[m]);
  constexpr std::size_t terms = 18;       // 1/18! < 2e-16
  std::vector<Expr> power(m, Expr(1.0));  // h_k of the first 1, 2, ... of them
  Expr total = factorial_inverse(m);
  for (std::size_t k = 1; k < terms; ++k) {
    for (std::size_t i = 0; i < m; ++i) power[i] = i == 0 ? x[0] * power[0] : power[i - 1] + x[i] * power[i];
    total = total + power[m - 1] * factorial_inverse(k + m);
  }
  return exp(z[m]) * total;
}

}  // namespace

Expr exp_difference(const std::vector<Expr>& z) {
  const std::size_t m = z.size() - 1;
  if (m == 0) return exp(z[0]);
  // All but one the same: exp[c, ..., c, z] = e^c phi_m(z - c).
  for (std::size_t odd = 0; odd <= m; ++odd) {
    const Expr& common = z[odd == 0 ? 1 : 0];
    bool same = true;
    for (std::size_t i = 0; i <= m; ++i) same = same && (i == odd || z[i] == common);
    if (same) return exp(common) * phi(static_cast<int>(m), z[odd] - common);
  }
  // (exp[all but j] - exp[all but i])/(z_i - z_j) with the pair that lies farthest apart; a series where all are close.
  Expr farthest = Expr(0.0), value = Expr(0.0);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = i + 1; j <= m; ++j) {
      auto without_i = z, without_j = z;
      without_i.erase(without_i.begin() + static_cast<std::ptrdiff_t>(i));
      without_j.erase(without_j.begin() + static_cast<std::ptrdiff_t>(j));
      const Expr apart = z[i] - z[j];
      const Expr safe = where(abs(apart) - Expr(0.25), apart, Expr(1.0));
      const Expr difference = (exp_difference(without_j) - exp_difference(without_i)) / safe;
      value = where(abs(apart) - farthest, difference, value);
      farthest = max(abs(apart), farthest);
    }
  return where(farthest - Expr(1.0), value, series(z));
}

std::vector<Expr> exact_step(const CircuitContents& flow, const Expr& h) {
  const LinearFlow linear = linear_flow(flow);
  std::vector<Expr> next;
  Paths paths(flow, linear, h);
  for (std::size_t i = 0; i < flow.states.size(); ++i)
    next.push_back(broadcast_to(paths.next(i), flow.states[i].variable.shape()));
  return next;
}

}  // namespace striate
