#include "integrators/synapse_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "base/parallel_pieces.hpp"

namespace striate {

template <class T>
SynapseRules<T>::SynapseRules(const System<double>& system, const System<T>& rules, std::size_t projection,
                              std::span<const double> p, double step)
    : rules_(rules), about_(rules.projections()[projection]), number_(projection), common_delay_(about_.common_delay) {
  const Connections& drawn = *about_.synapses;
  if (drawn.size() > 0xffffffff)
    throw Error(fmt::format("projection '{}'", about_.name),
                fmt::format("{} synapses change by rules, but at most 2^32 can. Ask for fewer.", drawn.size()));
  row_ = rows_by_place(about_, drawn, system.events()[about_.event].size);
  pre_.resize(drawn.size());
  for (std::uint32_t place = 0; place + 1 < row_.size(); ++place)
    std::fill(pre_.begin() + static_cast<std::ptrdiff_t>(row_[place]),
              pre_.begin() + static_cast<std::ptrdiff_t>(row_[place + 1]), place);
  if (drawn.size() > 0) {
    delay_ = delays_in_steps(system, projection, p, step, row_, drawn);
    longest_ = *std::max_element(delay_.begin(), delay_.end()) + 1ULL;
    if (common_delay_) delay_.clear();
  }
  due_.resize(longest_ + 1);
  into_.assign(about_.post.places() + 1, 0);
  for (const std::uint32_t target : drawn.target) ++into_[target + 1];
  std::partial_sum(into_.begin(), into_.end(), into_.begin());
  into_synapse_.resize(drawn.size());
  std::vector<std::uint64_t> next = into_;
  for (std::size_t s = 0; s < drawn.size(); ++s) into_synapse_[next[drawn.target[s]]++] = static_cast<std::uint32_t>(s);
}

template <class T>
void SynapseRules<T>::send(std::span<const std::uint32_t> ids, std::uint64_t step, std::uint64_t now) {
  if (about_.on_arrival.empty()) return;
  std::size_t round = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::uint32_t id = ids[i];
    round = i > 0 && ids[i - 1] == id ? round + 1 : 0;
    if (row_[id] == row_[id + 1]) continue;
    sent_.push_back({step, id});
    for (std::uint64_t s = row_[id]; s < row_[id + 1]; ++s) {
      const auto synapse = static_cast<std::uint32_t>(s);
      const std::uint64_t arrival = step + delay(synapse);
      if (arrival <= now) continue;
      Rounds& rounds = due_[arrival % due_.size()];
      if (rounds.size() <= round) rounds.resize(round + 1);
      rounds[round].push_back(synapse);
    }
  }
}

template <class T>
void SynapseRules<T>::arrive(std::uint64_t step, std::span<const T> p, std::span<T> y, std::span<T> also) {
  for (auto& synapses : due_[step % due_.size()]) {
    apply(about_.on_arrival, synapses, p, y, also);
    synapses.clear();
  }
  const auto arrived = [&](const SentSpike& sent) { return sent.step + longest_ <= step; };
  sent_.erase(sent_.begin(), std::find_if_not(sent_.begin(), sent_.end(), arrived));
}

template <class T>
void SynapseRules<T>::back(std::size_t event, std::span<const std::uint32_t> ids, std::span<const T> p, std::span<T> y,
                           std::span<T> also) {
  for (const auto& back : about_.back) {
    if (back.event != event) continue;
    std::vector<std::uint32_t> left(ids.begin(), ids.end()), later;
    for (; !left.empty(); left.swap(later)) {
      together_.clear();
      later.clear();
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (i > 0 && left[i - 1] == left[i]) {
          later.push_back(left[i]);
          continue;
        }
        together_.insert(together_.end(), into_synapse_.begin() + static_cast<std::ptrdiff_t>(into_[left[i]]),
                         into_synapse_.begin() + static_cast<std::ptrdiff_t>(into_[left[i] + 1]));
      }
      apply(back.changes, together_, p, y, also);
    }
  }
}

template <class T>
void SynapseRules<T>::apply(const std::vector<Projection::Change>& changes, std::span<const std::uint32_t> synapses,
                            std::span<const T> p, std::span<T> y, std::span<T> also) {
  constexpr std::size_t chunk = 4096;
  const auto change = [&](std::span<const std::uint32_t> numbers, Workspace<T>& workspace) {
    std::vector<std::uint32_t> pre, post;
    for (const std::uint32_t s : numbers) {
      pre.push_back(pre_[s]);
      post.push_back(about_.synapses->target[s]);
    }
    std::vector<std::vector<T>> values(changes.size());
    for (std::size_t r = 0; r < changes.size(); ++r) {
      values[r].resize(changes[r].common ? 1 : numbers.size());
      rules_.synapse_values(number_, changes[r].expression, {0, pre, post, numbers}, p, y, values[r], workspace);
    }
    for (std::size_t r = 0; r < changes.size(); ++r) {
      const std::size_t offset = rules_.states()[changes[r].state].offset;
      for (std::size_t i = 0; i < numbers.size(); ++i)
        y[offset + numbers[i]] = also[offset + numbers[i]] = values[r][changes[r].common ? 0 : i];
    }
  };
  parallel_pieces(synapses.size(), synapses.size() > chunk, [&](std::size_t worker, std::size_t at, std::size_t end) {
    auto& workspace = workspaces_[worker];
    if (!workspace) workspace = rules_.workspace();
    for (; at < end; at += chunk) change(synapses.subspan(at, std::min(chunk, end - at)), *workspace);
  });
}

template <class T>
std::vector<SentSpike> SynapseRules<T>::waiting(std::uint64_t step) const {
  std::vector<SentSpike> all;
  for (const auto& sent : sent_)
    if (sent.step + longest_ > step) all.push_back(sent);
  return all;
}

template <class T>
void SynapseRules<T>::restore(const std::vector<SentSpike>& waiting, std::uint64_t step) {
  for (auto& rounds : due_) rounds.clear();
  sent_.clear();
  for (std::size_t i = 0; i < waiting.size();) {
    std::vector<std::uint32_t> ids;
    const std::uint64_t at = waiting[i].step;
    for (; i < waiting.size() && waiting[i].step == at; ++i) ids.push_back(waiting[i].source);
    send(ids, at, step);
  }
}

template class SynapseRules<float>;
template class SynapseRules<double>;

}  // namespace striate
