#include "circuit/program/synapse_function.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "circuit/derive.hpp"

namespace striate {
namespace {

constexpr std::size_t chunk = 512;
enum Form { value_form, jvp_form, vjp_form };

}  // namespace

template <class T>
std::size_t SynapseFunction<T>::Leaf::index(const SynapseSpan& s, std::size_t i) const {
  switch (by) {
    case By::synapse: return offset + static_cast<std::size_t>(s.number(i));
    case By::pre: return offset + s.pre[i];
    case By::post: return offset + s.post[i];
    default: return offset;
  }
}

template <class T>
SynapseFunction<T>::SynapseFunction(const CircuitContents& contents, const ProjectionRule& projection, const Expr& e,
                                    const Fields& states, const Fields& parameters)
    : axis_{projection.name, chunk}, common_(e.shape().rank() == 0), key_(contents.seed, projection.purpose()) {
  std::vector<std::pair<Expr, Expr>> here;
  const auto argument = [&](const std::string& name, bool single, const Unit& unit) {
    return variable(VariableKind::argument, name, single ? Shape() : Shape{axis_}, unit);
  };
  const auto whose = [&](const std::string& name) {
    const Field* parameter = parameters.find(name);
    return parameter ? std::pair(From::parameters, parameter->offset) : std::pair(From::states, states.at(name).offset);
  };
  for (const auto& node : topological_order({e})) {
    if (node->op == Op::broadcast && node.shape() == Shape{projection.axis()}) {
      here.emplace_back(node, substitute({node->args[0]}, here)[0]);
      continue;
    }
    if (node->op == Op::random) {
      const bool uniform = static_cast<RandomKind>(node->ints[0]) == RandomKind::uniform;
      const auto args = substitute(node->args, here);
      const auto place = static_cast<std::size_t>(node->ints[1]);
      const Expr number = argument(fmt::format("random_{}", place), false, {});
      leaves_.push_back({number, From::computed, uniform ? By::uniform : By::normal, place});
      here.emplace_back(node, uniform ? args[0] + (args[1] - args[0]) * number : args[0] + args[1] * number);
      continue;
    }
    if (node->op != Op::variable) continue;
    Leaf leaf;
    if (const auto side = synapse_leaf(*node)) {
      leaf.argument = argument(node->name, false, node.unit());
      leaf.from = From::computed;
      leaf.by = By::distance;
      leaf.offset = 0;
      if (side->of == SynapseLeaf::Of::distance) {
        distance_.emplace(pre_population(contents, projection), post_population(contents, projection), projection.name);
      } else {
        std::tie(leaf.from, leaf.offset) = whose(side->name);
        leaf.by = side->of == SynapseLeaf::Of::pre ? By::pre : By::post;
      }
    } else {
      const bool single = node.shape().rank() == 0;
      leaf.argument = argument(node->name, single, node.unit());
      leaf.by = single ? By::one : By::synapse;
      std::tie(leaf.from, leaf.offset) = whose(node->name);
    }
    of_states_ = of_states_ || leaf.from == From::states;
    here.emplace_back(node, leaf.argument);
    leaves_.push_back(std::move(leaf));
  }
  singles_ = static_cast<std::size_t>(
      std::stable_partition(leaves_.begin(), leaves_.end(), [](const Leaf& l) { return l.by == By::one; }) -
      leaves_.begin());
  value_ = substitute({e}, here)[0];
  if (!common_) value_ = broadcast_to(value_, Shape{axis_});
}

/// Groups: 0 single values | 1 values of a run | of a jvp 2 and 3 their directions | of a vjp 2 the cotangent.
template <class T>
Function<T> SynapseFunction<T>::made(int form) const {
  const std::size_t runs = (leaves_.size() - singles_) * chunk;
  std::vector<ArgumentGroup> groups{{singles_, 1}, {runs, 2}};
  std::vector<ArgumentField> arguments;
  std::vector<OutputField> outputs;
  std::vector<std::pair<Expr, Expr>> directions;
  std::vector<Expr> wrt;
  const auto place = [&](std::size_t i) { return i < singles_ ? i : (i - singles_) * chunk; };
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const Expr& a = leaves_[i].argument;
    const std::size_t group = i < singles_ ? 0 : 1;
    arguments.push_back({a, group, place(i)});
    wrt.push_back(a);
    if (form != jvp_form || leaves_[i].from == From::computed) continue;
    directions.emplace_back(a, variable(VariableKind::argument, "v_" + a->name, a.shape(), a.unit()));
    arguments.push_back({directions.back().second, group + 2, place(i)});
  }
  if (form == value_form) {
    outputs.push_back({value_, 0, 0, false});
  } else if (form == jvp_form) {
    groups.insert(groups.end(), {{singles_, 3}, {runs, 3}});
    const Expr tangent = striate::jvp({value_}, directions)[0];
    outputs.push_back(
        {tangent ? broadcast_to(tangent, value_.shape()) : broadcast_to(quantity(0, value_.unit()), value_.shape()), 0,
         0, false});
  } else {
    groups.push_back({value_.shape().size(), 3});
    const Expr lambda = variable(VariableKind::argument, "lambda", value_.shape(), value_.unit().pow(-1));
    arguments.push_back({lambda, 2, 0});
    const auto gradients = striate::vjp({{value_, lambda}}, wrt);
    for (std::size_t i = 0; i < leaves_.size(); ++i)
      if (gradients[i] && leaves_[i].from != From::computed)
        outputs.push_back({broadcast_to(gradients[i], wrt[i].shape()), i < singles_ ? std::size_t{0} : std::size_t{1},
                           place(i), true});
  }
  return {groups, arguments, outputs};
}

template <class T>
const Function<T>& SynapseFunction<T>::function(int form) const {
  return functions_[static_cast<std::size_t>(form)].get([&] { return made(form); });
}

/// The leaves at the synapses begin, ..., begin + n - 1 of the span; the rest of the chunk repeats the last.
template <class T>
void SynapseFunction<T>::gather(const SynapseSpan& s, std::size_t begin, std::size_t n, std::span<const T> p,
                                std::span<const T> y, bool direction, std::vector<T>& single,
                                std::vector<T>& run) const {
  single.resize(singles_);
  run.resize((leaves_.size() - singles_) * chunk);
  for (std::size_t l = 0; l < leaves_.size(); ++l) {
    const Leaf& leaf = leaves_[l];
    const auto from = leaf.from == From::parameters ? p : y;
    if (l < singles_) {
      single[l] = from.empty() ? T(0) : from[leaf.offset];
      continue;
    }
    T* out = run.data() + (l - singles_) * chunk;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t number = s.number(begin + i);
      if (leaf.from != From::computed) {
        out[i] = from.empty() ? T(0) : from[leaf.index(s, begin + i)];
      } else if (direction) {
        out[i] = 0;
      } else if (leaf.by == By::distance) {
        out[i] = static_cast<T>((*distance_)(s.pre[begin + i], s.post[begin + i]));
      } else {
        const RandomCounter counter{number, leaf.offset, 1, 0};
        out[i] = static_cast<T>(leaf.by == By::uniform ? key_.uniform(counter) : key_.normal(counter));
      }
    }
    std::fill(out + n, out + chunk, out[n - 1]);
  }
}

template <class T>
template <class Body>
void SynapseFunction<T>::in_chunks(const SynapseSpan& s, const Body& body) const {
  const std::size_t size = common_ ? 1 : s.post.size();
  for (std::size_t begin = 0; begin < size; begin += chunk) body(begin, std::min(chunk, size - begin));
}

template <class T>
void SynapseFunction<T>::value(const SynapseSpan& s, std::span<const T> p, std::span<const T> y, std::span<T> out,
                               SynapseMemory<T>& memory) const {
  const Function<T>& f = function(value_form);
  auto& scratch = memory.function[value_form];
  if (!scratch) scratch = f.make_memory();
  memory.out.resize(value_.shape().size());
  in_chunks(s, [&](std::size_t begin, std::size_t n) {
    gather(s, begin, n, p, y, false, memory.single, memory.run);
    const T* const in[] = {memory.single.data(), memory.run.data()};
    T* const results[] = {memory.out.data()};
    f.run(in, results, *scratch);
    std::copy_n(memory.out.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(begin));
  });
}

template <class T>
void SynapseFunction<T>::jvp(const SynapseSpan& s, std::span<const T> p, std::span<const T> y, std::span<const T> vp,
                             std::span<const T> vy, std::span<T> out, SynapseMemory<T>& memory) const {
  const Function<T>& f = function(jvp_form);
  auto& scratch = memory.function[jvp_form];
  if (!scratch) scratch = f.make_memory();
  memory.out.resize(value_.shape().size());
  in_chunks(s, [&](std::size_t begin, std::size_t n) {
    gather(s, begin, n, p, y, false, memory.single, memory.run);
    gather(s, begin, n, vp, vy, true, memory.single_v, memory.run_v);
    const T* const in[] = {memory.single.data(), memory.run.data(), memory.single_v.data(), memory.run_v.data()};
    T* const results[] = {memory.out.data()};
    f.run(in, results, *scratch);
    for (std::size_t i = 0; i < n; ++i) out[begin + i] += memory.out[i];
  });
}

template <class T>
void SynapseFunction<T>::vjp(const SynapseSpan& s, std::span<const T> p, std::span<const T> y,
                             std::span<const T> lambda, std::span<T> pbar, std::span<T> ybar,
                             SynapseMemory<T>& memory) const {
  const Function<T>& f = function(vjp_form);
  auto& scratch = memory.function[vjp_form];
  if (!scratch) scratch = f.make_memory();
  in_chunks(s, [&](std::size_t begin, std::size_t n) {
    gather(s, begin, n, p, y, false, memory.single, memory.run);
    memory.lambda.assign(value_.shape().size(), T(0));
    std::copy_n(lambda.begin() + static_cast<std::ptrdiff_t>(begin), n, memory.lambda.begin());
    memory.single_bar.assign(memory.single.size(), T(0));
    memory.run_bar.assign(memory.run.size(), T(0));
    const T* const in[] = {memory.single.data(), memory.run.data(), memory.lambda.data()};
    T* const results[] = {memory.single_bar.data(), memory.run_bar.data()};
    f.run(in, results, *scratch);
    for (std::size_t l = 0; l < leaves_.size(); ++l) {
      const Leaf& leaf = leaves_[l];
      const auto to = leaf.from == From::parameters ? pbar : ybar;
      if (leaf.from == From::computed || to.empty()) continue;
      if (l < singles_)
        to[leaf.offset] += memory.single_bar[l];
      else
        for (std::size_t i = 0; i < n; ++i) to[leaf.index(s, begin + i)] += memory.run_bar[(l - singles_) * chunk + i];
    }
  });
}

template class SynapseFunction<float>;
template class SynapseFunction<double>;

}  // namespace striate
