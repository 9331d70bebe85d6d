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

/// Numbers mu = above/below, which may be as large or small as they like.
struct Ratios {
  Eigen::VectorXcd above;
  Eigen::VectorXd below;
};
/// Those with a v = mu b v for a vector v; nan where they were not found. By QZ.
Ratios eigenvalue_ratios(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

}  // namespace striate
