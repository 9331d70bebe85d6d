#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace striate {

/// Whether a name is one of these.
bool contains(const std::vector<std::string>& names, const std::string& name);

/// What a circuit may have: places along an axis, elements and axes of an array.
inline constexpr std::int64_t longest_axis = std::int64_t{1} << 30;
inline constexpr double most_elements = 4e9;
inline constexpr std::size_t most_axes = 16;

/// A named axis. Two axes of one circuit with the same name are the same axis and have the same length.
struct Axis {
  std::string name;
  std::size_t size = 1;
  bool operator==(const Axis&) const = default;
};

/// An ordered list of named axes; arrays are row-major in this order. A scalar has none.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Axis> axes) : axes_(axes) {}
  explicit Shape(std::vector<Axis> axes) : axes_(std::move(axes)) {}

  std::size_t rank() const { return axes_.size(); }
  std::size_t size() const;  ///< number of elements, 1 for a scalar
  const Axis& operator[](std::size_t i) const { return axes_[i]; }
  auto begin() const { return axes_.begin(); }
  auto end() const { return axes_.end(); }
  std::optional<std::size_t> find(std::string_view axis) const;
  bool has(std::string_view axis) const { return find(axis).has_value(); }
  Shape without(const std::vector<std::string>& axes) const;
  Shape with_last(Axis axis) const;
  std::size_t stride(std::size_t i) const;  ///< elements between neighbours along axis i
  std::vector<std::string> names() const;
  std::string element(std::size_t i) const;  ///< "[y=3, x=7]" for the element number i, "" of a scalar
  std::string str() const;                   ///< "[y, x]", "" for a scalar
  std::string str_sizes() const;             ///< "[y=64, x=64]", "scalar" for a scalar
  bool operator==(const Shape&) const = default;

 private:
  std::vector<Axis> axes_;
};

/// The union of two shapes by axis name, in the order of the larger one when it contains the other, else `a` before
/// `b`. Nothing when an axis has two lengths.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

}  // namespace striate
