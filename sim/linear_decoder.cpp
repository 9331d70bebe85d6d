#include "sim/linear_decoder.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "integrators/least_squares.hpp"

namespace striate {

LinearDecoder::LinearDecoder(const std::vector<std::vector<double>>& responses, const std::vector<double>& angles,
                             double ridge) {
  if (responses.size() < 3 || responses.size() != angles.size())
    throw Error(fmt::format("training: {} responses for {} angles, but a decoder needs at least three of both.",
                            responses.size(), angles.size()));
  const auto n = static_cast<Eigen::Index>(responses.size());
  const auto channels = static_cast<Eigen::Index>(responses[0].size());
  Eigen::MatrixXd features(n, channels);
  Eigen::MatrixXd targets(n, 2);
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    features.row(i) = Eigen::Map<const Eigen::RowVectorXd>(responses[row].data(), channels);
    targets.row(i) << std::cos(angles[row]), std::sin(angles[row]);
  }
  mean_ = features.colwise().mean();
  features.rowwise() -= mean_.transpose();
  deviation_ = (features.colwise().squaredNorm() / static_cast<double>(n)).cwiseSqrt();
  // Below this a channel differs by the error of its computation only.
  const double least = 1e-7 * deviation_.maxCoeff();
  deviation_ = (deviation_.array() > least)
                   .select(deviation_, Eigen::VectorXd::Constant(channels, std::numeric_limits<double>::infinity()));
  features *= deviation_.cwiseInverse().asDiagonal();
  intercept_ = targets.colwise().mean();
  targets.rowwise() -= intercept_.transpose();
  const Eigen::MatrixXd normal =
      features.transpose() * features + ridge * Eigen::MatrixXd::Identity(channels, channels);
  weights_ = least_squares(normal, features.transpose() * targets);
}

double LinearDecoder::read(std::span<const double> response) const {
  const Eigen::Map<const Eigen::VectorXd> r(response.data(), mean_.size());
  const Eigen::Vector2d vector = intercept_ + weights_.transpose() * (r - mean_).cwiseQuotient(deviation_);
  return std::atan2(vector[1], vector[0]);
}

}  // namespace striate
