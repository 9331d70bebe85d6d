#pragma once

#include <string>

#include "sim/experiment.hpp"

namespace striate {

struct RunOptions {
  std::string output;
  bool overwrite = false;
  bool quiet = false;
  int threads = 0;  ///< 0: as many as OpenMP offers
  std::string command;
};

/// Takes so many threads from now on. @returns their number
int use_threads(const RunOptions& options);

/// Runs every condition of an experiment, records it and its analyses, and prints its scores unless quiet.
/// Conditions run side by side; each is a pure function of the experiment and its index.
/// @throws Error for a mistake, Failure for a run that could not go on, Interrupted after Ctrl-C; the file stays valid
void run_experiment(const Experiment& experiment, const RunOptions& options);

}  // namespace striate
