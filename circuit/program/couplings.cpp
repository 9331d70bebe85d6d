#include "circuit/program/couplings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "circuit/program/lag_kernel.hpp"
#include "circuit/program/rename_axes.hpp"

namespace striate {
namespace {

// Rates of one core, in seconds per element; see bench/kernels.cpp.
constexpr double seconds_per_function = 3e-9;  ///< sin, exp and their kind
constexpr double seconds_per_operation = 3e-10;
constexpr double seconds_per_stored = 1e-9;    ///< written once and read once
constexpr double seconds_per_product = 3e-10;  ///< of a matrix element with a vector's
constexpr double seconds_per_delayed = 1e-8;   ///< looked up and stored; see bench/delays.cpp
constexpr double seconds_per_summed = 1.5e-9;  ///< looked up and added
constexpr std::size_t most_terms = 16;
constexpr std::size_t most_terms_of_weights = 4;
constexpr std::size_t deepest = 1000;             ///< operations one inside the other that are looked through
constexpr std::size_t shortest_lag_kernel = 128;  ///< below that many units the dense matrix is as fast
constexpr std::size_t beyond_caches = 1 << 17;    ///< elements that are sooner computed twice than stored and read

using Factors = std::vector<Expr>;
using Terms = std::vector<Factors>;

std::vector<std::string> axes_of(const Shape& shape) {
  auto names = shape.names();
  std::sort(names.begin(), names.end());
  return names;
}

/// Constants first, so that they fold.
Expr product(const Factors& factors) {
  Expr result(1.0);
  for (const bool constants : {true, false})
    for (const auto& f : factors)
      if ((f->op == Op::constant) == constants) result = result * f;
  return result;
}

bool transcendental(Op op) {
  return op == Op::pow || op == Op::exp || op == Op::log || op == Op::sin || op == Op::cos || op == Op::atan2 ||
         op == Op::tanh || op == Op::sigmoid || op == Op::softplus || op == Op::phi;
}

/// A term that is a sine or cosine of many units times a few numbers, such as a mean over the units.
struct Phasor {
  Expr angle, sine, cosine;  ///< the factors of sin(angle) and cos(angle); one is empty
};

std::optional<Phasor> phasor_of(const Expr& term) {
  Factors factors{term}, rest;
  Expr wave;
  while (!factors.empty()) {
    const Expr f = factors.back();
    factors.pop_back();
    if (f->op == Op::mul || f->op == Op::neg) {
      factors.insert(factors.end(), f->args.begin(), f->args.end());
      if (f->op == Op::neg) rest.emplace_back(-1.0);
    } else if (f.shape().size() < beyond_caches) {
      rest.push_back(f);
    } else if (!wave && (f->op == Op::sin || f->op == Op::cos)) {
      wave = f;
    } else {
      return std::nullopt;
    }
  }
  if (!wave) return std::nullopt;
  const Expr few = product(rest);
  if (few.shape().size() * 64 > wave.shape().size()) return std::nullopt;
  return wave->op == Op::sin ? Phasor{wave->args[0], few, {}} : Phasor{wave->args[0], {}, few};
}

/// a sin x + b cos x = r sin(x + psi) with r (cos psi, sin psi) = (a, b), for many x and few a and b: one sine of each
/// unit instead of a sine and a cosine that are kept until the sums are known.
void join_phasors(std::vector<Expr>& terms) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto first = phasor_of(terms[i]);
    for (std::size_t j = i + 1; first && j < terms.size(); ++j) {
      const auto second = phasor_of(terms[j]);
      if (!second || !(first->angle == second->angle) || !first->sine == !second->sine) continue;
      const Expr& a = first->sine ? first->sine : second->sine;
      const Expr& b = first->sine ? second->cosine : first->cosine;
      terms[i] = sqrt(a * a + b * b) * sin(first->angle + atan2(b, a));
      terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(j));
      break;
    }
  }
}

/// Whether expressions depend on anything but parameters.
class Varying {
 public:
  bool operator()(const Expr& e) {
    if (const auto it = known_.find(e.get()); it != known_.end()) return it->second;
    for (const auto& node : topological_order({e})) {
      bool varies = node->op == Op::variable && node->kind != VariableKind::parameter;
      for (const auto& arg : node->args) varies = varies || known_.at(arg.get());
      known_[node.get()] = varies;
      kept_.push_back(node);
    }
    return known_.at(e.get());
  }

 private:
  std::unordered_map<const Node*, bool> known_;
  std::vector<Expr> kept_;  ///< so that no address is used twice
};

/// One sum over pairs.
class CouplingSum {
 public:
  CouplingSum(const Expr& sum, Varying& varying, const DelayedSum& delayed)
      : sum_(sum),
        whole_(axes_of(sum->args[0].shape())),
        size_(sum->args[0].shape().size()),
        varying_(varying),
        delayed_(delayed) {}

  /// The factored sum; empty where there is none or it would cost more.
  Expr factored(std::vector<AlgorithmChoice>& choices) {
    const Expr& e = sum_->args[0];
    if (!is_pointwise(e->op) && e->op != Op::broadcast && e->op != Op::rename) return {};
    if (!varying_(e) || is_square(e)) return {};
    const auto terms = expand(e);
    if (!terms) return {};
    std::vector<Expr> values;
    for (const auto& term : *terms) {
      values.push_back(summed(term));
      if (!values.back()) return {};
    }
    join_phasors(values);
    Expr total;
    for (const auto& value : values) total = total ? total + value : value;
    const double plain = plain_cost(e);
    const double fast = factored_cost(total) + static_cast<double>(delayed_sums_ * size_) * seconds_per_summed;
    if (fast >= plain) return {};
    choices.push_back({fmt::format("sum over {} of {}", fmt::join(sum_->names, ", "), e.shape().str_sizes()), way(),
                       fmt::format("estimates: term by term {:.3g} ms, factored {:.3g} ms", plain * 1e3, fast * 1e3)});
    return broadcast_to(convert(total, sum_.unit()), sum_.shape());
  }

 private:
  bool is_whole(const Expr& e) const { return e.shape().size() == size_ && axes_of(e.shape()) == whole_; }

  /// Whether e is an array over pairs made of smaller ones.
  bool is_outer(const Expr& e, std::size_t depth = 0) {
    if (!is_pointwise(e->op) && e->op != Op::broadcast && e->op != Op::rename) return false;
    if (e.shape().rank() < 2 || depth > deepest) return false;
    if (const auto it = outer_.find(e.get()); it != outer_.end()) return it->second;
    std::size_t largest = 1;
    bool outer = false;
    for (const auto& arg : e->args) {
      largest = std::max(largest, arg.shape().size());
      outer = outer || is_outer(arg, depth + 1);
    }
    outer = outer || (largest > 1 && e.shape().size() > largest);
    outer_[e.get()] = outer;
    return outer;
  }

  /// Whether e is a difference (or sum) across pairs. A product of two, multiplied out, would cancel more digits than
  /// the differences themselves: (x_j - x_i)^2 is left as it stands.
  bool is_difference(const Expr& e) {
    if (e->op == Op::div || e->op == Op::neg || e->op == Op::convert || e->op == Op::broadcast || e->op == Op::rename)
      return is_difference(e->args[0]);
    if (e->op == Op::mul) return is_difference(e->args[0]) || is_difference(e->args[1]);
    return (e->op == Op::add || e->op == Op::sub) && is_outer(e) && varying_(e);
  }

  /// The differences across pairs that e is a product of, or of their sines, beside weights and factors of one side;
  /// empty where e has another factor.
  std::optional<Factors> differences(const Expr& e) {
    const auto [it, is_new] = differences_.try_emplace(e.get());
    if (!is_new || differences_.size() > deepest) return it->second;
    kept_.push_back(e);
    auto found = find_differences(e);
    if (found && found->size() > deepest) found.reset();
    return differences_[e.get()] = found;
  }

  std::optional<Factors> find_differences(const Expr& e) {
    if (!is_outer(e) || !varying_(e)) return Factors{};
    const auto& a = e->args;
    switch (e->op) {
      case Op::add:
      case Op::sub:
        for (const auto& arg : a)
          if (is_outer(arg) && differences(arg).value_or(Factors{}).empty()) return std::nullopt;
        return Factors{e};
      case Op::mul: return joined(differences(a[0]), differences(a[1]));
      case Op::pow:
        if (a[1]->op != Op::constant || a[1]->value != 2) return std::nullopt;
        return joined(differences(a[0]), differences(a[0]));
      case Op::div:
        if (varying_(a[1])) return std::nullopt;
        return differences(a[0]);
      case Op::sin:
      case Op::neg:
      case Op::convert:
      case Op::broadcast:
      case Op::rename: return differences(a[0]);
      default: return std::nullopt;
    }
  }

  static std::optional<Factors> joined(std::optional<Factors> a, const std::optional<Factors>& b) {
    if (!a || !b) return std::nullopt;
    a->insert(a->end(), b->begin(), b->end());
    return a;
  }

  /// Whether e is 0 as a square is where both sides are equal, as sin((x_j - x_i)/2)^2 or a sum of such: multiplied out
  /// it would keep the rounding of 1.
  bool is_square(Expr e) {
    for (; e->op == Op::add; e = e->args[0])
      if (!is_square(e->args[1])) return false;
    const auto found = differences(e);
    return found && !found->empty() && std::ranges::all_of(*found, [&](const Expr& difference) {
             return std::ranges::count(*found, difference) % 2 == 0;
           });
  }

  bool small(const Expr& e) { return !is_outer(e) && !is_whole(e); }

  std::optional<Terms> atom(const Expr& e) {
    if (small(e)) return Terms{{with_original_axes(e)}};
    if (is_pointwise(e->op) && varying_(e)) return std::nullopt;
    return Terms{{e}};
  }

  /// e as a sum of products of arrays that are small, weights, or lie in memory anyway.
  std::optional<Terms> expand(const Expr& e) {
    if (small(e)) return atom(e);
    if (++expansions_ > deepest) return std::nullopt;
    if (!varying_(e)) {
      const auto terms = expanded(e);
      const bool low_rank =
          terms && terms->size() <= most_terms_of_weights &&
          std::all_of(terms->begin(), terms->end(), [&](const Factors& factors) {
            return std::all_of(factors.begin(), factors.end(), [&](const Expr& f) { return small(f); });
          });
      return low_rank ? terms : atom(e);
    }
    return expanded(e);
  }

  std::optional<Terms> expanded(const Expr& e) {
    if (const auto it = expanded_.find(e.get()); it != expanded_.end()) return it->second;
    auto terms = expand_node(e);
    if (terms && terms->size() > most_terms) terms.reset();
    kept_.push_back(e);
    return expanded_[e.get()] = terms;
  }

  std::optional<Terms> expand_node(const Expr& e) {
    const auto& a = e->args;
    switch (e->op) {
      case Op::broadcast: return expand(a[0]);
      case Op::rename: {
        const Expr pushed = renamed_inside(a[0], e->names[0], e->names[1]);
        return pushed == e ? atom(e) : expand(pushed);
      }
      case Op::add:
      case Op::sub: {
        const auto left = expand(a[0]);
        const auto right = expand(a[1]);
        if (!left || !right) return std::nullopt;
        return append(*left, e->op == Op::sub ? scaled(*right, Expr(-1.0)) : *right);
      }
      case Op::neg: return times(expand(a[0]), Terms{{Expr(-1.0)}});
      case Op::convert: {
        const Unit& from = a[0].unit();
        return times(expand(a[0]), Terms{{quantity(from.to(e.unit()), e.unit() / from)}});
      }
      case Op::mul:
        if (is_difference(a[0]) && is_difference(a[1])) return atom(e);
        return times(expand(a[0]), expand(a[1]));
      case Op::div: {
        const Expr inverse = Expr(1.0) / a[1];
        return inverse == e ? atom(e) : times(expand(a[0]), expand(inverse));
      }
      case Op::pow: {
        const bool small_whole = a[1]->op == Op::constant && (a[1]->value == 2 || a[1]->value == 3);
        if (!small_whole || is_difference(a[0])) return atom(e);
        const auto base = expand(a[0]);
        const auto square = times(base, base);
        return a[1]->value == 2 ? square : times(square, base);
      }
      case Op::sin:
      case Op::cos: return expand_sine(e);
      default: return atom(e);
    }
  }

  static std::optional<Terms> times(const std::optional<Terms>& a, const std::optional<Terms>& b) {
    if (!a || !b || a->size() * b->size() > most_terms) return std::nullopt;
    Terms result;
    for (const auto& x : *a) {
      for (const auto& y : *b) {
        result.push_back(x);
        result.back().insert(result.back().end(), y.begin(), y.end());
      }
    }
    return result;
  }

  /// sin(u + v) = sin u cos v + cos u sin v and its kin, with one of u, v, ... for each set of axes in the argument.
  std::optional<Terms> expand_sine(const Expr& e) {
    const auto addends = expand(e->args[0]);
    if (!addends) return atom(e);
    std::map<std::vector<std::string>, Expr> parts;
    Expr scalar;
    for (const auto& addend : *addends) {
      const Expr value = product(addend);
      if (!small(value) && varying_(value)) return std::nullopt;
      Expr& part = value.shape().rank() == 0 ? scalar : parts[axes_of(value.shape())];
      part = part ? part + value : value;
    }
    if (parts.size() < 2) return atom(e);
    std::vector<Expr> summands;
    for (const auto& [axes, part] : parts) summands.push_back(part);
    const auto smallest = std::min_element(summands.begin(), summands.end(), [](const Expr& a, const Expr& b) {
      return a.shape().size() < b.shape().size();
    });
    if (scalar) *smallest = *smallest + scalar;
    Terms sine;
    Terms cosine{{}};
    for (std::size_t i = 0; i < summands.size(); ++i) {
      const Expr s = sine_of(summands[i]);
      const Expr c = cosine_of(summands[i]);
      Terms next = append(scaled(sine, c), scaled(cosine, s));
      cosine = append(scaled(cosine, c), scaled(sine, -s));
      sine = std::move(next);
    }
    return e->op == Op::sin ? sine : cosine;
  }

  static Terms scaled(Terms terms, const Expr& factor) {
    for (auto& term : terms) term.push_back(factor);
    return terms;
  }
  static Terms append(Terms terms, const Terms& more) {
    terms.insert(terms.end(), more.begin(), more.end());
    return terms;
  }

  Expr sine_of(const Expr& e) { return small(e) ? with_original_axes(sin(e)) : sin(e); }
  Expr cosine_of(const Expr& e) { return small(e) ? with_original_axes(cos(e)) : cos(e); }

  /// The product of the factors summed over the sum's axes, one axis (or set of axes that go together) after another;
  /// empty where that would need an array over pairs.
  Expr summed(Factors factors) {
    std::vector<std::string> left = sum_->names;
    while (!left.empty()) {
      if (!merge_by_axes(factors)) return {};
      const auto holders = [&](const std::string& axis) {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < factors.size(); ++i)
          if (factors[i].shape().has(axis)) found.push_back(i);
        return found;
      };
      const auto fewest = std::min_element(left.begin(), left.end(), [&](const auto& a, const auto& b) {
        return holders(a).size() < holders(b).size();
      });
      const auto group = holders(*fewest);
      std::vector<std::string> together;
      for (const auto& axis : left)
        if (holders(axis) == group) together.push_back(axis);
      Expr value;
      if (group.empty()) {
        const Shape& shape = sum_->args[0].shape();
        value = Expr(static_cast<double>(shape.size() / shape.without(together).size()));
      } else if (group.size() == 1) {
        const auto pairs = pairs_.find(factors[group[0]].get());
        if (pairs != pairs_.end()) ++delayed_sums_;
        value = pairs == pairs_.end() ? sum(factors[group[0]], together)
                                      : delayed_(pairs->second.first, pairs->second.second, together);
      } else if (group.size() == 2) {
        value = contracted(factors[group[0]], factors[group[1]], together);
      } else {
        return {};
      }
      for (auto it = group.rbegin(); it != group.rend(); ++it)
        factors.erase(factors.begin() + static_cast<std::ptrdiff_t>(*it));
      factors.push_back(value);
      std::erase_if(
          left, [&](const auto& axis) { return std::find(together.begin(), together.end(), axis) != together.end(); });
    }
    return product(factors);
  }

  /// Multiplies factors over the same axes, and factors over some of a larger small one's axes.
  bool merge_by_axes(Factors& factors) {
    std::map<std::vector<std::string>, Factors> groups;
    for (const auto& f : factors) groups[axes_of(f.shape())].push_back(f);
    factors.clear();
    for (const auto& [axes, group] : groups) {
      const bool varies = std::any_of(group.begin(), group.end(), [&](const Expr& f) { return varying_(f); });
      const auto late = delayed_ ? std::find_if(group.begin(), group.end(), is_widened_delay) : group.end();
      const bool pairs = late != group.end() &&
                         std::count_if(group.begin(), group.end(), [&](const Expr& f) { return varying_(f); }) == 1;
      if (group.size() > 1 && varies && !pairs && !small(group.front())) return false;
      factors.push_back(product(group));
      if (!pairs) continue;
      Factors weights = group;
      weights.erase(weights.begin() + (late - group.begin()));
      pairs_[factors.back().get()] = {product(weights), *late};
      kept_.push_back(factors.back());
    }
    return true;
  }

  Expr contracted(const Expr& a, const Expr& b, const std::vector<std::string>& over) {
    const bool a_first = a.shape().size() >= b.shape().size();
    const Expr& weights = a_first ? a : b;
    const Expr& x = a_first ? b : a;
    if (!varying_(weights) && x.shape().size() >= shortest_lag_kernel) {
      if (const Expr lagged = lag_convolution(weights, x, over)) {
        ++convolutions_;
        return lagged;
      }
    }
    ++products_;
    const Shape joined = *broadcast(a.shape(), b.shape());
    return contract(weights, x, joined.without(over));
  }

  double plain_cost(const Expr& e) {
    double seconds = 0;
    for (const auto& node : topological_order({e})) {
      if (is_widened_delay(node)) seconds += static_cast<double>(node.shape().size()) * seconds_per_delayed;
      if (!is_pointwise(node->op) || small(node) || !varying_(node)) continue;
      seconds += static_cast<double>(node.shape().size()) *
                 (transcendental(node->op) ? seconds_per_function : seconds_per_operation);
    }
    return seconds + static_cast<double>(size_) * seconds_per_stored;
  }

  double factored_cost(const Expr& total) {
    double seconds = 0;
    for (const auto& node : topological_order({total})) {
      if (!varying_(node) || node->op == Op::variable) continue;
      double each = seconds_per_operation;
      if (transcendental(node->op)) each = seconds_per_function;
      if (node->op == Op::sum) each = 0;
      double elements = static_cast<double>(node.shape().size());
      if (node->op == Op::contract) {
        elements = static_cast<double>(broadcast(node->args[0].shape(), node->args[1].shape())->size());
        each = seconds_per_product;
      } else if (node->op == Op::conv) {
        each = 20 * seconds_per_function;  // a Fourier transform and back
      } else if (!is_pointwise(node->op) && node->op != Op::sum) {
        continue;
      }
      seconds += elements * each;
    }
    return seconds;
  }

  std::string way() const {
    if (delayed_sums_ > 0) return fmt::format("{} sums with delays", delayed_sums_);
    if (convolutions_ > 0 && products_ == 0) return fmt::format("{} convolutions", convolutions_);
    if (products_ > 0) return fmt::format("{} matrix products", products_ + convolutions_);
    return "mean field";
  }

  Expr sum_;
  std::vector<std::string> whole_;
  std::size_t size_;
  Varying& varying_;
  const DelayedSum& delayed_;
  std::unordered_map<const Node*, std::pair<Expr, Expr>> pairs_;  ///< weights and delayed value of a product of both
  std::unordered_map<const Node*, bool> outer_;
  std::unordered_map<const Node*, std::optional<Terms>> expanded_;
  std::unordered_map<const Node*, std::optional<Factors>> differences_;
  std::vector<Expr> kept_;  ///< so that no address in the maps is used twice
  std::size_t expansions_ = 0;
  std::size_t convolutions_ = 0;
  std::size_t products_ = 0;
  std::size_t delayed_sums_ = 0;
};

bool has_widened_delay(const Expr& e) { return std::ranges::any_of(topological_order({e}), is_widened_delay); }

/// A contraction as the sum of products that it is.
Expr written_out(const Expr& e) {
  const Expr pairs = e->args[0] * e->args[1];
  std::vector<std::string> over;
  for (const auto& axis : pairs.shape())
    if (!e.shape().has(axis.name)) over.push_back(axis.name);
  return broadcast_to(convert(sum(pairs, over), e.unit()), e.shape());
}

std::vector<Expr> factored(const std::vector<Expr>& roots, std::vector<AlgorithmChoice>& choices,
                           const DelayedSum& delayed) {
  Varying varying;
  std::unordered_map<const Node*, Expr> value;
  for (const auto& e : topological_order(roots)) {
    std::vector<Expr> args;
    bool changed = false;
    for (const auto& arg : e->args) {
      args.push_back(value.at(arg.get()));
      changed = changed || !(args.back() == arg);
    }
    Expr result = changed ? with_args(e, std::move(args)) : e;
    const bool late = delayed && (result->op == Op::sum || result->op == Op::contract) && has_widened_delay(result);
    if (late && result->op == Op::contract) result = written_out(result);
    if (result->op == Op::sum && (late || !delayed))
      if (const Expr sums = CouplingSum(result, varying, delayed).factored(choices)) result = sums;
    value[e.get()] = result;
  }
  std::vector<Expr> result;
  for (const auto& root : roots) result.push_back(value.at(root.get()));
  return result;
}

}  // namespace

bool is_widened_delay(const Expr& e) { return e->op == Op::delayed && e.shape().size() > e->args[0].shape().size(); }

std::vector<Expr> factor_couplings(const std::vector<Expr>& roots, std::vector<AlgorithmChoice>& choices) {
  return factored(roots, choices, {});
}

Expr factor_delayed_couplings(const Expr& root, std::vector<AlgorithmChoice>& choices, const DelayedSum& sum) {
  return factored({root}, choices, sum)[0];
}

}  // namespace striate
