#include "integrators/branch_curves.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/svd.hpp"
#include "integrators/eigenpairs.hpp"

namespace striate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// An orthonormal basis of what is orthogonal to the columns of m, which are independent.
MatrixXd basis_across(const MatrixXd& m) { return svd(m).u.rightCols(m.rows() - m.cols()); }

/// A and B with A u_0 + B u_m = 0 for every u_{k+1} = G_k u_k, all of moderate size however large or small the product
/// of the G is: the states in between are eliminated by an orthogonal transformation.
std::pair<MatrixXd, MatrixXd> over_all(const std::vector<MatrixXd>& g) {
  const Index n = g[0].rows();
  MatrixXd a = g[0], b = -MatrixXd::Identity(n, n);
  for (std::size_t k = 1; k < g.size(); ++k) {
    MatrixXd stacked(2 * n, n), sides = MatrixXd::Zero(2 * n, 2 * n);
    stacked << b, g[k];
    sides.topLeftCorner(n, n) = a;
    sides.bottomRightCorner(n, n) = -MatrixXd::Identity(n, n);
    const MatrixXd rest = basis_across(stacked).transpose() * sides;
    a = rest.leftCols(n);
    b = rest.rightCols(n);
  }
  return {a, b};
}

}  // namespace

Bifurcation meeting(Curve& curve, const VectorXd& x) {
  constexpr double away = 1e-3, noise = 1e-12;
  const Index n = x.size() - 1;
  VectorXd f;
  MatrixXd j;
  if (!curve.evaluate(x, f, j)) return Bifurcation::branch_point;
  const MatrixXd here = j.leftCols(n);
  const Svd parts = svd(here);
  const VectorXd neutral = parts.v.col(n - 1), across = parts.u.col(n - 1);
  VectorXd aside = VectorXd::Zero(n + 1);
  aside.head(n) = away * neutral;
  VectorXd change[2];  // of the derivative along `neutral`, from here to either side
  for (const int side : {0, 1}) {
    if (!curve.evaluate(side == 0 ? VectorXd(x - aside) : VectorXd(x + aside), f, j)) return Bifurcation::branch_point;
    change[side] = (j.leftCols(n) - here) * neutral;
  }
  const VectorXd odd = (change[1] - change[0]) / 2, even = (change[1] + change[0]) / 2;
  if (odd.norm() + even.norm() < noise * here.norm()) return Bifurcation::branch_point;
  const double crossing = std::abs(across.dot(odd));
  return crossing > std::abs(across.dot(even)) + 1e-3 * odd.norm() ? Bifurcation::transcritical
                                                                   : Bifurcation::pitchfork;
}

VectorXd FixedPoints::unknowns(std::span<const double> y, double parameter) const {
  VectorXd x(n_ + 1);
  x << vector(y) / s_.scale, (parameter - s_.low) / s_.range;
  return x;
}

bool FixedPoints::evaluate(const VectorXd& x, VectorXd& f, MatrixXd& jacobian) {
  orbit_.parameters()[s_.parameter] = s_.low + s_.range * x[n_];
  const auto y = values(s_.scale * x.head(n_));
  std::vector<double> rate(orbit_.size());
  if (!orbit_.rate(y, rate)) return false;
  f = vector(rate) / s_.scale;
  j_ = orbit_.jacobian(y);
  jacobian.resize(n_, n_ + 1);
  jacobian.leftCols(n_) = j_;
  std::vector<double> direction(orbit_.parameters().size()), by_parameter(orbit_.size());
  direction[s_.parameter] = s_.range;
  orbit_.jvp(y, {.y = {}, .p = direction}, by_parameter);
  jacobian.col(n_) = vector(by_parameter) / s_.scale;
  return jacobian.allFinite();
}

BranchPoint FixedPoints::point(const VectorXd& x) {
  BranchPoint p;
  p.parameter = s_.low + s_.range * x[n_];
  p.y = p.low = p.high = values(s_.scale * x.head(n_));
  return p;
}

std::vector<Mode> FixedPoints::modes() const {
  std::vector<Mode> all;
  for (const auto& value : eigenvalues(j_))
    all.push_back({value.real(), value.imag() != 0 ? Mode::complex : Mode::real});
  return all;
}

double FixedPoints::neutral() const { return 1e-11 * j_.norm(); }

Cycles::Cycles(Orbit& orbit, const Scaling& s, double born_with, std::vector<double> turns)
    : orbit_(orbit),
      s_(s),
      n_(static_cast<Index>(orbit.size())),
      parts_(static_cast<Index>(parts(orbit.size()))),
      weight_(s.scale * std::sqrt(static_cast<double>(parts_))),
      born_with_(born_with),
      turns_(vector(turns)),
      mesh_(parts(orbit.size())),
      propagator_(parts(orbit.size())) {}

std::size_t Cycles::parts(std::size_t states) { return std::clamp<std::size_t>(200 / states, 1, 20); }

VectorXd Cycles::unknowns(const MatrixXd& nodes, double parameter) const {
  VectorXd x = VectorXd::Zero(parts_ * n_ + 2);
  for (Index k = 0; k < parts_; ++k) x.segment(k * n_, n_) = nodes.row(k).transpose() / weight_;
  x[parts_ * n_ + 1] = (parameter - s_.low) / s_.range;
  return x;
}

double Cycles::period(const VectorXd& x) const { return born_with_ * std::exp(x[parts_ * n_]); }
std::vector<double> Cycles::node(const VectorXd& x, Index k) const { return values(weight_ * x.segment(k * n_, n_)); }

void Cycles::stand_at(const VectorXd& x) {
  here_ = x;
  orbit_.parameters()[s_.parameter] = s_.low + s_.range * x[parts_ * n_ + 1];
  across_.resize(parts_ * n_);
  std::vector<double> rate(orbit_.size());
  for (Index k = 0; k < parts_; ++k) {
    const auto y = node(x, k);
    orbit_.rate(y, rate);
    across_.segment(k * n_, n_) = vector(rate);
    mesh_[static_cast<std::size_t>(k)] = orbit_.adapted_mesh(y, period(x) / static_cast<double>(parts_), 1e-9);
  }
  across_.normalize();
}

bool Cycles::evaluate(const VectorXd& x, VectorXd& f, MatrixXd& jacobian) {
  const Index t = parts_ * n_;
  if (!(std::abs(x[t]) < 20)) return false;
  orbit_.parameters()[s_.parameter] = s_.low + s_.range * x[t + 1];
  const double part = period(x) / static_cast<double>(parts_);
  f.resize(t + 1);
  jacobian.setZero(t + 1, t + 2);
  std::vector<double> rate(orbit_.size()), direction(orbit_.parameters().size());
  direction[s_.parameter] = s_.range;
  flow_.resize(n_, parts_);
  MatrixXd columns = MatrixXd::Zero(n_, n_ + 1);
  columns.leftCols(n_).setIdentity();
  for (Index k = 0; k < parts_; ++k) {
    const Index row = k * n_, next = (k + 1) % parts_ * n_;
    orbit_.rate(node(x, k), rate);
    flow_.col(k) = vector(rate);
    if (!orbit_.run(node(x, k), part, mesh_[static_cast<std::size_t>(k)])) return false;
    const auto end = orbit_.state(orbit_.points() - 1);
    if (!orbit_.rate(end, rate)) return false;
    const MatrixXd moved = orbit_.push(columns, &direction);
    propagator_[static_cast<std::size_t>(k)] = moved.leftCols(n_);
    f.segment(row, n_) = vector(end) / weight_ - x.segment(next, n_);
    if (next == 0) f.segment(row, n_) -= turns_ / weight_;
    jacobian.block(row, row, n_, n_) += moved.leftCols(n_);
    jacobian.block(row, next, n_, n_) -= MatrixXd::Identity(n_, n_);
    jacobian.block(row, t, n_, 1) = part * vector(rate) / weight_;
    jacobian.block(row, t + 1, n_, 1) = moved.col(n_) / weight_;
  }
  f[t] = across_.dot(x.head(t) - here_.head(t));
  jacobian.block(t, 0, 1, t) = across_.transpose();
  return jacobian.allFinite();
}

BranchPoint Cycles::point(const VectorXd& x) {
  BranchPoint p;
  p.parameter = s_.low + s_.range * x[parts_ * n_ + 1];
  p.period = period(x);
  p.y = p.low = p.high = node(x, 0);
  orbit_.parameters()[s_.parameter] = p.parameter;
  double least = std::numeric_limits<double>::infinity();
  std::vector<double> rate(orbit_.size());
  for (Index part = 0; part < parts_; ++part) {
    orbit_.run(node(x, part), p.period / static_cast<double>(parts_), mesh_[static_cast<std::size_t>(part)]);
    for (std::size_t k = 0; k < orbit_.points(); ++k) {
      for (std::size_t i = 0; i < p.y.size(); ++i) {
        p.low[i] = std::min(p.low[i], orbit_.state(k)[i]);
        p.high[i] = std::max(p.high[i], orbit_.state(k)[i]);
      }
      orbit_.rate(orbit_.state(k), rate);
      const double speed = vector(rate).norm();
      if (speed >= least) continue;
      least = speed;
      p.slow_state.assign(orbit_.state(k).begin(), orbit_.state(k).end());
    }
  }
  return p;
}

VectorXd Cycles::around_middle(const VectorXd& x, const BranchPoint& p) const {
  const VectorXd middle = (vector(p.low) + vector(p.high)) / (2 * weight_);
  return x.head(parts_ * n_) - middle.replicate(parts_, 1);
}

std::vector<Mode> Cycles::modes() const {
  if (n_ == 1) return {};
  // The flow itself has the multiplier 1: what is left is seen across it, at every node. Over all parts at once the
  // flow is lost where it grows and shrinks by more than rounding leaves of it (canards).
  std::vector<MatrixXd> across, along_parts;
  for (Index k = 0; k < parts_; ++k) across.push_back(basis_across(flow_.col(k)));
  for (std::size_t k = 0; k < across.size(); ++k)
    along_parts.push_back(across[(k + 1) % across.size()].transpose() * propagator_[k] * across[k]);
  const auto [a, b] = over_all(along_parts);
  const Ratios multipliers = eigenvalue_ratios(a, -b);
  std::vector<Mode> all;
  for (Index i = 0; i < multipliers.above.size(); ++i) {
    const auto above = multipliers.above[i];
    const double below = multipliers.below[i], small = std::numeric_limits<double>::min();
    const double growth = std::log(std::max(std::abs(above), small)) - std::log(std::max(std::abs(below), small));
    constexpr double sign_known = 18;  // beyond, it is that of the error of the steps
    all.push_back({growth, above.imag() != 0                                           ? Mode::complex
                           : above.real() * below < 0 && std::abs(growth) < sign_known ? Mode::flip
                                                                                       : Mode::real});
  }
  return all;
}

}  // namespace striate
