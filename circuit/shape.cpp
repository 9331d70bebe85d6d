#include "circuit/shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace striate {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::size_t Shape::size() const {
  std::size_t n = 1;
  for (const auto& axis : axes_) n *= axis.size;
  return n;
}

std::optional<std::size_t> Shape::find(std::string_view axis) const {
  for (std::size_t i = 0; i < axes_.size(); ++i)
    if (axes_[i].name == axis) return i;
  return std::nullopt;
}

Shape Shape::without(const std::vector<std::string>& axes) const {
  std::vector<Axis> kept;
  for (const auto& axis : axes_)
    if (!contains(axes, axis.name)) kept.push_back(axis);
  return Shape(std::move(kept));
}

Shape Shape::with_last(Axis axis) const {
  auto axes = axes_;
  axes.push_back(std::move(axis));
  return Shape(std::move(axes));
}

std::size_t Shape::stride(std::size_t i) const {
  std::size_t n = 1;
  for (std::size_t j = i + 1; j < axes_.size(); ++j) n *= axes_[j].size;
  return n;
}

std::vector<std::string> Shape::names() const {
  std::vector<std::string> names;
  for (const auto& axis : axes_) names.push_back(axis.name);
  return names;
}

std::string Shape::element(std::size_t i) const {
  std::string text;
  for (std::size_t a = 0; a < rank(); ++a)
    text += fmt::format("{}{}={}", a == 0 ? "[" : ", ", axes_[a].name, i / stride(a) % axes_[a].size);
  return rank() == 0 ? text : text + "]";
}

std::string Shape::str() const {
  if (axes_.empty()) return "";
  std::vector<std::string> names;
  for (const auto& axis : axes_) names.push_back(axis.name);
  return fmt::format("[{}]", fmt::join(names, ", "));
}

std::string Shape::str_sizes() const {
  if (axes_.empty()) return "scalar";
  std::vector<std::string> names;
  for (const auto& axis : axes_) names.push_back(fmt::format("{}={}", axis.name, axis.size));
  return fmt::format("[{}]", fmt::join(names, ", "));
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  for (const auto& axis : a)
    if (const auto i = b.find(axis.name); i && b[*i].size != axis.size) return std::nullopt;
  const auto contains = [](const Shape& outer, const Shape& inner) {
    return std::all_of(inner.begin(), inner.end(), [&](const Axis& axis) { return outer.has(axis.name); });
  };
  if (contains(a, b)) return a;
  if (contains(b, a)) return b;
  std::vector<Axis> axes(a.begin(), a.end());
  for (const auto& axis : b)
    if (!a.has(axis.name)) axes.push_back(axis);
  return Shape(std::move(axes));
}

}  // namespace striate
