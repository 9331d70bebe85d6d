#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace striate {

/// The analytic signal of x with a phase that only advances: generalised phase (Davis, Muller, Martinez-Trujillo,
/// Sejnowski & Reynolds 2020, Nature 587:432). Where the instantaneous frequency falls below `lowest`, and for twice as
/// long behind, the phase is replaced by a monotone cubic through its surroundings; the envelope is kept.
/// @param x a signal that has been filtered to a wide band @param dt [s] @param lowest [Hz]
/// @throws Error where fewer than four samples keep their phase
std::vector<std::complex<double>> generalised_phase(std::span<const double> x, double dt, double lowest = 0);

/// Angular frequency between neighbouring samples, over 2 pi [Hz]; the last repeats the one before.
std::vector<double> instantaneous_frequency(std::span<const std::complex<double>> signal, double dt);

/// A complex field on a grid, or on a line as its one row, at one time; rows along y; NaN where nothing was measured.
struct PhaseMap {
  std::span<const std::complex<double>> values;  ///< [rows, columns]
  std::size_t rows, columns;
  double spacing = 1;  ///< of neighbours [length]
};

/// The wave vector at every place: minus the gradient of the phase over 2 pi, times the sign of the local frequency, in
/// cycles per length. It points where the wave goes. Central differences inside, one-sided ones at the edges, as angles
/// of products, which need no unwrapping.
struct WaveField {
  std::vector<double> x, y;   ///< wave vector [rows, columns], NaN where it cannot be had
  std::vector<double> speed;  ///< |frequency| / |wave vector| [length/s]; infinite in synchrony
  double direction = 0;       ///< of the mean unit vector [rad], from the x axis
  double directionality = 0;  ///< its length: 1 for a plane wave, 0 for a target or a rotating wave
  double wavelength = 0;      ///< 1 over the mean |wave vector| [length]
  double mean_speed = 0;      ///< mean |frequency| over mean |wave vector| [length/s]
};

/// @param frequency instantaneous frequency of every place [Hz]
WaveField wave_field(const PhaseMap& map, std::span<const double> frequency);

/// The place (row, column) where the wave field diverges (source) or turns (centre) most, after a mean over 3 x 3
/// places.
struct Place {
  std::size_t row, column;
};
Place source_point(const WaveField& field, std::size_t rows, std::size_t columns);
Place rotation_centre(const WaveField& field, std::size_t rows, std::size_t columns);

/// Correlation of phases with a linear quantity (Mardia 1976, as CircStat's circ_corrcl), 0 to 1.
double circular_linear_correlation(std::span<const double> phase, std::span<const double> x);
/// Correlation of two sets of angles, -1 to 1 (Fisher & Lee 1983 Biometrika 70:327-332). It needs no mean angle, which
/// the phases of a rotating wave do not have.
double circular_correlation(std::span<const double> a, std::span<const double> b);

/// A pattern against the same phases shuffled over the places.
struct WaveTest {
  double correlation = 0;
  double p = 1;  ///< (1 + shuffles at least as correlated)/(1 + shuffles)
};
/// Phase against distance from `source`.
WaveTest target_wave_test(const PhaseMap& map, Place source, std::size_t shuffles, std::uint64_t seed);
/// Phase against the angle round `centre`.
WaveTest rotating_wave_test(const PhaseMap& map, Place centre, std::size_t shuffles, std::uint64_t seed);

}  // namespace striate
