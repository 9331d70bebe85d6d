#include "integrators/delayed_sum.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parallel.hpp"
#include "circuit/kernels/table.hpp"

namespace striate {
namespace {

constexpr std::size_t tile_bytes = 1 << 18;  ///< of the past that is looked up together
constexpr std::size_t together = 256;        ///< pairs whose places are found before they are summed
constexpr std::size_t chunks_of_rows = 32, shortest_chunk = 16;
constexpr std::size_t pairs_worth_a_thread = 16384;

}  // namespace

std::pair<std::size_t, double> Places::operator()(double tau) const {
  if (grid) {
    // Just below a whole number is rounding, and the next stretch begins where this one ends.
    const double place = std::max(top - tau * per_step, 0.0);
    const std::size_t i = std::min(static_cast<std::size_t>(place + 1e-9), count - 1);
    return {i, place - static_cast<double>(i)};
  }
  const double x = t - tau;
  const double b = std::max((x - begins.front()) * per_bucket, 0.0);
  std::size_t i = bucket[std::min(static_cast<std::size_t>(b), bucket.size() - 1)];
  while (i > 0 && x < begins[i]) --i;
  while (i + 1 < count && x >= ends[i]) ++i;
  const double s = (x - begins[i]) / (ends[i] - begins[i]);
  return {i, centred ? 2 * s - 1 : s};
}

DelayedSum::DelayedSum(const System<double>& system, std::vector<std::size_t> delays, std::span<const double> taus,
                       std::span<const double> weights, std::size_t terms, double step, std::size_t longest)
    : terms_(terms), all_sources_(system.sources_size()), step_(step) {
  for (const std::size_t i : delays) parts_.push_back({system.delays()[i].source, system.delays()[i].input});
  const Delay& delay = system.delays()[delays.front()];
  rows_ = delay.inputs;
  columns_ = delay.source_size;
  tile_ = std::clamp(tile_bytes / (longest * terms_ * parts_.size() * sizeof(double)), std::size_t{8}, columns_ + 8);
  const std::size_t tiles = (columns_ + tile_ - 1) / tile_;
  taus = taus.subspan(delay.tau, delay.size);
  weights = weights.subspan(delay.weights, delay.size);
  const auto column = [&](std::size_t e) {
    return delay.element ? (*delay.element)[e] : static_cast<std::uint32_t>(e);
  };
  begin_.assign(tiles * rows_ + 1, 0);
  const auto place = [&](std::size_t e) { return column(e) / tile_ * rows_ + (*delay.target)[e]; };
  for (std::size_t e = 0; e < delay.size; ++e) {
    if (weights[e] == 0) continue;
    if (taus[e] == 0)
      undelayed_.push_back({(*delay.target)[e], column(e), weights[e]});
    else
      ++begin_[place(e) + 1];
  }
  for (std::size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
  column_.resize(begin_.back());
  delay_.resize(begin_.back());
  weight_.resize(begin_.back());
  auto next = begin_;
  for (std::size_t e = 0; e < delay.size; ++e) {
    if (weights[e] == 0 || taus[e] == 0) continue;
    const std::size_t at = next[place(e)]++;
    column_[at] = column(e);
    weight_[at] = weights[e];
    delay_[at] = step > 0 ? taus[e] / step : taus[e];
    whole_ = whole_ && step > 0 && std::abs(delay_[at] - std::round(delay_[at])) < 1e-9;
  }
}

void DelayedSum::push(std::span<const double> rows) {
  const std::size_t stride = terms_ * parts_.size();
  if (first_ + count_ == capacity_) {
    const std::size_t capacity = 2 * first_ <= capacity_ ? std::max<std::size_t>(2 * capacity_, 16) : capacity_;
    AlignedVector<double> grown;
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
}

void DelayedSum::fill(const Places& places, std::span<double> u) const {
  if (column_.empty()) {
    for (const Part& part : parts_) std::fill_n(u.begin() + static_cast<std::ptrdiff_t>(part.input), rows_, 0.0);
    return;
  }
  const bool whole = places.grid && whole_ && std::abs(places.top - std::round(places.top)) < 1e-9;
  const std::size_t rows =
      std::clamp((rows_ + chunks_of_rows - 1) / chunks_of_rows, shortest_chunk, rows_ + shortest_chunk);
  parallel_for((rows_ + rows - 1) / rows, column_.size() >= pairs_worth_a_thread, [&](std::size_t c) {
    fill_rows(places, c * rows, std::min(rows_, (c + 1) * rows), whole ? 1 : terms_, u);
  });
}

void DelayedSum::fill_rows(const Places& places, std::size_t from, std::size_t to, std::size_t terms,
                           std::span<double> u) const {
  const auto& past = kernels<double>().past;
  const std::size_t parts = parts_.size(), stride = terms_ * parts,
                    tiles = (begin_.size() - 1) / std::max<std::size_t>(rows_, 1);
  std::vector<double> total((to - from) * parts);
  std::array<std::uint32_t, together> record;
  std::array<double, together> x;
  const auto capacity = static_cast<std::uint32_t>(capacity_), first = static_cast<std::uint32_t>(first_),
             last = static_cast<std::uint32_t>(count_ - 1);
  for (std::size_t tile = 0; tile < tiles; ++tile)
    for (std::size_t row = from; row < to; ++row) {
      const std::size_t end = begin_[tile * rows_ + row + 1];
      for (std::size_t e = begin_[tile * rows_ + row]; e < end; e += together) {
        const std::size_t n = std::min(together, end - e);
        if (places.grid) {
          past.place(column_.data() + e, delay_.data() + e, n, places.top, capacity, first, last, record.data(),
                     x.data());
        } else {
          for (std::size_t i = 0; i < n; ++i) {
            const auto [stretch, in] = places(step_ > 0 ? delay_[e + i] * step_ : delay_[e + i]);
            record[i] = column_[e + i] * capacity + first + static_cast<std::uint32_t>(stretch);
            x[i] = in;
          }
        }
        past.gather(records_.data(), stride, record.data(), x.data(), weight_.data() + e, n, terms, parts,
                    total.data() + (row - from) * parts);
      }
    }
  for (std::size_t row = from; row < to; ++row)
    for (std::size_t c = 0; c < parts; ++c) u[parts_[c].input + row] = total[(row - from) * parts + c];
}

void DelayedSum::add_undelayed(std::span<const double> sources, std::span<double> u) const {
  for (const Undelayed& pair : undelayed_)
    for (const Part& part : parts_) u[part.input + pair.row] += pair.weight * sources[part.source + pair.column];
}

}  // namespace striate
