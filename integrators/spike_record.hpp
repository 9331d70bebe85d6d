#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace striate {

/// One spike on its way through one synapse: what it adds to one state, or (`change` past the last of the projection's
/// arrivals) that the rules of the synapse apply.
struct Arrival {
  double t = 0;             ///< of its arrival [time unit]
  std::uint64_t spike = 0;  ///< which one sent it
  std::uint64_t synapse = 0;
  std::uint32_t projection = 0;
  std::uint32_t change = 0;                                                  ///< which of Projection::arrivals
  std::uint32_t pre = 0, post = 0;                                           ///< places in the whole variables
  double amount = 0;                                                         ///< [unit of the state]
  enum class Fate : unsigned char { added, lost, kept } fate = Fate::added;  ///< known once it has arrived
};

/// What fixes the moment of a change, and so how the moment shifts with the parameters.
struct Moment {
  enum class Kind : unsigned char {
    fixed,    ///< a source, the drive
    zero,     ///< the guard of each element that jumps
    follows,  ///< another change at the same instant, which pushed the guards over zero
    sent      ///< a spike, and how long it travels or holds
  } kind = Kind::fixed;
  std::size_t change = 0;   ///< of `follows`
  std::uint64_t spike = 0;  ///< of `sent`
};

/// One thing that happens to the states at an instant.
struct Change {
  enum class Kind : unsigned char { jump, release, arrival, rule } kind = Kind::jump;
  Moment moment = {};
  std::vector<std::size_t> elements = {};  ///< guard elements that jump together; the one that is released
  std::vector<std::uint64_t> spikes = {};  ///< of a jump: the number of each element's spike
  std::vector<Arrival> arrivals = {};      ///< of an arrival: from one spike, at one moment; of a rule: at its synapse
  std::vector<std::pair<std::size_t, double>> added = {};  ///< of a release: states, and what was kept for them
  std::size_t back = 0;  ///< of a rule: 0 on arrival, else 1 + which of Projection::back
};

/// What is under way at some time in a circuit of spikes; it belongs to the state of a run.
struct SpikesUnderWay {
  std::vector<double> release;         ///< [guard] when each element ceases to be refractory; infinite: it is not
  std::vector<std::uint64_t> held_by;  ///< [guard] the spike that began it
  std::vector<double> kept;            ///< [states] what waits for the release
  std::vector<Arrival> arrivals;       ///< a heap, the next on top
  std::vector<double> next;            ///< [guard] of a source: its next spike, as far as known; else infinite
  std::vector<double> left;            ///< [guard] of a Poisson source: what its integrated rate lacks to the next
  std::vector<std::uint64_t> drawn;    ///< [guard] how many spikes of a source have been drawn
  double looked_to = 0;                ///< to where sources whose rate changes have been looked ahead
  std::uint64_t spikes = 0;            ///< sent so far
};

/// Recorded spikes of a source.
struct SpikeTrain {
  std::string source;                  ///< the event's name
  std::vector<double> t;               ///< ascending [time unit]
  std::vector<std::uint32_t> element;  ///< of each spike: its place in the source's shape
};

}  // namespace striate
