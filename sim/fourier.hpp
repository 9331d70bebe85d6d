#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace striate {

using Complex = std::complex<double>;

/// The discrete Fourier transform of any length; `forward` has exp(-2 pi i k n/N), the other way divides by N.
std::vector<Complex> fourier(std::span<const Complex> x, bool forward = true);

/// x + i times its Hilbert transform (Marple 1999): negative frequencies removed, positive ones doubled, constant and
/// Nyquist kept once. @throws Error where x is empty or holds a number that is not finite
std::vector<Complex> analytic_signal(std::span<const double> x);

/// x less what lies outside [low, high] Hz, without a shift of phase: the gain of a Butterworth filter of order 4, run
/// forwards and backwards, applied to the spectrum of x continued by odd reflection at both ends.
/// @param dt between samples [s] @throws Error unless 0 < low < high < 1/(2 dt)
std::vector<double> band_pass(std::span<const double> x, double dt, double low, double high);

/// Averages over half-overlapping segments under a Hann window, each less its mean (Welch 1967).
struct Spectra {
  std::vector<double> frequency;  ///< 0 to 1/(2 dt) [Hz]
  std::vector<double> xx,
      yy;  ///< one-sided densities [unit^2/Hz]; their sum times the step of frequency is the variance
  std::vector<Complex>
      coherency;  ///< S_xy/sqrt(S_xx S_yy); its modulus is the coherence, 0 where nothing is to compare
};

/// @param segment samples of one segment, at least 4. @throws Error unless x and y have one length and fill two
/// segments (of one segment every coherence is 1)
Spectra spectra(std::span<const double> x, std::span<const double> y, double dt, std::size_t segment);

/// Power density of one signal, as Spectra::xx. One segment will do.
Spectra spectrum(std::span<const double> x, double dt, std::size_t segment);

/// Power of a field on a line over frequency and wave number: |FFT2|^2/(times places), of the field less its mean.
struct SpaceTimeSpectrum {
  std::vector<double> frequency;    ///< ascending, negative ones first [Hz]
  std::vector<double> wave_number;  ///< ascending [cycles/length]; positive: a wave towards higher places at f > 0
  std::vector<double> power;        ///< [frequency, wave_number]
};

/// @param x [times, places]
SpaceTimeSpectrum space_time_spectrum(std::span<const double> x, std::size_t places, double dt, double spacing);

}  // namespace striate
