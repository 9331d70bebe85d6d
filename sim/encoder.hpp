#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "circuit/circuit.hpp"
#include "io/toml.hpp"
#include "sim/stimulus.hpp"

namespace striate {

/// Turns scenes into the values of one input of a circuit: the population code of the layer before it.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Writes the input [its shape] for one scene.
  virtual void encode(const Scene& scene, std::span<double> input) const = 0;
};

/// Reads [encoder]: kind = "circular" | "gaussian" | "opponent" | "filter_bank" | "luminance" | "contrast", its
/// tuning and normalisation.
/// @throws Error with file and line
std::unique_ptr<Encoder> make_encoder(const TomlTable& table, const Circuit& circuit, const Input& input,
                                      const FeatureMap& map);

/// 0..1 positions of the elements of a feature axis within its range.
std::vector<double> axis_positions(const AxisDeclaration& axis);

}  // namespace striate
