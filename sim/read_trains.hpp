#pragma once

#include <string>
#include <vector>

#include "circuit/circuit.hpp"
#include "integrators/spike_record.hpp"
#include "io/toml.hpp"

namespace striate {

/// The spikes of [trains.NAME], of every source of recorded spikes that the circuit has: from a file (read_spikes), or
/// listed. `warnings` gains what is not whole of them. @throws Error with file and line for a source without spikes,
/// and for spikes of elements that it has not
std::vector<SpikeTrain> read_trains(const TomlTable& root, const Circuit& circuit, const std::string& path,
                                    std::vector<std::string>& warnings);

}  // namespace striate
