#pragma once

#include <span>
#include <vector>

#include "sim/analysis.hpp"

namespace striate {

/// The axes of what a course analysis gives for one condition, time first where it lies along t.
/// @throws Error where the variable's axes, the recorded times or the weights do not suit the measure
std::vector<RowAxis> course_row(const Experiment& experiment, const Analysis& analysis);

/// The unit in which a course analysis comes out.
Unit course_unit(const Experiment& experiment, const Analysis& analysis);

/// One condition's course, [output_times, the variable's shape], as the analysis reads it: a row of course_row's
/// elements, before its scale. `other` is the course of the variable that CourseReading::with names, `parameters` those
/// of the condition. A place without amplitude has no phase and is left out; what nothing is left of is NaN.
/// @throws Failure where the signals cannot be analysed, such as one that is not finite
std::vector<double> analyse_course(const Experiment& experiment, const System<double>& system, const Analysis& analysis,
                                   std::span<const double> course, std::span<const double> other,
                                   std::span<const double> parameters);

}  // namespace striate
