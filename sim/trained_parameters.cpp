#include "sim/trained_parameters.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "sim/provenance.hpp"

namespace striate {
namespace {

std::string shape_text(const std::vector<std::size_t>& sizes) {
  std::string text;
  for (const auto n : sizes) text += fmt::format("{}{}", text.empty() ? "" : " x ", n);
  return text.empty() ? "one number" : text;
}

std::vector<std::size_t> sizes_of(const Shape& shape) {
  std::vector<std::size_t> sizes;
  for (const auto& axis : shape) sizes.push_back(axis.size);
  return sizes;
}

/// The same axes in the same order, as axes_of() names them.
void require_axes(const H5File& file, const std::string& name, const Shape& shape, const Circuit& circuit) {
  const auto scales = file.axes(name);
  std::string there;
  bool same = true;
  for (std::size_t a = 0; a < scales.size(); ++a) {
    const std::string axis = scales[a].substr(scales[a].rfind('/') + 1);
    same =
        same && (axis.empty() || axis == shape[a].name || axis == fmt::format("{}_{}", shape[a].name, shape[a].size));
    there += fmt::format("{}{}", there.empty() ? "" : ", ", axis);
  }
  if (!same)
    throw Error(
        file.path(),
        fmt::format("parameter '{}' has the axes [{}] there, but {} in circuit '{}'. Declare them in that order.",
                    name.substr(name.rfind('/') + 1), there, shape.str_sizes(), circuit->name));
}

Unit unit_there(const H5File& file, const Parameter& p) {
  const auto units = file.attribute("/parameters/" + p.variable->name, "units");
  return units && std::holds_alternative<std::string>(*units) ? Unit::parse(std::get<std::string>(*units))
                                                              : p.variable.unit();
}

}  // namespace

std::vector<double> declared_values(const Circuit& circuit) {
  std::vector<double> values;
  for (const auto& p : circuit->parameters) values.insert(values.end(), p.value.begin(), p.value.end());
  return values;
}

H5File open_trained(const std::string& path, const Circuit& circuit) {
  H5File file = open_recording(path);
  if (!file.exists("/parameters")) throw Error(path, "it is no training: it holds no parameters.");
  for (const auto& p : circuit->parameters) {
    const std::string name = "/parameters/" + p.variable->name;
    if (!file.exists(name))
      throw Error(file.path(),
                  fmt::format("it holds no parameter '{}' of circuit '{}'.{}", p.variable->name, circuit->name,
                              suggest_names(p.variable->name, file.datasets("/parameters"))));
    if (file.shape(name) != sizes_of(p.variable.shape()))
      throw Error(file.path(),
                  fmt::format("parameter '{}' has the shape {} there, but {} in circuit '{}'.", p.variable->name,
                              shape_text(file.shape(name)), shape_text(sizes_of(p.variable.shape())), circuit->name));
    require_axes(file, name, p.variable.shape(), circuit);
    if (const Unit there = unit_there(file, p); !there.same_dimension(p.variable.unit()))
      throw Error(file.path(), fmt::format("parameter '{}' is in {} there, but in {} in circuit '{}'.",
                                           p.variable->name, there.str(), p.variable.unit().str(), circuit->name));
  }
  return file;
}

Circuit with_trained_parameters(const Circuit& circuit, const std::string& path) {
  const H5File file = open_trained(path, circuit);
  std::vector<std::pair<std::string, std::vector<double>>> values;
  for (const auto& p : circuit->parameters) {
    auto& [name, numbers] =
        values.emplace_back(p.variable->name, file.read_numbers("/parameters/" + p.variable->name).values);
    const double factor = unit_there(file, p).to(p.variable.unit());
    for (double& number : numbers) number *= factor;
  }
  return circuit.with_parameters(values);
}

}  // namespace striate
