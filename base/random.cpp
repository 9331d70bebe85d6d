#include "base/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace striate {
namespace {

/// FNV-1a, 64 bits (Fowler, Noll & Vo).
std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

double open_unit_interval(std::uint64_t word) { return (static_cast<double>(word >> 12) + 0.5) * 0x1p-52; }

double standard_normal(double u, double v) { return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v); }

}  // namespace

RandomKey::RandomKey(std::uint64_t seed, std::string_view purpose) : key_{seed, hash(purpose)} {}

std::array<std::uint64_t, 4> RandomKey::bits(const RandomCounter& counter) const {
  const r123::Philox4x64::ctr_type c = {{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x64::key_type k = {{key_[0], key_[1]}};
  const auto words = r123::Philox4x64{}(c, k);
  return {words[0], words[1], words[2], words[3]};
}

double RandomKey::uniform(const RandomCounter& counter) const { return open_unit_interval(bits(counter)[0]); }

double RandomKey::normal(const RandomCounter& counter) const {
  const auto words = bits(counter);
  return standard_normal(open_unit_interval(words[0]), open_unit_interval(words[1]));
}

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t sample)
    : key_(seed, purpose), counter_{0, sample, 0, 0} {}

std::uint64_t RandomStream::bits() {
  if (used_ == words_.size()) {
    words_ = key_.bits(counter_);
    ++counter_[0];
    used_ = 0;
  }
  return words_[used_++];
}

double RandomStream::uniform() { return open_unit_interval(bits()); }

double RandomStream::normal() {
  const double u = uniform();
  return standard_normal(u, uniform());
}

std::uint64_t RandomStream::below(std::uint64_t count) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<std::uint64_t>((Wide{bits()} * count) >> 64);
}

}  // namespace striate
