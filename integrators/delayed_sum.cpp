#include "integrators/delayed_sum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "circuit/kernels/table.hpp"

namespace striate {
namespace {

constexpr std::size_t chunk_of_rows = 256;  ///< whose sums stay in the cache beside the past of a source
constexpr std::size_t pairs_worth_a_thread = 16384;

}  // namespace

DelayedSum::DelayedSum(const System<double>& system, std::vector<std::size_t> delays, std::span<const double> taus,
                       std::span<const double> weights, std::size_t terms, double step)
    : terms_(terms), all_sources_(system.sources_size()), step_(step) {
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
  std::vector<std::size_t> order;
  for (std::size_t e = 0; e < delay.size; ++e) {
    if (weights[e] == 0) continue;
    if (taus[e] == 0)
      undelayed_.push_back({row(e), column(e), weights[e]});
    else
      order.push_back(e);
  }
  const auto place = [&](std::size_t e) { return std::tuple(row(e) / chunk_of_rows, column(e), -taus[e], e); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  begin_.assign((rows_ + chunk_of_rows - 1) / chunk_of_rows + 1, 0);
  for (const std::size_t e : order) {
    ++begin_[row(e) / chunk_of_rows + 1];
    column_.push_back(column(e));
    row_.push_back(static_cast<std::uint16_t>(row(e) % chunk_of_rows));
    weight_.push_back(weights[e]);
    delay_.push_back(step > 0 ? taus[e] / step : taus[e]);
    shortest_ = std::min(shortest_, delay_.back());
    whole_ = whole_ && step > 0 && std::abs(delay_.back() - std::round(delay_.back())) < 1e-9;
  }
  for (std::size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
}

void DelayedSum::push(std::span<const double> rows) {
  const std::size_t stride = terms_ * parts_.size();
  if (first_ + count_ == capacity_) {
    const std::size_t capacity = 2 * first_ <= capacity_ ? std::max<std::size_t>(2 * capacity_, 16) : capacity_;
    AlignedVector<double> grown;
    if (columns_ * capacity > std::numeric_limits<std::int32_t>::max())
      throw Failure(fmt::format(
          "delayed: {} sources kept over {} steps are more than 2^31 records. Take shorter delays or longer "
          "steps.",
          columns_, capacity));
    if (capacity > capacity_) grown.resize(columns_ * capacity * stride);
    AlignedVector<double>& to = capacity > capacity_ ? grown : records_;
    for (std::size_t j = 0; j < columns_; ++j)
      std::copy_n(records_.begin() + static_cast<std::ptrdiff_t>((j * capacity_ + first_) * stride), count_ * stride,
                  to.begin() + static_cast<std::ptrdiff_t>(j * capacity * stride));
    if (capacity > capacity_) records_.swap(grown);
    capacity_ = capacity;
    first_ = 0;
  }
  for (std::size_t j = 0; j < columns_; ++j) {
    double* to = records_.data() + (j * capacity_ + first_ + count_) * stride;
    for (std::size_t k = 0; k < terms_; ++k)
      for (const Part& part : parts_) *to++ = rows[k * all_sources_ + part.source + j];
  }
  ++count_;
  ++pushed_;
}

void DelayedSum::fill(const Places& places, std::span<double> u) const {
  if (column_.empty()) {
    for (const Part& part : parts_) std::fill_n(u.begin() + static_cast<std::ptrdiff_t>(part.input), rows_, 0.0);
    return;
  }
  // What lies ahead by a whole step looks back to stretches newer by one, unless this would be the one to come.
  const double whole_steps = places.grid && shortest_ > 1 + 1e-9 ? std::floor(places.ahead) : 0;
  const Lookup& where = lookup(places, places.ahead - whole_steps);
  const bool begins = places.grid && whole_ && where.ahead == 0 && where.rounding > 0;
  const auto newest = static_cast<std::size_t>(static_cast<double>(first_ + count_ - 1) + whole_steps);
  const double steps = static_cast<double>(pushed_) + whole_steps;
  if (!places.grid || kept_.steps != steps || kept_.ahead != where.ahead || kept_.rounding != where.rounding) {
    kept_ = {places.grid ? steps : Kept().steps, where.ahead, where.rounding, std::move(kept_.totals)};
    kept_.totals.resize(rows_ * parts_.size());
    parallel_for(begin_.size() - 1, column_.size() >= pairs_worth_a_thread,
                 [&](std::size_t chunk) { sum_rows(where, chunk, newest, begins ? 1 : terms_); });
  }
  for (std::size_t c = 0; c < parts_.size(); ++c)
    for (std::size_t row = 0; row < rows_; ++row) u[parts_[c].input + row] = kept_.totals[row * parts_.size() + c];
}

const DelayedSum::Lookup& DelayedSum::lookup(const Places& places, double ahead) const {
  Lookup& kept = lookups_[ahead == 0 ? 0 : 1];
  if (places.grid && kept.ahead == ahead && kept.rounding == places.rounding && kept.capacity == capacity_) return kept;
  kept.ahead = places.grid ? ahead : Lookup().ahead;
  kept.rounding = places.rounding;
  kept.capacity = capacity_;
  kept.record.resize(column_.size());
  kept.x.resize(column_.size());
  const auto capacity = static_cast<std::int32_t>(capacity_), last = static_cast<std::int32_t>(count_ - 1);
  constexpr std::size_t together = 4096;
  parallel_for((column_.size() + together - 1) / together, column_.size() >= pairs_worth_a_thread, [&](std::size_t c) {
    const std::size_t from = c * together, to = std::min(column_.size(), from + together);
    if (places.grid)
      return kernels<double>().past.place(column_.data() + from, delay_.data() + from, to - from, 1 + ahead,
                                          places.rounding, capacity, kept.record.data() + from, kept.x.data() + from);
    for (std::size_t e = from; e < to; ++e) {
      const auto [stretch, x] = places(step_ > 0 ? delay_[e] * step_ : delay_[e]);
      kept.record[e] = static_cast<std::int32_t>(column_[e]) * capacity - (last - static_cast<std::int32_t>(stretch));
      kept.x[e] = x;
    }
  });
  return kept;
}

void DelayedSum::sum_rows(const Lookup& lookup, std::size_t chunk, std::size_t newest, std::size_t terms) const {
  const std::size_t parts = parts_.size(), stride = terms_ * parts, from = chunk * chunk_of_rows,
                    to = std::min(rows_, from + chunk_of_rows), e = begin_[chunk];
  double* total = kept_.totals.data() + from * parts;
  std::fill_n(total, (to - from) * parts, 0.0);
  kernels<double>().past.scatter(records_.data() + newest * stride, static_cast<std::ptrdiff_t>(stride),
                                 lookup.record.data() + e, lookup.x.data() + e, weight_.data() + e, row_.data() + e,
                                 begin_[chunk + 1] - e, terms, parts, total);
}

void DelayedSum::add_undelayed(std::span<const double> sources, std::span<double> u) const {
  for (const Undelayed& pair : undelayed_)
    for (const Part& part : parts_) u[part.input + pair.row] += pair.weight * sources[part.source + pair.column];
}

}  // namespace striate
