#include "circuit/expr.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "base/error.hpp"

namespace striate {
namespace {

void mix(std::size_t& seed, std::size_t value) { seed ^= value + 0x9e3779b97f4a7c15ULL + (seed << 6U) + (seed >> 2U); }

std::size_t hash_of(const Node& node) {
  std::size_t h = static_cast<std::size_t>(node.op);
  for (const auto& arg : node.args) mix(h, std::hash<const void*>{}(arg.get()));
  for (const auto& axis : node.shape) {
    mix(h, std::hash<std::string>{}(axis.name));
    mix(h, axis.size);
  }
  mix(h, std::bit_cast<std::size_t>(node.value));
  mix(h, std::hash<std::string>{}(node.name));
  mix(h, static_cast<std::size_t>(node.kind));
  for (const auto& name : node.names) mix(h, std::hash<std::string>{}(name));
  for (const auto i : node.ints) mix(h, static_cast<std::size_t>(i));
  if (node.numbers)
    for (const double x : *node.numbers) mix(h, std::bit_cast<std::size_t>(x));
  if (node.pattern)
    for (const auto i : *node.pattern) mix(h, static_cast<std::size_t>(i));
  return h;
}

template <class P>
bool same_data(const P& a, const P& b) {
  return a == b || (a && b && *a == *b);
}

bool equal(const Node& a, const Node& b) {
  return a.op == b.op && a.args == b.args && a.shape == b.shape && a.unit == b.unit &&
         std::bit_cast<std::size_t>(a.value) == std::bit_cast<std::size_t>(b.value) && a.name == b.name &&
         a.kind == b.kind && a.names == b.names && a.ints == b.ints && same_data(a.numbers, b.numbers) &&
         same_data(a.pattern, b.pattern);
}

/// All living nodes. Nodes are released iteratively: a deep graph must not unwind on the stack.
class NodeTable {
 public:
  Expr intern(Node node) {
    const std::size_t hash = hash_of(node);
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<const Node>> others;  // the last reference to one must not die amid the range
    const auto [begin, end] = nodes_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
      auto living = it->second.lock();
      if (!living) continue;
      if (equal(*living, node)) return Expr(std::move(living));
      others.push_back(std::move(living));
    }
    auto* made = new Node(std::move(node));
    std::shared_ptr<const Node> shared(made, [this, hash](const Node* dead) { release(hash, dead); });
    nodes_.emplace(hash, shared);
    return Expr(std::move(shared));
  }

 private:
  void release(std::size_t hash, const Node* dead) {
    {
      const std::scoped_lock lock(mutex_);
      const auto [begin, end] = nodes_.equal_range(hash);
      for (auto it = begin; it != end;) it = it->second.expired() ? nodes_.erase(it) : std::next(it);
    }
    // A plain pointer: static expressions die after the thread's own objects.
    thread_local std::vector<const Node*>* pending = nullptr;
    if (pending) return pending->push_back(dead);
    std::vector<const Node*> dying{dead};
    pending = &dying;
    while (!dying.empty()) {
      const Node* next = dying.back();
      dying.pop_back();
      delete next;
    }
    pending = nullptr;
  }

  std::recursive_mutex mutex_;
  std::unordered_multimap<std::size_t, std::weak_ptr<const Node>> nodes_;
};

NodeTable& node_table() {
  static auto* table = new NodeTable;  // outlives every static expression
  return *table;
}

}  // namespace

Expr intern(Node node) { return node_table().intern(std::move(node)); }

Expr::Expr(double value) : Expr(quantity(value, Unit())) {}
const Shape& Expr::shape() const { return operator->()->shape; }
const Unit& Expr::unit() const { return operator->()->unit; }
void Expr::refuse_empty() {
  throw Error(
      "an empty expression stands where a value is needed. (jvp and vjp give one where nothing depends on what "
      "moves: write 0 there.)");
}

std::string_view op_name(Op op) {
  constexpr std::string_view names[] = {
      "constant", "array",     "index",   "variable", "random",        "add",  "sub",    "mul",  "div",
      "neg",      "min",       "max",     "pow",      "sqrt",          "exp",  "log",    "sin",  "cos",
      "atan2",    "tanh",      "sigmoid", "softplus", "relu",          "abs",  "single", "step", "where",
      "phi",      "convert",   "conv",    "contract", "sparse",        "line", "sum",    "max",  "broadcast",
      "rename",   "transpose", "maxpool", "delayed",  "maxpool_select"};
  return names[static_cast<std::size_t>(op)];
}

bool is_pointwise(Op op) { return op >= Op::add && op <= Op::convert; }

bool is_zero(const Expr& e) { return e->op == Op::constant && e->value == 0; }

std::string offset_axis(const std::string& axis) { return "d" + axis; }

std::vector<Expr> topological_order(const std::vector<Expr>& roots) {
  std::vector<Expr> order;
  std::unordered_set<const Node*> done;
  std::vector<std::pair<Expr, std::size_t>> stack;
  for (const auto& root : roots) {
    if (!root || done.contains(root.get())) continue;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == 0 && done.contains(node.get())) {
        stack.pop_back();
      } else if (next < node->args.size()) {
        Expr arg = node->args[next++];
        if (!done.contains(arg.get())) stack.emplace_back(std::move(arg), 0);
      } else {
        if (done.insert(node.get()).second) order.push_back(node);
        stack.pop_back();
      }
    }
  }
  return order;
}

bool of_parameters(const Expr& e) {
  const auto order = topological_order({e});
  return std::none_of(order.begin(), order.end(),
                      [](const Expr& x) { return x->op == Op::variable && x->kind != VariableKind::parameter; });
}

std::vector<Expr> substitute(const std::vector<Expr>& roots, const std::vector<std::pair<Expr, Expr>>& replacements) {
  std::unordered_map<const Node*, Expr> value;
  for (const auto& [from, to] : replacements) value[from.get()] = to;
  for (const auto& e : topological_order(roots)) {
    if (value.contains(e.get())) continue;
    std::vector<Expr> args;
    bool changed = false;
    for (const auto& arg : e->args) {
      args.push_back(value.at(arg.get()));
      changed = changed || !(args.back() == arg);
    }
    value[e.get()] = changed ? with_args(e, std::move(args)) : e;
  }
  std::vector<Expr> result;
  for (const auto& root : roots) result.push_back(root ? value.at(root.get()) : root);
  return result;
}

}  // namespace striate
