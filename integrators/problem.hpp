#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "circuit/system.hpp"
#include "integrators/spike_record.hpp"

namespace striate {

/// The inputs of a circuit as functions of time, smooth between breakpoints.
class Drive {
 public:
  virtual ~Drive() = default;
  /// u [System::driven] = the inputs at time t [time unit]. Right-continuous at a breakpoint. Called from one thread
  /// per integrator, so a shared drive must be safe to call from several.
  virtual void evaluate(double t, std::span<double> u) const = 0;
  /// The times in (t0, t1) at which an input or one of its derivatives jumps, ascending. Every integrator steps exactly
  /// onto them; a jump that is not listed costs accuracy.
  virtual std::vector<double> breakpoints(double t0, double t1) const;
  /// udot = du/dt between breakpoints, right-continuous. Wanted only for derivatives through events whose guard or jump
  /// depends on an input. @throws Error unless overridden
  virtual void rates(double t, std::span<double> udot) const;
  /// Whether the inputs do not change between breakpoints; then they are asked for once in each such interval.
  virtual bool stepwise() const { return false; }
};

/// Inputs that do not change.
class ConstantDrive : public Drive {
 public:
  explicit ConstantDrive(std::vector<double> u) : u_(std::move(u)) {}
  void evaluate(double t, std::span<double> u) const override;
  void rates(double t, std::span<double> udot) const override;
  bool stepwise() const override { return true; }

 private:
  std::vector<double> u_;
};

/// An initial-value problem: dy/dt = f(t, y, p, u(t)) from t0 to t1.
struct Problem {
  System<double> system;
  std::vector<double> p;               ///< [System::parameters]; empty: the circuit's defaults
  std::shared_ptr<const Drive> drive;  ///< may be null when the circuit has no inputs
  std::vector<double> y0;              ///< [System::states]; empty: the circuit's initial state at t0
  double t0 = 0;                       ///< [time unit]
  double t1 = 0;                       ///< [time unit] > t0
  /// Times at which Integrator::save is wanted. The integrator restarts there whether or not anything is saved, and so
  /// a resumed run has the bits of the uninterrupted one. (A multistep history cannot leave SUNDIALS.)
  std::vector<double> checkpoints;
  std::uint64_t seed = 0;               ///< of the circuit's noise: the same seed, the same paths
  std::vector<SpikeTrain> trains = {};  ///< of the circuit's recorded sources
};

/// @throws Error where p or y0 has another size than the circuit asks for, or a circuit with inputs has no drive
void require_fitting(const Problem& problem);
/// @throws Error where the recorded spikes are not those of the circuit's sources: one train for each, of its elements
void require_trains(const Problem& problem);

/// The times in (t0, t1) at which the drive or the circuit's own dependence on time is not smooth, ascending.
std::vector<double> breakpoints(const Problem& problem);

}  // namespace striate
