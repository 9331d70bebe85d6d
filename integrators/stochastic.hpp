#pragma once

#include <vector>

#include "integrators/brownian_path.hpp"
#include "integrators/fixed_step.hpp"

namespace striate {

/// What the methods for noise share: the increments of the Brownian paths over a step. Between accepted steps the
/// solution is interpolated linearly, which is as good as a method of strong order 1. The grid of the paths is that of
/// the run, t0 + n step, whatever restarts the method: a step that begins or ends inside a cell of it has the increment
/// of the path between these times, so that the noise of no element depends on the spikes of others.
/// Source    Kloeden & Platen (1992), Numerical Solution of Stochastic Differential Equations.
class Stochastic : public FixedStep {
 public:
  Stochastic(Evaluation& evaluation, const Method& method, double t0, double t1);
  void restart(double t, std::span<const double> y, double end, double begin, std::uint64_t steps) override;
  void dense(double t, std::span<double> out) override;

 protected:
  void enter(std::uint64_t n, double end) override;
  /// The noise of the following evaluations: `scale` of the increments.
  void supply(double scale);
  /// out += size of the noise at (t, y) times `along` [noise elements]
  void add_noise(double t, std::span<const double> y, std::span<const double> along, std::span<double> out);
  std::vector<double> dw_, area_;  ///< [noise elements] of the present step (BrownianPath::increment)

 private:
  double step_, t0_;
  std::vector<BrownianPath> paths_;  ///< one for each noise of the circuit
  std::vector<std::size_t> sizes_;
  std::vector<double> dw_before_, area_before_;  ///< of the cell up to the step
  std::vector<double> direction_;                ///< [inputs]
};

/// y + h f + g dW, f and g at the step's begin: for Ito noise strong order 1/2, or 1 where the noise is additive.
class EulerMaruyama : public Stochastic {
 public:
  using Stochastic::Stochastic;

 private:
  void increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                 std::span<double> next) override;
};

/// The mean of the increments at both ends of an Euler-Maruyama step: converges to the Stratonovich solution, strong
/// order 1 for additive or commutative noise and 1/2 otherwise.
class StochasticHeun : public Stochastic {
 public:
  StochasticHeun(Evaluation& evaluation, const Method& method, double t0, double t1);

 private:
  void increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                 std::span<double> next) override;
  AlignedVector<double> end_rate_;
};

/// Euler-Maruyama and g g' (dW^2 - h)/2, for diagonal Ito noise: strong order 1.
class Milstein : public Stochastic {
 public:
  Milstein(Evaluation& evaluation, const Method& method, double t0, double t1);

 private:
  void increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                 std::span<double> next) override;
  std::vector<double> ones_;
  AlignedVector<double> size_, with_, without_;
};

/// SRA1 for additive noise: strong order 3/2 with two rates a step.
/// Source    Rossler (2010), SIAM J. Numer. Anal. 48, table 6.1.
class Sra1 : public Stochastic {
 public:
  Sra1(Evaluation& evaluation, const Method& method, double t0, double t1);

 private:
  void enter(std::uint64_t n, double end) override;
  void increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                 std::span<double> next) override;
  std::vector<double> early_, late_;
  AlignedVector<double> stage_, stage_rate_, noise_;
};

}  // namespace striate
