#pragma once

#include <array>
#include <vector>

#include "io/toml.hpp"
#include "sim/quantity.hpp"

namespace striate {

/// LMS cone excitations of a colour written as {dkl_radius, dkl_hue} (isoluminant plane of DKL space around grey),
/// {srgb = [r, g, b]} in 0..1, or {lms = [l, m, s]}.
///
/// Source  CIECAM02 matrix from XYZ to LMS; DKL axes and grey xyY = (0.310, 0.316, 0.75) as in Klauke & Wachtler (2015)
///         J Vis 15(13):17.
std::vector<double> read_colour(const TomlValue& value, const Variables& variables);

/// Weights [6][3] of the single-opponent channels R+G-, B+Y-, Wh+Bl- and their opposites on LMS.
/// Source  Zhang, Barhomi & Serre (2012) ECCV; unit-length opponent weights.
const std::array<std::array<double, 3>, 6>& opponent_weights();

}  // namespace striate
