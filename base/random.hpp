#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace striate {

/// What a random number belongs to: element, step, sample, ... in any use of the four words that the caller keeps to.
using RandomCounter = std::array<std::uint64_t, 4>;

/// Random numbers without a state: each is a pure function of (seed, purpose, counter), so that it depends on neither
/// the order of evaluation nor the number of threads. Philox 4x64-10 (Salmon, Moraes, Dror & Shaw 2011, SC '11).
class RandomKey {
 public:
  /// @param seed     the user's
  /// @param purpose  what the numbers are for, as "parameter W"; other purposes give unrelated numbers
  RandomKey(std::uint64_t seed, std::string_view purpose);

  /// Four words of 64 random bits.
  std::array<std::uint64_t, 4> bits(const RandomCounter& counter) const;
  /// Uniform in the open interval (0, 1), on the grid (k + 1/2) 2^-52.
  double uniform(const RandomCounter& counter) const;
  /// Standard normal (Box & Muller 1958).
  double normal(const RandomCounter& counter) const;

 private:
  std::array<std::uint64_t, 2> key_;
};

/// A sequence of random numbers for one sample of a generator: the numbers (seed, purpose, {0, 1, 2, ..., sample...}).
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t sample);

  std::uint64_t bits();
  double uniform();  ///< in the open interval (0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal();
  /// Uniform in 0, ..., count - 1.
  std::uint64_t below(std::uint64_t count);

 private:
  RandomKey key_;
  RandomCounter counter_;
  std::array<std::uint64_t, 4> words_{};
  std::size_t used_ = 4;
};

}  // namespace striate
