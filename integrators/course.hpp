#pragma once

#include <optional>

#include "integrators/integrator.hpp"

namespace striate {

/// A smooth stretch of a run: no event, no breakpoint of the drive inside.
struct Piece {
  double begin = 0, end = 0;         ///< may be equal, where an event and a breakpoint coincide
  std::vector<double> y;             ///< at begin
  std::vector<double> held;          ///< the inputs that say who is refractory
  std::vector<std::size_t> samples;  ///< indices of the sample times in (begin, end]; in the first piece t0, too
  std::uint64_t steps = 0;           ///< that the method took
  std::optional<EventRecord> event;  ///< at the end: spikes, arrivals or releases
  bool at_break = false;             ///< it ends at a breakpoint
};

/// A spike of a run.
struct SpikeTime {
  double t = 0;
  std::size_t element = 0;  ///< into the guard vector
  std::uint64_t spike = 0;  ///< its number in the run
};

/// A run cut at its events and at the breakpoints of its drive.
struct Course {
  std::vector<Piece> pieces;
  std::vector<std::vector<double>> samples;  ///< states at the sample times; at an event, after it
  std::vector<SpikeTime> spikes;
  /// The elements that could have spiked and did not: no derivative tells what would make them, as "spike [3]".
  std::vector<std::string> silent;
  Counters counters;
};

/// Where a segment that begins with a piece ends: of a piece whose begin and end rounding alone sets apart, where the
/// one after it does, so that what compares with the time there has its value after.
double segment_end(const Course& run, const Piece& piece);

/// @param times  ascending in [t0, t1]
Course course(const Problem& problem, const Method& method, std::span<const double> times);

}  // namespace striate
