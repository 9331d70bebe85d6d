#pragma once

#include <span>
#include <string>
#include <vector>

namespace striate {

/// How a population response is read: the position it points to on its feature axis, 0..1 along the axis's range.
enum class Decoder {
  population_vector,  ///< angle of the sum of responses as vectors around the axis, taken as a circle
  peak,               ///< position of the largest response, refined by a parabola through it and its neighbours
  fit,                ///< centre of the von Mises curve with offset that fits best in the least-squares sense
};

/// @throws Error naming the nearest decoders
Decoder decoder_named(const std::string& name);

/// `positions` are the preferred features, 0..1, evenly spaced; `circular`: the first follows the last. NaN where the
/// response points nowhere (no or symmetric response).
/// Source  population vector: Georgopoulos et al. (1986) Science 233:1416-1419.
double decode(Decoder decoder, std::span<const double> response, std::span<const double> positions, bool circular);

}  // namespace striate
