#include "integrators/own_size.hpp"

#include <algorithm>
#include <cmath>

namespace striate {
namespace {

std::vector<double> by_field(const Fields& fields, std::vector<double> size) {
  for (const Field& field : fields) {
    const auto begin = size.begin() + static_cast<std::ptrdiff_t>(field.offset);
    const auto end = begin + static_cast<std::ptrdiff_t>(field.size);
    const double largest = field.size > 0 ? *std::max_element(begin, end) : 0;
    std::fill(begin, end, largest > 0 ? largest : 1);
  }
  return size;
}

void grow(std::vector<double>& size, std::span<const double> y) {
  for (std::size_t i = 0; i < y.size(); ++i) size[i] = std::max(size[i], std::abs(y[i]));
}

}  // namespace

std::vector<double> own_size(const Fields& states, const Course& course) {
  std::vector<double> size(states.size());
  for (const Piece& piece : course.pieces) {
    grow(size, piece.y);
    if (piece.event) grow(size, piece.event->before);
  }
  for (const auto& y : course.samples) grow(size, y);
  return by_field(states, std::move(size));
}

std::vector<double> own_size(const Fields& parameters, std::span<const double> p) {
  std::vector<double> size(parameters.size());
  grow(size, p);
  return by_field(parameters, std::move(size));
}

}  // namespace striate
