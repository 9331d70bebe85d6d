#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "circuit/circuit.hpp"

namespace striate {

/// A model of the library: one .circuit file of the folder models/.
struct ModelText {
  std::string name;
  std::string text;
};

/// Every model, by name in alphabetical order.
const std::vector<ModelText>& model_texts();

/// @throws Error naming the nearest models
const ModelText& model_text(std::string_view name);

/// A model of the library with other values for its axes' lengths and constants.
Circuit model(std::string_view name, const std::map<std::string, double>& settings = {});

}  // namespace striate
