#pragma once

#include <string>
#include <vector>

#include "sim/experiment.hpp"

namespace striate {

/// The kinds of analysis that measure a course, in the order of CourseMeasure.
const std::vector<std::string>& course_measures();

/// How an [[analysis]] of such a kind reads its variable. Sets the analysis's axis too. @throws Error
CourseReading read_course_reading(const TomlTable& table, const Experiment& experiment, Analysis& analysis);

}  // namespace striate
