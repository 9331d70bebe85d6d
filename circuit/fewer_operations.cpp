#include "circuit/fewer_operations.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace striate {
namespace {

class Rewriting {
 public:
  Expr rewritten(const Expr& e) {
    std::vector<Expr> args;
    for (const auto& arg : e->args) args.push_back(now_.at(arg.get()));
    Expr r = args.empty() || args == e->args ? e : with_args(e, args);
    if (is_pointwise(r->op)) r = before_broadcast(r);
    if (r->op == Op::div && steady(r->args[1]) && !steady(r->args[0]))
      r = kept_unit(r, r->args[0] * (Expr(1.0) / r->args[1]));
    if (r->op == Op::mul) r = factors_together(r);
    return now_[e.get()] = r;
  }

 private:
  /// Whether it depends on parameters alone.
  bool steady(const Expr& e) {
    if (const auto known = steady_.find(e.get()); known != steady_.end()) return known->second;
    const bool is = e->op == Op::variable
                        ? e->kind == VariableKind::parameter
                        : std::all_of(e->args.begin(), e->args.end(), [&](const Expr& arg) { return steady(arg); });
    kept_.push_back(e);
    return steady_[e.get()] = is;
  }

  static Expr kept_unit(const Expr& before, const Expr& after) {
    return after.unit() == before.unit() ? after : before;
  }

  /// op(broadcast(x), y) becomes op(x, y).
  static Expr before_broadcast(const Expr& e) {
    if (std::none_of(e->args.begin(), e->args.end(), [](const Expr& arg) { return arg->op == Op::broadcast; }))
      return e;
    std::vector<Expr> args;
    for (const auto& arg : e->args) args.push_back(arg->op == Op::broadcast ? arg->args[0] : arg);
    const Expr r = with_args(e, std::move(args));
    return kept_unit(e, r.shape() == e.shape() ? r : broadcast_to(r, e.shape()));
  }

  /// s (x q) becomes x (q s), where s and q are steady and x is not.
  Expr factors_together(const Expr& e) {
    const auto split = [&](const Expr& product) -> std::pair<Expr, Expr> {  // what changes, and a steady factor
      const Expr &a = product->args[0], &b = product->args[1];
      if (steady(a) == steady(b)) return {};
      return steady(a) ? std::pair{b, a} : std::pair{a, b};
    };
    const auto [x, s] = split(e);
    if (!x || x->op != Op::mul) return e;
    const auto [inner, q] = split(x);
    return inner ? kept_unit(e, inner * (q * s)) : e;
  }

  std::unordered_map<const Node*, Expr> now_;
  std::unordered_map<const Node*, bool> steady_;
  std::vector<Expr> kept_;  ///< keeps the nodes of steady_ alive
};

}  // namespace

std::vector<Expr> fewer_operations(const std::vector<Expr>& roots) {
  Rewriting rewriting;
  std::unordered_map<const Node*, Expr> now;
  for (const auto& e : topological_order(roots)) now[e.get()] = rewriting.rewritten(e);
  std::vector<Expr> result;
  for (const auto& root : roots) {
    const Expr& r = now.at(root.get());
    result.push_back(r.shape() == root.shape() ? r : broadcast_to(r, root.shape()));
  }
  return result;
}

}  // namespace striate
