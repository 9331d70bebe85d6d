#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "circuit/unit.hpp"

namespace striate {

/// What an analysis measures of a course in time that it needs as a whole, or at every place at once.
enum class CourseMeasure {
  order,                ///< |mean exp(i m theta)| over all places
  local_order,          ///< the same over the neighbours along an axis, of every place
  link_order,           ///< the same over the links of a matrix of weights
  metastability,        ///< variance over time of the order of each community
  chimera_index,        ///< variance across communities of their order
  phase,                ///< of every place
  envelope,             ///< modulus of the analytic signal of every place
  frequency,            ///< instantaneous, of every place
  wave_vector,          ///< of every place of a line or a sheet
  wave,                 ///< one number of the field of wave vectors
  phase_locking,        ///< of every pair of places, or of two variables at every place
  coherence,            ///< of two variables, mean over places
  spectrum,             ///< power density, mean over places
  space_time_spectrum,  ///< over frequency and wave number along a line
};

/// Where the phase of a variable comes from.
enum class PhaseSource {
  own,          ///< of a complex variable: its argument
  angle,        ///< the variable is a phase
  analytic,     ///< of the analytic signal
  generalised,  ///< the same, made to advance (generalised_phase)
};

/// What is read from the field of wave vectors at one time.
enum class WaveNumber {
  direction,
  directionality,
  wavelength,
  speed,
  source_x,
  source_y,
  centre_x,
  centre_y,
  target,  ///< correlation of phase with distance from the source
  target_p,
  rotation,  ///< correlation of phase with the angle round the centre
  rotation_p,
};

/// How an analysis reads a course.
struct CourseReading {
  CourseMeasure measure = CourseMeasure::order;
  PhaseSource phase = PhaseSource::own;
  std::optional<std::pair<double, double>> band;  ///< Hz, before the analytic signal and the spectra
  double lowest = 0;                              ///< Hz, generalised phase
  std::string with;                               ///< the other variable of phase_locking and coherence
  int moment = 1;
  std::size_t reach = 1;  ///< neighbours on each side
  std::string weights;    ///< the parameter [post, pre] of link_order
  double segment = 0;     ///< of spectra [s]; 0: a quarter of what is read
  double spacing = 1;     ///< of neighbouring places [length]
  Unit length;            ///< "1": in places
  WaveNumber wave = WaveNumber::direction;
  std::size_t shuffles = 200;
  std::uint64_t seed = 0;
  bool against_time = false;

  bool needs_phase() const {
    return measure != CourseMeasure::coherence && measure != CourseMeasure::spectrum &&
           measure != CourseMeasure::space_time_spectrum;
  }
  /// Whether it is a number, or a row, at every time.
  bool at_every_time() const {
    return needs_phase() && measure != CourseMeasure::metastability && measure != CourseMeasure::chimera_index &&
           measure != CourseMeasure::phase_locking;
  }
};

}  // namespace striate
