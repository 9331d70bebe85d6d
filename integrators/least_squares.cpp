#include "integrators/least_squares.hpp"

#include <Eigen/QR>

namespace striate {

Eigen::MatrixXd least_squares(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return a.completeOrthogonalDecomposition().solve(b);
}

}  // namespace striate
