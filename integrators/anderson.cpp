#include "integrators/anderson.hpp"

#include <Eigen/Dense>
#include <algorithm>

namespace striate {

bool anderson(int depth, double damping, int iterations, std::span<double> x,
              const std::function<bool(std::span<const double>, std::span<double>)>& residual,
              const std::function<bool(std::span<const double>)>& done) {
  using Eigen::Index;
  const auto n = static_cast<Index>(x.size());
  Eigen::MatrixXd dx(n, depth), dr(n, depth);
  Eigen::VectorXd r(n), last_x(n), last_r(n);
  Eigen::Map<Eigen::VectorXd> state(x.data(), n);
  for (int k = 0;; ++k) {
    if (!residual(x, {r.data(), x.size()})) return false;
    if (done({r.data(), x.size()})) return true;
    if (k == iterations) return false;
    if (k > 0) {
      const Index column = (k - 1) % depth;
      dx.col(column) = state - last_x;
      dr.col(column) = r - last_r;
    }
    last_x = state;
    last_r = r;
    state += damping * r;
    const Index m = std::min(k, depth);
    if (m == 0) continue;
    // gamma minimises |r - dR gamma|; columns of unit length, so that the threshold of the rank means collinearity.
    Eigen::VectorXd length = dr.leftCols(m).colwise().norm();
    for (Index j = 0; j < m; ++j) length[j] = length[j] > 0 ? 1 / length[j] : 0;
    const Eigen::MatrixXd unit = dr.leftCols(m) * length.asDiagonal();
    Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(unit);
    qr.setThreshold(1e-10);
    const Eigen::VectorXd gamma = length.cwiseProduct(Eigen::VectorXd(qr.solve(last_r)));
    state -= dx.leftCols(m) * gamma + damping * (dr.leftCols(m) * gamma);
  }
}

}  // namespace striate
