#pragma once

#include "integrators/integrator.hpp"

namespace striate {

/// What integrates one problem behind Integrator, which says what the functions do.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void continue_from(const Checkpoint& checkpoint) = 0;
  virtual Stop advance(double until) = 0;
  virtual double t() const = 0;
  virtual std::span<const double> y() const = 0;
  virtual At<double> at() = 0;
  virtual const EventRecord& event() const = 0;
  virtual void dense(double t, std::span<double> out) = 0;
  virtual const Counters& counters() = 0;
  virtual Checkpoint save() const = 0;
};

/// Locates events inside the steps of a Stepper (Spikes::precise).
std::unique_ptr<Engine> make_located(const Method& method, Problem problem);
/// Steps the whole circuit on a grid of times (Spikes::grid).
std::unique_ptr<Engine> make_grid(const Method& method, Problem problem, SpikeObserver observer);

}  // namespace striate
