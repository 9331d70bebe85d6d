#include "integrators/fixed_point_solvers.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "integrators/anderson.hpp"
#include "integrators/eigenpairs.hpp"
#include "integrators/least_squares.hpp"

namespace striate {
namespace {

using Eigen::Index;

template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

template <class T>
Eigen::Map<const Vector<T>> view(std::span<const T> v) {
  return {v.data(), static_cast<Index>(v.size())};
}

template <class V>
double norm(const V& v) {
  return std::sqrt(v.template cast<double>().squaredNorm());
}

/// J' v, counted.
template <class T>
struct Counted {
  const TransposedProduct<T>& product;
  int& count;
  Vector<T> operator()(const Vector<T>& v) const {
    ++count;
    Vector<T> out(v.size());
    product({v.data(), static_cast<std::size_t>(v.size())}, {out.data(), static_cast<std::size_t>(out.size())});
    return out;
  }
};

template <class T>
std::vector<T> plain(const Vector<T>& v) {
  return {v.data(), v.data() + v.size()};
}

}  // namespace

template <class T>
AdjointSolution<T> solve_neumann(const TransposedProduct<T>& product, std::span<const T> g, double tolerance,
                                 int products) {
  AdjointSolution<T> result;
  const Counted<T> transposed{product, result.products};
  const double size = norm(view(g));
  Vector<T> sum = view(g), term = sum;
  for (;;) {
    const double before = norm(term);
    term = transposed(term);
    result.residual = norm(term) / size;
    result.spectral_radius = norm(term) / before;
    if (result.residual <= tolerance || result.products >= products || !std::isfinite(result.residual)) break;
    sum += term;
  }
  result.v = plain(sum);
  return result;
}

template <class T>
AdjointSolution<T> solve_gmres(const TransposedProduct<T>& product, std::span<const T> g, double tolerance,
                               int products) {
  AdjointSolution<T> result;
  const Counted<T> transposed{product, result.products};
  const double size = norm(view(g));
  const Index most = std::min<Index>(20, static_cast<Index>(g.size()));
  Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> basis(static_cast<Index>(g.size()), most + 1);
  Vector<T> v = Vector<T>::Zero(basis.rows()), rest = view(g);
  while (result.residual > tolerance && result.products + 1 < products) {
    const double length = norm(rest);
    Eigen::MatrixXd h = Eigen::MatrixXd::Zero(most + 1, most);
    basis.col(0) = rest / static_cast<T>(length);
    Eigen::VectorXd weights;
    Index m = 0;
    for (bool more = true; more;) {
      Vector<T> next = basis.col(m);
      next -= transposed(next);
      // Gram-Schmidt twice is orthogonal to rounding.
      for (int pass = 0; pass < 2; ++pass) {
        const Vector<T> overlap = basis.leftCols(m + 1).transpose() * next;
        next -= basis.leftCols(m + 1) * overlap;
        h.col(m).head(m + 1) += overlap.template cast<double>();
      }
      h(m + 1, m) = norm(next);
      ++m;
      Eigen::VectorXd target = Eigen::VectorXd::Zero(m + 1);
      target[0] = length;
      weights = least_squares(h.topLeftCorner(m + 1, m), target);
      const double left = (target - h.topLeftCorner(m + 1, m) * weights).norm();
      const bool exhausted = h(m, m - 1) <= 1e-14 * h.col(m - 1).head(m).norm();
      more = left > 0.5 * tolerance * size && !exhausted && m < most && result.products + 1 < products &&
             std::isfinite(left);
      if (more) basis.col(m) = next / static_cast<T>(h(m, m - 1));
    }
    v += basis.leftCols(m) * weights.cast<T>();
    // J = I - A: the values of J' on the subspace are 1 - those of h.
    const Eigen::VectorXcd ritz = eigenvalues(h.topLeftCorner(m, m));
    result.spectral_radius = (Eigen::VectorXcd::Ones(m) - ritz).cwiseAbs().maxCoeff();
    const double before = result.residual;
    rest = view(g) - v + transposed(v);
    result.residual = norm(rest) / size;
    if (!(result.residual < 0.99 * before)) break;  // as far as the precision goes, or not finite
  }
  result.v = plain(v);
  return result;
}

template <class T>
AdjointSolution<T> solve_anderson(const TransposedProduct<T>& product, std::span<const T> g, double tolerance,
                                  int products) {
  AdjointSolution<T> result;
  const Counted<T> transposed{product, result.products};
  const double size = norm(view(g));
  Vector<T> direction = view(g) / static_cast<T>(size);
  for (int i = 0; i < 10; ++i) {
    direction = transposed(direction);
    result.spectral_radius = norm(direction);
    if (result.spectral_radius == 0) break;
    direction /= static_cast<T>(result.spectral_radius);
  }
  const Eigen::VectorXd start = view(g).template cast<double>();
  std::vector<double> v(start.data(), start.data() + start.size());
  const auto residual = [&](std::span<const double> x, std::span<double> r) {
    const Vector<T> rounded = view(x).template cast<T>();
    const Eigen::VectorXd next = start + transposed(rounded).template cast<double>();
    for (std::size_t i = 0; i < r.size(); ++i) r[i] = next[static_cast<Index>(i)] - x[i];
    result.residual = norm(view(std::span<const double>(r))) / size;
    return std::isfinite(result.residual);
  };
  anderson(5, 1.0, std::max(1, products - result.products - 1), v, residual,
           [&](std::span<const double>) { return result.residual <= tolerance; });
  result.v.resize(v.size());
  std::transform(v.begin(), v.end(), result.v.begin(), [](double x) { return static_cast<T>(x); });
  return result;
}

template AdjointSolution<float> solve_neumann(const TransposedProduct<float>&, std::span<const float>, double, int);
template AdjointSolution<double> solve_neumann(const TransposedProduct<double>&, std::span<const double>, double, int);
template AdjointSolution<float> solve_gmres(const TransposedProduct<float>&, std::span<const float>, double, int);
template AdjointSolution<double> solve_gmres(const TransposedProduct<double>&, std::span<const double>, double, int);
template AdjointSolution<float> solve_anderson(const TransposedProduct<float>&, std::span<const float>, double, int);
template AdjointSolution<double> solve_anderson(const TransposedProduct<double>&, std::span<const double>, double, int);

}  // namespace striate
