#pragma once

#include <Eigen/Core>

namespace striate {

/// The x (columns x k) that makes every column of |a x - b| least, and of those the shortest one, by a complete
/// orthogonal decomposition. a has as many rows as b.
Eigen::MatrixXd least_squares(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

}  // namespace striate
