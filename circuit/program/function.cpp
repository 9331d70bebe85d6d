#include "circuit/program/function.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "base/aligned_vector.hpp"
#include "circuit/program/lower.hpp"
#include "circuit/program/node_steps.hpp"
#include "circuit/program/plan.hpp"
#include "circuit/program/steps.hpp"

namespace striate {
namespace {

std::size_t aligned(std::size_t elements) { return (elements + 15) / 16 * 16; }

/// Memory offsets for values with a lifetime, counted in steps.
class SlotAllocator {
 public:
  std::size_t take(std::size_t size) {
    size = aligned(size);
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it)
      if (it->second >= size && (best == free_.end() || it->second < best->second)) best = it;
    if (best == free_.end()) {
      total_ += size;
      return total_ - size;
    }
    const std::size_t offset = best->first;
    if (best->second > size) free_.emplace(offset + size, best->second - size);
    free_.erase(best);
    return offset;
  }
  void give(std::size_t offset, std::size_t size) { free_.emplace(offset, aligned(size)); }
  std::size_t total() const { return total_; }

 private:
  std::map<std::size_t, std::size_t> free_;
  std::size_t total_ = 0;
};

Pointwise pointwise_of(Op op) {
  switch (op) {
    case Op::add: return Pointwise::add;
    case Op::sub: return Pointwise::sub;
    case Op::mul:
    case Op::convert: return Pointwise::mul;
    case Op::div: return Pointwise::div;
    case Op::neg: return Pointwise::neg;
    case Op::min: return Pointwise::min;
    case Op::max: return Pointwise::max;
    case Op::pow: return Pointwise::pow;
    case Op::sqrt: return Pointwise::sqrt;
    case Op::exp: return Pointwise::exp;
    case Op::log: return Pointwise::log;
    case Op::sin: return Pointwise::sin;
    case Op::cos: return Pointwise::cos;
    case Op::atan2: return Pointwise::atan2;
    case Op::tanh: return Pointwise::tanh;
    case Op::sigmoid: return Pointwise::sigmoid;
    case Op::softplus: return Pointwise::softplus;
    case Op::relu: return Pointwise::relu;
    case Op::abs: return Pointwise::abs;
    case Op::single: return Pointwise::single;
    case Op::step: return Pointwise::step;
    case Op::where: return Pointwise::where;
    case Op::phi: return Pointwise::phi;
    default: return Pointwise::copy;
  }
}

bool in_pointwise_step(const Expr& e) { return is_pointwise(e->op) || e->op == Op::broadcast; }
bool is_leaf(const Expr& e) { return e->args.empty(); }

/// Whether e is the sum of all elements of what a pointwise step computes, which may add them up as it goes.
bool sums_pointwise(const Expr& e) { return e->op == Op::sum && e.shape().rank() == 0 && is_pointwise(e->args[0]->op); }

bool is_cheap(Op op) {
  switch (op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::neg:
    case Op::convert:
    case Op::relu:
    case Op::abs:
    case Op::min:
    case Op::max: return true;
    default: return false;
  }
}

}  // namespace

template <class T>
struct FunctionMemory {
  AlignedVector<T> values, scratch;
  std::vector<std::vector<T>> seen;  ///< per remembered range, what its stage was computed for; or empty,
  std::vector<std::uint64_t> held;   ///< and the number under which it was held then
  int valid_stage = 0;               ///< stages up to this one hold for what was seen
};

namespace {

/// A part of an argument vector that remembered results depend on.
struct Remembered {
  std::size_t group, offset, size;
  int stage;
};

}  // namespace

template <class T>
struct Function<T>::Impl {
  std::vector<Remembered> remembered;
  int last_stage = 1;
  std::vector<std::vector<std::unique_ptr<Step<T>>>> steps;  ///< by stage, 0 first
  std::size_t memory_size = 0;
  std::size_t scratch_size = 0;
  std::vector<AlgorithmChoice> algorithms;
};

namespace {

/// Turns lowered expressions into steps.
template <class T>
class Planner {
 public:
  Planner(const std::vector<ArgumentGroup>& groups, const std::vector<ArgumentField>& arguments,
          const std::vector<OutputField>& outputs, Code code, std::vector<AlgorithmChoice>& choices)
      : most_at_once_(code == Code::generated ? most_generated_instructions : most_instructions) {
    for (const auto& group : groups) last_stage_ = std::max(last_stage_, group.stage);
    for (const auto& a : arguments) {
      place_[a.variable.get()] = {Place::Space::argument, a.group, a.offset};
      stage_[a.variable.get()] = std::max(groups[a.group].stage, a.stage);
    }
    std::vector<Expr> roots;
    for (const auto& o : outputs) roots.push_back(o.value);
    const auto lowered = lower(roots, sizeof(T), choices);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      outputs_.push_back({lowered[i], outputs[i].group, outputs[i].offset, outputs[i].add});
    order_ = topological_order(lowered);
    steps.resize(static_cast<std::size_t>(last_stage_) + 1);
    find_stages();
    find_levels();
    find_memory_needs();
    find_accumulated();
    for (int stage = 0; stage <= last_stage_; ++stage) plan_stage(stage);
    plan_outputs();
    for (const auto& a : arguments)
      if (read_early_.contains(a.variable.get()))
        remembered.push_back({a.group, a.offset, a.variable.shape().size(), stage_.at(a.variable.get())});
  }

  std::vector<std::vector<std::unique_ptr<Step<T>>>> steps;
  std::vector<Remembered> remembered;
  std::size_t memory_size() const { return permanent_ + transient_.total(); }
  int last_stage() const { return last_stage_; }

 private:
  /// A run of work at one level: pointwise nodes of one shape, products of one matrix with vectors, or one other node.
  struct Work {
    std::vector<Expr> nodes;
  };

  bool pure_alias(const Expr& e) const { return e->op == Op::rename; }

  /// The node whose memory e reads, past renaming.
  const Expr& storage(const Expr& e) const {
    const Expr* at = &e;
    while ((*at)->op == Op::rename) at = &(*at)->args[0];
    return *at;
  }

  void find_stages() {
    for (const auto& e : order_) {
      int stage = is_leaf(e) ? (stage_.contains(e.get()) ? stage_[e.get()] : 0) : 0;
      if (e->op == Op::variable && !place_.contains(e.get()))
        throw std::logic_error("variable '" + e->name + "' is not an argument of this function");
      for (const auto& arg : e->args) stage = std::max(stage, stage_[arg.get()]);
      stage_[e.get()] = stage;
    }
    repeat_cheap_work();
    for (const auto& e : order_)
      if (stage_[e.get()] < last_stage_ && !pure_alias(e))
        for (const auto& arg : e->args) read_early_.insert(storage(arg).get());
  }

  /// Moves to the last stage what it costs less to do again, within pointwise steps of the last stage, than to look
  /// whether the operands have changed.
  void repeat_cheap_work() {
    constexpr std::size_t fewest_elements = 4096;
    std::unordered_set<const Node*> needed;  // outside such a step
    for (const auto& o : outputs_) needed.insert(o.value.get());
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
      const Expr& e = *it;
      if (stage_[e.get()] > 0 && stage_[e.get()] < last_stage_ && is_cheap(e->op) && !needed.contains(e.get()) &&
          e.shape().size() >= fewest_elements)
        stage_[e.get()] = last_stage_;
      const bool inside = stage_[e.get()] == last_stage_ && in_pointwise_step(e);
      for (const auto& arg : e->args)
        if (!inside || !(arg.shape() == e.shape())) needed.insert(arg.get());
    }
  }

  bool summed_in_step(const Expr& e) const {
    return sums_pointwise(e) && stage_.at(e.get()) == stage_.at(e->args[0].get());
  }

  /// The shape over which e runs in a pointwise step; null for other work.
  const Shape* pointwise_shape(const Expr& e) const {
    if (in_pointwise_step(e)) return &e.shape();
    return summed_in_step(e) ? &e->args[0].shape() : nullptr;
  }

  void find_levels() {
    for (const auto& e : order_) {
      int level = 0;
      for (const auto& arg : e->args) {
        if (stage_[arg.get()] != stage_[e.get()] || is_leaf(arg)) continue;
        const Shape* shape = pointwise_shape(e);
        const bool fused = shape != nullptr && in_pointwise_step(arg) && *shape == arg.shape();
        level = std::max(level, level_[arg.get()] + (fused ? 0 : 1));
      }
      level_[e.get()] = level;
    }
    delay_pointwise_work();
  }

  /// Moves pointwise nodes to the first pointwise step of their shape that uses them, if no other work does and their
  /// operands lie in memory in any case: their results then need not.
  void delay_pointwise_work() {
    const auto early = level_;
    const auto may_fuse = [&](const Expr& e, const Expr& arg) {
      return in_pointwise_step(e) && in_pointwise_step(arg) && arg.shape() == e.shape() &&
             stage_.at(e.get()) == stage_.at(arg.get());
    };
    std::unordered_set<const Node*> kept;
    for (const auto& o : outputs_) kept.insert(storage(o.value).get());
    for (const auto& e : order_)
      for (const auto& arg : e->args)
        if (!may_fuse(e, arg)) kept.insert(arg.get());
    for (bool settled = false; !settled;) {
      settled = true;
      level_ = early;
      std::unordered_map<const Node*, int> first_use;
      for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
        const Node* e = it->get();
        if (!kept.contains(e) && first_use.contains(e)) level_[e] = first_use[e];
        for (const auto& arg : (*it)->args) {
          const auto known = first_use.try_emplace(arg.get(), level_[e]).first;
          known->second = std::min(known->second, level_[e]);
        }
      }
      for (const auto& e : order_) {
        if (level_[e.get()] == early.at(e.get())) continue;
        const bool free = std::all_of(e->args.begin(), e->args.end(), [&](const Expr& arg) {
          return is_leaf(arg) || arg->op == Op::broadcast || !may_fuse(e, arg) ||
                 early.at(arg.get()) < early.at(e.get()) || level_[arg.get()] == level_[e.get()];
        });
        if (!free && kept.insert(e.get()).second) settled = false;
      }
    }
  }

  bool same_work(const Expr& a, const Expr& b) const {
    const Shape *of_a = pointwise_shape(a), *of_b = pointwise_shape(b);
    return of_a != nullptr && of_b != nullptr && *of_a == *of_b && stage_.at(a.get()) == stage_.at(b.get()) &&
           level_.at(a.get()) == level_.at(b.get());
  }

  bool same_matrix(const Expr& a, const Expr& b) const {
    const auto first = matrix_vector(a);
    const auto second = first ? matrix_vector(b) : first;
    return second && storage(first->matrix) == storage(second->matrix) && first->transposed == second->transposed &&
           first->rows == second->rows && first->single == second->single;
  }

  /// A broadcast that only pointwise steps of its shape use is read through, not computed.
  bool read_through(const Expr& e) const { return e->op == Op::broadcast && !in_memory_.contains(e.get()); }

  /// Outer products that nothing reads but one output, to which they are added.
  void find_accumulated() {
    std::unordered_map<const Node*, int> uses;
    for (const auto& e : order_)
      for (const auto& arg : e->args) ++uses[arg.get()];
    for (const auto& o : outputs_) ++uses[o.value.get()];
    for (auto& o : outputs_)
      if (o.add && is_outer_product(o.value) && uses[o.value.get()] == 1 && stage_[o.value.get()] == last_stage_) {
        o.bound = true;
        accumulated_.insert(o.value.get());
        place_[o.value.get()] = {Place::Space::output, o.group, o.offset};
      }
  }

  void find_memory_needs() {
    for (const auto& o : outputs_) in_memory_.insert({storage(o.value).get(), true});
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
      const Expr& e = *it;
      if (pure_alias(e)) continue;
      for (const auto& arg : e->args) {
        const Expr& source = storage(arg);
        if (is_leaf(source)) continue;
        if (in_pointwise_step(e) && source == arg && arg->op == Op::broadcast && arg.shape() == e.shape()) continue;
        if (!(source == arg && same_work(e, arg))) in_memory_.insert({source.get(), true});
      }
    }
    // Operands of broadcasts that are read through must lie in memory.
    for (const auto& e : order_)
      if (read_through(e) && !is_leaf(storage(e->args[0]))) in_memory_.insert({storage(e->args[0]).get(), true});
  }

  void plan_stage(int stage) {
    std::map<int, std::vector<Work>> by_level;
    std::vector<Expr> leaves;
    for (const auto& e : order_) {
      if (stage_[e.get()] != stage || pure_alias(e) || read_through(e)) continue;
      if (is_leaf(e)) {
        if (e->op != Op::variable) leaves.push_back(e);
        continue;
      }
      auto& works = by_level[level_[e.get()]];
      if (pointwise_shape(e) != nullptr) {
        const auto found =
            std::find_if(works.begin(), works.end(), [&](const Work& w) { return same_work(w.nodes.front(), e); });
        if (found != works.end()) {
          found->nodes.push_back(e);
          continue;
        }
        works.push_back({{e}});
      } else {
        const auto found =
            std::find_if(works.begin(), works.end(), [&](const Work& w) { return same_matrix(w.nodes.front(), e); });
        if (found != works.end())
          found->nodes.push_back(e);
        else  // those that can join the pointwise ones next to them
          works.insert(falls_into_planes(e) ? first_pointwise(works) : works.begin(), Work{{e}});
      }
    }
    std::vector<Work> sequence;
    for (auto& [level, works] : by_level)
      for (auto& work : works)
        for (std::size_t i = 0; i < work.nodes.size(); i += most_at_once_)
          sequence.push_back(
              {{work.nodes.begin() + static_cast<std::ptrdiff_t>(i),
                work.nodes.begin() + static_cast<std::ptrdiff_t>(std::min(work.nodes.size(), i + most_at_once_))}});
    // Work that falls into planes waits for its first use, which can then join it.
    for (auto work = sequence.end(); work != sequence.begin();)
      if (falls_into_planes((--work)->nodes.front()))
        std::rotate(work, work + 1,
                    std::find_if(work + 1, sequence.end(), [&](const Work& w) { return uses(w, *work); }));
    // Values that cross from one piece of a long pointwise run to the next lie in memory too.
    std::unordered_map<const Node*, std::size_t> piece_of;
    for (std::size_t i = 0; i < sequence.size(); ++i)
      for (const auto& e : sequence[i].nodes) piece_of[e.get()] = i;
    std::unordered_map<const Node*, std::size_t> last_use;
    for (std::size_t i = 0; i < sequence.size(); ++i) {
      for (const auto& e : sequence[i].nodes) {
        for (const auto& arg : e->args) {
          const Expr& source = storage(read_through(arg) ? arg->args[0] : arg);
          if (piece_of.contains(source.get()) && piece_of[source.get()] != i) in_memory_.insert({source.get(), true});
          last_use[source.get()] = i;
        }
      }
    }
    for (const auto& e : leaves) {
      place_[e.get()] = permanent_place(e.shape().size());
      steps[0].push_back(numbers_step<T>(leaf_values(e), place_[e.get()]));
    }
    for (std::size_t i = 0; i < sequence.size(); ++i) {
      for (const auto& e : sequence[i].nodes)
        if (!in_pointwise_step(e) || in_memory_.contains(e.get())) give_place(e, stage);
      plan_work(sequence[i], stage);
      for (const auto& [node, use] : last_use)
        if (use == i) release(node, stage);
    }
  }

  bool uses(const Work& user, const Work& work) const {
    const auto made = [&](const Expr& arg) {
      const Expr& source = storage(read_through(arg) ? arg->args[0] : arg);
      return std::find(work.nodes.begin(), work.nodes.end(), source) != work.nodes.end();
    };
    return std::any_of(user.nodes.begin(), user.nodes.end(),
                       [&](const Expr& e) { return std::any_of(e->args.begin(), e->args.end(), made); });
  }

  typename std::vector<Work>::iterator first_pointwise(std::vector<Work>& works) const {
    return std::find_if(works.begin(), works.end(),
                        [&](const Work& w) { return pointwise_shape(w.nodes.front()) != nullptr; });
  }

  static std::vector<double> leaf_values(const Expr& e) {
    if (e->op == Op::constant) return {e->value};
    if (e->op == Op::array) return *e->numbers;
    std::vector<double> values(e.shape().size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    return values;
  }

  /// Memory that outlives its stage grows from one end; memory reused within the last stage lies behind it.
  Place permanent_place(std::size_t size) {
    const std::size_t offset = permanent_;
    permanent_ += aligned(size);
    return {Place::Space::memory, 0, offset};
  }

  void give_place(const Expr& e, int stage) {
    if (place_.contains(e.get())) return;  // added to an output
    if (stage == last_stage_) {
      for (auto& o : outputs_) {
        if (o.bound || o.add || !(o.value == e)) continue;
        o.bound = true;
        place_[e.get()] = {Place::Space::output, o.group, o.offset};
        return;
      }
      place_[e.get()] = {Place::Space::memory, transient_marker, transient_.take(e.shape().size())};
    } else {
      place_[e.get()] = permanent_place(e.shape().size());
    }
  }

  void release(const Node* node, int stage) {
    const auto it = place_.find(node);
    if (stage != last_stage_ || it == place_.end() || it->second.group != transient_marker ||
        it->second.space != Place::Space::memory)
      return;
    for (const auto& o : outputs_)
      if (storage(o.value).get() == node) return;
    if (stage_[node] == stage) transient_.give(it->second.offset, node->shape.size());
  }

  /// Transient places are numbered from 0 while planning; they follow the permanent ones in the end.
  Place place_of(const Expr& e) { return place_.at(storage(e).get()); }

  void plan_work(const Work& work, int stage) {
    auto& target = pending_[stage];
    if (pointwise_shape(work.nodes.front()) != nullptr) {
      target.push_back({pointwise_program(work), {}, {}, {}, {}});
      return;
    }
    const Expr& e = work.nodes.front();
    Pending pending{{}, e, {}, {place_of(e)}, {}};
    if (const auto product = matrix_vector(e)) {
      pending.operands.push_back(place_of(product->matrix));
      pending.results.clear();
      for (const auto& node : work.nodes) {
        pending.operands.push_back(place_of(matrix_vector(node)->vector));
        pending.results.push_back(place_of(node));
      }
    } else {
      for (const auto& arg : e->args) pending.operands.push_back(place_of(arg));
    }
    if (const Expr operand = prepared_operand(e)) {
      auto known = std::find_if(prepared_.begin(), prepared_.end(),
                                [&](const auto& other) { return same_prepared(other.first, e); });
      if (known == prepared_.end()) {
        known = prepared_.insert(known, {e, permanent_place(prepared_size<T>(e))});
        if (stage_[operand.get()] < last_stage_) read_early_.insert(storage(operand).get());
        pending_[stage_[operand.get()]].push_back({{}, e, {place_of(operand)}, {}, known->second});
      }
      pending.prepared = known->second;
    }
    target.push_back(std::move(pending));
  }

  std::size_t load_index(PointwiseProgram& program, std::vector<std::pair<const Node*, std::size_t>>& known,
                         const Expr& operand) {
    const Expr& source = operand;
    for (const auto& [node, i] : known)
      if (node == source.get()) return i;
    Load load;
    load.place = place_of(source);
    for (const auto& axis : program.shape) {
      const auto at = source.shape().find(axis.name);
      load.strides.push_back(at ? source.shape().stride(*at) : 0);
    }
    program.loads.push_back(std::move(load));
    known.emplace_back(source.get(), program.loads.size() - 1);
    return program.loads.size() - 1;
  }

  PointwiseProgram pointwise_program(const Work& work) {
    PointwiseProgram program;
    program.shape = *pointwise_shape(work.nodes.front());
    std::vector<std::pair<const Node*, std::size_t>> known;
    std::unordered_map<const Node*, int> result;
    std::unordered_map<const Node*, int> uses;
    for (const auto& e : work.nodes)
      for (const auto& arg : e->args) ++uses[arg.get()];
    std::vector<std::vector<std::pair<bool, std::size_t>>> operands;  // (is load, index)
    const auto operand = [&](const Expr& arg) -> std::pair<bool, std::size_t> {
      if (const auto it = result.find(arg.get()); it != result.end())
        return {false, static_cast<std::size_t>(it->second)};
      return {true, load_index(program, known, read_through(arg) ? arg->args[0] : arg)};
    };
    const auto mergeable = [&](const Expr& arg) {  // a product used once, and by this sum alone
      return arg->op == Op::mul && result.contains(arg.get()) && uses[arg.get()] == 1 &&
             !in_memory_.contains(arg.get()) &&
             result.at(arg.get()) == static_cast<int>(program.instructions.size()) - 1;
    };
    for (const auto& e : work.nodes) {
      Instruction instruction;
      instruction.op = pointwise_of(e->op);
      std::vector<std::pair<bool, std::size_t>> in;
      if (e->op == Op::convert) {
        const Expr factor = quantity(e->args[0].unit().to(e.unit()), Unit());
        if (!place_.contains(factor.get())) {
          place_[factor.get()] = permanent_place(1);
          steps[0].push_back(numbers_step<T>({factor->value}, place_[factor.get()]));
          kept_.push_back(factor);
        }
        in = {operand(e->args[0]), {true, load_index(program, known, factor)}};
      } else if (e->op == Op::sum) {
        instruction.summed = true;
        in = {operand(e->args[0])};
      } else if (e->op == Op::phi) {
        instruction.k = static_cast<int>(e->ints[0]);
        in = {operand(e->args[0])};
      } else if (e->op == Op::pow && e->args[1]->op == Op::constant &&
                 e->args[1]->value == std::round(e->args[1]->value) && std::abs(e->args[1]->value) <= 16) {
        instruction.op = Pointwise::powi;
        instruction.k = static_cast<int>(e->args[1]->value);
        in = {operand(e->args[0])};
      } else if (e->op == Op::add && (mergeable(e->args[0]) || mergeable(e->args[1]))) {
        const std::size_t product = mergeable(e->args[0]) ? 0 : 1;
        const auto addend = operand(e->args[1 - product]);
        in = operands.back();
        in.push_back(addend);
        instruction.op = Pointwise::muladd;
        program.instructions.pop_back();
        operands.pop_back();
        result.erase(e->args[product].get());
      } else {
        for (const auto& arg : e->args) in.push_back(operand(arg));
      }
      if (in_memory_.contains(e.get())) {
        instruction.stored = true;
        instruction.target = place_.at(e.get());
      }
      result[e.get()] = static_cast<int>(program.instructions.size());
      program.instructions.push_back(instruction);
      operands.push_back(std::move(in));
    }
    for (std::size_t i = 0; i < program.instructions.size(); ++i)
      for (std::size_t k = 0; k < operands[i].size(); ++k)
        program.instructions[i].operand[k] =
            static_cast<int>(operands[i][k].second + (operands[i][k].first ? program.instructions.size() : 0));
    return program;
  }

  void plan_outputs() {
    for (const auto& o : outputs_) {
      if (o.bound) continue;
      PointwiseProgram program;
      program.shape = o.value.shape();
      std::vector<std::pair<const Node*, std::size_t>> known;
      load_index(program, known, o.value);
      Instruction instruction;
      instruction.op = o.add ? Pointwise::add : Pointwise::copy;
      instruction.operand[0] = 1;
      instruction.stored = true;
      instruction.target = {Place::Space::output, o.group, o.offset};
      if (o.add) {
        Load old = program.loads[0];
        old.place = instruction.target;
        program.loads.push_back(std::move(old));
        instruction.operand[1] = 2;
      }
      program.instructions.push_back(instruction);
      pending_[last_stage_].push_back({std::move(program), {}, {}, {}, {}});
    }
    for (auto& [stage, list] : pending_) {
      for (auto& p : list) {
        settle(p.prepared);
        for (auto& place : p.results) settle(place);
        for (auto& place : p.operands) settle(place);
        for (auto& load : p.program.loads) settle(load.place);
        for (auto& instruction : p.program.instructions) settle(instruction.target);
        steps[static_cast<std::size_t>(stage)].push_back(make(p));
      }
    }
  }

  struct Pending {
    PointwiseProgram program;
    Expr node;
    std::vector<Place> operands;
    std::vector<Place> results;
    Place prepared;
  };

  void settle(Place& place) const {
    if (place.space != Place::Space::memory || place.group != transient_marker) return;
    place.group = 0;
    place.offset += permanent_;
  }

  std::unique_ptr<Step<T>> make(Pending& p) const {
    if (!p.node) return pointwise_step<T>(std::move(p.program));
    if (p.results.empty()) return prepare_step<T>(p.node, p.operands[0], p.prepared);
    if (const auto product = matrix_vector(p.node))
      return matrix_vectors_step<T>(*product, product->single ? p.prepared : p.operands[0],
                                    {p.operands.begin() + 1, p.operands.end()}, p.results);
    if (is_outer_product(p.node))
      return outer_products_step<T>(p.node, p.operands, p.results[0], accumulated_.contains(p.node.get()));
    switch (p.node->op) {
      case Op::sum:
      case Op::max_over:
      case Op::maxpool:
      case Op::maxpool_select: return reduction_step<T>(p.node, p.operands, p.results[0]);
      default: return linear_step<T>(p.node, p.operands, p.results[0], p.prepared);
    }
  }

  struct Output {
    Expr value;
    std::size_t group;
    std::size_t offset;
    bool add;
    bool bound = false;
  };

  static constexpr std::size_t transient_marker = 1;

  std::size_t most_at_once_;
  int last_stage_ = 1;
  std::vector<Output> outputs_;
  std::vector<Expr> order_;
  std::unordered_map<const Node*, int> stage_, level_;
  std::unordered_map<const Node*, bool> in_memory_;
  std::unordered_set<const Node*> accumulated_;  ///< added to their output
  std::unordered_set<const Node*> read_early_;   ///< by steps before the last stage
  std::unordered_map<const Node*, Place> place_;
  std::map<int, std::vector<Pending>> pending_;
  std::vector<Expr> kept_;
  std::vector<std::pair<Expr, Place>> prepared_;  ///< operands made ready, by a node that reads them
  std::size_t permanent_ = 0;
  SlotAllocator transient_;
};

}  // namespace

template <class T>
Function<T>::Function(const std::vector<ArgumentGroup>& groups, const std::vector<ArgumentField>& arguments,
                      const std::vector<OutputField>& outputs, Code code) {
  auto impl = std::make_unique<Impl>();
  Planner<T> planner(groups, arguments, outputs, code, impl->algorithms);
  impl->steps = std::move(planner.steps);
  if (code == Code::generated) generate_code(impl->steps.back());
  for (auto& stage : impl->steps) join_planes(stage);
  impl->remembered = std::move(planner.remembered);
  impl->memory_size = planner.memory_size();
  impl->last_stage = planner.last_stage();
  for (const auto& stage : impl->steps)
    for (const auto& step : stage) impl->scratch_size = std::max(impl->scratch_size, step->scratch_size());
  impl_ = std::move(impl);
}

template <class T>
Function<T>::~Function() = default;
template <class T>
Function<T>::Function(Function&&) noexcept = default;

template <class T>
std::shared_ptr<FunctionMemory<T>> Function<T>::make_memory() const {
  auto memory = std::make_shared<FunctionMemory<T>>();
  memory->values.resize(impl_->memory_size);
  memory->scratch.resize(impl_->scratch_size);
  memory->seen.resize(impl_->remembered.size());
  memory->held.resize(impl_->remembered.size());
  const Frame<T> frame{nullptr, nullptr, memory->values.data(), memory->scratch.data()};
  for (const auto& step : impl_->steps[0]) step->run(frame);
  return memory;
}

template <class T>
void Function<T>::run(std::span<const T* const> arguments, std::span<T* const> outputs, FunctionMemory<T>& memory,
                      const Held<T>& held) const {
  const Frame<T> frame{arguments.data(), outputs.data(), memory.values.data(), memory.scratch.data()};
  for (int stage = 1; stage < impl_->last_stage; ++stage) {
    bool same = memory.valid_stage >= stage;
    for (std::size_t r = 0; r < impl_->remembered.size(); ++r) {
      const auto& range = impl_->remembered[r];
      if (range.stage != stage) continue;
      const T* now = arguments[range.group] + range.offset;
      const std::uint64_t number = arguments[range.group] == held.vector ? held.number : 0;
      auto& seen = memory.seen[r];
      const bool held_since = number != 0 && memory.held[r] == number;
      memory.held[r] = number;
      if (same &&
          (held_since || (seen.size() == range.size && std::memcmp(seen.data(), now, range.size * sizeof(T)) == 0)))
        continue;
      // What is held is compared only when it is held anew: large pieces are not worth a copy for that.
      constexpr std::size_t worth_a_copy = std::size_t{1} << 17;
      seen.assign(now, now + (number == 0 || range.size <= worth_a_copy ? range.size : 0));
      same = false;
    }
    if (same) continue;
    memory.valid_stage = stage - 1;
    for (const auto& step : impl_->steps[static_cast<std::size_t>(stage)]) step->run(frame);
    memory.valid_stage = stage;
  }
  for (const auto& step : impl_->steps[static_cast<std::size_t>(impl_->last_stage)]) step->run(frame);
}

template <class T>
const std::vector<AlgorithmChoice>& Function<T>::algorithms() const {
  return impl_->algorithms;
}

template <class T>
std::size_t Function<T>::memory_bytes() const {
  return (impl_->memory_size + impl_->scratch_size) * sizeof(T);
}

template class Function<float>;
template class Function<double>;

bool is_constant_graph(const Expr& e) {
  const auto order = topological_order({e});
  return std::none_of(order.begin(), order.end(), [](const Expr& node) { return node->op == Op::variable; });
}

std::vector<double> constant_value(const Expr& e) {
  const Function<double> function({}, {}, {{e, 0, 0, false}});
  std::vector<double> values(e.shape().size());
  double* const out[] = {values.data()};
  function.run({}, out, *function.make_memory());
  return values;
}

}  // namespace striate
