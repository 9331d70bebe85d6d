#pragma once

#include <Eigen/Core>

namespace striate {

struct Eigenpairs {
  Eigen::VectorXcd values;   ///< [n]
  Eigen::MatrixXcd vectors;  ///< [n, n]: one in every column, of unit length
  bool found = true;         ///< otherwise the values are nan, and there are no vectors
};

/// Of a square matrix, by Hessenberg form and QR.
Eigenpairs eigenpairs(const Eigen::MatrixXd& matrix);

/// The values alone; nan where they were not found.
Eigen::VectorXcd eigenvalues(const Eigen::MatrixXd& matrix);

}  // namespace striate
