#include "circuit/derive.hpp"

#include <fmt/format.h>

#include <functional>
#include <unordered_map>

#include "base/error.hpp"
#include "circuit/surrogate.hpp"

namespace striate {
namespace {

Expr accumulate(const Expr& a, const Expr& b) { return !a ? b : (!b ? a : a + b); }

/// The partial derivative of a pointwise node with respect to operand i; an empty Expr where it vanishes.
Expr partial(const Expr& e, std::size_t i) {
  const auto& a = e->args;
  switch (e->op) {
    case Op::add: return Expr(1.0);
    case Op::sub: return i == 0 ? Expr(1.0) : Expr(-1.0);
    case Op::mul: return a[1 - i];
    case Op::div: return i == 0 ? Expr(1.0) / a[1] : -(e / a[1]);
    case Op::neg: return Expr(-1.0);
    // Where both are equal, the second is taken, or the one that is constant: a rectifier has the slope 0 at its kink.
    case Op::min:
    case Op::max: {
      const Expr first = e->op == Op::max ? greater(a[0], a[1]) : greater(a[1], a[0]);
      if (i == 0) return first;
      if (a[0]->op != Op::constant) return Expr(1.0) - first;
      return e->op == Op::max ? greater(a[1], a[0]) : greater(a[0], a[1]);
    }
    case Op::pow:
      if (i == 0) return a[1] * pow(a[0], a[1] - Expr(1.0));
      return where(a[0], e * log(max(a[0], Expr(1e-300))), Expr(0.0));  // only for a dimensionless base
    case Op::atan2: {
      const Expr square = a[0] * a[0] + a[1] * a[1];
      const Expr d = (i == 0 ? a[1] : -a[0]) / square;
      return where(square, d, quantity(0, d.unit()));
    }
    case Op::sqrt: return Expr(0.5) / e;
    case Op::exp: return e;
    case Op::log: return Expr(1.0) / a[0];
    case Op::sin: return cos(a[0]);
    case Op::cos: return -sin(a[0]);
    case Op::tanh: return Expr(1.0) - e * e;
    case Op::sigmoid: return e * (Expr(1.0) - e);
    case Op::softplus: return sigmoid(a[0]);
    case Op::relu: return step(a[0]);
    case Op::abs: return step(a[0]) - step(-a[0]);
    case Op::single: return Expr(1.0);
    case Op::where:
      return i == 0 ? Expr() : (i == 1 ? where(a[0], Expr(1.0), Expr(0.0)) : where(a[0], Expr(0.0), Expr(1.0)));
    case Op::phi: {
      const int k = static_cast<int>(e->ints[0]);
      return e - Expr(static_cast<double>(k)) * phi(k + 1, a[0]);
    }
    case Op::convert: return quantity(a[0].unit().to(e.unit()), e.unit() / a[0].unit());
    default: return Expr();  // step
  }
}

/// v times the partial derivative, without detours where that is 1 or -1.
Expr times_partial(const Expr& e, std::size_t i, const Expr& v) {
  // Beside the 0 of a branch that is not taken, a slope without end would make it NaN: 0 stays 0.
  if (v->op == Op::where && !is_surrogate(*v))
    for (const std::size_t branch : {1, 2})
      if (is_zero(v->args[3 - branch])) {
        const Expr taken = times_partial(e, i, v->args[branch]);
        if (!taken) return taken;
        const Expr zero = quantity(0, taken.unit());
        return branch == 1 ? where(v->args[0], taken, zero) : where(v->args[0], zero, taken);
      }
  if (e->op == Op::convert) return convert(v, v.unit() * e.unit() / e->args[0].unit());
  if (e->op == Op::div && i == 0) return v / e->args[1];
  if (e->op == Op::log) return v / e->args[0];
  if (is_surrogate(*e)) return i == 2 ? v : Expr();
  if (e->op == Op::where && i > 0) {
    const Expr zero = quantity(0, v.unit());
    return i == 1 ? where(e->args[0], v, zero) : where(e->args[0], zero, v);
  }
  const Expr d = partial(e, i);
  if (!d) return Expr();
  if (d->op == Op::constant && d->value == -1 && d.unit() == Unit()) return -v;
  return d * v;
}

/// 1 where x attains the maximum over the reduced axes, divided by how often it does.
Expr maximum_share(const Expr& e) {
  const Expr attains = Expr(1.0) - greater(e, e->args[0]);
  const Expr mask = transpose(attains, [&] {
    std::vector<std::string> order;
    for (const auto& axis : e->args[0].shape()) order.push_back(axis.name);
    return order;
  }());
  return mask / sum(mask, e->names);
}

Face face_of(const Node& node) { return static_cast<Face>(node.ints[0]); }

/// Operands of a face, as arguments (k, x, g) of the trilinear form; the missing one is the node's result.
constexpr int role_of_operand(Face face, std::size_t i) {
  switch (face) {
    case Face::forward: return i == 0 ? 0 : 1;
    case Face::transposed: return i == 0 ? 0 : 2;
    case Face::kernel: return i == 0 ? 1 : 2;
  }
  return 0;
}
constexpr int role_of_result(Face face) { return face == Face::forward ? 2 : (face == Face::transposed ? 1 : 0); }
constexpr Face face_without(int role) {
  return role == 2 ? Face::forward : (role == 1 ? Face::transposed : Face::kernel);
}

/// The gradient of <cotangent, node> with respect to operand i of a conv or sparse node.
Expr trilinear_gradient(const Expr& e, std::size_t i, const Expr& cotangent) {
  const Face face = face_of(*e);
  Expr by_role[3];
  by_role[role_of_operand(face, 0)] = e->args[0];
  by_role[role_of_operand(face, 1)] = e->args[1];
  by_role[role_of_result(face)] = cotangent;
  const int wanted = role_of_operand(face, i);
  const Expr& first = by_role[wanted == 0 ? 1 : 0];
  const Expr& second = by_role[wanted == 2 ? 1 : 2];
  const Face result = face_without(wanted);
  const Shape& shape = e->args[i].shape();
  if (e->op == Op::sparse) return sparse_face(result, first, second, *e, shape);
  return conv_face(result, first, second, e->names, static_cast<Border>(e->ints[1]), static_cast<Algorithm>(e->ints[2]),
                   shape);
}

/// The node with operand i replaced by its tangent; the node is linear in it.
Expr linear_in(const Expr& e, std::size_t i, const Expr& tangent) {
  if (e->op == Op::delayed)
    throw Error(fmt::format("delayed({}) has no derivative of its own: the integrator supplies it.", i));
  auto args = e->args;
  args[i] = tangent;
  switch (e->op) {
    case Op::conv:
      return conv_face(face_of(*e), args[0], args[1], e->names, static_cast<Border>(e->ints[1]),
                       static_cast<Algorithm>(e->ints[2]), e.shape());
    case Op::sparse: return sparse_face(face_of(*e), args[0], args[1], *e, e.shape());
    case Op::line:
    case Op::rename:
    case Op::maxpool_select: {
      Node node = *e;
      node.args = std::move(args);
      node.unit = tangent.unit();
      return intern(std::move(node));
    }
    default: return with_args(e, std::move(args));
  }
}

Expr tangent_of(const Expr& e, const std::function<Expr(const Expr&)>& tangent) {
  Expr total;
  for (std::size_t i = 0; i < e->args.size(); ++i) {
    Expr v = tangent(e->args[i]);
    if (!v) continue;
    Expr term;
    if (is_pointwise(e->op)) {
      term = times_partial(e, i, v);
      if (term && !(term.shape() == e.shape())) term = broadcast_to(term, e.shape());
    } else if (e->op == Op::max_over) {
      term = sum(maximum_share(e) * v, e->names);
    } else if (e->op == Op::maxpool) {
      term = maxpool_select(*e, e->args[0], v, false);
    } else if (e->op == Op::maxpool_select && i == 0) {
      continue;
    } else {
      term = linear_in(e, i, v);
    }
    total = accumulate(total, term);
  }
  return total;
}

/// g summed over the axes that `shape` lacks, in the order of `shape`.
Expr reduce_to(const Expr& g, const Shape& shape) {
  std::vector<std::string> extra;
  for (const auto& axis : g.shape())
    if (!shape.has(axis.name)) extra.push_back(axis.name);
  return broadcast_to(extra.empty() ? g : sum(g, extra), shape);
}

Expr cotangent_of(const Expr& e, std::size_t i, const Expr& g) {
  const Expr& arg = e->args[i];
  if (is_pointwise(e->op)) {
    const Expr term = times_partial(e, i, g);
    return term ? reduce_to(term, arg.shape()) : term;
  }
  switch (e->op) {
    case Op::conv:
    case Op::sparse: return trilinear_gradient(e, i, g);
    case Op::contract: return contract(g, e->args[1 - i], arg.shape());
    case Op::line: return line_transposed(*e, g);
    case Op::sum: return broadcast_to(g, arg.shape());
    case Op::broadcast: return reduce_to(g, arg.shape());
    case Op::rename: return rename(g, e->names[1], e->names[0]);
    case Op::max_over: return maximum_share(e) * g;
    case Op::maxpool: return maxpool_select(*e, arg, g, true);
    case Op::maxpool_select: return i == 0 ? Expr() : maxpool_select(*e, e->args[0], g, e->ints[2] == 0);
    default: return Expr();
  }
}

}  // namespace

std::vector<Expr> jvp(const std::vector<Expr>& outputs, const std::vector<std::pair<Expr, Expr>>& directions) {
  std::unordered_map<const Node*, Expr> tangent;
  for (const auto& [variable, direction] : directions) tangent[variable.get()] = direction;
  for (const auto& e : topological_order(outputs)) {
    if (e->args.empty()) continue;
    tangent[e.get()] = tangent_of(e, [&](const Expr& arg) { return tangent[arg.get()]; });
  }
  std::vector<Expr> result;
  for (const auto& output : outputs) result.push_back(tangent[output.get()]);
  return result;
}

std::vector<Expr> vjp(const std::vector<std::pair<Expr, Expr>>& outputs, const std::vector<Expr>& wrt) {
  std::vector<Expr> roots;
  for (const auto& [output, cotangent] : outputs) roots.push_back(output);
  const auto order = topological_order(roots);
  std::unordered_map<const Node*, bool> needed;
  for (const auto& v : wrt) needed[v.get()] = true;
  for (const auto& e : order)
    for (const auto& arg : e->args)
      if (needed[arg.get()]) needed[e.get()] = true;
  std::unordered_map<const Node*, Expr> cotangent;
  for (const auto& [output, g] : outputs) cotangent[output.get()] = accumulate(cotangent[output.get()], g);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Expr& e = *it;
    const Expr g = cotangent[e.get()];
    if (!g || !needed[e.get()]) continue;
    for (std::size_t i = 0; i < e->args.size(); ++i) {
      if (!needed[e->args[i].get()]) continue;
      const Expr term = cotangent_of(e, i, g);
      if (term) cotangent[e->args[i].get()] = accumulate(cotangent[e->args[i].get()], term);
    }
  }
  std::vector<Expr> result;
  for (const auto& v : wrt) result.push_back(cotangent[v.get()]);
  return result;
}

Expr pointwise_derivative(const Expr& output, const Expr& variable) {
  std::unordered_map<const Node*, Expr> tangent;
  tangent[variable.get()] = broadcast_to(Expr(1.0), variable.shape());
  for (const auto& e : topological_order({output}))
    if (is_pointwise(e->op)) tangent[e.get()] = tangent_of(e, [&](const Expr& arg) { return tangent[arg.get()]; });
  return tangent[output.get()];
}

}  // namespace striate
