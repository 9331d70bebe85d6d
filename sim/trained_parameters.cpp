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
  }
  return file;
}

Circuit with_trained_parameters(const Circuit& circuit, const std::string& path) {
  const H5File file = open_trained(path, circuit);
  std::vector<std::pair<std::string, std::vector<double>>> values;
  for (const auto& p : circuit->parameters)
    values.emplace_back(p.variable->name, file.read_numbers("/parameters/" + p.variable->name).values);
  return circuit.with_parameters(values);
}

}  // namespace striate
