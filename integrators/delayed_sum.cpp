#include "integrators/delayed_sum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>

#include "base/error.hpp"
#include "base/parallel.hpp"

namespace striate {
namespace {

constexpr std::size_t chunk_of_rows = 256;  ///< whose sums stay in the cache beside the past of a source
constexpr std::size_t pairs_worth_a_thread = 16384;
constexpr std::size_t sums_at_once[] = {16, 8};  ///< of a pair, of some parts and steps: as kernels are made for
constexpr double rounding_of_delays = 1e-9;      ///< [step]

}  // namespace

DelayedSum::DelayedSum(const System<double>& system, std::vector<std::size_t> delays, std::span<const double> taus,
                       std::span<const double> weights, std::size_t terms, double longest_step)
    : terms_(terms), all_sources_(system.sources_size()) {
  for (const std::size_t i : delays) parts_.push_back({system.delays()[i].source, system.delays()[i].input});
  const Delay& delay = system.delays()[delays.front()];
  rows_ = delay.inputs;
  columns_ = delay.source_size;
  taus = taus.subspan(delay.tau, delay.size);
  weights = weights.subspan(delay.weights, delay.size);
  const auto column = [&](std::size_t e) {
    return delay.element ? (*delay.element)[e] : static_cast<std::uint32_t>(e);
  };
  const auto row = [&](std::size_t e) { return (*delay.target)[e]; };
  // Far enough back, what is looked back to is known for several steps at once.
  struct Reach {
    std::size_t at_once;
    std::vector<std::size_t> pairs;
  };
  std::vector<Reach> reaches;
  if (parts_.size() <= 2)
    for (const std::size_t sums : sums_at_once) reaches.push_back({sums / parts_.size(), {}});
  reaches.push_back({1, {}});
  for (std::size_t e = 0; e < delay.size; ++e) {
    if (weights[e] == 0) continue;
    if (taus[e] == 0) {
      undelayed_.push_back({row(e), column(e), weights[e]});
      continue;
    }
    const auto far = [&](const Reach& reach) {
      return reach.at_once == 1 || taus[e] >= static_cast<double>(reach.at_once + 1) * longest_step;
    };
    std::ranges::find_if(reaches, far)->pairs.push_back(e);
  }
  const auto place = [&](std::size_t e) { return std::tuple(row(e) / chunk_of_rows, column(e), -taus[e], e); };
  for (auto& [at_once, own] : reaches) {
    if (own.empty()) continue;
    std::sort(own.begin(), own.end(), [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
    Pairs& pairs = pairs_.emplace_back();
    pairs.at_once = at_once;
    pairs.begin.assign((rows_ + chunk_of_rows - 1) / chunk_of_rows + 1, 0);
    for (const std::size_t e : own) {
      ++pairs.begin[row(e) / chunk_of_rows + 1];
      pairs.column.push_back(column(e));
      pairs.row.push_back(static_cast<std::uint16_t>(row(e) % chunk_of_rows));
      pairs.weight.push_back(weights[e]);
      pairs.delay.push_back(taus[e]);
      pairs.shortest = std::min(pairs.shortest, taus[e]);
    }
    for (std::size_t i = 1; i < pairs.begin.size(); ++i) pairs.begin[i] += pairs.begin[i - 1];
  }
}

void DelayedSum::clear() {
  first_ = count_ = 0;
  for (Pairs& pairs : pairs_) pairs.sums = {};
}

void DelayedSum::push(std::span<const double> rows) {
  const std::size_t parts = parts_.size(), runs = columns_ * terms_;
  if (first_ + count_ == capacity_) {
    const std::size_t capacity = 2 * first_ <= capacity_ ? std::max<std::size_t>(2 * capacity_, 16) : capacity_;
    AlignedVector<double> grown;
    if (runs * capacity > std::numeric_limits<std::int32_t>::max())
      throw Failure(fmt::format(
          "delayed: {} numbers of {} sources kept over {} steps are more than 2^31 records. Take shorter delays or "
          "longer steps.",
          terms_, columns_, capacity));
    if (capacity > capacity_) grown.resize(runs * capacity * parts);
    AlignedVector<double>& to = capacity > capacity_ ? grown : records_;
    for (std::size_t j = 0; j < runs; ++j)
      std::copy_n(records_.begin() + static_cast<std::ptrdiff_t>((j * capacity_ + first_) * parts), count_ * parts,
                  to.begin() + static_cast<std::ptrdiff_t>(j * capacity * parts));
    if (capacity > capacity_) records_.swap(grown);
    capacity_ = capacity;
    first_ = 0;
  }
  for (std::size_t j = 0; j < columns_; ++j)
    for (std::size_t k = 0; k < terms_; ++k) {
      double* to = records_.data() + ((j * terms_ + k) * capacity_ + first_ + count_) * parts;
      for (const Part& part : parts_) *to++ = rows[k * all_sources_ + part.source + j];
    }
  ++count_;
  ++pushed_;
}

void DelayedSum::fill(const Places& places, std::span<double> u) const {
  for (const Part& part : parts_) std::fill_n(u.begin() + static_cast<std::ptrdiff_t>(part.input), rows_, 0.0);
  for (const Pairs& pairs : pairs_) add(pairs, places, u);
}

void DelayedSum::add(const Pairs& pairs, const Places& places, std::span<double> u) const {
  // What lies ahead by a whole step looks back to stretches newer by one, unless this would be the one to come.
  const double shortest = pairs.shortest * places.per_step - rounding_of_delays;
  const double whole_steps = places.grid && shortest > places.ahead ? std::floor(places.ahead) : 0;
  const double ahead = places.grid ? places.ahead - whole_steps : places.t;
  const double rounding = places.grid ? places.rounding : 0;
  const double newest = static_cast<double>(pushed_) + whole_steps;
  auto sums =
      std::ranges::find_if(pairs.sums, [&](const Sums& s) { return s.ahead == ahead && s.rounding == rounding; });
  const bool again = sums != pairs.sums.end();
  if (!again) {
    sums = pairs.sums.begin() + static_cast<std::ptrdiff_t>(pairs.oldest);
    pairs.oldest = (pairs.oldest + 1) % pairs.sums.size();
    sums->ahead = ahead;
    sums->rounding = rounding;
    sums->steps = 0;
  }
  double later = newest - sums->newest;
  if (!(later >= 0 && later < static_cast<double>(sums->steps))) {
    // Whoever looks back in a second step as in the first is taken to go on.
    const double last = static_cast<double>(pairs.at_once - 1) + whole_steps + ahead;
    sums->steps = again && places.grid && shortest >= last ? pairs.at_once : 1;
    sums->newest = newest;
    later = 0;
    sum(pairs, places, whole_steps, *sums);
  }
  const std::size_t parts = parts_.size();
  for (std::size_t c = 0; c < parts; ++c)
    for (std::size_t row = 0; row < rows_; ++row)
      u[parts_[c].input + row] += sums->totals[(row * sums->steps + static_cast<std::size_t>(later)) * parts + c];
}

void DelayedSum::sum(const Pairs& pairs, const Places& places, double whole_steps, Sums& sums) const {
  const std::size_t parts = parts_.size(), width = sums.steps * parts;
  sums.totals.assign(rows_ * width, 0.0);
  const auto newest = static_cast<std::ptrdiff_t>(first_ + count_) - 1 + static_cast<std::ptrdiff_t>(whole_steps);
  const std::ptrdiff_t first = places.grid ? newest : static_cast<std::ptrdiff_t>(first_);
  const RecordsOfPast<double> records{records_.data() + first * static_cast<std::ptrdiff_t>(parts),
                                      terms_ * capacity_ * parts, static_cast<std::ptrdiff_t>(capacity_ * parts),
                                      terms_, parts};
  if (!places.grid && places.bucket.empty()) return sum_few(pairs, places, records, sums);
  const EqualSteps<double> equal{1 + sums.ahead, sums.rounding, places.per_step, places.scale, places.shift};
  const AnySteps<double> any{places.t,         places.begin.data(),  places.per_length.data(),
                             places.shift,     places.bucket.data(), places.bucket.size(),
                             places.per_bucket};
  parallel_for(pairs.begin.size() - 1, pairs.column.size() >= pairs_worth_a_thread, [&](std::size_t chunk) {
    const std::size_t e = pairs.begin[chunk];
    const DelayedPairs<double> own{pairs.column.data() + e, pairs.delay.data() + e, pairs.weight.data() + e,
                                   pairs.row.data() + e, pairs.begin[chunk + 1] - e};
    double* total = sums.totals.data() + chunk * chunk_of_rows * width;
    if (places.grid)
      kernels<double>().past.of_equal_steps(records, equal, own, width, total);
    else
      kernels<double>().past.of_any_steps(records, any, own, width, total);
  });
}

/// Fewer pairs than stretches, which are searched.
void DelayedSum::sum_few(const Pairs& pairs, const Places& places, const RecordsOfPast<double>& records,
                         Sums& sums) const {
  for (std::size_t chunk = 0; chunk + 1 < pairs.begin.size(); ++chunk)
    for (std::size_t e = pairs.begin[chunk]; e < pairs.begin[chunk + 1]; ++e) {
      const auto [i, x] = places(pairs.delay[e]);
      const double* first = records.first + pairs.column[e] * records.per_source + i * records.parts;
      double* total = sums.totals.data() + (chunk * chunk_of_rows + pairs.row[e]) * records.parts;
      for (std::size_t c = 0; c < records.parts; ++c) {
        double value = 0;
        for (std::size_t k = records.terms; k > 0; --k)
          value =
              value * x + first[static_cast<std::ptrdiff_t>(k - 1) * records.per_term + static_cast<std::ptrdiff_t>(c)];
        total[c] += pairs.weight[e] * value;
      }
    }
}

void DelayedSum::add_undelayed(std::span<const double> sources, std::span<double> u) const {
  for (const Undelayed& pair : undelayed_)
    for (const Part& part : parts_) u[part.input + pair.row] += pair.weight * sources[part.source + pair.column];
}

}  // namespace striate
