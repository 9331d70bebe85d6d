#include "sim/spike_distance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/parallel.hpp"

namespace striate {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// A train with an auxiliary spike on either side, as the ISI and SPIKE distances read it (Kreuz et al. 2013).
struct Framed {
  Framed(SpikeTimes spikes, SpikeWindow w) {
    const std::size_t n = spikes.size();
    times.reserve(n + 2);
    if (n == 0) {
      times = {w.from, w.to};
      last = 1;
      return;
    }
    times.push_back(n > 1 ? std::min(w.from, 2 * spikes[0] - spikes[1]) : w.from);
    times.insert(times.end(), spikes.begin(), spikes.end());
    times.push_back(n > 1 ? std::max(w.to, 2 * spikes[n - 1] - spikes[n - 2]) : w.to);
    first = 1;
    last = n;
  }
  std::vector<double> times;
  std::size_t first = 0, last = 0;  ///< the spikes that count among them

  /// Of every spike, how far it is from the nearest of the other train. Beyond the first and the last it stays the
  /// same.
  std::vector<double> nearest(const Framed& other) const {
    std::vector<double> distance(times.size());
    std::size_t j = 0;
    for (std::size_t i = first; i <= last; ++i) {
      const auto apart = [&](std::size_t k) { return std::abs(other.times[k] - times[i]); };
      while (j + 1 < other.times.size() && apart(j + 1) <= apart(j)) ++j;
      distance[i] = apart(j);
    }
    distance.front() = distance[first];
    distance.back() = distance[last];
    return distance;
  }
};

/// Calls body(begin, end, i, j) for the stretches of the window without a spike; i and j are the intervals of either
/// train that are in progress.
template <class Body>
void for_stretches(const Framed& a, const Framed& b, SpikeWindow w, const Body& body) {
  std::size_t i = 0, j = 0;
  for (double begin = w.from; begin < w.to;) {
    while (i + 2 < a.times.size() && a.times[i + 1] <= begin) ++i;
    while (j + 2 < b.times.size() && b.times[j + 1] <= begin) ++j;
    double end = w.to;
    for (const double next : {a.times[i + 1], b.times[j + 1]})
      if (next > begin) end = std::min(end, next);
    body(begin, end, i, j);
    begin = end;
  }
}

/// Half the shortest of the intervals beside a spike.
double half_interval(SpikeTimes train, std::size_t i) {
  double shortest = infinite;
  if (i > 0) shortest = train[i] - train[i - 1];
  if (i + 1 < train.size()) shortest = std::min(shortest, train[i + 1] - train[i]);
  return shortest / 2;
}

SpikeTimes within(SpikeTimes train, SpikeWindow w) {
  const auto first = std::lower_bound(train.begin(), train.end(), w.from);
  return {first, std::upper_bound(first, train.end(), w.to)};
}

void require_ascending(const std::vector<std::vector<double>>& trains) {
  for (std::size_t i = 0; i < trains.size(); ++i) {
    for (std::size_t k = 0; k < trains[i].size(); ++k) {
      if (!std::isfinite(trains[i][k]) || (k > 0 && trains[i][k] < trains[i][k - 1]))
        throw Error(fmt::format("train {}", i),
                    fmt::format("spike {} is at {}, but the times of a train are finite and "
                                "ascend. Sort them.",
                                k, trains[i][k]));
    }
  }
}

}  // namespace

double van_rossum(SpikeTimes a, SpikeTimes b, double decay, double rise) {
  // The integral of the product of two kernels begun `lag` apart is c exp(-lag/decay) + d exp(-lag/rise), here over
  // that at lag 0. Spikes at one moment are taken together, so that what is equal cancels without rounding.
  const double c = decay / (decay - rise), d = -rise / (decay - rise);
  double square = 0, last = 0, slow = 0, fast = 0;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const double t = i == a.size() ? b[j] : j == b.size() ? a[i] : std::min(a[i], b[j]);
    double sign = 0;
    for (; i < a.size() && a[i] == t; ++i) sign += 1;
    for (; j < b.size() && b[j] == t; ++j) sign -= 1;
    slow *= std::exp((last - t) / decay);
    if (rise > 0) fast *= std::exp((last - t) / rise);
    square += sign * (sign / 2 + c * slow + d * fast);
    slow += sign;
    fast += sign;
    last = t;
  }
  return std::sqrt(std::max(square, 0.0));
}

double victor_purpura(SpikeTimes a, SpikeTimes b, double cost) {
  std::vector<double> row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<double>(j);
  for (std::size_t i = 0; i < a.size(); ++i) {
    next[0] = static_cast<double>(i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const double moved = a[i] == b[j] ? 0 : cost * std::abs(a[i] - b[j]);
      next[j + 1] = std::min({row[j + 1] + 1, next[j] + 1, row[j] + moved});
    }
    row.swap(next);
  }
  return row.back();
}

double isi_distance(SpikeTimes a, SpikeTimes b, SpikeWindow w) {
  const Framed x(a, w), y(b, w);
  double sum = 0;
  for_stretches(x, y, w, [&](double begin, double end, std::size_t i, std::size_t j) {
    const double p = x.times[i + 1] - x.times[i], q = y.times[j + 1] - y.times[j];
    sum += (end - begin) * std::abs(p - q) / std::max(p, q);
  });
  return sum / (w.to - w.from);
}

double spike_distance(SpikeTimes a, SpikeTimes b, SpikeWindow w) {
  const Framed x(a, w), y(b, w);
  const auto from_x = x.nearest(y), from_y = y.nearest(x);
  double sum = 0;
  for_stretches(x, y, w, [&](double begin, double end, std::size_t i, std::size_t j) {
    const double p = x.times[i + 1] - x.times[i], q = y.times[j + 1] - y.times[j];
    const double t = (begin + end) / 2;  // linear in between
    const double s = (from_x[i] * (x.times[i + 1] - t) + from_x[i + 1] * (t - x.times[i])) / p;
    const double u = (from_y[j] * (y.times[j + 1] - t) + from_y[j + 1] * (t - y.times[j])) / q;
    sum += (end - begin) * 2 * (s * q + u * p) / ((p + q) * (p + q));
  });
  return sum / (w.to - w.from);
}

double spike_synchronisation(SpikeTimes a, SpikeTimes b, SpikeWindow w) {
  if (a.empty() && b.empty()) return 1;
  std::size_t coincident = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double apart = std::abs(a[i] - b[j]);
    const double reach = std::min({half_interval(a, i), half_interval(b, j), (w.to - w.from) / 2});
    if (apart == 0 || apart < reach) {
      coincident += 2;
      ++i;
      ++j;
    } else if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return static_cast<double>(coincident) / static_cast<double>(a.size() + b.size());
}

const std::vector<std::string>& spike_measure_names() {
  static const std::vector<std::string> names{"van_rossum", "victor_purpura", "isi_distance", "spike_distance",
                                              "spike_synchronisation"};
  return names;
}

std::function<double(SpikeTimes, SpikeTimes)> spike_measure(const SpikeMeasure& m) {
  const auto& names = spike_measure_names();
  const auto which = std::find(names.begin(), names.end(), m.name) - names.begin();
  const SpikeWindow w = m.window;
  if (!(w.to > w.from && std::isfinite(w.to - w.from)))
    throw Error(m.name, fmt::format("the trains are compared from {} to {}, but a window runs upwards.", w.from, w.to));
  const auto clipped = [w](auto measure) {
    return [w, measure](SpikeTimes a, SpikeTimes b) { return measure(within(a, w), within(b, w)); };
  };
  switch (which) {
    case 0:
      if (!(m.decay > 0 && m.rise >= 0 && std::isfinite(m.decay) && std::isfinite(m.rise)) || m.rise == m.decay)
        throw Error(m.name, fmt::format("decay = {}, rise = {}, but the decay is above 0, and the rise from 0 and not "
                                        "equal to it.",
                                        m.decay, m.rise));
      return clipped([m](SpikeTimes a, SpikeTimes b) { return van_rossum(a, b, m.decay, m.rise); });
    case 1:
      if (!(m.cost >= 0)) throw Error(m.name, fmt::format("cost = {}, but must be from 0.", m.cost));
      return clipped([m](SpikeTimes a, SpikeTimes b) { return victor_purpura(a, b, m.cost); });
    case 2: return clipped([w](SpikeTimes a, SpikeTimes b) { return isi_distance(a, b, w); });
    case 3: return clipped([w](SpikeTimes a, SpikeTimes b) { return spike_distance(a, b, w); });
    case 4: return clipped([w](SpikeTimes a, SpikeTimes b) { return spike_synchronisation(a, b, w); });
    default:
      throw Error("spike trains", fmt::format("there is no measure '{}'.{}", m.name, suggest_names(m.name, names)));
  }
}

std::vector<double> spike_distances(const std::vector<std::vector<double>>& trains, const SpikeMeasure& m) {
  const auto measure = spike_measure(m);
  require_ascending(trains);
  const std::size_t n = trains.size();
  std::vector<double> matrix(n * n);
  parallel_for(n, true, [&](std::size_t i) {
    for (std::size_t j = 0; j <= i; ++j) matrix[i * n + j] = measure(trains[i], trains[j]);
  });
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n; ++j) matrix[i * n + j] = matrix[j * n + i];
  return matrix;
}

}  // namespace striate
