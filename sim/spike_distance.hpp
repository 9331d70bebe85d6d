#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace striate {

/// The times of one element's spikes, ascending. Units are the caller's: those of tau, 1/cost and the window.
using SpikeTimes = std::span<const double>;

/// The distance of van Rossum (2001) Neural Comput 13:751, as its root: each train becomes a sum of
/// exp(-t/decay) - exp(-t/rise) (rise 0: of exp(-t/decay)) begun at its spikes, and the square of their difference is
/// integrated. Normalised as in the paper: the square is 1/2 for one spike against none, 1 for two single spikes far
/// apart. Computed in O(n + m) with Houghton & Kreuz (2012) Network 23:48; equal trains have the distance 0 exactly.
/// @param decay, rise  0 <= rise < decay, or rise > decay > 0, for the two are alike
double van_rossum(SpikeTimes a, SpikeTimes b, double decay, double rise = 0);

/// The distance of Victor & Purpura (1996) J Neurophysiol 76:1310: the least cost of making one train the other, where
/// a spike put in or taken out costs 1 and one moved by dt costs `cost` |dt|. O(n m). An infinite cost leaves
/// coincident spikes alone.
double victor_purpura(SpikeTimes a, SpikeTimes b, double cost);

/// The interval of time in which trains are compared.
struct SpikeWindow {
  double from, to;
};

/// The ISI distance of Kreuz et al. (2007) J Neurosci Methods 165:151: the mean over the window of
/// |nu_a - nu_b|/max(nu_a, nu_b), of the intervals in progress. In [0, 1). At the edges an interval is as long as its
/// neighbour or the distance to the edge, whichever is longer; a train without spikes has one interval, the window.
double isi_distance(SpikeTimes a, SpikeTimes b, SpikeWindow window);

/// The SPIKE distance of Kreuz et al. (2013) J Neurophysiol 109:1457: the mean of the distances of the spikes before
/// and after every moment to the nearest spike of the other train, weighted by nearness, over the local interval. O(n +
/// m).
double spike_distance(SpikeTimes a, SpikeTimes b, SpikeWindow window);

/// SPIKE synchronisation (Kreuz, Mulansky & Bozanic 2015 J Neurophysiol 113:3432): the share of spikes, of both trains,
/// that have a partner nearer than half of every interval beside either. 1 where neither train has a spike.
double spike_synchronisation(SpikeTimes a, SpikeTimes b, SpikeWindow window);

/// A measure of two trains, by name: van_rossum (decay, rise), victor_purpura (cost), isi_distance, spike_distance,
/// spike_synchronisation (window).
struct SpikeMeasure {
  std::string name;
  double decay = 0, rise = 0;  ///< [time]
  double cost = 0;             ///< [1/time]
  SpikeWindow window{0, 0};    ///< spikes outside are left out
};
const std::vector<std::string>& spike_measure_names();

/// The function that a measure stands for. @throws Error for a name or a value that is none
std::function<double(SpikeTimes, SpikeTimes)> spike_measure(const SpikeMeasure& measure);

/// [i, j] of all pairs of trains, row-major, on several threads. @throws Error as spike_measure, and for a train whose
/// times do not ascend or are not finite
std::vector<double> spike_distances(const std::vector<std::vector<double>>& trains, const SpikeMeasure& measure);

}  // namespace striate
