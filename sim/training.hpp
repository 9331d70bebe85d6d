#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "circuit/circuit.hpp"
#include "integrators/fixed_point.hpp"
#include "io/toml.hpp"
#include "sim/data_set.hpp"
#include "sim/loss.hpp"
#include "sim/optimiser.hpp"

namespace striate {

/// How the derivatives of a loss are found: [gradient].
struct GradientPlan {
  bool fixed_point = false;  ///< recurrent back-propagation at the last state; else through all steps
  std::size_t memory = 0;    ///< through all steps: bytes for the states of one evaluation; 0: any
  FixedPointSettings solve;
  ContractionPenalty penalty;
};

/// How a training runs: [train] and [optimiser].
struct TrainingPlan {
  enum class Optimiser { adam, adamw, lbfgs } optimiser = Optimiser::adam;
  Adam::Settings adam;
  Schedule schedule;
  double rate = 1e-3;
  double clip = 0;  ///< longest gradient; 0: any
  std::size_t lbfgs_memory = 10;
  bool single = true;        ///< float or double
  std::size_t steps = 1;     ///< of the map, for each sample
  std::size_t batch = 32;    ///< samples for each update; all of them for L-BFGS
  std::size_t together = 1;  ///< samples of a batch that one evaluation takes side by side
  std::size_t updates = 1000;
  std::size_t held_out = 0;            ///< samples that are never learnt from
  std::size_t validate_every = 100;    ///< updates
  std::size_t checkpoint_every = 100;  ///< updates
  std::size_t patience = 0;            ///< validations without gain after which training ends; 0: never
  std::size_t examples = 4;            ///< held-out samples recorded with their course at the end
  std::vector<std::string> record;     ///< what is recorded of them
  std::uint64_t seed = 0;              ///< of the order of samples
};

/// A training as resolved from TOML.
struct TrainingExperiment {
  std::string title, path;
  Circuit circuit;          ///< as written, with the values that the parameters start from
  Circuit steps;            ///< the same as a map: discretised, where it is a flow
  Circuit free;             ///< with its loss, and parameters that may move freely
  Circuit map;              ///< `together` samples of it side by side
  std::vector<bool> moves;  ///< which values of the parameters of `free` are trained
  LossPlan loss;
  GradientPlan gradient;
  TrainingPlan plan;
  std::shared_ptr<const DataSet> data;
  std::vector<std::pair<std::string, std::size_t>> from_data;  ///< input of `free`, variable of the data set
  std::vector<std::pair<std::string, double>> fixed_inputs;    ///< others, uniform and constant
  std::string resolved;                                        ///< as TOML

  std::size_t training_samples() const { return data->size() - plan.held_out; }
  /// Samples that are never learnt from: some drawn at random, in a fixed order.
  std::vector<std::size_t> held_out() const;
  /// All other samples, in the order in which an epoch takes them.
  std::vector<std::size_t> epoch(std::size_t number) const;
};

/// Reads and checks a whole training. @throws Error with file, line, key, value and the nearest valid names
TrainingExperiment read_training(TomlDocument& document, const std::string& path);

/// The training of a file, with `--set` overrides (key, value) applied.
TrainingExperiment load_training(const std::string& path,
                                 const std::vector<std::pair<std::string, std::string>>& overrides = {});

}  // namespace striate
