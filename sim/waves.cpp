#include "sim/waves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/nan.hpp"
#include "base/random.hpp"
#include "sim/fourier.hpp"

namespace striate {
namespace {

using std::numbers::pi;

/// Slopes of the monotone cubic through (x, y) (Fritsch & Butland 1984).
std::vector<double> monotone_slopes(const std::vector<double>& x, const std::vector<double>& y) {
  const std::size_t n = x.size();
  std::vector<double> step(n - 1);
  std::vector<double> chord(n - 1);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    step[i] = x[i + 1] - x[i];
    chord[i] = (y[i + 1] - y[i]) / step[i];
  }
  std::vector<double> slope(n);
  slope[0] = chord[0];
  slope[n - 1] = chord[n - 2];
  for (std::size_t i = 1; i + 1 < n; ++i) {
    if (chord[i - 1] * chord[i] <= 0) continue;
    const double w = 2 * step[i] + step[i - 1];
    const double v = step[i] + 2 * step[i - 1];
    slope[i] = (w + v) / (w / chord[i - 1] + v / chord[i]);
  }
  return slope;
}

/// Marks runs below `lowest`, each lengthened to three times its length.
std::vector<bool> unreliable(const std::vector<double>& frequency, double lowest) {
  std::vector<bool> bad(frequency.size());
  for (std::size_t i = 0; i < frequency.size();) {
    if (!(frequency[i] < lowest)) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < frequency.size() && frequency[end] < lowest) ++end;
    for (std::size_t j = i; j < std::min(frequency.size(), end + 2 * (end - i)); ++j) bad[j] = true;
    i = end;
  }
  return bad;
}

void require_map(const PhaseMap& map) {
  if (map.rows < 1 || map.columns < 1 || map.rows * map.columns < 2 || map.values.size() != map.rows * map.columns)
    throw Error(
        fmt::format("phase map: {} values for {} rows and {} columns, but a full grid of at least 1 x 2 is needed.",
                    map.values.size(), map.rows, map.columns));
  if (!(map.spacing > 0)) throw Error(fmt::format("phase map: the spacing = {}, but must be positive.", map.spacing));
}

/// -(phase difference along one axis)/(2 pi length); 0 along an axis of one place.
double slope_along(const PhaseMap& map, std::size_t at, std::size_t place, std::size_t count, std::size_t stride) {
  if (count == 1) return 0;
  const std::size_t before = place > 0 ? at - stride : at;
  const std::size_t after = place + 1 < count ? at + stride : at;
  if (std::abs(map.values[after]) == 0 || std::abs(map.values[before]) == 0) return nan;
  const double apart = map.spacing * static_cast<double>((after - before) / stride);
  return -std::arg(map.values[after] * std::conj(map.values[before])) / (2 * pi * apart);
}

/// Where `of` x- and y-derivatives of the smoothed unit vectors is largest.
template <class Of>
Place largest(const WaveField& field, std::size_t rows, std::size_t columns, const Of& of) {
  if (rows < 3 || columns < 3 || field.x.size() != rows * columns)
    throw Error(fmt::format("wave field: {} values for {} rows and {} columns, but at least 3 x 3 are needed.",
                            field.x.size(), rows, columns));
  const auto smooth = [&](const std::vector<double>& v, std::size_t r, std::size_t c) {
    double sum = 0;
    double count = 0;
    for (std::size_t i = r > 0 ? r - 1 : 0; i < std::min(rows, r + 2); ++i)
      for (std::size_t j = c > 0 ? c - 1 : 0; j < std::min(columns, c + 2); ++j) {
        const double length = std::hypot(field.x[i * columns + j], field.y[i * columns + j]);
        if (!(length > 0)) continue;
        sum += v[i * columns + j] / length;
        ++count;
      }
    return count > 0 ? sum / count : 0.0;
  };
  Place best{1, 1};
  double value = -std::numeric_limits<double>::infinity();
  for (std::size_t r = 1; r + 1 < rows; ++r)
    for (std::size_t c = 1; c + 1 < columns; ++c) {
      const double here = of(
          smooth(field.x, r, c + 1) - smooth(field.x, r, c - 1), smooth(field.x, r + 1, c) - smooth(field.x, r - 1, c),
          smooth(field.y, r, c + 1) - smooth(field.y, r, c - 1), smooth(field.y, r + 1, c) - smooth(field.y, r - 1, c));
      if (here > value) {
        value = here;
        best = {r, c};
      }
    }
  return best;
}

double correlation(std::span<const double> a, std::span<const double> b) {
  const auto n = static_cast<double>(a.size());
  double ma = 0;
  double mb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ma += a[i] / n;
    mb += b[i] / n;
  }
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

void require_pairs(std::string_view what, std::size_t a, std::size_t b) {
  if (a != b || a < 3)
    throw Error(
        fmt::format("{}: {} and {} values are given, but as many of both, at least 3, are needed.", what, a, b));
}

WaveTest against_shuffles(std::vector<double> phase, const std::vector<double>& x, std::size_t shuffles,
                          std::uint64_t seed, const std::function<double(const std::vector<double>&)>& measure) {
  require_pairs("wave test", phase.size(), x.size());
  WaveTest test;
  test.correlation = measure(phase);
  std::size_t as_large = 0;
  for (std::size_t s = 0; s < shuffles; ++s) {
    RandomStream random(seed, "wave test", s);
    for (std::size_t i = phase.size() - 1; i > 0; --i) std::swap(phase[i], phase[random.below(i + 1)]);
    if (measure(phase) >= test.correlation) ++as_large;
  }
  test.p = static_cast<double>(1 + as_large) / static_cast<double>(1 + shuffles);
  return test;
}

/// The phases of the places with a value, and `of` each of them seen from `from`.
template <class Of>
std::pair<std::vector<double>, std::vector<double>> seen_from(const PhaseMap& map, Place from, const Of& of) {
  require_map(map);
  std::vector<double> phase;
  std::vector<double> x;
  for (std::size_t r = 0; r < map.rows; ++r)
    for (std::size_t c = 0; c < map.columns; ++c) {
      const auto& value = map.values[r * map.columns + c];
      const double dy = static_cast<double>(r) - static_cast<double>(from.row);
      const double dx = static_cast<double>(c) - static_cast<double>(from.column);
      const double angle = std::arg(value);
      const double what = of(dx, dy);
      if (!std::isfinite(angle) || std::abs(value) == 0 || !std::isfinite(what)) continue;
      phase.push_back(angle);
      x.push_back(what);
    }
  return {phase, x};
}

}  // namespace

std::vector<double> instantaneous_frequency(std::span<const std::complex<double>> signal, double dt) {
  if (signal.size() < 2) throw Error("instantaneous frequency: a signal of at least two samples is needed.");
  std::vector<double> frequency(signal.size());
  for (std::size_t i = 0; i + 1 < signal.size(); ++i)
    frequency[i] = std::arg(signal[i + 1] * std::conj(signal[i])) / (2 * pi * dt);
  frequency.back() = frequency[signal.size() - 2];
  return frequency;
}

std::vector<std::complex<double>> generalised_phase(std::span<const double> x, double dt, double lowest) {
  auto signal = analytic_signal(x);
  auto frequency = instantaneous_frequency(signal, dt);
  double mean = 0;
  for (const double f : frequency) mean += f;
  if (mean < 0) {
    for (auto& z : signal) z = std::conj(z);
    for (double& f : frequency) f = -f;
  }
  const auto bad = unreliable(frequency, lowest);
  std::vector<double> t;
  std::vector<double> phase;
  for (std::size_t i = 0; i < signal.size(); ++i) {
    if (bad[i]) continue;
    double angle = std::arg(signal[i]);
    // Across a gap the phase goes on in the next turn that advances.
    if (!phase.empty()) {
      const double turns = (phase.back() - angle) / (2 * pi);
      angle += 2 * pi * (i > 0 && !bad[i - 1] ? std::round(turns) : std::ceil(turns));
    }
    t.push_back(static_cast<double>(i));
    phase.push_back(angle);
  }
  if (t.size() < 4)
    throw Error(
        fmt::format("generalised phase: {} of {} samples advance at {} Hz or faster, but four are needed. Filter "
                    "the signal to a band above that frequency, or lower it.",
                    t.size(), x.size(), lowest));
  const auto slope = monotone_slopes(t, phase);
  std::size_t k = 0;
  for (std::size_t i = 0; i < signal.size(); ++i) {
    if (!bad[i]) continue;
    const auto at = static_cast<double>(i);
    while (k + 2 < t.size() && t[k + 1] < at) ++k;
    const double h = t[k + 1] - t[k];
    const double s = (at - t[k]) / h;
    double angle = 0;
    if (s < 0) {
      angle = phase[k] + slope[k] * (at - t[k]);
    } else if (s > 1) {
      angle = phase[k + 1] + slope[k + 1] * (at - t[k + 1]);
    } else {
      angle = phase[k] * (1 + 2 * s) * (1 - s) * (1 - s) + phase[k + 1] * s * s * (3 - 2 * s) +
              h * s * (1 - s) * (slope[k] * (1 - s) - slope[k + 1] * s);
    }
    signal[i] = std::polar(std::abs(signal[i]), angle);
  }
  return signal;
}

WaveField wave_field(const PhaseMap& map, std::span<const double> frequency) {
  require_map(map);
  if (frequency.size() != map.values.size())
    throw Error(
        fmt::format("wave field: {} frequencies are given for {} places.", frequency.size(), map.values.size()));
  WaveField field;
  double sum_x = 0;
  double sum_y = 0;
  double sum_length = 0;
  double sum_frequency = 0;
  double count = 0;
  double directed = 0;
  for (std::size_t r = 0; r < map.rows; ++r)
    for (std::size_t c = 0; c < map.columns; ++c) {
      const std::size_t at = r * map.columns + c;
      const double sign = frequency[at] < 0 ? -1 : 1;
      double x = sign * slope_along(map, at, c, map.columns, 1);
      double y = sign * slope_along(map, at, r, map.rows, map.columns);
      if (!std::isfinite(x + y + frequency[at] + std::abs(map.values[at])) || std::abs(map.values[at]) == 0)
        x = y = nan;
      const double length = std::hypot(x, y);
      field.x.push_back(x);
      field.y.push_back(y);
      field.speed.push_back(std::abs(frequency[at]) / length);
      if (std::isnan(length)) continue;
      ++count;
      sum_length += length;
      sum_frequency += std::abs(frequency[at]);
      if (length == 0) continue;
      ++directed;
      sum_x += x / length;
      sum_y += y / length;
    }
  if (count == 0) throw Error("wave field: no place of the map has a phase. Check its amplitudes and gaps.");
  field.direction = std::atan2(sum_y, sum_x);
  field.directionality = directed > 0 ? std::hypot(sum_x, sum_y) / directed : 0;
  field.wavelength = count / sum_length;
  field.mean_speed = sum_frequency / sum_length;
  return field;
}

Place source_point(const WaveField& field, std::size_t rows, std::size_t columns) {
  return largest(field, rows, columns, [](double xx, double, double, double yy) { return xx + yy; });
}

Place rotation_centre(const WaveField& field, std::size_t rows, std::size_t columns) {
  return largest(field, rows, columns, [](double, double xy, double yx, double) { return std::abs(yx - xy); });
}

double circular_linear_correlation(std::span<const double> phase, std::span<const double> x) {
  require_pairs("circular-linear correlation", phase.size(), x.size());
  std::vector<double> s;
  std::vector<double> c;
  for (const double p : phase) {
    s.push_back(std::sin(p));
    c.push_back(std::cos(p));
  }
  const double xs = correlation(x, s);
  const double xc = correlation(x, c);
  const double sc = correlation(s, c);
  return 1 - sc * sc > 1e-15 ? std::sqrt(std::max(0.0, (xs * xs + xc * xc - 2 * xs * xc * sc) / (1 - sc * sc)))
                             : std::max(std::abs(xs), std::abs(xc));
}

double circular_correlation(std::span<const double> a, std::span<const double> b) {
  require_pairs("circular correlation", a.size(), b.size());
  double cc = 0, ss = 0, cs = 0, sc = 0;
  std::complex<double> a2;
  std::complex<double> b2;
  for (std::size_t i = 0; i < a.size(); ++i) {
    cc += std::cos(a[i]) * std::cos(b[i]);
    ss += std::sin(a[i]) * std::sin(b[i]);
    cs += std::cos(a[i]) * std::sin(b[i]);
    sc += std::sin(a[i]) * std::cos(b[i]);
    a2 += std::polar(1.0, 2 * a[i]);
    b2 += std::polar(1.0, 2 * b[i]);
  }
  const auto square = static_cast<double>(a.size() * a.size());
  const double spread = (square - std::norm(a2)) * (square - std::norm(b2));
  return spread > 0 ? 4 * (cc * ss - cs * sc) / std::sqrt(spread) : 0;
}

WaveTest target_wave_test(const PhaseMap& map, Place source, std::size_t shuffles, std::uint64_t seed) {
  const auto [phase, distance] = seen_from(map, source, [](double dx, double dy) { return std::hypot(dx, dy); });
  const auto& x = distance;
  return against_shuffles(phase, x, shuffles, seed,
                          [&](const std::vector<double>& p) { return circular_linear_correlation(p, x); });
}

WaveTest rotating_wave_test(const PhaseMap& map, Place centre, std::size_t shuffles, std::uint64_t seed) {
  const auto [phase, angle] =
      seen_from(map, centre, [](double dx, double dy) { return dx == 0 && dy == 0 ? nan : std::atan2(dy, dx); });
  const auto& x = angle;
  return against_shuffles(phase, x, shuffles, seed,
                          [&](const std::vector<double>& p) { return std::abs(circular_correlation(p, x)); });
}

}  // namespace striate
