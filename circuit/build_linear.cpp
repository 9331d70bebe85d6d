// Construction of linear operators, reductions and reshaping, with their shape checks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "circuit/expr.hpp"

namespace striate {
namespace {

std::size_t axis_position(std::string_view what, const Expr& x, const std::string& axis) {
  if (const auto i = x.shape().find(axis)) return *i;
  throw Error(fmt::format("{}: its argument {} has no axis '{}'.{}", what, x.shape().str_sizes(), axis,
                          suggest_names(axis, x.shape().names())));
}

Shape with_size(const Shape& shape, std::size_t position, std::size_t size) {
  std::vector<Axis> axes(shape.begin(), shape.end());
  axes[position].size = size;
  return Shape(std::move(axes));
}

Expr line(LineKind kind, const Expr& x, const std::string& axis, std::size_t size, std::vector<std::int64_t> settings) {
  Node node;
  node.op = Op::line;
  node.args = {x};
  node.shape = with_size(x.shape(), axis_position("line", x, axis), size);
  node.unit = x.unit();
  node.names = {axis};
  node.ints = {static_cast<std::int64_t>(kind), 0};
  node.ints.insert(node.ints.end(), settings.begin(), settings.end());
  return intern(std::move(node));
}

Expr reduction(Op op, const Expr& x, const std::vector<std::string>& axes) {
  for (const auto& axis : axes) axis_position(op_name(op), x, axis);
  Node node;
  node.op = op;
  node.args = {x};
  node.shape = x.shape().without(axes);
  node.unit = x.unit();
  for (const auto& axis : x.shape())
    if (contains(axes, axis.name)) node.names.push_back(axis.name);
  return node.names.empty() ? x : intern(std::move(node));
}

}  // namespace

Expr array(std::vector<double> values, Shape shape, const Unit& unit) {
  if (values.size() != shape.size())
    throw Error(fmt::format("array: {} values were given for the shape {} of {} elements.", values.size(),
                            shape.str_sizes(), shape.size()));
  if (shape.rank() == 0) return quantity(values[0], unit);
  Node node;
  node.op = Op::array;
  node.shape = std::move(shape);
  node.unit = unit;
  node.numbers = std::make_shared<const std::vector<double>>(std::move(values));
  return intern(std::move(node));
}

Expr index(const Axis& axis) {
  Node node;
  node.op = Op::index;
  node.shape = Shape{axis};
  return intern(std::move(node));
}

Expr variable(VariableKind kind, std::string name, Shape shape, const Unit& unit) {
  Node node;
  node.op = Op::variable;
  node.kind = kind;
  node.name = std::move(name);
  node.shape = std::move(shape);
  node.unit = unit;
  return intern(std::move(node));
}

Expr time_variable(const Unit& unit) { return variable(VariableKind::time, "t", {}, unit); }

Expr conv_face(Face face, const Expr& a, const Expr& b, const std::vector<std::string>& axes, Border border,
               Algorithm algorithm, const Shape& result) {
  Node node;
  node.op = Op::conv;
  node.args = {a, b};
  node.shape = result;
  node.unit = a.unit() * b.unit();
  node.names = axes;
  node.ints = {static_cast<std::int64_t>(face), static_cast<std::int64_t>(border),
               static_cast<std::int64_t>(algorithm)};
  return intern(std::move(node));
}

Expr conv(const Expr& x, const Expr& kernel, const std::vector<std::string>& over, Border border, Algorithm algorithm) {
  std::vector<std::string> axes;
  for (const auto& axis : x.shape())
    if (kernel.shape().has(offset_axis(axis.name))) axes.push_back(axis.name);
  if (axes.empty())
    throw Error(
        fmt::format("conv: the kernel {} has no offset axis of {}. A kernel along y and x has the axes dy and dx.",
                    kernel.shape().str_sizes(), x.shape().str_sizes()));
  for (const auto& axis : over) {
    axis_position("conv", x, axis);
    if (!kernel.shape().has(axis))
      throw Error(fmt::format("conv: the kernel {} lacks the axis '{}' that is to be summed over.",
                              kernel.shape().str_sizes(), axis));
  }
  std::vector<Axis> result;
  std::vector<Axis> channels;
  for (const auto& axis : kernel.shape()) {
    const bool is_offset =
        std::any_of(axes.begin(), axes.end(), [&](const auto& a) { return offset_axis(a) == axis.name; });
    const auto in_x = x.shape().find(axis.name);
    if (in_x && x.shape()[*in_x].size != axis.size)
      throw Error(fmt::format("conv: axis '{}' has length {} in the kernel and {} in the argument.", axis.name,
                              axis.size, x.shape()[*in_x].size));
    if (in_x && contains(axes, axis.name))
      throw Error(
          fmt::format("conv: the kernel has both '{}' and its offset axis '{}'.", axis.name, offset_axis(axis.name)));
    if (!is_offset && !in_x) channels.push_back(axis);
  }
  bool placed = false;
  for (const auto& axis : x.shape()) {
    if (!contains(over, axis.name)) {
      result.push_back(axis);
    } else if (!placed) {
      result.insert(result.end(), channels.begin(), channels.end());
      placed = true;
    }
  }
  if (!placed) result.insert(result.begin(), channels.begin(), channels.end());
  return conv_face(Face::forward, kernel, x, axes, border, algorithm, Shape(std::move(result)));
}

Expr contract(const Expr& a, const Expr& b, const Shape& result) {
  const auto joined = broadcast(a.shape(), b.shape());
  if (!joined)
    throw Error(fmt::format("matmul: the shapes {} and {} disagree in the length of an axis.", a.shape().str_sizes(),
                            b.shape().str_sizes()));
  if (is_zero(a) || is_zero(b)) return broadcast_to(quantity(0, a.unit() * b.unit()), result);
  Node node;
  node.op = Op::contract;
  node.args = {a, b};
  node.shape = result;
  node.unit = a.unit() * b.unit();
  return intern(std::move(node));
}

Expr matmul(const Expr& a, const Expr& b, const std::vector<std::string>& over) {
  for (const auto& axis : over) {
    axis_position("matmul", a, axis);
    axis_position("matmul", b, axis);
  }
  const auto joined = broadcast(a.shape(), b.shape());
  if (!joined)
    throw Error(fmt::format("matmul: the shapes {} and {} disagree in the length of an axis.", a.shape().str_sizes(),
                            b.shape().str_sizes()));
  return contract(a, b, joined->without(over));
}

Expr sparse_face(Face face, const Expr& a, const Expr& b, const Node& like, const Shape& result) {
  Node node;
  node.op = Op::sparse;
  node.args = {a, b};
  node.shape = result;
  node.unit = a.unit() * b.unit();
  node.names = like.names;
  node.ints = {static_cast<std::int64_t>(face)};
  node.pattern = like.pattern;
  return intern(std::move(node));
}

Expr sparse(const Expr& w, const Expr& x, const std::string& pre, const Axis& post, std::vector<std::int64_t> pairs) {
  const std::size_t position = axis_position("sparse", x, pre);
  if (w.shape().rank() != 1 || w.shape()[0].size * 2 != pairs.size())
    throw Error(
        fmt::format("sparse: the weights are {}, but {} synapses are given as (post, pre) pairs. "
                    "Give one weight a synapse along one axis.",
                    w.shape().str_sizes(), pairs.size() / 2));
  for (std::size_t e = 0; e < pairs.size(); e += 2) {
    const auto limit_post = static_cast<std::int64_t>(post.size);
    const auto limit_pre = static_cast<std::int64_t>(x.shape()[position].size);
    if (pairs[e] < 0 || pairs[e] >= limit_post || pairs[e + 1] < 0 || pairs[e + 1] >= limit_pre)
      throw Error(fmt::format("sparse: synapse {} joins pre {} to post {}, but pre has {} elements and post has {}.",
                              e / 2, pairs[e + 1], pairs[e], limit_pre, limit_post));
  }
  Node like;
  like.names = {pre, post.name, w.shape()[0].name};
  like.pattern = std::make_shared<const std::vector<std::int64_t>>(std::move(pairs));
  std::vector<Axis> axes(x.shape().begin(), x.shape().end());
  axes[position] = post;
  return sparse_face(Face::forward, w, x, like, Shape(std::move(axes)));
}

Expr shift(const Expr& x, const std::string& axis, std::int64_t by, Border border) {
  const std::size_t size = x.shape()[axis_position("shift", x, axis)].size;
  if (by < -longest_axis || by > longest_axis)
    throw Error(fmt::format("shift: by {} elements, but at most 2^30 are allowed.", by));
  return by == 0 ? x : line(LineKind::shift, x, axis, size, {by, static_cast<std::int64_t>(border)});
}

Expr pad(const Expr& x, const std::string& axis, std::int64_t before, std::int64_t after, Border border) {
  const auto size = static_cast<std::int64_t>(x.shape()[axis_position("pad", x, axis)].size);
  if (before < 0 || after < 0 || before > longest_axis || after > longest_axis)
    throw Error(
        fmt::format("pad: {} elements before and {} after, but neither may be negative or above 2^30.", before, after));
  return line(LineKind::pad, x, axis, static_cast<std::size_t>(before + size + after),
              {before, after, static_cast<std::int64_t>(border)});
}

Expr slice(const Expr& x, const std::string& axis, std::int64_t begin, std::int64_t end) {
  const auto size = static_cast<std::int64_t>(x.shape()[axis_position("slice", x, axis)].size);
  if (begin >= end)
    throw Error(
        fmt::format("slice: elements {} to {} (exclusive) of axis '{}' are asked, but there are none. The end is the "
                    "first left out.",
                    begin, end, axis));
  if (begin < 0 || end > size)
    throw Error(fmt::format("slice: elements {} to {} (exclusive) of axis '{}' are asked, but it has {} elements.",
                            begin, end, axis, size));
  return line(LineKind::slice, x, axis, static_cast<std::size_t>(end - begin), {begin, end});
}

Expr flip(const Expr& x, const std::string& axis) {
  return line(LineKind::flip, x, axis, x.shape()[axis_position("flip", x, axis)].size, {});
}

Expr resample(const Expr& x, const std::string& axis, std::int64_t size) {
  if (size < 1 || size > longest_axis)
    throw Error(fmt::format("resample: the new length of axis '{}' is {}, but must be at least 1.", axis, size));
  return line(LineKind::resample, x, axis, static_cast<std::size_t>(size), {size});
}

Expr concatenate(const std::vector<Expr>& parts, const std::string& axis) {
  if (parts.empty()) throw Error("concatenate: nothing is given.");
  std::int64_t total = 0;
  for (const auto& part : parts)
    total += static_cast<std::int64_t>(part.shape()[axis_position("concatenate", part, axis)].size);
  std::int64_t before = 0;
  Expr result;
  for (const auto& part : parts) {
    const auto size = static_cast<std::int64_t>(part.shape()[*part.shape().find(axis)].size);
    const Expr placed = pad(part, axis, before, total - before - size);
    result = result ? result + placed : placed;
    before += size;
  }
  return result;
}

Expr line_transposed(const Node& node, const Expr& g) {
  Node copy = node;
  copy.args = {g};
  std::vector<Axis> axes(g.shape().begin(), g.shape().end());
  axes[*g.shape().find(node.names[0])].size = node.args[0].shape()[*node.args[0].shape().find(node.names[0])].size;
  copy.shape = Shape(std::move(axes));
  copy.unit = g.unit();
  copy.ints[1] = 1 - copy.ints[1];
  return intern(std::move(copy));
}

Expr sum(const Expr& x, const std::vector<std::string>& axes) { return reduction(Op::sum, x, axes); }

Expr mean(const Expr& x, const std::vector<std::string>& axes) {
  const Expr total = sum(x, axes);
  return total / Expr(static_cast<double>(x.shape().size()) / static_cast<double>(total.shape().size()));
}

Expr max(const Expr& x, const std::vector<std::string>& axes) { return reduction(Op::max_over, x, axes); }

Expr broadcast_to(const Expr& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (const auto joined = broadcast(shape, x.shape()); !joined || joined->rank() != shape.rank())
    throw Error(fmt::format("broadcast: {} does not broadcast to {}.", x.shape().str_sizes(), shape.str_sizes()));
  const Expr inner = x->op == Op::broadcast ? x->args[0] : x;
  if (inner.shape() == shape) return inner;
  Node node;
  node.op = Op::broadcast;
  node.args = {inner};
  node.shape = shape;
  node.unit = x.unit();
  return intern(std::move(node));
}

Expr delayed(const Expr& x, const Expr& tau) {
  const auto shape = broadcast(tau.shape(), x.shape());
  if (!shape)
    throw Error(fmt::format("delayed: the value {} and the delay {} do not broadcast.", x.shape().str_sizes(),
                            tau.shape().str_sizes()));
  Node node;
  node.op = Op::delayed;
  node.args = {x, tau};
  node.shape = *shape;
  node.unit = x.unit();
  return intern(std::move(node));
}

Expr rename(const Expr& x, const std::string& from, const std::string& to) {
  const std::size_t position = axis_position("rename", x, from);
  if (from == to) return x;
  if (x.shape().has(to))
    throw Error(fmt::format("rename: the argument {} already has an axis '{}'.", x.shape().str_sizes(), to));
  Node node;
  node.op = Op::rename;
  node.args = {x};
  std::vector<Axis> axes(x.shape().begin(), x.shape().end());
  axes[position].name = to;
  node.shape = Shape(std::move(axes));
  node.unit = x.unit();
  node.names = {from, to};
  return intern(std::move(node));
}

Expr transpose(const Expr& x, const std::vector<std::string>& order) {
  std::vector<Axis> axes;
  for (const auto& name : order) axes.push_back(x.shape()[axis_position("transpose", x, name)]);
  if (axes.size() != x.shape().rank() || Shape(axes).without(x.shape().names()).rank() != 0)
    throw Error(fmt::format("transpose: the order must name each axis of {} once.", x.shape().str_sizes()));
  Shape shape(std::move(axes));
  return x.shape() == shape ? x : broadcast_to(x, shape);
}

Expr maxpool(const Expr& x, const std::vector<std::string>& axes, std::int64_t window, std::int64_t stride) {
  if (window < 1 || stride < 1)
    throw Error(fmt::format("maxpool: window {} and stride {} must be at least 1.", window, stride));
  std::vector<Axis> result(x.shape().begin(), x.shape().end());
  for (const auto& axis : axes) {
    auto& size = result[axis_position("maxpool", x, axis)].size;
    if (size < static_cast<std::size_t>(window))
      throw Error(fmt::format("maxpool: the window {} is longer than axis '{}' of {} elements.", window, axis, size));
    size = (size - static_cast<std::size_t>(window)) / static_cast<std::size_t>(stride) + 1;
  }
  Node node;
  node.op = Op::maxpool;
  node.args = {x};
  node.shape = Shape(std::move(result));
  node.unit = x.unit();
  node.names = axes;
  node.ints = {window, stride};
  return intern(std::move(node));
}

Expr maxpool_select(const Node& pool, const Expr& x, const Expr& v, bool transposed) {
  Node node;
  node.op = Op::maxpool_select;
  node.args = {x, v};
  node.shape = transposed ? x.shape() : pool.shape;
  node.unit = v.unit();
  node.names = pool.names;
  node.ints = {pool.ints[0], pool.ints[1], transposed ? 1 : 0};
  return intern(std::move(node));
}

}  // namespace striate
