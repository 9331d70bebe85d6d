#pragma once

#include <string>
#include <vector>

#include "sim/provenance.hpp"
#include "sim/training.hpp"

namespace striate {

/// Where a training stands: all that its next update depends on, and what is told of the past ones.
struct TrainingState {
  std::size_t updates = 0;  ///< done
  std::vector<double> p;    ///< [parameters of TrainingExperiment::free]
  Adam::State adam;
  std::vector<std::pair<std::vector<double>, std::vector<double>>> lbfgs;
  bool converged = false;     ///< L-BFGS found nothing lower, where nothing was promised either
  bool stuck = false;         ///< it found nothing lower, where the gradient promised it
  bool of_known_data = true;  ///< the file says which data it learnt from

  std::vector<double> best_p;  ///< at the lowest held-out loss; p where nothing is held out
  std::size_t best_update = 0;
  double best_loss = 0;
  std::size_t without_gain = 0;  ///< validations since

  std::vector<std::vector<double>> report;        ///< of each update, by report_names()
  std::vector<double> loss, gradient_norm, rate;  ///< of each update
  std::vector<double> validated;                  ///< updates done at each validation
  std::vector<double> held_out_loss;              ///< at each validation
  std::vector<std::vector<double>> metrics;       ///< by metric, at each validation
  std::string warnings;                           ///< a line for each
};

/// What made a file, and whether the training has ended.
struct TrainingNotes {
  Provenance made_by;
  bool complete = false;
  std::vector<std::vector<std::vector<double>>> courses;  ///< by example, by recorded variable
};

/// Writes the HDF5 file of a training (docs/training.md) whole beside `path`, then puts it in its place: the file at
/// `path` is at every moment the last one or this one.
void write_training(const std::string& path, const TrainingExperiment& training, const TrainingState& state,
                    const TrainingNotes& notes);

/// Where the training of a file stood. @throws Error where the file is of another training: another circuit,
/// experiment or data set, or parameters of other shapes
TrainingState read_training_state(const std::string& path, const TrainingExperiment& training);

}  // namespace striate
