#include "integrators/deliveries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <numeric>
#include <optional>

#include "base/caught.hpp"
#include "base/error.hpp"
#include "base/memory.hpp"
#include "integrators/refuse_amount.hpp"

namespace striate {
namespace {

/// body(row, own) for every row, on threads with an `own` = make() each; the error of the first row is thrown.
template <class Make, class Body>
void for_rows(std::size_t rows, const Make& make, const Body& body) {
  Caught caught;
#pragma omp parallel
  {
    std::optional<decltype(make())> own;
    caught.guard(0, [&] { own.emplace(make()); });
#pragma omp for schedule(dynamic, 64)
    for (std::size_t i = 0; i < rows; ++i)
      if (own) caught.guard(i, [&] { body(i, *own); });
  }
  caught.rethrow();
}

}  // namespace

std::vector<std::uint64_t> rows_by_place(const Projection& about, const Connections& drawn, std::size_t event_size) {
  std::vector<std::uint64_t> row(event_size + 1, 0);
  const auto sources = about.pre.elements();
  for (std::size_t i = 0; i < sources.size(); ++i) row[sources[i] + 1] = drawn.row[i + 1] - drawn.row[i];
  std::partial_sum(row.begin(), row.end(), row.begin());
  return row;
}

AlignedVector<std::uint16_t> delays_in_steps(const System<double>& system, std::size_t projection,
                                             std::span<const double> p, double step,
                                             const std::vector<std::uint64_t>& row, const Connections& drawn) {
  const Projection& about = system.projections()[projection];
  const auto slot_of = [&](double delay, std::size_t pre, std::size_t post) {
    const auto refuse = [&](const std::string& what) {
      throw Error(fmt::format("projection '{}'", about.name),
                  fmt::format("delay = {} [{}] from {}[{}] to {}, but {}", delay, system.time_unit().str(),
                              system.events()[about.event].name, pre, post, what));
    };
    if (!(delay >= 0)) refuse("a spike arrives after it left, in finite time. Check its sign and parameters.");
    if (delay < step * (1 - 1e-6)) {
      refuse(fmt::format("spikes on a grid travel at least one step of {} {}. {}, or take spikes = \"precise\".", step,
                         system.time_unit().str(),
                         delay > 0 ? "Take a smaller step" : "Write an 'after' of a step or more"));
    }
    const double steps = std::round(delay / step);
    if (steps > 65536) refuse("it spans more than 65536 steps. Shorten it, or take a larger step.");
    return static_cast<std::uint16_t>(steps - 1);
  };
  if (drawn.size() == 0) return {};
  if (about.common_delay) {
    auto workspace = system.workspace();
    double delay = 0;
    system.synapse_values(projection, 0, {}, p, {}, std::span(&delay, 1), workspace);
    return {slot_of(delay, about.pre.elements().front(), drawn.target.front())};
  }
  AlignedVector<std::uint16_t> slot(drawn.size());
  const auto workspaces = [&] { return system.workspace(); };
  for_rows(row.size() - 1, workspaces, [&](std::size_t i, Workspace<double>& workspace) {
    thread_local std::vector<std::uint32_t> pre;
    thread_local std::vector<double> delay;
    const std::size_t n = row[i + 1] - row[i];
    if (n == 0) return;
    pre.assign(n, static_cast<std::uint32_t>(i));
    delay.resize(n);
    const auto post = std::span(drawn.target).subspan(row[i], n);
    system.synapse_values(projection, 0, {row[i], pre, post}, p, {}, delay, workspace);
    for (std::size_t k = 0; k < n; ++k) slot[row[i] + k] = slot_of(delay[k], i, post[k]);
  });
  return slot;
}

template <class T>
Deliveries<T>::Deliveries(const System<double>& system, std::size_t projection, std::span<const double> p, double step,
                          const std::vector<std::size_t>& arrival_offset, std::size_t parts)
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
  row_ = rows_by_place(about, drawn, event.size);
  targets_ = about.post.places();

  const auto span_of = [&](std::size_t row, std::vector<std::uint32_t>& pre) {
    const std::size_t n = row_[row + 1] - row_[row];
    pre.assign(n, static_cast<std::uint32_t>(row));
    return SynapseSpan{row_[row], pre, std::span(drawn.target).subspan(row_[row], n)};
  };
  auto slot = delays_in_steps(system, projection, p, step, row_, drawn);
  if (!slot.empty()) longest_ = *std::max_element(slot.begin(), slot.end()) + std::size_t{1};
  for (auto& amount : amounts_) {
    if (amount.of_states || drawn.size() == 0) continue;
    if (amount.common) {
      auto workspace = system.workspace();
      double value = 0;
      system.synapse_values(number_, amount.expression, {}, p, {}, std::span(&value, 1), workspace);
      amount.value = static_cast<T>(value);
      if (!std::isfinite(amount.value)) refuse_amount(system, projection, amount.expression, value);
      continue;
    }
    amount.values.resize(drawn.size());
    const auto workspaces = [&] { return system.workspace(); };
    for_rows(event.size, workspaces, [&](std::size_t row, Workspace<double>& workspace) {
      thread_local std::vector<std::uint32_t> pre;
      thread_local std::vector<double> value;
      const SynapseSpan span = span_of(row, pre);
      value.resize(pre.size());
      if (pre.empty()) return;
      system.synapse_values(number_, amount.expression, span, p, {}, value, workspace);
      for (std::size_t k = 0; k < value.size(); ++k) {
        const float held = amount.values[span.first + k] = static_cast<float>(value[k]);
        if (!std::isfinite(held)) refuse_amount(system, projection, amount.expression, value[k], pre[k], span.post[k]);
      }
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
  constexpr std::size_t cache = 1 << 20;  // bytes that scattered additions find quickly
  if (!reads_states_ && (longest_ + 1) * targets_ * sizeof(T) > cache) sort_by_delay(parts);
}

/// Each source's synapses, and their amounts, in the order of part, delay, then target: counted, then moved.
template <class T>
void Deliveries<T>::sort_by_delay(std::size_t parts) {
  target_bits_ = static_cast<unsigned>(std::bit_width(targets_ - 1));
  const std::uint32_t mask = (std::uint32_t{1} << slot_bits_) - 1;
  const std::size_t rows = row_.size() - 1;
  waiting_.resize(parts);
  std::vector<std::uint64_t> bound(rows * parts + 1, row_.back());
  std::vector<std::size_t> end_of_part(parts);
  for (std::size_t part = 0; part < parts; ++part) end_of_part[part] = (part + 1) * targets_ / parts;
  struct Sorting {
    std::vector<std::uint32_t> place, moved;
    std::vector<std::uint64_t> to;
    std::vector<float> values;
  };
  const auto sorting = [&] { return Sorting{std::vector<std::uint32_t>(parts * longest_ + 1), {}, {}, {}}; };
  for_rows(rows, sorting, [&](std::size_t row, Sorting& own) {
    auto& [place, moved, to, values] = own;
    const std::uint64_t first = row_[row], n = row_[row + 1] - first;
    std::uint32_t* const word = word_.data() + first;
    std::fill(place.begin(), place.end(), 0);
    moved.resize(n);
    to.resize(n);
    std::size_t part = 0;  // targets ascend
    for (std::size_t k = 0; k < n; ++k) {
      while (word[k] >> slot_bits_ >= end_of_part[part]) ++part;
      to[k] = part * longest_ + (word[k] & mask);
      ++place[to[k] + 1];
    }
    std::partial_sum(place.begin(), place.end(), place.begin());
    for (part = 0; part < parts; ++part) bound[row * parts + part] = first + place[part * longest_];
    for (std::size_t k = 0; k < n; ++k) {
      to[k] = place[to[k]]++;
      moved[to[k]] = (word[k] & mask) << target_bits_ | word[k] >> slot_bits_;
    }
    std::copy(moved.begin(), moved.end(), word);
    for (auto& amount : amounts_) {
      if (amount.values.empty()) continue;
      values.resize(n);
      for (std::size_t k = 0; k < n; ++k) values[to[k]] = amount.values[first + k];
      std::copy(values.begin(), values.end(), amount.values.data() + first);
    }
  });
  row_ = std::move(bound);
  parts_ = parts;
}

template <class T>
void Deliveries<T>::send(std::span<const std::uint32_t> ids, std::uint64_t step) {
  for (std::size_t part = 0; part < waiting_.size(); ++part)
    for (const std::uint32_t id : ids) let_wait(part, {step, id}, step);
}

/// What of the spike arrives later than at the end of `after`.
template <class T>
void Deliveries<T>::let_wait(std::size_t part, const SentSpike& spike, std::uint64_t after) {
  const std::uint64_t* const bound = &row_[spike.source * parts_ + part];
  const std::uint32_t *next = word_.data() + bound[0], *const end = word_.data() + bound[1];
  if (spike.step < after) next = std::lower_bound(next, end, (after - spike.step) << target_bits_);
  if (next < end)
    waiting_[part].push_back({static_cast<std::uint64_t>(next - word_.data()), static_cast<std::uint32_t>(end - next),
                              static_cast<std::uint32_t>(spike.step)});
}

template <class T>
void Deliveries<T>::deliver_due(std::size_t part, std::uint64_t step, T* slot) {
  auto& waiting = waiting_[part];
  const std::uint32_t mask = (std::uint32_t{1} << target_bits_) - 1;
  std::size_t left = 0;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    constexpr std::size_t ahead = 16;
    if (i + ahead < waiting.size()) __builtin_prefetch(word_.data() + waiting[i + ahead].next);
    const Waiting spike = waiting[i];
    const std::uint64_t age = static_cast<std::uint32_t>(step - spike.sent);  // delays are kept less one step
    const std::uint32_t* const word = word_.data() + spike.next;
    std::uint32_t due = 0;
    while (due < spike.left && word[due] < age << target_bits_) ++due;
    for (const auto& amount : amounts_) {
      T* const to = slot + amount.offset;
      for (std::uint32_t k = 0; k < due; ++k)
        to[word[k] & mask] += amount.common ? amount.value : static_cast<T>(amount.values[spike.next + k]);
    }
    if (due < spike.left) waiting[left++] = {spike.next + due, spike.left - due, spike.sent};
  }
  waiting.resize(left);
}

template <class T>
std::vector<SentSpike> Deliveries<T>::waiting(std::uint64_t step) const {
  std::vector<SentSpike> all, both;
  for (const auto& part : waiting_) {
    std::vector<SentSpike> of_part;
    for (const auto& spike : part) {
      const auto row = std::upper_bound(row_.begin(), row_.end(), spike.next) - row_.begin() - 1;
      of_part.push_back({step - static_cast<std::uint32_t>(step - spike.sent),
                         static_cast<std::uint32_t>(static_cast<std::size_t>(row) / parts_)});
    }
    both.clear();
    std::set_union(all.begin(), all.end(), of_part.begin(), of_part.end(), std::back_inserter(both));
    all.swap(both);
  }
  return all;
}

template <class T>
void Deliveries<T>::restore(const std::vector<SentSpike>& waiting, std::uint64_t step) {
  for (std::size_t part = 0; part < waiting_.size(); ++part) {
    waiting_[part].clear();
    for (const auto& spike : waiting) let_wait(part, spike, step);
  }
}

template <class T>
std::size_t Deliveries<T>::bytes() const {
  std::size_t total = row_.size() * sizeof(row_[0]) + word_.size() * sizeof(word_[0]) + wide_.size() * sizeof(wide_[0]);
  for (const auto& amount : amounts_)
    if (!amount.of_states) total += amount.values.size() * sizeof(float);
  return total;
}

template <class T>
void Deliveries<T>::read_states(const System<T>& system, std::span<const std::uint32_t> ids, std::span<const T> p,
                                std::span<const T> y, Workspace<T>& workspace) {
  std::vector<std::uint32_t> pre, post;
  std::vector<T> value;
  for (auto& amount : amounts_) {
    if (!amount.of_states) continue;
    amount.values.clear();
    for (const std::uint32_t id : ids) {
      const std::size_t n = row(id + 1) - row(id);
      pre.assign(n, id);
      post.resize(n);
      for (std::size_t k = 0; k < n; ++k) post[k] = target(row(id) + k);
      value.resize(amount.common ? 1 : n);
      if (n == 0) continue;
      system.synapse_values(number_, amount.expression, {row(id), pre, post}, p, y, value, workspace);
      for (std::size_t k = 0; k < n; ++k) amount.values.push_back(static_cast<float>(value[amount.common ? 0 : k]));
    }
  }
}

template <class T>
std::uint64_t Deliveries<T>::count(std::span<const std::uint32_t> ids) const {
  std::uint64_t n = 0;
  for (const std::uint32_t id : ids) n += row(id + 1) - row(id);
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
    std::uint64_t k = row(ids[s]), last = row(ids[s] + 1);
    const std::uint64_t first = k;
    // Where the row's amounts begin, less the row's first synapse.
    const float* const value = common ? nullptr : amount.values.data() + (amount.of_states ? given : first);
    given += last - first;
    if (s + 1 < ids.size()) {
      const std::uint64_t next = row(ids[s + 1]), next_end = std::min(row(ids[s + 1] + 1), next + 512);
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
      const T w = common ? amount.value : static_cast<T>(value[k - first]);
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
