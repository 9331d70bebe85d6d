#include "circuit/program/rename_axes.hpp"

#include <unordered_map>

namespace striate {
namespace {

Shape renamed(const Shape& shape, const std::string& from, const std::string& to) {
  std::vector<Axis> axes(shape.begin(), shape.end());
  for (auto& axis : axes)
    if (axis.name == from) axis.name = to;
  return Shape(std::move(axes));
}

class Renaming {
 public:
  Renaming(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}

  Expr operator()(const Expr& e) {
    if (!e.shape().has(from_)) return e;
    if (const auto it = known_.find(e.get()); it != known_.end()) return it->second;
    return known_[e.get()] = moved(e);
  }

 private:
  Expr moved(const Expr& e) {
    if (e->op == Op::index) return index({to_, e.shape()[0].size});
    if (e->op == Op::array) return array(*e->numbers, renamed(e.shape(), from_, to_), e.unit());
    if (e->op == Op::rename && e->names[1] == from_) return rename(e->args[0], e->names[0], to_);
    if (e->op == Op::broadcast) return broadcast_to((*this)(e->args[0]), renamed(e.shape(), from_, to_));
    if (!is_pointwise(e->op)) return rename(e, from_, to_);
    std::vector<Expr> args;
    for (const auto& arg : e->args) args.push_back((*this)(arg));
    return with_args(e, std::move(args));
  }

  std::string from_, to_;
  std::unordered_map<const Node*, Expr> known_;
};

}  // namespace

Expr renamed_inside(const Expr& e, const std::string& from, const std::string& to) { return Renaming(from, to)(e); }

Expr with_original_axes(const Expr& e) {
  Expr result = e;
  std::vector<std::pair<std::string, std::string>> outside;
  for (const auto& axis : e.shape()) {
    for (const auto& node : topological_order({result})) {
      if (node->op != Op::rename || node->names[1] != axis.name || result.shape().has(node->names[0])) continue;
      outside.emplace_back(node->names[0], axis.name);
      result = renamed_inside(result, axis.name, node->names[0]);
      break;
    }
  }
  for (const auto& [from, to] : outside) result = rename(result, from, to);
  return result;
}

}  // namespace striate
