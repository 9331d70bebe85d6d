#include "integrators/anderson.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <limits>

#include "base/svd.hpp"

namespace striate {
namespace {

/// argmin |r - D gamma|, from D'D and D'r, with the columns at unit length; directions of D that are shorter than 1e-6
/// of its longest are left out.
Eigen::VectorXd least_squares(const Eigen::MatrixXd& gram, const Eigen::VectorXd& overlap) {
  Eigen::VectorXd length = gram.diagonal().cwiseSqrt();
  for (double& l : length) l = l > 0 ? 1 / l : 0;
  const auto [u, size, v] = svd(length.asDiagonal() * gram * length.asDiagonal());
  Eigen::VectorXd along = u.transpose() * length.cwiseProduct(overlap);
  for (Eigen::Index i = 0; i < along.size(); ++i) along[i] = size[i] > 1e-12 * size[0] ? along[i] / size[i] : 0;
  return length.cwiseProduct(v * along);
}

}  // namespace

bool anderson(int depth, double damping, int iterations, std::span<double> x,
              const std::function<bool(std::span<const double>, std::span<double>)>& residual,
              const std::function<bool(std::span<const double>)>& done) {
  using Eigen::Index;
  const auto n = static_cast<Index>(x.size());
  Eigen::MatrixXd step(n, depth), change(n, depth), gram(depth, depth);  // of x + damping r, and of r
  Eigen::VectorXd r(n), last_x(n), last_r(n);
  Eigen::Map<Eigen::VectorXd> state(x.data(), n);
  double smallest = std::numeric_limits<double>::infinity();
  int halved = 0;
  for (int k = 0;; ++k) {
    if (!residual(x, {r.data(), x.size()})) return false;
    if (done({r.data(), x.size()})) return true;
    const double length = r.norm();
    if (length < 0.5 * smallest) {
      smallest = length;
      halved = k;
    }
    if (k == iterations || k == halved + 20) return false;
    const Index m = std::min(k, depth);
    if (k > 0) {
      const Index column = (k - 1) % depth;
      change.col(column) = r - last_r;
      step.col(column) = state - last_x + damping * change.col(column);
      gram.col(column).head(m).noalias() = change.leftCols(m).transpose() * change.col(column);
      gram.row(column).head(m) = gram.col(column).head(m).transpose();
    }
    last_x = state;
    last_r = r;
    state += damping * r;
    if (m == 0) continue;
    const Eigen::VectorXd overlap = change.leftCols(m).transpose() * r;
    state.noalias() -= step.leftCols(m) * least_squares(gram.topLeftCorner(m, m), overlap);
  }
}

}  // namespace striate
