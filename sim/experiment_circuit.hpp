#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "circuit/circuit.hpp"
#include "io/toml.hpp"
#include "sim/quantity.hpp"

namespace striate {

/// The path of a file that an experiment names: beside the experiment if it lies there, else as it stands.
std::string beside(const std::string& experiment_path, const std::string& file);

/// A circuit's text file; files that it names lie beside it, or from here.
Circuit read_circuit_file(const std::string& path, const std::map<std::string, double>& settings = {});

/// The circuit that an experiment names under `circuit`, a model of the library or a text file, with its [settings].
/// @throws Error with file and line
Circuit read_circuit_of(const TomlTable& root, const std::string& path);

/// A constant of that circuit's text, with its [settings]; nothing where it declares none of that name.
std::optional<double> constant_of_circuit(const TomlTable& root, const std::string& path, const std::string& name);

/// The circuit with the values of `regime` or of `parameters_from` (a training's file), and of [parameters] over them;
/// those that name a variable of `condition` are added to `varied`, and hold their value in that condition here.
/// @throws Error with file and line
Circuit with_values(Circuit circuit, const TomlTable& root, const std::string& path, const Variables& condition,
                    std::vector<VariedParameter>& varied);

}  // namespace striate
