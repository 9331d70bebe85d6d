#include "integrators/deliveries.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <exception>
#include <numeric>

#include "base/error.hpp"
#include "base/memory.hpp"

namespace striate {
namespace {

/// body(row, workspace) for every row, on threads; the error of the first row that has one is thrown.
template <class Body>
void for_rows(const System<double>& system, std::size_t rows, const Body& body) {
  std::exception_ptr error;
  std::size_t at = rows;
#pragma omp parallel
  {
    auto workspace = system.workspace();
#pragma omp for schedule(dynamic, 64)
    for (std::size_t i = 0; i < rows; ++i) {
      try {
        body(i, workspace);
      } catch (...) {
#pragma omp critical
        if (i < at) {
          at = i;
          error = std::current_exception();
        }
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace

template <class T>
Deliveries<T>::Deliveries(const System<double>& system, std::size_t projection, std::span<const double> p, double step,
                          const std::vector<std::size_t>& arrival_offset)
    : number_(projection) {
  const Projection& about = system.projections()[projection];
  const Event& event = system.events()[about.event];
  const std::string where = fmt::format("projection '{}'", about.name);
  common_delay_ = about.common_delay;
  std::size_t individual = 0;
  for (const auto& a : about.arrivals) {
    amounts_.push_back({a.expression, arrival_offset[a.state], a.of_states, a.common, T(0), {}});
    individual += a.common || a.of_states ? 0 : 1;
    reads_states_ = reads_states_ || a.of_states;
  }
  const std::uint64_t most = most_synapses(about.rule, about.pre, about.post);
  require_memory(where, fmt::format("{} synapses", most),
                 static_cast<double>(most) * static_cast<double>(8 + 4 * individual + (common_delay_ ? 0 : 2)));
  const Connections drawn =
      about.synapses ? *about.synapses : connect(about.rule, about.pre, about.post, about.seed, about.purpose);
  const auto sources = about.pre.elements();
  row_.assign(event.size + 1, 0);
  for (std::size_t i = 0; i < sources.size(); ++i) row_[sources[i] + 1] = drawn.row[i + 1] - drawn.row[i];
  std::partial_sum(row_.begin(), row_.end(), row_.begin());
  targets_ = 1;
  for (const auto& axis : about.post.axes) targets_ *= axis.size;

  const auto span_of = [&](std::size_t row, std::vector<std::uint32_t>& pre) {
    const std::size_t n = row_[row + 1] - row_[row];
    pre.assign(n, static_cast<std::uint32_t>(row));
    return SynapseSpan{row_[row], pre, std::span(drawn.target).subspan(row_[row], n)};
  };
  AlignedVector<std::uint16_t> slot(common_delay_ ? 0 : drawn.size());
  const auto slot_of = [&](double delay, std::size_t pre, std::size_t post) {
    const auto refuse = [&](const std::string& what) {
      throw Error(where, fmt::format("delay = {} [{}] from {}[{}] to {}, but {}", delay, system.time_unit().str(),
                                     event.name, pre, post, what));
    };
    if (!(delay >= step * (1 - 1e-6))) {
      refuse(fmt::format(
          "spikes on a grid travel at least one step of {} {}. Take a smaller step, or spikes = \"precise\".", step,
          system.time_unit().str()));
    }
    const double steps = std::round(delay / step);
    if (steps > 65536) refuse("it spans more than 65536 steps.");
    return static_cast<std::uint16_t>(steps - 1);
  };
  if (drawn.size() == 0) {
    longest_ = 1;
  } else if (common_delay_) {
    auto workspace = system.workspace();
    double delay = 0;
    system.synapse_values(number_, 0, {}, p, {}, std::span(&delay, 1), workspace);
    longest_ = slot_of(delay, sources.front(), drawn.target.front()) + std::size_t{1};
  } else {
    for_rows(system, event.size, [&](std::size_t row, Workspace<double>& workspace) {
      thread_local std::vector<std::uint32_t> pre;
      thread_local std::vector<double> delay;
      const SynapseSpan span = span_of(row, pre);
      delay.resize(pre.size());
      if (pre.empty()) return;
      system.synapse_values(number_, 0, span, p, {}, delay, workspace);
      for (std::size_t k = 0; k < delay.size(); ++k) slot[span.first + k] = slot_of(delay[k], row, span.post[k]);
    });
    longest_ = *std::max_element(slot.begin(), slot.end()) + std::size_t{1};
  }
  for (auto& amount : amounts_) {
    if (amount.of_states || drawn.size() == 0) continue;
    if (amount.common) {
      auto workspace = system.workspace();
      double value = 0;
      system.synapse_values(number_, amount.expression, {}, p, {}, std::span(&value, 1), workspace);
      amount.value = static_cast<T>(value);
      continue;
    }
    amount.values.resize(drawn.size());
    for_rows(system, event.size, [&](std::size_t row, Workspace<double>& workspace) {
      thread_local std::vector<std::uint32_t> pre;
      thread_local std::vector<double> value;
      const SynapseSpan span = span_of(row, pre);
      value.resize(pre.size());
      if (pre.empty()) return;
      system.synapse_values(number_, amount.expression, span, p, {}, value, workspace);
      for (std::size_t k = 0; k < value.size(); ++k) amount.values[span.first + k] = static_cast<float>(value[k]);
    });
  }
  word_ = drawn.target;
  if (common_delay_) return;
  const auto bits = static_cast<unsigned>(std::bit_width(longest_ - 1));
  if (std::bit_width(targets_ - 1) + bits > 32) {
    wide_ = std::move(slot);
    return;
  }
  slot_bits_ = bits;
  for (std::size_t k = 0; k < word_.size(); ++k) word_[k] = word_[k] << bits | slot[k];
}

template <class T>
std::size_t Deliveries<T>::bytes() const {
  std::size_t total = row_.size() * sizeof(row_[0]) + word_.size() * sizeof(word_[0]) + wide_.size() * sizeof(wide_[0]);
  for (const auto& amount : amounts_)
    if (!amount.of_states) total += amount.values.size() * sizeof(float);
  return total;
}

template <class T>
void Deliveries<T>::read_states(const System<double>& system, std::span<const std::uint32_t> ids,
                                std::span<const double> p, std::span<const double> y, Workspace<double>& workspace) {
  std::vector<std::uint32_t> pre, post;
  std::vector<double> value;
  for (auto& amount : amounts_) {
    if (!amount.of_states) continue;
    amount.values.clear();
    for (const std::uint32_t id : ids) {
      const std::size_t n = row_[id + 1] - row_[id];
      pre.assign(n, id);
      post.resize(n);
      for (std::size_t k = 0; k < n; ++k) post[k] = target(row_[id] + k);
      value.resize(amount.common ? 1 : n);
      if (n == 0) continue;
      system.synapse_values(number_, amount.expression, {row_[id], pre, post}, p, y, value, workspace);
      for (std::size_t k = 0; k < n; ++k) amount.values.push_back(static_cast<float>(value[amount.common ? 0 : k]));
    }
  }
}

template <class T>
std::uint64_t Deliveries<T>::count(std::span<const std::uint32_t> ids) const {
  std::uint64_t n = 0;
  for (const std::uint32_t id : ids) n += row_[id + 1] - row_[id];
  return n;
}

template <class T>
void Deliveries<T>::deliver(std::span<const std::uint32_t> ids, std::uint64_t step, ArrivalRing<T>& ring,
                            std::size_t begin, std::size_t end) const {
  const auto first = static_cast<std::uint32_t>(begin), last = static_cast<std::uint32_t>(end);
  for (const auto& amount : amounts_) {
    const bool common = amount.common && !amount.of_states;
    if (common_delay_)
      common ? add<true, true>(ids, step, ring, amount, first, last)
             : add<true, false>(ids, step, ring, amount, first, last);
    else
      common ? add<false, true>(ids, step, ring, amount, first, last)
             : add<false, false>(ids, step, ring, amount, first, last);
  }
}

template <class T>
template <bool one_slot, bool common>
void Deliveries<T>::add(std::span<const std::uint32_t> ids, std::uint64_t step, ArrivalRing<T>& ring,
                        const Amount& amount, std::uint32_t begin, std::uint32_t end) const {
  const std::uint32_t* const word = word_.data();
  T* const at_once = one_slot ? ring.slot(step + longest_) + amount.offset : nullptr;
  T* const slots = ring.values.data() + amount.offset;
  const std::uint32_t slot_mask = (std::uint32_t{1} << slot_bits_) - 1;
  const bool part = begin > 0 || end < targets_;
  std::uint64_t given = 0;  // of amounts read for these spikes
  for (std::size_t s = 0; s < ids.size(); ++s) {
    std::uint64_t k = row_[ids[s]], last = row_[ids[s] + 1];
    const std::uint64_t row = k;
    // Where the row's amounts begin, less the row's first synapse.
    const float* const value = common ? nullptr : amount.values.data() + (amount.of_states ? given : row);
    given += last - row;
    if (s + 1 < ids.size()) {
      const std::uint64_t next = row_[ids[s + 1]], next_end = std::min(row_[ids[s + 1] + 1], next + 512);
      for (std::uint64_t line = next; line < next_end; line += 16) __builtin_prefetch(word + line);
    }
    if (part) {
      const auto below = [&](std::uint32_t bound) {
        return static_cast<std::uint64_t>(
            std::partition_point(word + k, word + last, [&](std::uint32_t w) { return w >> slot_bits_ < bound; }) -
            word);
      };
      const std::uint64_t stop = below(end);
      k = below(begin);
      last = stop;
    }
    for (; k < last; ++k) {
      const T w = common ? amount.value : static_cast<T>(value[k - row]);
      if constexpr (one_slot) {
        at_once[word[k]] += w;
      } else {
        const std::uint64_t slot = wide_.empty() ? word[k] & slot_mask : wide_[k];
        slots[((step + 1 + slot) & ring.mask) * ring.slot_size + (word[k] >> slot_bits_)] += w;
      }
    }
  }
}

template class Deliveries<float>;
template class Deliveries<double>;

}  // namespace striate
