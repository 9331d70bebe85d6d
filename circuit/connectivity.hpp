#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_vector.hpp"

namespace striate {

/// The elements [begin, end) of one axis that take part in a projection, and where they lie.
struct PopulationAxis {
  std::string name;
  std::size_t size = 1;  ///< of the whole axis
  std::size_t begin = 0, end = 1;
  double low = 0, spacing = 1;  ///< element i lies at low + i spacing
  bool circular = false;        ///< positions wrap round after size spacing
  bool operator==(const PopulationAxis&) const = default;
};

/// A block of the elements of a variable. Its members are numbered row-major; no axis: the one element of a scalar.
struct Population {
  std::vector<PopulationAxis> axes;
  std::size_t size() const;
  std::size_t places() const;  ///< elements of the whole variable
  /// Of each member, its place in the whole variable; ascending.
  std::vector<std::uint32_t> elements() const;
  /// Whether both are blocks of one variable's axes, so that an element may meet itself.
  bool shares_axes(const Population& other) const;
  bool operator==(const Population&) const = default;
};

/// Who is connected to whom. Drawn anew for each pair, element or projection, every choice being equally probable.
struct Connectivity {
  enum class Rule {
    all_to_all,
    one_to_one,    ///< member i to member i
    random,        ///< each pair with `probability`
    fixed_in,      ///< `count` synapses onto every target
    fixed_out,     ///< `count` synapses from every source
    fixed_total,   ///< `count` synapses in all
    gaussian_in,   ///< `count` onto every target, from the places nearest to normal displacements of `sd` along each
                   ///< axis
    gaussian_out,  ///< `count` from every source, to such places
    pairs          ///< as listed
  } rule = Rule::all_to_all;
  double probability = 0;                          ///< in [0, 1]
  std::uint64_t count = 0;                         ///< > 0
  double sd = 0;                                   ///< of the displacement along each axis [its unit], > 0
  bool self = true;                                ///< whether an element may be connected to itself
  bool repeats = false;                            ///< fixed_...: whether a pair may be drawn more than once
  std::vector<std::uint32_t> pre = {}, post = {};  ///< pairs: places in the whole variables
  bool operator==(const Connectivity&) const = default;
};

/// Synapses, compressed by source: those of member i of `pre` are [row[i], row[i + 1]).
struct Connections {
  std::vector<std::uint64_t> row;
  AlignedVector<std::uint32_t> target;  ///< places in the whole variable of `post`, ascending in each row
  std::vector<std::uint64_t> given;     ///< pairs: which one of the list each synapse is; those of a pair in its order
  std::uint64_t size() const { return target.size(); }
};

/// How many synapses connect() makes: exactly, except that `random` may exceed its mean by eight standard deviations.
std::uint64_t most_synapses(const Connectivity& rule, const Population& pre, const Population& post);

/// Draws the synapses of the projection `name`, on several threads; they depend on the seed and the name alone.
/// @throws Error where the rule does not fit the populations, or more synapses are asked for than memory holds
Connections connect(const Connectivity& rule, const Population& pre, const Population& post, std::uint64_t seed,
                    std::string_view name);

/// How far apart elements lie: the root of the summed squares along the axes, the short way round circular ones. Axes
/// of the two populations belong together by name, or by order where their names differ.
class Distance {
 public:
  /// @throws Error when the numbers of axes differ
  Distance(const Population& pre, const Population& post, std::string_view name);
  /// @param pre, post  places in the whole variables
  double operator()(std::size_t pre, std::size_t post) const;

 private:
  struct Along {
    std::vector<double> pre, post;  ///< positions, by place
    double period;                  ///< infinite where the axis does not wrap
  };
  std::vector<Along> axes_;
};

}  // namespace striate
