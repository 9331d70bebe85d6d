#include "sim/experiment_circuit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "circuit/text.hpp"
#include "circuit/text/constant.hpp"
#include "io/columns.hpp"
#include "io/text_file.hpp"
#include "models/library.hpp"
#include "sim/trained_parameters.hpp"

namespace striate {

std::string beside(const std::string& experiment_path, const std::string& file) {
  const auto candidate = std::filesystem::path(experiment_path).parent_path() / file;
  std::error_code none;
  return std::filesystem::exists(candidate, none) || !std::filesystem::exists(file, none) ? candidate.string() : file;
}

namespace {

/// The files that a circuit's text names lie beside it, or from here.
ReadColumns columns_beside(const std::string& path) {
  return [path](const std::string& file, const std::vector<std::string>& columns) {
    return read_columns(beside(path, file), columns);
  };
}

std::map<std::string, double> settings_of(const TomlTable& root) {
  std::map<std::string, double> settings;
  const auto table = root.find_table("settings");
  if (!table) return settings;
  for (const auto& key : table->keys()) {
    const TomlValue value = table->at(key);
    if (!value.is_table()) {
      settings[key] = value.is_bool() ? static_cast<double>(value.as_bool()) : value.as_number();
      continue;
    }
    for (const auto& inner : value.as_table().keys()) {
      const TomlValue v = value.as_table().at(inner);
      settings[inner == "size" ? key : key + "." + inner] =
          v.is_bool() ? static_cast<double>(v.as_bool()) : v.as_number();
    }
  }
  return settings;
}

}  // namespace

Circuit read_circuit_file(const std::string& path, const std::map<std::string, double>& settings) {
  return read_circuit(read_text_file(path), path, settings, columns_beside(path));
}

Circuit read_circuit_of(const TomlTable& root, const std::string& path) {
  const auto settings = settings_of(root);
  const TomlValue name = root.at("circuit");
  const std::string text = name.as_string();
  try {
    if (!text.ends_with(".circuit")) return model(text, settings);
    return read_circuit_file(beside(path, text), settings);
  } catch (const Error& e) {
    const bool file = !text.ends_with(".circuit") && text.find_first_of("./") != std::string::npos;
    throw Error(fmt::format("{}: circuit: {}{}", name.position(), e.what(),
                            file ? " A file of one's own ends in .circuit." : ""));
  }
}

std::optional<double> constant_of_circuit(const TomlTable& root, const std::string& path, const std::string& name) {
  const std::string circuit = root.string("circuit");
  if (!circuit.ends_with(".circuit"))
    return constant_in_text(model_text(circuit).text, circuit, name, settings_of(root));
  const std::string file = beside(path, circuit);
  return constant_in_text(read_text_file(file), file, name, settings_of(root), columns_beside(file));
}

Circuit with_values(Circuit circuit, const TomlTable& root, const std::string& path, const Variables& condition,
                    std::vector<VariedParameter>& varied) {
  if (const auto regime = root.find("regime")) {
    if (root.has("parameters_from"))
      regime->fail(
          "but parameters_from gives every parameter its value, and would leave nothing of a regime. Leave one of them "
          "out; [parameters] may change single values of either.");
    try {
      circuit = circuit.with_parameters(circuit.regime(regime->as_string()).values);
    } catch (const Error& e) {
      const std::string what = e.what();
      throw Error(what.starts_with(regime->position()) ? what : fmt::format("{}: {}", regime->position(), what));
    }
  }
  if (const auto file = root.find("parameters_from")) {
    try {
      circuit = with_trained_parameters(circuit, beside(path, file->as_string()));
    } catch (const Error& e) {
      throw Error(fmt::format("{}: {}", file->position(), e.what()));
    }
  }
  if (const auto table = root.find_table("parameters"))
    for (const auto& key : table->keys()) {
      const TomlValue value = table->at(key);
      try {
        const Unit& unit = circuit.parameter(key).variable.unit();
        std::vector<double> numbers;
        const auto vary = [&](const TomlValue& v, std::optional<std::size_t> element) {
          if (v.is_string() && std::ranges::any_of(condition, [&](const auto& c) { return v.mentions(c.first); }))
            varied.push_back({key, v.as_string(), fmt::format("{}: {}", v.position(), v.path()), element});
        };
        if (value.is_array())
          for (const auto& v : value.as_array()) {
            if (v.is_array())
              value.fail(
                  fmt::format("but its elements are numbers, not lists. Write all {} of them in one list, row by row.",
                              circuit.parameter(key).variable.shape().size()));
            vary(v, value.as_array().size() == 1 ? std::optional<std::size_t>() : numbers.size());
            numbers.push_back(evaluate(v, unit, condition));
          }
        else if (value.is_table()) {
          const TomlTable place = value.as_table();
          const std::string file = place.string("file"), column = place.string("column");
          numbers = read_columns(beside(path, file), {column});
          std::vector<std::size_t> shape;
          for (const auto& axis : circuit.parameter(key).variable.shape()) shape.push_back(axis.size);
          require_shape(beside(path, file), column, shape);
        } else
          numbers.push_back(evaluate(value, unit, condition));
        circuit = circuit.with_parameters({{key, numbers}});
        vary(value, {});
      } catch (const Error& e) {
        const std::string message = e.what();
        throw Error(message.starts_with(value.position())
                        ? message
                        : fmt::format("{}: {}: {}", value.position(), value.path(), message));
      }
    }
  return circuit;
}

}  // namespace striate
