#include "circuit/connectivity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "circuit/check_connectivity.hpp"
#include "circuit/kernels/table.hpp"

namespace striate {
namespace {

using Rule = Connectivity::Rule;

/// A multiset of numbers below `size`, which it gives back in ascending order: a bit each, a bit for each word of bits
/// in use, and a list of what came more than once.
class AscendingSet {
 public:
  explicit AscendingSet(std::size_t size) : bits_((size + 63) / 64), used_((bits_.size() + 63) / 64) {}

  bool insert(std::size_t i) {
    std::uint64_t& word = bits_[i / 64];
    const std::uint64_t bit = std::uint64_t{1} << i % 64;
    if (word & bit) return false;
    word |= bit;
    used_[i / 4096] |= std::uint64_t{1} << i / 64 % 64;
    return true;
  }
  void insert_again(std::size_t i) {
    if (!insert(i)) again_.push_back(static_cast<std::uint32_t>(i));
  }
  void clear() {
    for_words([](std::size_t, std::uint64_t) {});
    again_.clear();
  }

  /// Appends element[i] of every number i held, and is empty then.
  void move_to(std::vector<std::uint32_t>& out, const std::vector<std::uint32_t>& element) {
    std::sort(again_.begin(), again_.end());
    auto repeated = again_.begin();
    for_words([&](std::size_t base, std::uint64_t word) {
      for (; word; word &= word - 1) {
        const std::size_t i = base + static_cast<std::size_t>(std::countr_zero(word));
        out.push_back(element[i]);
        for (; repeated != again_.end() && *repeated == i; ++repeated) out.push_back(element[i]);
      }
    });
    again_.clear();
  }

 private:
  template <class Body>
  void for_words(const Body& body) {
    for (std::size_t u = 0; u < used_.size(); ++u) {
      for (; used_[u]; used_[u] &= used_[u] - 1) {
        const std::size_t w = u * 64 + static_cast<std::size_t>(std::countr_zero(used_[u]));
        body(w * 64, bits_[w]);
        bits_[w] = 0;
      }
    }
  }

  std::vector<std::uint64_t> bits_, used_;
  std::vector<std::uint32_t> again_;
};

/// Logarithms and normal numbers of a stream, some hundred at once by the vector kernels.
class Batch {
 public:
  static constexpr std::size_t most = 512;

  /// values[0, n) = log u, u uniform in (0, 1)
  void logarithms(RandomStream& stream, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) first_[i] = stream.uniform();
    run(Pointwise::log, first_.data(), nullptr, values.data(), n);
  }

  /// values[0, 2n) standard normal (Box & Muller 1958), n <= most/2
  void normals(RandomStream& stream, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      first_[i] = stream.uniform();
      second_[i] = 2 * std::numbers::pi * stream.uniform();
    }
    run(Pointwise::log, first_.data(), nullptr, first_.data(), n);
    for (std::size_t i = 0; i < n; ++i) first_[i] *= -2;
    run(Pointwise::sqrt, first_.data(), nullptr, first_.data(), n);
    run(Pointwise::cos, second_.data(), nullptr, values.data(), n);
    run(Pointwise::sin, second_.data(), nullptr, values.data() + n, n);
    run(Pointwise::mul, first_.data(), values.data(), values.data(), n);
    run(Pointwise::mul, first_.data(), values.data() + n, values.data() + n, n);
  }

  alignas(64) std::array<double, most> values;

 private:
  void run(Pointwise op, const double* a, const double* b, double* out, std::size_t n) const {
    kernels_.pointwise[op](a, b, nullptr, out, n, 0);
  }
  alignas(64) std::array<double, most> first_, second_;
  const KernelTable<double>& kernels_ = kernels<double>();
};

/// What one thread works with.
struct Scratch {
  explicit Scratch(std::size_t others) : set(others) {}
  AscendingSet set;
  Batch batch;
};

/// The axis of `post` that belongs to axis a of `pre`.
std::size_t partner_axis(const Population& pre, const Population& post, std::size_t a) {
  for (std::size_t b = 0; b < post.axes.size(); ++b)
    if (post.axes[b].name == pre.axes[a].name) return b;
  return a;
}

constexpr std::size_t no_self = std::numeric_limits<std::size_t>::max();

/// The synapses of one side's members, each list in the order of the other side's members.
class Drawing {
 public:
  /// @param by, other  the side whose members each draw their partners, and the other one
  Drawing(const Connectivity& rule, const Population& by, const Population& other, std::uint64_t seed,
          std::string_view name)
      : rule_(rule),
        seed_(seed),
        purpose_(fmt::format("projection {}", name)),
        where_(name),
        by_(by),
        other_(other),
        members_(by.size()),
        others_(other.size()),
        by_element_(by.elements()),
        other_element_(other.elements()),
        meet_(!rule.self && by.shares_axes(other)) {}

  /// The synapses, compressed by the side that draws.
  Connections run() {
    if (rule_.rule == Rule::fixed_total) share_out();
    if (rule_.rule == Rule::gaussian_in || rule_.rule == Rule::gaussian_out) prepare_axes();
    Connections result;
    result.row.resize(members_ + 1);
    constexpr std::size_t chunk = 64;
    const std::size_t chunks = (members_ + chunk - 1) / chunk;
    std::vector<std::vector<std::uint32_t>> part(chunks);
    in_pieces(chunks, [&](std::size_t c, Scratch& scratch) {
      const std::size_t begin = c * chunk, end = std::min(members_, begin + chunk);
      part[c].reserve((end - begin) * expected_);
      for (std::size_t m = begin; m < end; ++m) {
        const std::size_t before = part[c].size();
        draw(m, scratch, part[c]);
        result.row[m + 1] = part[c].size() - before;
      }
    });
    std::partial_sum(result.row.begin(), result.row.end(), result.row.begin());
    result.target.resize(result.row.back());
    parallel_for(chunks, true, [&](std::size_t c) {
      std::copy(part[c].begin(), part[c].end(),
                result.target.begin() + static_cast<std::ptrdiff_t>(result.row[c * chunk]));
      part[c] = {};
    });
    return result;
  }

  void expect(std::uint64_t synapses) { expected_ = members_ == 0 ? 0 : synapses / members_ + 1; }

 private:
  /// body(i, scratch) for i in [0, count), on threads with a scratch each.
  template <class Body>
  void in_pieces(std::size_t count, const Body& body) const {
    Caught caught;
#pragma omp parallel
    {
      std::optional<Scratch> scratch;
      caught.guard(0, [&] { scratch.emplace(others_); });
#pragma omp for schedule(dynamic, 1)
      for (std::size_t i = 0; i < count; ++i)
        if (scratch) caught.guard(i, [&] { body(i, *scratch); });
    }
    caught.rethrow();
  }

  /// The member of the other side that is the same element as member m, or no_self where that may be a partner.
  std::size_t excluded(std::size_t m) const {
    if (!meet_) return no_self;
    const auto at = std::lower_bound(other_element_.begin(), other_element_.end(), by_element_[m]);
    return at != other_element_.end() && *at == by_element_[m] ? static_cast<std::size_t>(at - other_element_.begin())
                                                               : no_self;
  }

  void draw(std::size_t m, Scratch& scratch, std::vector<std::uint32_t>& out) {
    const std::size_t self = excluded(m);
    RandomStream stream(seed_, purpose_, m);
    switch (rule_.rule) {
      case Rule::all_to_all:
        for (std::size_t i = 0; i < others_; ++i) {
          if (i != self) out.push_back(other_element_[i]);
        }
        break;
      case Rule::one_to_one:
        if (m != self) out.push_back(other_element_[m]);
        break;
      case Rule::random: draw_each(stream, self, scratch.batch, out); break;
      case Rule::fixed_total: draw_uniform(stream, self, share_[m], scratch.set, out); break;
      case Rule::gaussian_in:
      case Rule::gaussian_out: draw_near(m, stream, self, scratch, out); break;
      default: draw_uniform(stream, self, rule_.count, scratch.set, out);
    }
  }

  /// Every partner with the probability p, by the geometric distance to the next one.
  void draw_each(RandomStream& stream, std::size_t self, Batch& batch, std::vector<std::uint32_t>& out) const {
    const double p = rule_.probability;
    if (p == 0) return;
    const double scale = 1 / std::log1p(-p);  // -0 for p = 1, which takes every one
    const auto wanted = static_cast<std::size_t>(static_cast<double>(others_) * p);
    const std::size_t size = std::clamp<std::size_t>(wanted / 8 * 8, 8, Batch::most);
    for (double at = -1;;) {
      batch.logarithms(stream, size);
      for (std::size_t i = 0; i < size; ++i) {
        at += 1 + std::floor(batch.values[i] * scale);
        if (at >= static_cast<double>(others_)) return;
        const auto partner = static_cast<std::size_t>(at);
        if (partner != self) out.push_back(other_element_[partner]);
      }
    }
  }

  void draw_uniform(RandomStream& stream, std::size_t self, std::uint64_t count, AscendingSet& set,
                    std::vector<std::uint32_t>& out) const {
    fill_uniform(stream, self, count, set);
    set.move_to(out, other_element_);
  }

  /// Different partners unless repeats are asked for. More than half of them are found as those left out.
  void fill_uniform(RandomStream& stream, std::size_t self, std::uint64_t count, AscendingSet& set) const {
    const std::size_t possible = others_ - (self == no_self ? 0 : 1);
    const auto next = [&] {
      std::size_t i = stream.below(possible);
      return i >= self ? i + 1 : i;
    };
    if (rule_.repeats) {
      for (std::uint64_t k = 0; k < count; ++k) set.insert_again(next());
    } else if (count <= possible / 2) {
      for (std::uint64_t k = 0; k < count;) k += set.insert(next()) ? 1 : 0;
    } else {
      AscendingSet left_out(others_);
      for (std::uint64_t k = count; k < possible;) k += left_out.insert(next()) ? 1 : 0;
      for (std::size_t i = 0; i < others_; ++i) {
        if (i != self && left_out.insert(i)) set.insert(i);
      }
    }
  }

  /// The numbers of synapses of each member: those of a draw of all pairs, with repeats, or without by drawing again in
  /// the place of a pair that came before, which leaves every set of pairs equally probable.
  void share_out() {
    std::vector<std::uint64_t> possible(members_);
    for (std::size_t m = 0; m < members_; ++m) possible[m] = others_ - (excluded(m) == no_self ? 0 : 1);
    share_.assign(members_, 0);
    if (rule_.repeats) return draw_rows(rule_.count, 0, possible, share_);
    const std::uint64_t all = std::accumulate(possible.begin(), possible.end(), std::uint64_t{0});
    const bool complement = rule_.count > all / 2;
    const std::uint64_t wanted = complement ? all - rule_.count : rule_.count;
    // Drawn with replacement, row after row: how many different ones came out, until there are enough in all.
    std::uint64_t have = 0;
    for (std::uint64_t round = 0; have < wanted; ++round) {
      std::vector<std::uint64_t> drawn(members_, 0);
      draw_rows(wanted - have, round, possible, drawn);
      // Of a row with s different ones, a new draw is different with probability 1 - s/possible.
      parallel_for((members_ + 63) / 64, true, [&](std::size_t c) {
        for (std::size_t m = c * 64; m < std::min(members_, c * 64 + 64); ++m) {
          RandomStream stream(seed_, purpose_ + " rounds", round * members_ + m);
          std::uint64_t s = share_[m];
          for (std::uint64_t k = 0; k < drawn[m]; ++k) s += stream.below(possible[m]) >= s ? 1 : 0;
          share_[m] = s;
        }
      });
      have = std::accumulate(share_.begin(), share_.end(), std::uint64_t{0});
    }
    if (!complement) return;
    for (std::size_t m = 0; m < members_; ++m) share_[m] = possible[m] - share_[m];
  }

  /// Adds to `rows` how many of `count` uniform draws of a pair fall in each row.
  void draw_rows(std::uint64_t count, std::uint64_t round, const std::vector<std::uint64_t>& possible,
                 std::vector<std::uint64_t>& rows) const {
    std::vector<std::uint64_t> below(members_ + 1, 0);
    std::partial_sum(possible.begin(), possible.end(), below.begin() + 1);
    const bool even = below.back() == members_ * possible.front();
    constexpr std::uint64_t chunk = 1 << 16;
    parallel_for((count + chunk - 1) / chunk, true, [&](std::size_t c) {
      RandomStream stream(seed_, fmt::format("{} rows {}", purpose_, round), c);
      for (std::uint64_t k = c * chunk; k < std::min(count, (c + 1) * chunk); ++k) {
        std::size_t m = 0;
        if (even) {
          m = stream.below(members_);
        } else {
          const std::uint64_t pair = stream.below(below.back());
          m = static_cast<std::size_t>(std::upper_bound(below.begin(), below.end(), pair) - below.begin()) - 1;
        }
        std::atomic_ref(rows[m]).fetch_add(1, std::memory_order_relaxed);
      }
    });
  }

  /// One axis of displacements: from a position of this side to a member's place on the other.
  struct Along {
    std::size_t by_stride, by_size, by_begin, other_stride;
    std::int64_t begin, end, size;
    double low, spacing, other_low, inverse_spacing;
    bool circular;
  };

  void prepare_axes() {
    const auto stride = [](const Population& side, std::size_t a) {
      std::size_t s = 1;
      for (std::size_t b = a + 1; b < side.axes.size(); ++b) s *= side.axes[b].end - side.axes[b].begin;
      return s;
    };
    for (std::size_t a = 0; a < by_.axes.size(); ++a) {
      const std::size_t b = partner_axis(by_, other_, a);
      const auto& from = by_.axes[a];
      const auto& to = other_.axes[b];
      along_.push_back({stride(by_, a), from.end - from.begin, from.begin, stride(other_, b),
                        static_cast<std::int64_t>(to.begin), static_cast<std::int64_t>(to.end),
                        static_cast<std::int64_t>(to.size), from.low, from.spacing, to.low, 1 / to.spacing,
                        to.circular});
    }
  }

  void draw_near(std::size_t m, RandomStream& stream, std::size_t self, Scratch& scratch,
                 std::vector<std::uint32_t>& out) {
    const std::size_t rank = along_.size();
    std::array<double, 8> centre{};  // in elements of the other side
    for (std::size_t a = 0; a < rank; ++a) {
      const auto& axis = along_[a];
      const auto i = static_cast<double>(m / axis.by_stride % axis.by_size + axis.by_begin);
      centre[a] = (axis.low + i * axis.spacing - axis.other_low) * axis.inverse_spacing + 0.5;
    }
    const std::uint64_t most_tries = 1000 * rule_.count + 1000;
    std::uint64_t tries = 0;
    for (std::uint64_t found = 0; found < rule_.count;) {
      const std::size_t half = std::min<std::size_t>(Batch::most / 2, ((rule_.count - found) * rank + 15) / 16 * 8);
      scratch.batch.normals(stream, half);
      for (std::size_t n = 0; n + rank <= 2 * half && found < rule_.count; n += rank, ++tries) {
        std::size_t partner = 0;
        bool inside = true;
        for (std::size_t a = 0; a < rank && inside; ++a) {
          const auto& axis = along_[a];
          const double x = centre[a] + rule_.sd * axis.inverse_spacing * scratch.batch.values[n + a];
          auto place = static_cast<std::int64_t>(x);
          place -= x < static_cast<double>(place) ? 1 : 0;
          if (axis.circular && (place < 0 || place >= axis.size)) place = (place % axis.size + axis.size) % axis.size;
          inside = place >= axis.begin && place < axis.end;
          if (inside) partner += static_cast<std::size_t>(place - axis.begin) * axis.other_stride;
        }
        if (!inside || partner == self) continue;
        if (rule_.repeats)
          scratch.set.insert_again(partner);
        else if (!scratch.set.insert(partner))
          continue;
        ++found;
      }
      if (tries > most_tries && found < rule_.count)
        throw Error(where_, fmt::format("count = {}, but within the reach of sd = {} element {} finds fewer partners. "
                                        "Widen sd, or ask for fewer.",
                                        rule_.count, rule_.sd, by_element_[m]));
    }
    scratch.set.move_to(out, other_element_);
  }

  const Connectivity& rule_;
  std::uint64_t seed_;
  std::string purpose_, where_;
  const Population &by_, &other_;
  std::size_t members_, others_;
  std::vector<std::uint32_t> by_element_, other_element_;
  bool meet_;
  std::size_t expected_ = 0;
  std::vector<std::uint64_t> share_;
  std::vector<Along> along_;
};

/// The same synapses compressed by the other side: `lists` holds, for each element of `to`, elements of `from`.
Connections transposed(const Connections& lists, const Population& from, const Population& to) {
  const auto sources = from.elements(), targets = to.elements();
  // Where each source stands among the members of `from`.
  std::vector<std::uint32_t> member(sources.empty() ? 0 : sources.back() + std::size_t{1});
  for (std::size_t i = 0; i < sources.size(); ++i) member[sources[i]] = static_cast<std::uint32_t>(i);
  Connections result;
  result.row.resize(sources.size() + 1);
  constexpr std::size_t pieces = 16;
  // A piece is a range of sources, which it looks for in every list.
  const auto each = [&](std::size_t piece, const auto& body) {
    const std::size_t begin = piece * sources.size() / pieces, end = (piece + 1) * sources.size() / pieces;
    if (begin == end) return;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const auto* const last = lists.target.data() + lists.row[i + 1];
      const auto* at = std::lower_bound(lists.target.data() + lists.row[i], last, sources[begin]);
      for (; at != last && *at <= sources[end - 1]; ++at) body(member[*at], i);
    }
  };
  parallel_for(pieces, true,
               [&](std::size_t piece) { each(piece, [&](std::size_t m, std::size_t) { ++result.row[m + 1]; }); });
  std::partial_sum(result.row.begin(), result.row.end(), result.row.begin());
  result.target.resize(result.row.back());
  std::vector<std::uint64_t> next(result.row.begin(), result.row.end() - 1);
  parallel_for(pieces, true, [&](std::size_t piece) {
    each(piece, [&](std::size_t m, std::size_t i) { result.target[next[m]++] = targets[i]; });
  });
  return result;
}

/// @throws Error for a listed place that is none of the population
void require_members(const std::vector<std::uint32_t>& listed, const Population& population, std::string_view side,
                     std::string_view name) {
  const auto elements = population.elements();
  for (std::size_t pair = 0; pair < listed.size(); ++pair)
    if (!std::binary_search(elements.begin(), elements.end(), listed[pair]))
      throw Error(fmt::format("projection '{}'", name),
                  fmt::format("pair {} names the {} element {}, but the population has {} to {}.", pair, side,
                              listed[pair], elements.front(), elements.back()));
}

void require_axes_in_pairs(const Population& pre, const Population& post, std::string_view name) {
  if (pre.axes.size() == post.axes.size()) return;
  throw Error(fmt::format("projection '{}'", name),
              fmt::format("distance needs axes in pairs, but the source has {} and the target {}.", pre.axes.size(),
                          post.axes.size()));
}

Connections listed(const Connectivity& rule, const Population& pre) {
  const auto sources = pre.elements();
  Connections result;
  result.given.resize(rule.pre.size());
  std::iota(result.given.begin(), result.given.end(), std::uint64_t{0});
  std::stable_sort(result.given.begin(), result.given.end(), [&](std::uint64_t a, std::uint64_t b) {
    return rule.pre[a] != rule.pre[b] ? rule.pre[a] < rule.pre[b] : rule.post[a] < rule.post[b];
  });
  result.row.resize(sources.size() + 1);
  for (const std::uint64_t pair : result.given) {
    const auto source = std::lower_bound(sources.begin(), sources.end(), rule.pre[pair]) - sources.begin();
    ++result.row[static_cast<std::size_t>(source) + 1];
    result.target.push_back(rule.post[pair]);
  }
  std::partial_sum(result.row.begin(), result.row.end(), result.row.begin());
  return result;
}

}  // namespace

std::size_t Population::size() const {
  std::size_t n = 1;
  for (const auto& axis : axes) n *= axis.end > axis.begin ? axis.end - axis.begin : 0;
  return n;
}

std::size_t Population::places() const {
  std::size_t n = 1;
  for (const auto& axis : axes) n *= axis.size;
  return n;
}

std::vector<std::uint32_t> Population::elements() const {
  std::vector<std::uint32_t> all{0};
  for (const auto& axis : axes) {
    std::vector<std::uint32_t> finer;
    finer.reserve(all.size() * (axis.end - axis.begin));
    for (const std::uint32_t before : all)
      for (std::size_t i = axis.begin; i < axis.end; ++i)
        finer.push_back(static_cast<std::uint32_t>(before * axis.size + i));
    all = std::move(finer);
  }
  return all;
}

bool Population::shares_axes(const Population& other) const {
  return std::equal(
      axes.begin(), axes.end(), other.axes.begin(), other.axes.end(),
      [](const PopulationAxis& a, const PopulationAxis& b) { return a.name == b.name && a.size == b.size; });
}

std::uint64_t most_synapses(const Connectivity& rule, const Population& pre, const Population& post) {
  const std::uint64_t sources = pre.size(), targets = post.size();
  const auto of_each = [&](std::uint64_t members) {  // a count may be anything where partners repeat
    constexpr std::uint64_t beyond_memory = std::uint64_t{1} << 60U;
    return members > 0 && rule.count > beyond_memory / members ? beyond_memory : members * rule.count;
  };
  switch (rule.rule) {
    case Rule::one_to_one: return sources;
    case Rule::random: {
      const double pairs = static_cast<double>(sources) * static_cast<double>(targets), mean = pairs * rule.probability;
      return static_cast<std::uint64_t>(std::min(pairs, mean + 8 * std::sqrt(mean) + 8));
    }
    case Rule::fixed_in:
    case Rule::gaussian_in: return of_each(targets);
    case Rule::fixed_out:
    case Rule::gaussian_out: return of_each(sources);
    case Rule::fixed_total: return rule.count;
    case Rule::pairs: return rule.pre.size();
    default: break;
  }
  std::uint64_t met = 0;
  if (!rule.self && pre.shares_axes(post)) {
    met = 1;
    for (std::size_t a = 0; a < pre.axes.size(); ++a) {
      const std::size_t begin = std::max(pre.axes[a].begin, post.axes[a].begin);
      const std::size_t end = std::min(pre.axes[a].end, post.axes[a].end);
      met *= end > begin ? end - begin : 0;
    }
  }
  return sources * targets - met;
}

void check_connectivity(const Connectivity& rule, const Population& pre, const Population& post,
                        std::string_view name) {
  const auto refuse = [&](const std::string& what) { throw Error(fmt::format("projection '{}'", name), what); };
  const std::size_t sources = pre.size(), targets = post.size();
  if (sources == 0) refuse("its source has no elements. Widen the range of its axes.");
  if (targets == 0) refuse("its target has no elements. Widen the range of its axes.");
  for (const Population* side : {&pre, &post}) {
    double whole = 1;
    for (const auto& axis : side->axes) whole *= static_cast<double>(axis.size);
    if (whole > 0xffffffff) refuse(fmt::format("a population of {} elements is larger than 2^32.", whole));
  }
  const bool meet = !rule.self && pre.shares_axes(post);
  const auto fits = [&](std::size_t possible, std::string_view of) {
    if (rule.count == 0) refuse("count = 0, but must be positive.");
    const std::size_t most = possible - (meet && possible > 0 ? 1 : 0);
    if (most == 0) refuse("no element has a partner but itself, and self = 0.");
    if (rule.repeats || rule.count <= most) return;
    refuse(fmt::format("count = {}, but there are {} {} to choose from. Ask for fewer, or allow repeats=true.",
                       rule.count, most, of));
  };
  switch (rule.rule) {
    case Rule::all_to_all: break;
    case Rule::one_to_one:
      if (sources != targets)
        refuse(
            fmt::format("one_to_one joins equal numbers, but there are {} sources and {} targets.", sources, targets));
      break;
    case Rule::random:
      if (!(rule.probability >= 0 && rule.probability <= 1))
        refuse(fmt::format("probability = {}, but must lie in [0, 1].", rule.probability));
      break;
    case Rule::fixed_in:
    case Rule::gaussian_in: fits(sources, "sources"); break;
    case Rule::fixed_out:
    case Rule::gaussian_out: fits(targets, "targets"); break;
    case Rule::fixed_total: {
      if (rule.count == 0) refuse("count = 0, but must be positive.");
      const double pairs = static_cast<double>(sources) * static_cast<double>(targets);
      Connectivity every;
      every.self = rule.self;
      const std::uint64_t most = most_synapses(every, pre, post);
      if (most == 0) refuse("no element has a partner but itself, and self = 0.");
      if (!rule.repeats && rule.count > most)
        refuse(fmt::format("count = {}, but there are {} pairs. Ask for fewer, or allow repeats=true.", rule.count,
                           pairs));
      break;
    }
    case Rule::pairs:
      if (rule.pre.size() != rule.post.size())
        refuse(fmt::format("lists {} sources and {} targets, but needs one of each a synapse.", rule.pre.size(),
                           rule.post.size()));
      require_members(rule.pre, pre, "source", name);
      require_members(rule.post, post, "target", name);
      break;
  }
  if (rule.rule == Rule::gaussian_in || rule.rule == Rule::gaussian_out) {
    if (!(rule.sd > 0 && std::isfinite(rule.sd))) refuse(fmt::format("sd = {}, but must be positive.", rule.sd));
    require_axes_in_pairs(pre, post, name);
    if (pre.axes.empty() || pre.axes.size() > 8) refuse("a Gaussian of distance needs one to eight axes.");
    for (const auto& axis : post.axes)
      if (rule.sd > 1e9 * axis.spacing)
        refuse(
            fmt::format("sd = {} is wider than 10^9 elements of '{}'. Connect at random instead.", rule.sd, axis.name));
  }
}

Connections connect(const Connectivity& rule, const Population& pre, const Population& post, std::uint64_t seed,
                    std::string_view name) {
  constexpr std::string_view what = "projection ";  // which ProjectionRule::purpose begins with
  const std::string_view own = name.starts_with(what) ? name.substr(what.size()) : name;
  check_connectivity(rule, pre, post, own);
  const std::uint64_t most = most_synapses(rule, pre, post);
  // Lists are drawn, then put together: each target is in memory twice for a while.
  require_memory(fmt::format("{}'{}'", what, own), fmt::format("{} synapses", most), 8.0 * static_cast<double>(most));
  if (rule.rule == Rule::pairs) return listed(rule, pre);
  if (rule.rule == Rule::fixed_in || rule.rule == Rule::gaussian_in) {
    Drawing drawing(rule, post, pre, seed, name);
    drawing.expect(most);
    return transposed(drawing.run(), pre, post);
  }
  Drawing drawing(rule, pre, post, seed, name);
  drawing.expect(most);
  return drawing.run();
}

Distance::Distance(const Population& pre, const Population& post, std::string_view name) {
  require_axes_in_pairs(pre, post, name);
  const auto positions = [](const Population& side, std::size_t a) {
    const std::size_t places = side.places();
    std::size_t stride = 1;
    for (std::size_t b = a + 1; b < side.axes.size(); ++b) stride *= side.axes[b].size;
    const PopulationAxis& axis = side.axes[a];
    std::vector<double> x(places);
    for (std::size_t i = 0; i < places; ++i)
      x[i] = axis.low + static_cast<double>(i / stride % axis.size) * axis.spacing;
    return x;
  };
  for (std::size_t a = 0; a < pre.axes.size(); ++a) {
    const std::size_t b = partner_axis(pre, post, a);
    const PopulationAxis& to = post.axes[b];
    axes_.push_back(
        {positions(pre, a), positions(post, b), to.circular ? static_cast<double>(to.size) * to.spacing : HUGE_VAL});
  }
}

double Distance::operator()(std::size_t pre, std::size_t post) const {
  double square = 0;
  for (const auto& axis : axes_) {
    double d = std::abs(axis.pre[pre] - axis.post[post]);
    d = std::min(d, std::abs(axis.period - d));
    square += d * d;
  }
  return std::sqrt(square);
}

}  // namespace striate
