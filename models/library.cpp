#include "models/library.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "circuit/text.hpp"

namespace striate {

const ModelText& model_text(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& m : model_texts()) {
    if (m.name == name) return m;
    names.push_back(m.name);
  }
  throw Error(fmt::format("there is no model '{}' in the library.{}", name, suggest_names(name, names)));
}

Circuit model(std::string_view name, const std::map<std::string, double>& settings) {
  const ModelText& m = model_text(name);
  return read_circuit(m.text, m.name + ".circuit", settings);
}

}  // namespace striate
