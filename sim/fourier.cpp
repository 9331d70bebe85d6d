#include "sim/fourier.hpp"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <unsupported/Eigen/FFT>

#include "base/error.hpp"

namespace striate {
namespace {

void require_finite(std::string_view what, std::span<const double> x) {
  if (x.empty()) throw Error(fmt::format("{}: the signal has no samples.", what));
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i]))
      throw Error(
          fmt::format("{}: sample {} = {}, but every sample must be finite. Fill or cut the gaps.", what, i, x[i]));
}

void require_step(std::string_view what, double dt) {
  if (!(dt > 0 && std::isfinite(dt)))
    throw Error(fmt::format("{}: the time between samples = {} s, but must be positive.", what, dt));
}

double mean(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

/// The spectra of one segment of x, less its mean, under a Hann window of unit mean square.
std::vector<Complex> windowed(std::span<const double> x) {
  const double level = mean(x);
  const auto n = static_cast<double>(x.size());
  std::vector<Complex> segment(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double hann = 1 - std::cos(2 * std::numbers::pi * static_cast<double>(i) / n);
    segment[i] = (x[i] - level) * hann / std::sqrt(1.5);
  }
  return fourier(segment);
}

Spectra welch(std::span<const double> x, std::span<const double> y, double dt, std::size_t segment) {
  const std::size_t half = segment / 2;
  const std::size_t bins = segment / 2 + 1;
  Spectra s;
  s.frequency.resize(bins);
  for (std::size_t k = 0; k < bins; ++k) s.frequency[k] = static_cast<double>(k) / (static_cast<double>(segment) * dt);
  s.xx.assign(bins, 0);
  s.yy.assign(bins, 0);
  std::vector<Complex> xy(bins);
  double count = 0;
  for (std::size_t begin = 0; begin + segment <= x.size(); begin += half, ++count) {
    const auto a = windowed(x.subspan(begin, segment));
    const auto b = windowed(y.subspan(begin, segment));
    for (std::size_t k = 0; k < bins; ++k) {
      s.xx[k] += std::norm(a[k]);
      s.yy[k] += std::norm(b[k]);
      xy[k] += a[k] * std::conj(b[k]);
    }
  }
  for (std::size_t k = 0; k < bins; ++k) {
    const double both = std::sqrt(s.xx[k] * s.yy[k]);
    s.coherency.push_back(both > 0 ? xy[k] / both : Complex());
    const bool once = k == 0 || 2 * k == segment;
    const double density = (once ? 1 : 2) * dt / (static_cast<double>(segment) * count);
    s.xx[k] *= density;
    s.yy[k] *= density;
  }
  return s;
}

void require_segments(std::string_view what, std::size_t samples, double dt, std::size_t segment, std::size_t least) {
  require_step(what, dt);
  if (segment < 4) throw Error(fmt::format("{}: a segment has {} samples, but needs at least 4.", what, segment));
  const std::size_t needed = segment + (least - 1) * (segment / 2);
  if (samples < needed)
    throw Error(
        fmt::format("{}: the signal has {} samples, but {} segment{} of {} samples need{} {}. Shorten the segment.",
                    what, samples, least, least == 1 ? "" : "s", segment, least == 1 ? "s" : "", needed));
}

}  // namespace

std::vector<Complex> fourier(std::span<const Complex> x, bool forward) {
  if (x.size() < 2) return {x.begin(), x.end()};
  Eigen::FFT<double> transform;
  const std::vector<Complex> in(x.begin(), x.end());
  std::vector<Complex> out;
  if (forward)
    transform.fwd(out, in);
  else
    transform.inv(out, in);
  return out;
}

std::vector<Complex> analytic_signal(std::span<const double> x) {
  require_finite("analytic signal", x);
  auto spectrum = fourier(std::vector<Complex>(x.begin(), x.end()));
  const std::size_t n = x.size();
  for (std::size_t k = 1; k < n; ++k) {
    if (2 * k < n) spectrum[k] *= 2;
    if (2 * k > n) spectrum[k] = 0;
  }
  return fourier(spectrum, false);
}

std::vector<double> band_pass(std::span<const double> x, double dt, double low, double high) {
  require_finite("band pass", x);
  require_step("band pass", dt);
  if (!(0 < low && low < high && high < 0.5 / dt))
    throw Error(
        fmt::format("band pass: from {} to {} Hz, but must lie in order between 0 and {} Hz, half the rate of "
                    "sampling.",
                    low, high, 0.5 / dt));
  const std::size_t n = x.size();
  std::vector<Complex> extended(3 * n);
  for (std::size_t i = 0; i < n; ++i) {
    extended[i] = 2 * x[0] - x[n - 1 - i];
    extended[n + i] = x[i];
    extended[2 * n + i] = 2 * x[n - 1] - x[n - 1 - i];
  }
  auto spectrum = fourier(extended);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    const std::size_t from_end = spectrum.size() - k;
    const double f = static_cast<double>(std::min(k, from_end)) / (static_cast<double>(spectrum.size()) * dt);
    // The analogue band-pass prototype of order 4; forwards and backwards is its gain squared.
    const double ratio = f == 0 ? std::numeric_limits<double>::infinity() : (f * f - low * high) / (f * (high - low));
    spectrum[k] *= 1 / (1 + std::pow(ratio, 8));
  }
  const auto filtered = fourier(spectrum, false);
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) result[i] = filtered[n + i].real();
  return result;
}

Spectra spectra(std::span<const double> x, std::span<const double> y, double dt, std::size_t segment) {
  require_finite("coherence", x);
  require_finite("coherence", y);
  if (x.size() != y.size())
    throw Error(
        fmt::format("coherence: the signals have {} and {} samples, but must have as many.", x.size(), y.size()));
  require_segments("coherence", x.size(), dt, segment, 2);
  return welch(x, y, dt, segment);
}

Spectra spectrum(std::span<const double> x, double dt, std::size_t segment) {
  require_finite("spectrum", x);
  require_segments("spectrum", x.size(), dt, segment, 1);
  return welch(x, x, dt, segment);
}

SpaceTimeSpectrum space_time_spectrum(std::span<const double> x, std::size_t places, double dt, double spacing) {
  constexpr std::string_view what = "space-time spectrum";
  require_finite(what, x);
  require_step(what, dt);
  if (places == 0 || x.size() % places != 0)
    throw Error(fmt::format("{}: {} values do not fill rows of {} places.", what, x.size(), places));
  if (!(spacing > 0)) throw Error(fmt::format("{}: the spacing of places = {}, but must be positive.", what, spacing));
  const std::size_t times = x.size() / places;
  const double level = mean(x);
  std::vector<Complex> field(x.size());
  for (std::size_t t = 0; t < times; ++t) {
    std::vector<Complex> row(places);
    for (std::size_t i = 0; i < places; ++i) row[i] = x[t * places + i] - level;
    // exp(i(k x - w t)) travels upwards: the other sign along places.
    row = fourier(row, false);
    for (std::size_t i = 0; i < places; ++i) field[t * places + i] = row[i] * static_cast<double>(places);
  }
  for (std::size_t i = 0; i < places; ++i) {
    std::vector<Complex> column(times);
    for (std::size_t t = 0; t < times; ++t) column[t] = field[t * places + i];
    column = fourier(column);
    for (std::size_t t = 0; t < times; ++t) field[t * places + i] = column[t];
  }
  const auto ascending = [](std::size_t n, double step) {
    std::vector<double> values(n);
    for (std::size_t k = 0; k < n; ++k)
      values[k] = (static_cast<double>(k) - static_cast<double>(n / 2)) / (static_cast<double>(n) * step);
    return values;
  };
  SpaceTimeSpectrum s{ascending(times, dt), ascending(places, spacing), std::vector<double>(x.size())};
  for (std::size_t f = 0; f < times; ++f)
    for (std::size_t k = 0; k < places; ++k)
      s.power[f * places + k] =
          std::norm(field[(f + times - times / 2) % times * places + (k + places - places / 2) % places]) /
          static_cast<double>(x.size());
  return s;
}

}  // namespace striate
