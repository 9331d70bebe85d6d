#pragma once

#include <Eigen/Core>
#include <functional>
#include <span>
#include <vector>

#include "integrators/evaluation.hpp"

namespace striate {

/// Numbers as a vector of the algebra, and back.
inline Eigen::Map<const Eigen::VectorXd> vector(std::span<const double> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}
inline std::vector<double> values(const Eigen::VectorXd& x) { return {x.data(), x.data() + x.size()}; }

/// The orbit of an autonomous flow over a given time, on a mesh of fractions of that time, with its linearisation: one
/// step of Dormand & Prince's fifth-order method in each interval, whose products with the derivatives are those of the
/// very steps that were taken.
class Orbit {
 public:
  /// Inputs are held at their values at Problem::t0, and so is time. `problem` may go; the evaluation stays.
  /// @throws Error for a map, a circuit with events, inputs without a drive, or rates that depend on time
  explicit Orbit(const Problem& problem);

  std::size_t size() const { return evaluation_.size(); }  ///< states
  const System<double>& system() const { return evaluation_.system(); }
  std::vector<double>& parameters() { return p_; }

  /// f = the rate at y. Returns false where it is not finite.
  bool rate(std::span<const double> y, std::span<double> f);
  /// out += f_y v.y + f_p v.p, and its transpose
  void jvp(std::span<const double> y, const Tangent<double>& v, std::span<double> out);
  void vjp(std::span<const double> y, std::span<const double> lambda, std::span<double> out);
  /// The matrix f_y.
  Eigen::MatrixXd jacobian(std::span<const double> y);

  /// Fractions of the duration at which an adaptive integration from y0 stepped, 0 and 1 among them.
  /// @throws Failure where the integration breaks off
  std::vector<double> adapted_mesh(std::span<const double> y0, double duration, double tolerance);

  /// Integrates from y0. Returns false where a rate is not finite.
  bool run(std::span<const double> y0, double duration, std::vector<double> mesh);
  const std::vector<double>& mesh() const { return mesh_; }
  /// The state at a point of the mesh.
  std::span<const double> state(std::size_t point) const { return {nodes_.data() + point * size(), size()}; }
  std::size_t points() const { return mesh_.size(); }

  /// The derivative of the last state by the first times the columns of v, and, when `parameter` is no nullptr, plus
  /// that by the parameters along this direction in the last column.
  Eigen::MatrixXd push(Eigen::MatrixXd v, const std::vector<double>* parameter = nullptr);
  /// Goes backwards with the transposed derivative from lambda at the last point; `at` hears its value at every point.
  void pull(std::vector<double> lambda, const std::function<void(std::size_t point, std::span<const double>)>& at);

 private:
  At<double> at(std::span<const double> y) const { return {t_, y, p_, u_}; }
  double step(std::size_t interval) const { return duration_ * (mesh_[interval + 1] - mesh_[interval]); }

  Evaluation evaluation_;
  double t_;
  std::vector<double> p_, u_;
  double duration_ = 0;
  std::vector<double> mesh_;
  std::vector<double> nodes_;   ///< [points, states]
  std::vector<double> stages_;  ///< [intervals, stages, states]: where the rates were taken
};

}  // namespace striate
