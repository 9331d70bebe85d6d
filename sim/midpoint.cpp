#include "sim/midpoint.hpp"

#include <Eigen/Core>
#include <cmath>
#include <unsupported/Eigen/LevenbergMarquardt>
#include <vector>

#include "base/nan.hpp"

namespace striate {
namespace {

/// Residuals over the parameters x0 and log w of a curve that rises.
struct Psychometric : Eigen::DenseFunctor<double> {
  Psychometric(const std::vector<double>& x_, const std::vector<double>& y_)
      : Eigen::DenseFunctor<double>(2, static_cast<int>(x_.size())), x(x_), y(y_) {}

  int operator()(const Eigen::VectorXd& at, Eigen::VectorXd& residual) const {
    for (Eigen::Index i = 0; i < residual.size(); ++i) residual[i] = curve(at, i) - y[static_cast<std::size_t>(i)];
    return 0;
  }
  int df(const Eigen::VectorXd& at, Eigen::MatrixXd& jacobian) const {
    for (Eigen::Index i = 0; i < jacobian.rows(); ++i) {
      const double slope = 1 - curve(at, i) * curve(at, i);
      jacobian(i, 0) = -slope * std::exp(-at[1]);
      jacobian(i, 1) = -slope * (x[static_cast<std::size_t>(i)] - at[0]) * std::exp(-at[1]);
    }
    return 0;
  }
  double curve(const Eigen::VectorXd& at, Eigen::Index i) const {
    return std::tanh((x[static_cast<std::size_t>(i)] - at[0]) * std::exp(-at[1]));
  }

  const std::vector<double>&x, &y;
};

}  // namespace

double midpoint(std::span<const double> x, std::span<const double> y) {
  std::vector<double> known_x, known_y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) || std::isnan(y[i])) continue;
    known_x.push_back(x[i]);
    known_y.push_back(y[i]);
  }
  if (known_x.size() < 3) return nan;
  const auto n = static_cast<Eigen::Index>(known_x.size());
  const Eigen::Map<const Eigen::ArrayXd> xs(known_x.data(), n);
  Eigen::Map<Eigen::ArrayXd> ys(known_y.data(), n);
  const double low = xs.minCoeff(), range = xs.maxCoeff() - low;
  if (((xs - xs.mean()) * ys).sum() < 0) ys = -ys;
  const double unexplained = (ys - ys.mean()).square().sum();
  Eigen::VectorXd at{{low + 0.5 * range, std::log(0.25 * range)}};
  Psychometric curve(known_x, known_y);
  Eigen::LevenbergMarquardt<Psychometric> fit(curve);
  fit.minimize(at);
  const bool fits = fit.info() == Eigen::Success && fit.fnorm() * fit.fnorm() < unexplained;
  return fits && std::abs(at[0] - low - 0.5 * range) <= 1.5 * range ? at[0] : nan;
}

}  // namespace striate
