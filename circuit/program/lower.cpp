#include "circuit/program/lower.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.hpp"
#include "circuit/kernels/convolution.hpp"
#include "circuit/program/couplings.hpp"
#include "circuit/program/function.hpp"
#include "circuit/program/plan.hpp"

namespace striate {
namespace {

// Rates of one core for the cost of one-dimensional passes, in seconds per element; see bench/kernels.cpp.
constexpr double seconds_per_tap = 4e-11;
constexpr double seconds_per_pass = 5e-10;
constexpr std::size_t most_terms = 8;
constexpr std::size_t largest_plane = 1 << 14;  // elements
constexpr std::size_t fewest_planes = 4;
constexpr std::size_t shortest_outer = 16;  ///< elements of either factor of an outer product that is not pointwise

/// The axes of `shape` that `keep` accepts.
template <class Keep>
std::vector<Axis> pick(const Shape& shape, const Keep& keep) {
  std::vector<Axis> axes;
  for (const auto& axis : shape)
    if (keep(axis.name)) axes.push_back(axis);
  return axes;
}

Shape joined(std::initializer_list<std::vector<Axis>> parts) {
  std::vector<Axis> axes;
  for (const auto& part : parts) axes.insert(axes.end(), part.begin(), part.end());
  return Shape(std::move(axes));
}

struct ConvRoles {
  Face face;
  Expr kernel, x, g;  // two of them are given
  Shape kernel_shape, x_shape, g_shape;
};

ConvRoles roles_of(const Expr& e) {
  ConvRoles r;
  r.face = static_cast<Face>(e->ints[0]);
  const auto& a = e->args;
  if (r.face == Face::forward) {
    r.kernel = a[0];
    r.x = a[1];
  }
  if (r.face == Face::transposed) {
    r.kernel = a[0];
    r.g = a[1];
  }
  if (r.face == Face::kernel) {
    r.x = a[0];
    r.g = a[1];
  }
  r.kernel_shape = r.kernel ? r.kernel.shape() : e.shape();
  r.x_shape = r.x ? r.x.shape() : e.shape();
  r.g_shape = r.g ? r.g.shape() : e.shape();
  return r;
}

class Lowering {
 public:
  Lowering(std::size_t bytes, std::vector<AlgorithmChoice>& choices) : bytes_(bytes), choices_(choices) {}

  Expr node(const Expr& e) {
    switch (e->op) {
      case Op::conv: return convolution(e);
      case Op::add: return summed_products(summed_gradients(e));
      case Op::contract: return contraction(e);
      case Op::div: return by_reciprocal(e);
      case Op::single: return bytes_ > sizeof(float) ? e : e->args[0];
      case Op::sum:
      case Op::max_over: return reduction(e);
      default: return e;
    }
  }

 private:
  Expr convolution(const Expr& e) {
    const ConvRoles r = roles_of(e);
    const auto asked = static_cast<Algorithm>(e->ints[2]);
    std::vector<std::string> offsets;
    for (const auto& axis : e->names) offsets.push_back(offset_axis(axis));
    const auto canonical = canonical_shape(e, r, offsets);
    double direct = 1e300;
    double fft = 1e300;
    if (canonical) {
      direct = estimated_cost(*canonical, ConvolutionAlgorithm::direct, bytes_);
      fft = estimated_cost(*canonical, ConvolutionAlgorithm::fft, bytes_);
    }
    std::vector<SeparableTerm> terms;
    double separable = 1e300;
    const bool may_separate = asked == Algorithm::automatic || asked == Algorithm::separable || asked == Algorithm::box;
    if (r.face != Face::kernel && may_separate) {
      terms = separate(r.kernel, offsets, most_terms);
      if (!terms.empty()) separable = separable_cost(terms, r);
    }
    const bool by_lines = asked == Algorithm::separable || asked == Algorithm::box;
    if (!canonical && terms.empty() && !by_lines && repeats(r)) return repeated(e, r);
    Algorithm chosen = asked;
    if (asked == Algorithm::automatic)
      chosen = !terms.empty() && separable <= std::min(direct, fft)
                   ? Algorithm::separable
                   : (direct <= fft ? Algorithm::direct : Algorithm::fft);
    if (r.face == Face::kernel && chosen != Algorithm::direct && chosen != Algorithm::fft)
      chosen = direct <= fft ? Algorithm::direct : Algorithm::fft;
    const bool lines = chosen == Algorithm::separable || chosen == Algorithm::box;
    if (lines && terms.empty())
      throw Error(
          fmt::format("conv: the algorithm '{}' is asked, but the kernel {} is not a sum of at most {} products of "
                      "one-dimensional factors. Use direct or fft.",
                      chosen == Algorithm::box ? "box" : "separable", r.kernel_shape.str_sizes(), most_terms));
    if (chosen == Algorithm::box && !all_boxes(terms))
      throw Error(fmt::format(
          "conv: the algorithm 'box' is asked, but the kernel {} is not made of constant boxes. Use automatic.",
          r.kernel_shape.str_sizes()));
    if (!lines && !canonical && asked != Algorithm::automatic)
      throw Error(fmt::format(
          "conv: the algorithm '{}' is asked, but it takes one- and two-dimensional kernels with one kind of channel, "
          "and this is the kernel {} with the argument {}. Use automatic.",
          asked == Algorithm::direct ? "direct" : "fft", r.kernel_shape.str_sizes(), r.x_shape.str_sizes()));
    if (!lines && !canonical)
      throw Error(fmt::format(
          "conv: the kernel {} with the argument {} neither separates nor is a one- or two-dimensional kernel "
          "with one kind of channel. Split it into convolutions one after another.",
          r.kernel_shape.str_sizes(), r.x_shape.str_sizes()));
    note(e, r, chosen, terms, separable, direct, fft);
    return lines ? as_lines(e, r, terms, offsets) : as_canonical(e, r, offsets, chosen);
  }

  /// Whether a kernel has axes of x that are not summed over and, beside them, outputs of its own.
  static bool repeats(const ConvRoles& r) {
    const auto every = [](const Shape& part, const Shape& whole) {
      return std::ranges::all_of(part, [&](const Axis& axis) { return whole.has(axis.name); });
    };
    return every(r.x_shape, r.g_shape) && !every(r.g_shape, r.x_shape);
  }

  /// With x repeated along those outputs: one kernel for each element of all its axes.
  Expr repeated(const Expr& e, const ConvRoles& r) {
    const Expr x = r.x ? broadcast_to(r.x, r.g_shape) : Expr();
    const Expr& a = r.face == Face::kernel ? x : r.kernel;
    const Expr& b = r.face == Face::forward ? x : r.g;
    const Shape& result = r.face == Face::kernel ? r.kernel_shape : r.g_shape;
    const Expr all = node(
        conv_face(r.face, a, b, e->names, static_cast<Border>(e->ints[1]), static_cast<Algorithm>(e->ints[2]), result));
    if (r.face != Face::transposed) return all;
    std::vector<std::string> outputs;
    for (const auto& axis : r.g_shape)
      if (!r.x_shape.has(axis.name)) outputs.push_back(axis.name);
    return broadcast_to(node(sum(all, outputs)), e.shape());
  }

  /// The sum of two kernel gradients by FFT as one.
  static Expr summed_gradients(const Expr& e) {
    const Expr &a = e->args[0], &b = e->args[1];
    const auto by_fft = [](const Expr& x) {
      return x->op == Op::conv && static_cast<Face>(x->ints[0]) == Face::kernel &&
             static_cast<Algorithm>(x->ints[2]) == Algorithm::fft;
    };
    if (!by_fft(a) || !by_fft(b) || !(a.shape() == b.shape()) || !(a.unit() == b.unit()) || a->names != b->names ||
        a->ints != b->ints || !(a->args[0].shape() == b->args[0].shape()) ||
        !(a->args[1].shape() == b->args[1].shape()) || a->args.size() + b->args.size() > 2 * most_kernel_gradients ||
        !mixes_channels(a))
      return e;
    Node node = *a;
    node.args.insert(node.args.end(), b->args.begin(), b->args.end());
    return intern(std::move(node));
  }

  /// A quotient by one number that parameters give, as the product with its inverse, which is made once: a division
  /// takes ten times as long.
  static Expr by_reciprocal(const Expr& e) {
    const Expr& divisor = e->args[1];
    if (divisor.shape().rank() > 0 || e.shape().rank() == 0) return e;
    for (const auto& node : topological_order({divisor}))
      if (node->op == Op::variable && node->kind != VariableKind::parameter) return e;
    return convert(e->args[0] * (Expr(1.0) / divisor), e.unit());
  }

  /// The sum of two sums of outer products as one.
  static Expr summed_products(const Expr& e) {
    if (e->op != Op::add) return e;
    const Expr &a = unturned(e->args[0]), &b = unturned(e->args[1]);
    if (!is_outer_product(a) || !is_outer_product(b) || !(a.shape() == b.shape()) || !(a.unit() == b.unit()) ||
        a->ints != b->ints || a->args.size() + b->args.size() > 2 * most_outer_products)
      return e;
    Node node = *a;
    node.args.insert(node.args.end(), b->args.begin(), b->args.end());
    return broadcast_to(intern(std::move(node)), e.shape());
  }

  static bool mixes_channels(const Expr& gradient) {
    const Shape &k = gradient.shape(), &x = gradient->args[0].shape(), &g = gradient->args[1].shape();
    return std::any_of(k.begin(), k.end(), [&](const Axis& axis) { return x.has(axis.name) != g.has(axis.name); });
  }

  static bool all_boxes(const std::vector<SeparableTerm>& terms) {
    for (const auto& term : terms)
      for (const auto& factor : term.factors)
        if (!is_constant_graph(factor) || !box_form(constant_value(factor)).is_box) return false;
    return true;
  }

  static double separable_cost(const std::vector<SeparableTerm>& terms, const ConvRoles& r) {
    const auto n = static_cast<double>(std::max(r.x_shape.size(), r.g_shape.size()));
    double seconds = 0;
    for (const auto& term : terms) {
      for (const auto& factor : term.factors) {
        double taps = static_cast<double>(factor.shape().size());
        if (is_constant_graph(factor) && box_form(constant_value(factor)).is_box) taps = 2;
        seconds += n * (seconds_per_pass + taps * seconds_per_tap);
      }
      if (term.rest.shape().rank() > 0) seconds += n * static_cast<double>(term.rest.shape()[0].size) * seconds_per_tap;
    }
    return seconds;
  }

  void note(const Expr& e, const ConvRoles& r, Algorithm chosen, const std::vector<SeparableTerm>& terms,
            double separable, double direct, double fft) {
    constexpr std::string_view faces[] = {"conv", "transposed conv", "kernel gradient"};
    const auto cost = [](double s) {
      return s < 1e299 ? fmt::format("{:.3g} ms", s * 1e3) : std::string("not possible");
    };
    std::string name = chosen == Algorithm::direct ? "direct" : "fft";
    if (chosen == Algorithm::separable || chosen == Algorithm::box)
      name = fmt::format("{} rank {}", all_boxes(terms) ? "box" : "separable", terms.size());
    choices_.push_back(
        {fmt::format("{} of {} with kernel {} along {}", faces[e->ints[0]], r.x_shape.str_sizes(),
                     r.kernel_shape.str_sizes(), fmt::join(e->names, ", ")),
         name, fmt::format("estimates: separable {}, direct {}, fft {}", cost(separable), cost(direct), cost(fft))});
  }

  /// conv as one-dimensional passes: forward lines then mixing, transposed the other way round.
  Expr as_lines(const Expr& e, const ConvRoles& r, const std::vector<SeparableTerm>& terms,
                const std::vector<std::string>& offsets) {
    const auto border = static_cast<Border>(e->ints[1]);
    Expr total;
    for (const auto& term : terms) {
      Expr z = r.face == Face::forward ? r.x : r.g;
      const Shape& target = r.face == Face::forward ? r.g_shape : r.x_shape;
      if (r.face == Face::transposed) z = mixed(term.rest, z, r.x_shape);
      for (std::size_t i = 0; i < offsets.size(); ++i) {
        if (term.factors[i].shape().size() == 1)
          z = z * constant_or_sum(term.factors[i]);
        else if (i + 1 < offsets.size() && term.factors[i + 1].shape().size() > 1 &&
                 fit_in_planes(z.shape(), e->names[i], e->names[i + 1])) {
          z = two_lines(e, term.factors[i], z, term.factors[i + 1], i);
          ++i;
        } else
          z = conv_face(r.face, term.factors[i], z, {e->names[i]}, border, Algorithm::separable, z.shape());
      }
      if (r.face == Face::forward) z = mixed(term.rest, z, r.g_shape);
      z = broadcast_to(z, target);
      total = total ? total + z : z;
    }
    return total;
  }

  /// Whether two passes can run plane by plane: along neighbouring axes, in planes that stay in cache and are enough
  /// for some threads.
  static bool fit_in_planes(const Shape& shape, const std::string& first, const std::string& second) {
    const std::size_t at = *shape.find(first);
    if (*shape.find(second) != at + 1) return false;
    const std::size_t plane = shape[at].size * shape.stride(at);
    return plane <= largest_plane && shape.size() >= fewest_planes * plane;
  }

  /// The passes i and i + 1 of a separated conv as one node: arguments factor, operand, factor.
  static Expr two_lines(const Expr& e, const Expr& factor, const Expr& z, const Expr& next_factor, std::size_t i) {
    Node node;
    node.op = Op::conv;
    node.args = {factor, z, next_factor};
    node.shape = z.shape();
    node.unit = factor.unit() * z.unit() * next_factor.unit();
    node.names = {e->names[i], e->names[i + 1]};
    node.ints = {e->ints[0], e->ints[1], static_cast<std::int64_t>(Algorithm::separable)};
    return intern(std::move(node));
  }

  static Expr constant_or_sum(const Expr& one_tap) { return sum(one_tap, {one_tap.shape()[0].name}); }

  Expr mixed(const Expr& rest, const Expr& z, const Shape& target) {
    std::vector<std::string> summed;
    for (const auto& axis : z.shape())
      if (!target.has(axis.name)) summed.push_back(axis.name);
    if (summed.empty()) return rest * z;
    if (rest.shape().rank() == 0) return rest * node(sum(z, summed));
    std::vector<Axis> result = pick(target, [&](const auto& a) { return z.shape().has(a) || rest.shape().has(a); });
    return node(contract(rest, z, Shape(std::move(result))));
  }

  struct ChannelAxes {
    std::vector<Axis> batch, shared, in, out;
  };

  static ChannelAxes channels(const ConvRoles& r, const std::vector<std::string>& convolved) {
    ChannelAxes c;
    c.batch = pick(r.x_shape, [&](const auto& a) {
      return !contains(convolved, a) && !r.kernel_shape.has(a) && r.g_shape.has(a);
    });
    c.shared = pick(r.x_shape, [&](const auto& a) { return r.kernel_shape.has(a) && r.g_shape.has(a); });
    c.in = pick(r.x_shape, [&](const auto& a) { return r.kernel_shape.has(a) && !r.g_shape.has(a); });
    c.out = pick(r.kernel_shape, [&](const auto& a) { return !r.x_shape.has(a) && r.g_shape.has(a); });
    return c;
  }

  static std::optional<ConvolutionShape> canonical_shape(const Expr& e, const ConvRoles& r,
                                                         const std::vector<std::string>& offsets) {
    if (offsets.size() > 2) return std::nullopt;
    const ChannelAxes c = channels(r, e->names);
    const bool mixing = !c.in.empty() || !c.out.empty();
    if (mixing && !c.shared.empty()) return std::nullopt;
    ConvolutionShape s{};
    s.batch = Shape(c.batch).size();
    s.channels_in = mixing ? Shape(c.in).size() : Shape(c.shared).size();
    s.channels_out = mixing ? Shape(c.out).size() : s.channels_in;
    s.mixing = mixing;
    s.shared_kernel = !mixing && c.shared.empty();
    const auto length = [&](const Shape& shape, const std::string& axis) { return shape[*shape.find(axis)].size; };
    s.ny = offsets.size() == 2 ? length(r.x_shape, e->names[0]) : 1;
    s.ky = offsets.size() == 2 ? length(r.kernel_shape, offsets[0]) : 1;
    s.nx = length(r.x_shape, e->names.back());
    s.kx = length(r.kernel_shape, offsets.back());
    s.border_y = s.border_x = static_cast<Border>(e->ints[1]);
    return s;
  }

  static Expr as_canonical(const Expr& e, const ConvRoles& r, const std::vector<std::string>& offsets,
                           Algorithm chosen) {
    const ChannelAxes c = channels(r, e->names);
    std::vector<Axis> space;
    std::vector<Axis> window;
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      space.push_back(r.x_shape[*r.x_shape.find(e->names[i])]);
      window.push_back(r.kernel_shape[*r.kernel_shape.find(offsets[i])]);
    }
    const Shape x = joined({c.batch, c.shared, c.in, space});
    const Shape g = joined({c.batch, c.shared, c.out, space});
    const Shape k = joined({c.shared, c.out, c.in, window});
    const Expr a = r.face == Face::kernel ? broadcast_to(r.x, x) : broadcast_to(r.kernel, k);
    const Expr b = r.face == Face::forward ? broadcast_to(r.x, x) : broadcast_to(r.g, g);
    const Shape& result = r.face == Face::forward ? g : (r.face == Face::transposed ? x : k);
    return broadcast_to(conv_face(r.face, a, b, e->names, static_cast<Border>(e->ints[1]), chosen, result), e.shape());
  }

  Expr contraction(const Expr& e) {
    Expr a = summed_to(unturned(e->args[0]), e->args[1].shape(), e.shape());
    Expr b = summed_to(unturned(e->args[1]), e->args[0].shape(), e.shape());
    // The operand whose own axes the result names first is the left one.
    for (const auto& axis : e.shape()) {
      if (a.shape().has(axis.name) == b.shape().has(axis.name)) continue;
      const Shape& owner = a.shape().has(axis.name) ? a.shape() : b.shape();
      if (owner.rank() > 2 && owner[0] == axis) continue;  // in front, as a batch
      if (b.shape().has(axis.name)) std::swap(a, b);
      break;
    }
    std::optional<Axis> lead;
    if (!in_order(a, b, roles(a, b, e, lead))) lead = leading_axis(a.shape(), b.shape(), e.shape());
    const ContractionRoles r = roles(a, b, e, lead);
    const bool outer =
        r.k.empty() && !lead && Shape(r.m).size() >= shortest_outer && Shape(r.n).size() >= shortest_outer;
    if (r.k.empty() && !(outer && r.shared.empty())) return broadcast_to(a * b, e.shape());
    // Either order of m and k (k and n) is read in place; anything else is copied into the plain one.
    const auto stored = [&](const Shape& whole, const std::vector<Axis>& first, const std::vector<Axis>& second) {
      return joined({lead && !whole.has(lead->name) ? std::vector<Axis>{} : r.shared, first, second});
    };
    const Shape plain_a = stored(a.shape(), r.m, r.k);
    const Shape plain_b = stored(b.shape(), r.k, r.n);
    const Shape result = stored(e.shape(), r.m, r.n);
    if (!(b.shape() == stored(b.shape(), r.n, r.k))) b = broadcast_to(b, plain_b);
    const bool b_turned = !(b.shape() == plain_b);
    if (b_turned || !(a.shape() == stored(a.shape(), r.k, r.m))) a = broadcast_to(a, plain_a);
    Node node;
    node.op = Op::contract;
    node.args = {a, b};
    node.shape = result;
    node.unit = e.unit();
    const auto size = [](const std::vector<Axis>& axes) { return static_cast<std::int64_t>(Shape(axes).size()); };
    const auto has_lead = [&](const Shape& shape) { return !lead || shape.has(lead->name) ? 1 : 0; };
    node.ints = {
        size(r.shared),   size(r.m),           size(r.k),           size(r.n),        a.shape() == plain_a ? 0 : 1,
        b_turned ? 1 : 0, has_lead(a.shape()), has_lead(b.shape()), has_lead(result), 0};
    if (Expr& matrix = node.args[node.ints[3] == 1 ? 0 : 1]; matrix->op == Op::single && of_parameters(matrix)) {
      const bool with_vector = node.ints[0] == 1 && (node.ints[1] == 1 || node.ints[3] == 1);
      if (with_vector && bytes_ > sizeof(float)) {
        matrix = matrix->args[0];
        node.ints.back() = 1;
      }
    }
    return broadcast_to(intern(std::move(node)), e.shape());
  }

  struct ContractionRoles {
    std::vector<Axis> shared, m, n, k;
  };

  static ContractionRoles roles(const Expr& a, const Expr& b, const Expr& e, const std::optional<Axis>& lead) {
    const auto axes = [&](const Expr& of, bool in_a, bool in_b, bool in_result) {
      return pick(of.shape(), [&](const std::string& axis) {
        return a.shape().has(axis) == in_a && b.shape().has(axis) == in_b && e.shape().has(axis) == in_result &&
               !(lead && lead->name == axis);
      });
    };
    return {lead ? std::vector<Axis>{*lead} : axes(e, true, true, true), axes(e, true, false, true),
            axes(e, false, true, true), axes(a, true, true, false)};
  }

  static bool in_order(const Expr& a, const Expr& b, const ContractionRoles& r) {
    return (a.shape() == joined({r.shared, r.m, r.k}) || a.shape() == joined({r.shared, r.k, r.m})) &&
           (b.shape() == joined({r.shared, r.k, r.n}) || b.shape() == joined({r.shared, r.n, r.k}));
  }

  /// What a change of the order of axes was made of.
  static Expr unturned(const Expr& e) {
    return e->op == Op::broadcast && e->args[0].shape().rank() == e.shape().rank() ? e->args[0] : e;
  }

  /// An axis in front, such as a batch, that two of the operands and the result have: they are taken one slice after
  /// the other, instead of being copied into another order. Empty where there is none or an axis of all three.
  static std::optional<Axis> leading_axis(const Shape& a, const Shape& b, const Shape& result) {
    std::size_t summed = 0;
    for (const auto& axis : a) {
      if (b.has(axis.name) && result.has(axis.name)) return std::nullopt;
      if (b.has(axis.name)) ++summed;
    }
    for (const Shape* shape : {&a, &b}) {
      if (shape->rank() < 3) continue;
      const Axis& first = (*shape)[0];
      const auto leads = [&](const Shape& s) { return !s.has(first.name) || s[0] == first; };
      const bool in_both = a.has(first.name) && b.has(first.name);
      if (leads(a) && leads(b) && (in_both ? summed > 1 : summed > 0 && result.has(first.name))) return first;
    }
    return std::nullopt;
  }

  Expr summed_to(const Expr& a, const Shape& other, const Shape& result) {
    std::vector<std::string> alone;
    for (const auto& axis : a.shape())
      if (!other.has(axis.name) && !result.has(axis.name)) alone.push_back(axis.name);
    return alone.empty() ? a : node(sum(a, alone));
  }

  /// Over one run of neighbouring axes after another, by the names they had first, so that a sum of a renamed argument
  /// runs in the pass that computes it.
  static Expr reduction(const Expr& e) {
    Expr x = e->args[0];
    std::vector<std::string> names = e->names;
    for (; x->op == Op::rename && contains(names, x->names[1]); x = x->args[0])
      *std::find(names.begin(), names.end(), x->names[1]) = x->names[0];
    std::vector<std::vector<std::string>> runs;
    bool open = false;
    for (const auto& axis : x.shape()) {
      const bool reduced = contains(names, axis.name);
      if (reduced && !open) runs.emplace_back();
      if (reduced) runs.back().push_back(axis.name);
      open = reduced;
    }
    Expr result = x;
    for (auto it = runs.rbegin(); it != runs.rend(); ++it)
      result = e->op == Op::sum ? sum(result, *it) : max(result, *it);
    return result;
  }

  std::size_t bytes_;
  std::vector<AlgorithmChoice>& choices_;
};

}  // namespace

bool is_outer_product(const Expr& e) {
  return e->op == Op::contract && e->ints[0] == 1 && e->ints[1] > 1 && e->ints[2] == 1 && e->ints[3] > 1;
}

std::vector<Expr> lower(const std::vector<Expr>& roots, std::size_t bytes_per_value,
                        std::vector<AlgorithmChoice>& choices) {
  Lowering lowering(bytes_per_value, choices);
  std::unordered_map<const Node*, Expr> value;
  const auto factored = factor_couplings(roots, choices);
  for (const auto& e : topological_order(factored)) {
    if (e->args.empty()) {
      value[e.get()] = e;
      continue;
    }
    std::vector<Expr> args;
    bool changed = false;
    for (const auto& arg : e->args) {
      args.push_back(value.at(arg.get()));
      changed = changed || !(args.back() == arg);
    }
    value[e.get()] = lowering.node(changed ? with_args(e, std::move(args)) : e);
  }
  std::vector<Expr> result;
  for (const auto& root : factored) result.push_back(value.at(root.get()));
  return result;
}

}  // namespace striate
