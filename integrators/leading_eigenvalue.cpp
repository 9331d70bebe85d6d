#include "integrators/leading_eigenvalue.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <vector>

namespace striate {
namespace {

using Product = std::function<void(std::span<const double>, std::span<double>)>;

Eigen::Index leading(const Eigen::VectorXcd& values) {
  Eigen::Index best = 0;
  for (Eigen::Index i = 1; i < values.size(); ++i) {
    const auto a = values[i], b = values[best];
    if (a.real() > b.real() || (a.real() == b.real() && a.imag() > b.imag())) best = i;
  }
  return best;
}

LeadingEigenvalue dense(std::size_t size, const Product& product) {
  const auto n = static_cast<Eigen::Index>(size);
  Eigen::MatrixXd a(n, n);
  std::vector<double> unit(size, 0.0);
  for (std::size_t j = 0; j < size; ++j) {
    unit[j] = 1;
    product(unit, {a.col(static_cast<Eigen::Index>(j)).data(), size});
    unit[j] = 0;
  }
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(a, false);
  if (solver.info() != Eigen::Success) return {};
  const Eigen::VectorXcd& values = solver.eigenvalues();
  // Backward error of the QR algorithm: some roundings of the norm.
  return {values[leading(values)], 1e-14 * a.norm(), true};
}

LeadingEigenvalue arnoldi(std::size_t size, const Product& product) {
  constexpr Eigen::Index steps = 60;
  constexpr int restarts = 30;
  constexpr Eigen::Index check_every = 10;
  const auto n = static_cast<Eigen::Index>(size);
  Eigen::MatrixXd basis(n, steps + 1);
  Eigen::VectorXd start(n);
  for (Eigen::Index i = 0; i < n; ++i)
    start[i] = 0.5 + std::sin(1.0 + 12.9898 * static_cast<double>(i) * static_cast<double>(i + 1));
  LeadingEigenvalue result;
  for (int cycle = 0; cycle < restarts; ++cycle) {
    Eigen::MatrixXd h = Eigen::MatrixXd::Zero(steps + 1, steps);
    basis.col(0) = start / start.norm();
    for (Eigen::Index m = 1; m <= steps; ++m) {
      auto next = basis.col(m);
      product({basis.col(m - 1).data(), size}, {next.data(), size});
      const double before = next.norm();
      for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Giraud et al. 2005)
        for (Eigen::Index j = 0; j < m; ++j) {
          const double overlap = basis.col(j).dot(next);
          h(j, m - 1) += overlap;
          next -= overlap * basis.col(j);
        }
      }
      h(m, m - 1) = next.norm();
      const bool invariant = h(m, m - 1) <= 1e-14 * before;
      if (invariant)
        h(m, m - 1) = 0;
      else
        next /= h(m, m - 1);
      if (!invariant && m % check_every != 0 && m != steps) continue;
      const Eigen::EigenSolver<Eigen::MatrixXd> solver(h.topLeftCorner(m, m));
      if (solver.info() != Eigen::Success) return result;
      const Eigen::VectorXcd& values = solver.eigenvalues();
      const Eigen::Index best = leading(values);
      const Eigen::VectorXcd ritz = solver.eigenvectors().col(best);
      result = {values[best], h(m, m - 1) * std::abs(ritz[m - 1]) / ritz.norm(), false};
      // Settled to a hundredth of its real part, so that its sign is sure; on the imaginary axis, to rounding.
      result.converged =
          result.residual <= std::max(1e-8 * values.cwiseAbs().maxCoeff(), 1e-2 * std::abs(values[best].real()));
      if (result.converged) return result;
      start = basis.leftCols(m) * (ritz.real() + ritz.imag());
      if (invariant) break;
    }
  }
  return result;
}

}  // namespace

LeadingEigenvalue leading_eigenvalue(std::size_t size, const Product& product) {
  LeadingEigenvalue result = size <= 200 ? dense(size, product) : arnoldi(size, product);
  result.value = {result.value.real(), std::abs(result.value.imag())};
  return result;
}

}  // namespace striate
