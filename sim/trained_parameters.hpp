#pragma once

#include <string>
#include <vector>

#include "circuit/circuit.hpp"
#include "io/hdf5.hpp"

namespace striate {

/// The values that a circuit declares, of one parameter after the other.
std::vector<double> declared_values(const Circuit& circuit);

/// Opens the file of a training whose trained parameters are those of a circuit, with the same axes and dimensions.
/// @throws Error naming both
H5File open_trained(const std::string& path, const Circuit& circuit);

/// A circuit with the trained parameters of a training's file, converted to the circuit's units. @throws Error as
/// open_trained
Circuit with_trained_parameters(const Circuit& circuit, const std::string& path);

}  // namespace striate
