#include "circuit/program/lag_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>

#include "circuit/program/rename_axes.hpp"

namespace striate {
namespace {

struct Pair {
  Axis post;
  Axis pre;
};

/// Rewrites a formula of the indices of paired axes into one of their differences.
class Lags {
 public:
  explicit Lags(std::vector<Pair> pairs) : pairs_(std::move(pairs)) {}

  /// The formula over the offset axes of the post axes; empty where it depends on more than differences.
  Expr kernel(const Expr& weights) {
    const auto form = of(weights);
    return form ? closed(*form) : Expr();
  }

 private:
  /// number * factor, with the number apart so that opposite slopes are recognised.
  struct Slope {
    double number;
    Expr factor;
  };

  /// sum over paired axes of slope[axis] index(axis), plus what depends on lags and on nothing paired.
  struct Form {
    std::map<std::string, Slope> slope;
    Expr rest;
  };

  bool is_paired(const Expr& e) const {
    return std::any_of(pairs_.begin(), pairs_.end(),
                       [&](const Pair& p) { return e.shape().has(p.post.name) || e.shape().has(p.pre.name); });
  }

  Expr closed(const Form& form) const {
    Expr result = form.rest;
    for (const auto& p : pairs_) {
      const auto post = form.slope.find(p.post.name);
      const auto pre = form.slope.find(p.pre.name);
      const bool none = post == form.slope.end() && pre == form.slope.end();
      if (none) continue;
      if (post == form.slope.end() || pre == form.slope.end()) return {};
      const auto& [number, factor] = pre->second;
      if (!(post->second.factor == factor) || post->second.number != -number) return {};
      // pre = post + offset, for the cross-correlation y[i] = sum_d k[d] x[i + d]
      const auto size = static_cast<std::int64_t>(2 * p.post.size - 1);
      result = result + Expr(number) * offset(p.post.name, size) * factor;
    }
    return result;
  }

  std::optional<Form> of(const Expr& e) {
    if (!is_paired(e)) return Form{{}, e};
    if (const auto it = known_.find(e.get()); it != known_.end()) return it->second;
    return known_[e.get()] = form_of(e);
  }

  std::optional<Form> form_of(const Expr& e) {
    const auto& a = e->args;
    switch (e->op) {
      case Op::index: return Form{{{e.shape()[0].name, {1, Expr(1.0)}}}, Expr(0.0)};
      case Op::array: return evenly_spaced(e);
      case Op::broadcast: return of(a[0]);
      case Op::rename: {
        const Expr pushed = renamed_inside(a[0], e->names[0], e->names[1]);
        return pushed->op == Op::rename ? std::nullopt : of(pushed);
      }
      case Op::add:
      case Op::sub: {
        auto left = of(a[0]);
        const auto right = of(a[1]);
        if (!left || !right) return std::nullopt;
        const bool plus = e->op == Op::add;
        left->rest = plus ? left->rest + right->rest : left->rest - right->rest;
        for (const auto& [axis, slope] : right->slope) {
          const double number = plus ? slope.number : -slope.number;
          const auto [total, is_new] = left->slope.try_emplace(axis, Slope{number, slope.factor});
          if (is_new) continue;
          if (!(total->second.factor == slope.factor)) return std::nullopt;
          total->second.number += number;
        }
        return left;
      }
      case Op::neg: return scaled(of(a[0]), Expr(-1.0));
      case Op::convert: {
        const Unit& from = a[0].unit();
        return scaled(of(a[0]), quantity(from.to(e.unit()), e.unit() / from));
      }
      case Op::mul:
        if (a[1].shape().rank() == 0) return scaled(of(a[0]), a[1]);
        if (a[0].shape().rank() == 0) return scaled(of(a[1]), a[0]);
        break;
      case Op::div:
        if (a[1].shape().rank() == 0) return scaled(of(a[0]), Expr(1.0) / a[1]);
        break;
      default: break;
    }
    if (!is_pointwise(e->op)) return std::nullopt;
    std::vector<Expr> args;
    for (const auto& arg : a) {
      const auto form = of(arg);
      args.push_back(form ? closed(*form) : Expr());
      if (!args.back()) return std::nullopt;
    }
    return Form{{}, with_args(e, std::move(args))};
  }

  /// Numbers along one axis that grow by equal amounts, as coordinates do.
  static std::optional<Form> evenly_spaced(const Expr& e) {
    const auto& x = *e->numbers;
    if (e.shape().rank() != 1 || x.size() < 2) return std::nullopt;
    const double spacing = (x.back() - x.front()) / static_cast<double>(x.size() - 1);
    const double rounding = 1e-14 * std::max(std::abs(x.front()), std::abs(x.back()));
    for (std::size_t i = 0; i < x.size(); ++i)
      if (!(std::abs(x[i] - x.front() - spacing * static_cast<double>(i)) <= rounding)) return std::nullopt;
    return Form{{{e.shape()[0].name, {spacing, quantity(1, e.unit())}}}, quantity(x.front(), e.unit())};
  }

  static std::optional<Form> scaled(std::optional<Form> form, const Expr& by) {
    if (!form) return form;
    form->rest = form->rest * by;
    for (auto& [axis, slope] : form->slope) {
      if (by->op == Op::constant) slope.number *= by->value;
      slope.factor = slope.factor * (by->op == Op::constant ? quantity(1, by.unit()) : by);
    }
    return form;
  }

  std::vector<Pair> pairs_;
  std::unordered_map<const Node*, std::optional<Form>> known_;
};

}  // namespace

Expr lag_convolution(const Expr& weights, const Expr& x, const std::vector<std::string>& over) {
  std::vector<Axis> post;
  for (const auto& axis : weights.shape())
    if (!x.shape().has(axis.name)) post.push_back(axis);
  if (over.size() > 2 || post.size() != over.size() || weights.shape().rank() != 2 * over.size()) return {};
  const auto by_name = [](const Axis& a, const Axis& b) { return a.name < b.name; };
  std::sort(post.begin(), post.end(), by_name);
  do {
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < over.size(); ++i)
      pairs.push_back({post[i], weights.shape()[*weights.shape().find(over[i])]});
    if (std::any_of(pairs.begin(), pairs.end(), [](const Pair& p) { return p.post.size != p.pre.size; })) continue;
    const Expr kernel = Lags(pairs).kernel(weights);
    if (!kernel) continue;
    Expr at_post = x;
    Shape window;
    for (const auto& p : pairs) {
      at_post = rename(at_post, p.pre.name, p.post.name);
      window = window.with_last({offset_axis(p.post.name), 2 * p.post.size - 1});
    }
    return conv(at_post, broadcast_to(kernel, window));
  } while (std::next_permutation(post.begin(), post.end(), by_name));
  return {};
}

}  // namespace striate
