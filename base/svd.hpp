#pragma once

#include <Eigen/Core>

namespace striate {

struct Svd {
  Eigen::MatrixXd u;       ///< [m, m]: left singular vectors in its columns
  Eigen::VectorXd values;  ///< [min(m, n)], descending
  Eigen::MatrixXd v;       ///< [n, n]: right singular vectors in its columns, those of a null space last
};

/// Of an m x n matrix of finite numbers, by Jacobi rotations. Compiled once, here: the templates take long.
Svd svd(const Eigen::MatrixXd& matrix);

}  // namespace striate
