#pragma once

#include <Eigen/Core>
#include <vector>

#include "integrators/continuation.hpp"
#include "integrators/orbit.hpp"

namespace striate {

/// How a small perturbation grows: an eigenvalue, or the logarithm of a multiplier.
struct Mode {
  double growth = 0;
  enum Kind { real, complex, flip } kind = real;
};

class FixedPoints;

/// F(x) = 0 with one unknown more than equations; the last unknown is the parameter over its range.
class Curve {
 public:
  virtual ~Curve() = default;
  /// What depends on where the curve stands (mesh, phase condition).
  virtual void stand_at(const Eigen::VectorXd&) {}
  /// F and its derivative; false where it cannot be had.
  virtual bool evaluate(const Eigen::VectorXd& x, Eigen::VectorXd& f, Eigen::MatrixXd& jacobian) = 0;
  /// Everything but the stability.
  virtual BranchPoint point(const Eigen::VectorXd& x) = 0;
  /// At the x that was evaluated last.
  virtual std::vector<Mode> modes() const = 0;
  /// Growth that cannot be told from none.
  virtual double neutral() const = 0;
  virtual bool cycles() const = 0;
  /// The states at x, less the middle of their range.
  virtual Eigen::VectorXd around_middle(const Eigen::VectorXd& x, const BranchPoint& p) const = 0;
  /// The fixed points of the same flow.
  virtual FixedPoints& rest() = 0;
};

/// What two branches that meet at x are to each other, by the second derivative of F along the direction in which F is
/// neutral at a fixed parameter.
/// Source  Kuznetsov (2004), 10.2.2 and 7.4.
Bifurcation meeting(Curve& curve, const Eigen::VectorXd& x);

/// The units in which a curve's unknowns are of the size of one.
struct Scaling {
  double low, range;  ///< of the parameter
  std::size_t parameter;
  double scale;  ///< of the states
};

/// f(y) = 0.
class FixedPoints final : public Curve {
 public:
  FixedPoints(Orbit& orbit, const Scaling& s) : orbit_(orbit), s_(s), n_(static_cast<Eigen::Index>(orbit.size())) {}

  Eigen::VectorXd unknowns(std::span<const double> y, double parameter) const;

  bool evaluate(const Eigen::VectorXd& x, Eigen::VectorXd& f, Eigen::MatrixXd& jacobian) override;
  BranchPoint point(const Eigen::VectorXd& x) override;
  std::vector<Mode> modes() const override;
  double neutral() const override;
  bool cycles() const override { return false; }
  Eigen::VectorXd around_middle(const Eigen::VectorXd&, const BranchPoint&) const override {
    return Eigen::VectorXd::Zero(n_);
  }
  FixedPoints& rest() override { return *this; }

 private:
  Orbit& orbit_;
  Scaling s_;
  Eigen::Index n_;
  Eigen::MatrixXd j_;
};

/// Cycles by multiple shooting: from states at equal parts of the period the flow must lead to the next. A part is so
/// short that what grows along the cycle grows little over it. Unknowns: these states, the logarithm of the period over
/// that at birth, and the parameter. The sum of what the states move along the flow is zero (phase condition).
/// Source  Keller (1976); Lust (2001), Int J Bifurcation Chaos 11:2389, for the multipliers.
class Cycles final : public Curve {
 public:
  /// @param turns  [states] how much further on an angle is after a period
  Cycles(Orbit& orbit, const Scaling& s, double born_with, std::vector<double> turns);

  /// Into how many parts the period of that many states is cut.
  static std::size_t parts(std::size_t states);
  /// The unknowns of states [parts][states], at born_with.
  Eigen::VectorXd unknowns(const Eigen::MatrixXd& nodes, double parameter) const;

  void stand_at(const Eigen::VectorXd& x) override;
  bool evaluate(const Eigen::VectorXd& x, Eigen::VectorXd& f, Eigen::MatrixXd& jacobian) override;
  BranchPoint point(const Eigen::VectorXd& x) override;
  std::vector<Mode> modes() const override;
  double neutral() const override { return 1e-6; }  // of the logarithm, over steps at 1e-9
  bool cycles() const override { return true; }
  Eigen::VectorXd around_middle(const Eigen::VectorXd& x, const BranchPoint& p) const override;
  FixedPoints& rest() override { return rest_; }

 private:
  double period(const Eigen::VectorXd& x) const;
  std::vector<double> node(const Eigen::VectorXd& x, Eigen::Index k) const;

  Orbit& orbit_;
  Scaling s_;
  FixedPoints rest_{orbit_, s_};
  Eigen::Index n_, parts_;
  double weight_;  ///< of a node: the scale, and one over the root of how many there are
  double born_with_;
  Eigen::VectorXd turns_, here_, across_;
  std::vector<std::vector<double>> mesh_;    ///< of each part
  std::vector<Eigen::MatrixXd> propagator_;  ///< of each part: the derivative of its last state by its first
  Eigen::MatrixXd flow_;                     ///< the rate at every node
};

}  // namespace striate
