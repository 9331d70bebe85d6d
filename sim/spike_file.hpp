#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "circuit/unit.hpp"

namespace striate {

/// Spikes as a file holds them: a time and an element each, in ascending order of time.
struct SpikeList {
  std::vector<double> times;  ///< [unit]
  std::vector<std::int64_t> ids;
  Unit unit;                  ///< of the times; 1 where the file does not say
  std::int64_t elements = 0;  ///< that may spike, as far as the file says or shows
  bool counted = false;       ///< whether the file says how many
  double end = 0;             ///< [unit] of the recorded times, or the last spike where that is later
  std::string warning;        ///< of a run that was stopped: up to when its spikes are there, as those read are
};

/// Where in a file spikes stand.
struct SpikePlace {
  std::string file;
  std::string population;                       ///< of HDF5: the group below /spikes, or a path; "": the only one
  std::int64_t condition = 0;                   ///< of a recording of several
  std::string times = "time", ids = "element";  ///< of CSV: the columns
  std::optional<Unit> unit = {};                ///< of the times, whatever the file says
};

/// Reads spikes from a recording of Striate (times and ids, or the SONATA layout), a SONATA file (timestamps [ms] and
/// node_ids), any HDF5 group with one of these pairs, or a CSV table.
/// @throws Error for a file that has no such spikes, naming the populations that it has
SpikeList read_spikes(const SpikePlace& place);

/// The spikes of each of the elements first, ..., end - 1, in ascending order. @throws Error for an element below 0
std::vector<std::vector<double>> spike_trains(const SpikeList& spikes, std::size_t first, std::size_t end,
                                              const std::string& where);

}  // namespace striate
