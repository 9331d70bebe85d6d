#include "integrators/eigenpairs.hpp"

#include <Eigen/Eigenvalues>

#include "base/nan.hpp"

namespace striate {
namespace {

Eigenpairs pairs(const Eigen::MatrixXd& matrix, bool with_vectors) {
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(matrix, with_vectors);
  if (solver.info() != Eigen::Success) return {Eigen::VectorXcd::Constant(matrix.rows(), nan), {}, false};
  return {solver.eigenvalues(), with_vectors ? solver.eigenvectors() : Eigen::MatrixXcd(), true};
}

}  // namespace

Eigenpairs eigenpairs(const Eigen::MatrixXd& matrix) { return pairs(matrix, true); }

Eigen::VectorXcd eigenvalues(const Eigen::MatrixXd& matrix) { return pairs(matrix, false).values; }

Ratios eigenvalue_ratios(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  const Eigen::GeneralizedEigenSolver<Eigen::MatrixXd> solver(a, b, false);
  if (solver.info() == Eigen::Success) return {solver.alphas(), solver.betas()};
  return {Eigen::VectorXcd::Constant(a.rows(), nan), Eigen::VectorXd::Constant(a.rows(), nan)};
}

}  // namespace striate
