#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "circuit/system.hpp"
#include "sim/training.hpp"

namespace striate {

/// The mean loss of a training over some samples, with its derivatives: what an optimiser makes small.
///
/// Samples are taken `together` at a time; such pieces run side by side over threads, and their sums are taken in the
/// order of the samples: the bits do not depend on the number of threads.
class SampleLoss {
 public:
  virtual ~SampleLoss() = default;

  /// Means over the samples: the loss, then the metrics.
  struct Value {
    double loss = 0;
    double penalty = 0;  ///< of a differentiation: the gradient is that of loss + penalty
    std::vector<double> metrics;
    std::vector<double> report;  ///< of a differentiation: largest of each of report_names() over the samples
    std::string warning;
  };
  /// @throws Failure where a loss is not finite, naming the sample
  virtual Value evaluate(std::span<const double> p, std::span<const std::size_t> samples) const = 0;
  /// The same, with the derivatives towards the free parameters in `gradient`.
  virtual Value differentiate(std::span<const double> p, std::span<const std::size_t> samples,
                              std::span<double> gradient) const = 0;
  /// The courses of the recorded variables (TrainingPlan::record) for the first of some samples, beside the others as
  /// far as the circuit has an axis `batch` of its own: [steps + 1, its shape] each.
  virtual std::vector<std::vector<double>> courses(std::span<const double> p,
                                                   std::span<const std::size_t> samples) const = 0;
};

/// What a way to differentiate tells of itself: nothing, or of fixed points penalty, forward_residual, spectral_radius
/// and products.
std::vector<std::string> report_names(const GradientPlan& plan);

/// In float or double, as the training's plan says.
std::unique_ptr<SampleLoss> make_sample_loss(const TrainingExperiment& training);

}  // namespace striate
