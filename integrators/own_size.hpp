#pragma once

#include "circuit/system.hpp"
#include "integrators/course.hpp"

namespace striate {

/// [states] the largest absolute value that an element of the same field reached in the run; 1 where it was always 0.
std::vector<double> own_size(const Fields& states, const Course& course);
/// [parameters] the largest absolute value of an element of the same field; 1 where all are 0.
std::vector<double> own_size(const Fields& parameters, std::span<const double> p);

}  // namespace striate
