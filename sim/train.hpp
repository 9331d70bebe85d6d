#pragma once

#include "sim/run.hpp"
#include "sim/training.hpp"

namespace striate {

struct TrainOptions {
  RunOptions run;
  bool resume = false;  ///< go on from the checkpoint in the output, with the bits of an undisturbed training
};

/// Trains a circuit and keeps what came out in one HDF5 file, from checkpoint to checkpoint.
/// @throws Error for a mistake; Failure where a loss or gradient is not finite, naming update, sample, the norms of the
///         parameters and the last good checkpoint; Interrupted after Ctrl-C, with a file that can be resumed
void train(const TrainingExperiment& training, const TrainOptions& options);

}  // namespace striate
