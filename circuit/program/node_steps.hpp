#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "circuit/kernels/line.hpp"
#include "circuit/program/steps.hpp"

namespace striate {

/// An array seen from one of its axes.
inline Lines line_view(const Shape& shape, const std::string& axis) {
  Lines lines;
  const std::size_t at = *shape.find(axis);
  for (std::size_t i = 0; i < at; ++i) lines.outer *= shape[i].size;
  lines.n = shape[at].size;
  lines.inner = shape.stride(at);
  return lines;
}

/// conv (lowered), contract (lowered), sparse, line. `prepared` is where a two-dimensional conv finds its prepared
/// kernel.
template <class T>
std::unique_ptr<Step<T>> linear_step(const Expr& node, const std::vector<Place>& operands, const Place& result,
                                     const Place& prepared);

/// Outer products (is_outer_product); `accumulate`: added to what stands at `result`.
template <class T>
std::unique_ptr<Step<T>> outer_products_step(const Expr& node, const std::vector<Place>& operands, const Place& result,
                                             bool accumulate);

/// A contract (lowered) of one matrix with one vector.
struct MatrixVector {
  Expr matrix, vector;
  std::size_t rows, columns;
  bool transposed;
  bool single;  ///< the matrix is read in single precision, as prepared
};
std::optional<MatrixVector> matrix_vector(const Expr& node);

/// The products of one matrix, in the form of `product`, with several vectors.
template <class T>
std::unique_ptr<Step<T>> matrix_vectors_step(const MatrixVector& product, const Place& matrix,
                                             const std::vector<Place>& vectors, const std::vector<Place>& results);

/// sum and max over neighbouring axes, maxpool, maxpool_select.
template <class T>
std::unique_ptr<Step<T>> reduction_step(const Expr& node, const std::vector<Place>& operands, const Place& result);

/// A one-dimensional pass of a separated kernel, or two along neighbouring axes (arguments factor, operand, factor).
bool is_line_conv(const Expr& node);

/// Whether its step is a PlaneStep.
bool falls_into_planes(const Expr& node);

/// The operand that a node reads in a form of its own, made once per parameter set where it depends on parameters
/// alone: the kernel of a two-dimensional conv, and a matrix that is read in single precision. Empty for other nodes.
Expr prepared_operand(const Expr& node);

/// Whether both read one operand in one form.
bool same_prepared(const Expr& a, const Expr& b);

/// Values that the form takes.
template <class T>
std::size_t prepared_size(const Expr& node);

template <class T>
std::unique_ptr<Step<T>> prepare_step(const Expr& node, const Place& operand, const Place& prepared);

}  // namespace striate
