#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

namespace striate {

/// Reads an angle from responses: ridge regression of its cosine and sine on the standardised responses.
class LinearDecoder {
 public:
  /// `responses` [n][channels], `angles` [n] in rad; a channel that never changes is left out. The penalty is
  /// ridge * (sum of squared weights) beside the sum of squared errors; the intercept is free. @throws Error for fewer
  /// than three examples
  LinearDecoder(const std::vector<std::vector<double>>& responses, const std::vector<double>& angles, double ridge);

  /// rad, -pi..pi
  double read(std::span<const double> response) const;

 private:
  Eigen::VectorXd mean_, deviation_;
  Eigen::MatrixXd weights_;    // [channel][cosine, sine]
  Eigen::Vector2d intercept_;  // [cosine, sine]
};

}  // namespace striate
