#include "circuit/random.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "circuit/program/function.hpp"

namespace striate {
namespace {

Expr random_node(RandomKind kind, std::vector<Expr> args, const Unit& unit, const Shape& shape,
                 std::vector<std::string> rows, int place) {
  for (const auto& arg : args) broadcast_to(arg, shape);  // refuses what does not fit
  Node node;
  node.op = Op::random;
  node.args = std::move(args);
  node.shape = shape;
  node.unit = unit;
  node.names = std::move(rows);
  node.ints = {static_cast<std::int64_t>(kind), place};
  return intern(std::move(node));
}

bool is_number(const Expr& e) { return e->op == Op::constant; }

void check_sd(double sd) {
  if (!(sd >= 0)) throw Error(fmt::format("normal: sd = {}, but must not be negative.", sd));
}

void check_bounds(double low, double high) {
  if (!(low <= high))
    throw Error(fmt::format("uniform: low = {} and high = {}, but low must not exceed high.", low, high));
}

/// Makes the rows of a [rows][columns] matrix, rows <= columns, orthonormal one after the other. Each is cleared of the
/// others twice, which leaves rounding only (Giraud, Langou & Rozloznik 2005).
void orthonormalise(std::vector<double>& m, std::size_t rows, std::size_t columns) {
  for (std::size_t i = 0; i < rows; ++i) {
    double* row = m.data() + i * columns;
    for (int round = 0; round < 2; ++round) {
      for (std::size_t j = 0; j < i; ++j) {
        const double* other = m.data() + j * columns;
        double along = 0;
        for (std::size_t k = 0; k < columns; ++k) along += row[k] * other[k];
        for (std::size_t k = 0; k < columns; ++k) row[k] -= along * other[k];
      }
    }
    double length = 0;
    for (std::size_t k = 0; k < columns; ++k) length += row[k] * row[k];
    for (std::size_t k = 0; k < columns; ++k) row[k] /= std::sqrt(length);
  }
}

std::vector<double> orthogonal_values(const Node& node, const RandomKey& key) {
  std::vector<Axis> row_axes, column_axes;
  for (const auto& axis : node.shape) {
    const bool is_row = contains(node.names, axis.name);
    (is_row ? row_axes : column_axes).push_back(axis);
  }
  const std::size_t rows = Shape(row_axes).size(), columns = Shape(column_axes).size();
  const std::size_t few = std::min(rows, columns), many = std::max(rows, columns);
  std::vector<double> m(few * many);
  for (std::size_t i = 0; i < m.size(); ++i) m[i] = key.normal({i, static_cast<std::uint64_t>(node.ints[1]), 0, 0});
  orthonormalise(m, few, many);
  std::vector<double> values(m.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t row = 0, column = 0;
    for (std::size_t a = 0; a < node.shape.rank(); ++a) {
      const Axis& axis = node.shape[a];
      const std::size_t at = i / node.shape.stride(a) % axis.size;
      const bool is_row = contains(node.names, axis.name);
      (is_row ? row : column) = (is_row ? row : column) * axis.size + at;
    }
    values[i] = rows <= columns ? m[row * many + column] : m[column * many + row];
  }
  return values;
}

}  // namespace

Expr uniform(const Expr& low, const Expr& high, const Shape& shape, int place) {
  const Unit unit = is_zero(low) && low.unit() == Unit() ? high.unit() : low.unit();
  const Expr from = convert(low, unit), to = convert(high, unit);
  if (is_number(from) && is_number(to)) check_bounds(from->value, to->value);
  return random_node(RandomKind::uniform, {from, to}, unit, shape, {}, place);
}

Expr normal(const Expr& mean, const Expr& sd, const Shape& shape, int place) {
  const Unit unit = is_zero(mean) && mean.unit() == Unit() ? sd.unit() : mean.unit();
  const Expr width = convert(sd, unit);
  if (is_number(width)) check_sd(width->value);
  return random_node(RandomKind::normal, {convert(mean, unit), width}, unit, shape, {}, place);
}

Expr orthogonal(const std::vector<std::string>& rows, const Shape& shape, int place) {
  for (const auto& name : rows)
    if (!shape.has(name))
      throw Error(fmt::format("orthogonal: the parameter {} has no axis '{}'.", shape.str_sizes(), name));
  if (rows.size() == shape.rank())
    throw Error("orthogonal: every axis is one of the rows. Leave some for the columns.");
  return random_node(RandomKind::orthogonal, {}, Unit(), shape, rows, place);
}

std::vector<double> drawn(const Expr& e, std::uint64_t seed, const std::string& purpose,
                          std::vector<std::pair<Expr, Expr>> known) {
  const RandomKey key(seed, purpose);
  for (const auto& node : topological_order({e})) {
    if (node->op != Op::random) continue;
    const auto place = static_cast<std::uint64_t>(node->ints[1]);
    const auto args = substitute(node->args, known);
    std::vector<double> values;
    if (static_cast<RandomKind>(node->ints[0]) == RandomKind::orthogonal) {
      values = orthogonal_values(*node, key);
    } else {
      const bool is_normal = static_cast<RandomKind>(node->ints[0]) == RandomKind::normal;
      const auto a = constant_value(broadcast_to(args[0], node.shape()));
      const auto b = constant_value(broadcast_to(args[1], node.shape()));
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (is_normal)
          check_sd(b[i]);
        else
          check_bounds(a[i], b[i]);
        values.push_back(is_normal ? a[i] + b[i] * key.normal({i, place, 0, 0})
                                   : a[i] + (b[i] - a[i]) * key.uniform({i, place, 0, 0}));
      }
    }
    known.emplace_back(node, array(std::move(values), node.shape(), node.unit()));
  }
  return constant_value(substitute({e}, known)[0]);
}

}  // namespace striate
