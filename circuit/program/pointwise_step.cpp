#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "base/aligned_vector.hpp"
#include "base/parallel.hpp"
#include "circuit/kernels/table.hpp"
#include "circuit/program/generated_code.hpp"
#include "circuit/program/plan.hpp"
#include "circuit/program/steps.hpp"

namespace striate {
namespace {

constexpr std::size_t most_loops = 2 * most_axes;  ///< what a transform of a circuit adds to its axes is far less

/// Copies elements [begin, begin + n) of a strided operand, in the order of `shape`, to `out`.
template <class T>
void gather(const T* source, const std::vector<std::size_t>& sizes, const std::vector<std::size_t>& strides,
            std::size_t begin, std::size_t n, T* out) {
  std::array<std::size_t, most_loops> at{};
  const std::size_t rank = sizes.size();
  std::size_t offset = 0;
  for (std::size_t i = rank, rest = begin; i-- > 0;) {
    at[i] = rest % sizes[i];
    rest /= sizes[i];
    offset += at[i] * strides[i];
  }
  const std::size_t inner = rank - 1;
  for (std::size_t done = 0; done < n;) {
    const std::size_t run = std::min(n - done, sizes[inner] - at[inner]);
    const T* from = source + offset;
    if (strides[inner] == 0)
      std::fill_n(out + done, run, *from);
    else if (strides[inner] == 1)
      std::memcpy(out + done, from, run * sizeof(T));
    else
      for (std::size_t i = 0; i < run; ++i) out[done + i] = from[i * strides[inner]];
    done += run;
    if (done == n) break;
    offset -= at[inner] * strides[inner];
    at[inner] = 0;
    for (std::size_t i = inner; i-- > 0;) {
      offset += strides[i];
      if (++at[i] < sizes[i]) break;
      offset -= at[i] * strides[i];
      at[i] = 0;
    }
  }
}

/// Puts the sine and the cosine of an operand one behind the other, to be computed together.
void pair_waves(std::vector<Instruction>& instructions) {
  const auto wave = [](const Instruction& in) { return in.op == Pointwise::sin || in.op == Pointwise::cos; };
  const auto plain = [&](const Instruction& in) { return wave(in) && !in.summed && !in.paired; };
  for (std::size_t i = 0; i + 1 < instructions.size(); ++i) {
    if (!plain(instructions[i])) continue;
    const auto first = instructions.begin() + static_cast<std::ptrdiff_t>(i), next = first + 1;
    const auto other = std::find_if(next, instructions.end(), [&](const Instruction& in) {
      return plain(in) && in.op != first->op && in.operand[0] == first->operand[0];
    });
    if (other == instructions.end()) continue;
    const int from = static_cast<int>(other - instructions.begin()), to = static_cast<int>(i) + 1;
    std::rotate(next, other, other + 1);
    for (auto& in : instructions)
      for (int& k : in.operand)
        if (k >= to && k <= from) k = k == from ? to : k + 1;
    first->paired = true;
    ++i;
  }
}

template <class T>
class PointwiseStep final : public PlaneStep<T> {
 public:
  explicit PointwiseStep(PointwiseProgram program)
      : instructions_(std::move(program.instructions)), size_(program.shape.size()) {
    pair_waves(instructions_);
    collapse(program);
    assign_registers();
    std::size_t arrays = 0;
    for (const auto& load : loads_) arrays += load.contiguous ? 1 : 0;
    for (auto& instruction : instructions_) {
      if (instruction.summed)
        instruction.k = static_cast<int>(sums_++);
      else if (instruction.stored)
        ++arrays;
    }
    fetches_ = arrays * size_ * sizeof(T) > cache && instructions_.size() <= 8;
  }

  void run(const Frame<T>& frame) const override {
    const auto loads = loads_of(frame);
    parallel_for(chunks(), work() > parallel_threshold, [&](std::size_t chunk) {
      T* sums = frame.scratch + chunk * sums_;
      std::fill_n(sums, sums_, T(0));
      run_blocks(frame, loads, chunk * chunk_size, std::min(size_, (chunk + 1) * chunk_size), sums);
    });
    for (const auto& instruction : instructions_)
      if (instruction.summed) *frame.write(instruction.target) = total(frame.scratch + instruction.k);
  }
  std::size_t scratch_size() const override { return chunks() * sums_; }
  /// Sums run in blocks, whose order is that of the sum.
  bool adds_up() const { return sums_ > 0; }

  std::size_t planes() const override { return 0; }
  bool falls_into(std::size_t planes) const override { return sums_ == 0 && size_ % planes == 0; }
  std::vector<Access> accesses() const override {
    std::vector<Access> all;
    for (const auto& load : loads_) {
      std::size_t size = 1;
      for (std::size_t i = 0; i < load.sizes.size(); ++i) size += (load.sizes[i] - 1) * load.strides[i];
      all.push_back({load.place, size, false, load.contiguous});
    }
    for (const auto& instruction : instructions_)
      if (instruction.stored)
        all.push_back({instruction.target, instruction.summed ? 1 : size_, true, !instruction.summed});
    return all;
  }
  std::size_t work() const override { return size_ * instructions_.size(); }
  std::size_t plane_scratch() const override { return 0; }
  void run_planes(const Frame<T>& frame, std::size_t planes, std::size_t begin, std::size_t end, T*) const override {
    run_blocks(frame, loads_of(frame), begin * (size_ / planes), end * (size_ / planes), nullptr);
  }

  /// The step as C++: what it does to the elements [0, n) of operands and results. Scalars are read at element 0.
  std::string text(const std::string& name) const {
    constexpr const char* type = sizeof(T) == 8 ? "double" : "float";
    std::string fixed, body;
    const std::size_t count = instructions_.size();
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      if (loads_[i].scalar)
        fixed += fmt::format("  const V x{0} = broadcast<T>(in[{0}][0]);\n", i);
      else
        body += fmt::format("    const V x{0} = take(in[{0}]);\n", i);
    }
    std::size_t results = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& in = instructions_[i];
      std::string operands;
      for (const int k : in.operand) {
        if (k < 0) continue;
        const auto at = static_cast<std::size_t>(k);
        operands +=
            (operands.empty() ? "" : ", ") + (at < count ? fmt::format("v{}", at) : fmt::format("x{}", at - count));
      }
      std::string function = fmt::format("op_{}<T>", name_of(in.op));
      if (in.op == Pointwise::powi) operands += fmt::format(", {}", in.k);
      if (in.op == Pointwise::phi) {
        function = in.k == 0 ? "op_exp<T>" : in.k == 1 ? "phi1<T>" : fmt::format("phi{}", i);
        if (in.k > 1) fixed += fmt::format("  const HigherPhi<T> phi{}({});\n", i, in.k);
      }
      if (in.paired) {
        body += fmt::format("    V v{0}, v{1};\n    sine_and_cosine<T>({2}, v{3}, v{4});\n", i, i + 1, operands,
                            in.op == Pointwise::sin ? i : i + 1, in.op == Pointwise::sin ? i + 1 : i);
      } else if (i == 0 || !instructions_[i - 1].paired) {
        body += fmt::format("    const V v{} = {}({});\n", i, function, operands);
      }
      if (in.stored) body += fmt::format("    put(out[{}], v{});\n", results++, i);
    }
    return fmt::format(R"(
extern "C" void {0}(const {1}* const* in, {1}* const* out, std::size_t n) {{
  using T = {1};
  using V = Vec<T>;
{2}  const auto all = [&](auto take, auto put) __attribute__((always_inline)) {{
{3}  }};
  std::size_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>)
    all([&](const T* from) __attribute__((always_inline)) {{ return load(from + i); }},
        [&](T* to, V v) __attribute__((always_inline)) {{ store<T>(to + i, v); }});
  if (i < n)
    all([&](const T* from) __attribute__((always_inline)) {{ return load_some(from + i, n - i); }},
        [&](T* to, V v) __attribute__((always_inline)) {{ store_some<T>(to + i, n - i, v); }});
}}
)",
                       name, type, fixed, body);
  }
  void use(std::shared_ptr<const GeneratedCode> code, const std::string& name) {
    generated_ = reinterpret_cast<Generated>(code->function(name));
    code_ = std::move(code);
  }

 private:
  static constexpr std::size_t block_size = 512;
  static constexpr std::size_t chunk_size = 8 * block_size;
  static constexpr std::size_t cache = 1 << 22;  ///< bytes; what exceeds it is asked for ahead, by a few instructions
  static constexpr std::size_t most_operands = 3 * most_generated_instructions;
  using Loads = std::array<const T*, most_operands>;
  using Generated = void (*)(const T* const* in, T* const* out, std::size_t n);

  struct Operand {
    Place place;
    std::vector<std::size_t> sizes, strides;
    bool contiguous = false;
    bool scalar = false;
    int reg = -1;  ///< where blocks are gathered
  };

  /// Merges neighbouring axes along which an operand runs on.
  void collapse(const PointwiseProgram& program) {
    for (const auto& load : program.loads) {
      Operand operand;
      operand.place = load.place;
      for (std::size_t i = 0; i < program.shape.rank(); ++i) {
        const std::size_t size = program.shape[i].size;
        if (size == 1) continue;
        if (!operand.sizes.empty() && operand.strides.back() == load.strides[i] * size) {
          operand.sizes.back() *= size;
          operand.strides.back() = load.strides[i];
        } else {
          operand.sizes.push_back(size);
          operand.strides.push_back(load.strides[i]);
        }
      }
      if (operand.sizes.size() > most_loops) throw std::length_error("an operand runs along too many axes");
      operand.scalar = std::all_of(operand.strides.begin(), operand.strides.end(), [](auto s) { return s == 0; });
      operand.contiguous = !operand.scalar && operand.sizes.size() == 1 && operand.strides[0] == 1;
      loads_.push_back(std::move(operand));
    }
  }

  void assign_registers() {
    const int count = static_cast<int>(instructions_.size());
    std::vector<int> last_use(instructions_.size(), -1);
    for (int i = 0; i < count; ++i)
      for (const int operand : instructions_[static_cast<std::size_t>(i)].operand)
        if (operand >= 0 && operand < count) last_use[static_cast<std::size_t>(operand)] = i;
    int used = 0;
    for (auto& load : loads_)
      if (!load.contiguous) load.reg = used++;
    std::vector<int> free;
    gathers_ = used > 0 && std::any_of(loads_.begin(), loads_.end(),
                                       [](const Operand& load) { return !load.contiguous && !load.scalar; });
    result_register_.assign(instructions_.size(), -1);
    for (int i = 0; i < count; ++i) {
      const auto& instruction = instructions_[static_cast<std::size_t>(i)];
      for (const int operand : instruction.operand) {
        if (operand < 0 || operand >= count || last_use[static_cast<std::size_t>(operand)] != i) continue;
        int& reg = result_register_[static_cast<std::size_t>(operand)];
        if (reg >= 0 && std::find(free.begin(), free.end(), reg) == free.end()) free.push_back(reg);
      }
      if (instruction.stored || instruction.summed) continue;
      if (free.empty()) free.push_back(used++);
      result_register_[static_cast<std::size_t>(i)] = free.back();
      free.pop_back();
    }
    registers_ = static_cast<std::size_t>(used);
  }

  Loads loads_of(const Frame<T>& frame) const {
    Loads loads;
    for (std::size_t i = 0; i < loads_.size(); ++i) loads[i] = frame.read(loads_[i].place);
    return loads;
  }

  std::size_t chunks() const { return (size_ + chunk_size - 1) / chunk_size; }

  T total(const T* sums) const {
    T all = 0;
    for (std::size_t chunk = 0; chunk < chunks(); ++chunk) all += sums[chunk * sums_];
    return all;
  }

  void run_blocks(const Frame<T>& frame, const Loads& loads, std::size_t begin, std::size_t end, T* sums) const {
    thread_local AlignedVector<T> registers;
    if (registers.size() < registers_ * block_size) registers.resize(registers_ * block_size);
    const std::size_t block = generated_ && !gathers_ ? end - begin : fetches_ ? block_size / 2 : block_size;
    for (std::size_t at = begin; at < end; at += block)
      run_block(frame, loads, registers.data(), at, std::min(block, end - at), at == begin, sums);
  }

  void run_block(const Frame<T>& frame, const Loads& loads, T* registers, std::size_t begin, std::size_t n, bool first,
                 T* sums) const {
    std::array<const T*, most_operands + most_generated_instructions> value;
    const std::size_t count = instructions_.size();
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      const auto& load = loads_[i];
      if (load.contiguous) {
        value[count + i] = loads[i] + begin;
        continue;
      }
      if (generated_ && load.scalar) {
        value[count + i] = loads[i];
        continue;
      }
      T* reg = registers + static_cast<std::size_t>(load.reg) * block_size;
      value[count + i] = reg;
      if (load.scalar) {
        if (first) std::fill_n(reg, n, *loads[i]);
      } else if (load.strides.back() == 1 && begin % load.sizes.back() + n <= load.sizes.back()) {
        value[count + i] = loads[i] + offset_of(load, begin);  // the block lies in one run: read in place
      } else {
        gather(loads[i], load.sizes, load.strides, begin, n, reg);
      }
    }
    if (generated_) {
      std::array<T*, most_generated_instructions> out;
      std::size_t results = 0;
      for (const auto& in : instructions_)
        if (in.stored) out[results++] = frame.write(in.target) + begin;
      generated_(value.data() + count, out.data(), n);
      return;
    }
    const auto& pointwise = kernels_.pointwise;
    const auto result = [&](std::size_t i) {
      const auto& in = instructions_[i];
      return in.stored ? frame.write(in.target) + begin
                       : registers + static_cast<std::size_t>(result_register_[i]) * block_size;
    };
    for (std::size_t i = 0; i < count; ++i) {
      if (fetches_) fetch(frame, loads, begin + n + i * n / count, begin + n + (i + 1) * n / count);
      const auto& in = instructions_[i];
      if (in.summed) {
        sums[in.k] += kernels_.line.sum(value[static_cast<std::size_t>(in.operand[0])], n);
        continue;
      }
      T* out = result(i);
      if (in.paired) {
        T* other = result(i + 1);
        const bool sine_first = in.op == Pointwise::sin;
        pointwise.sine_and_cosine(value[static_cast<std::size_t>(in.operand[0])], sine_first ? out : other,
                                  sine_first ? other : out, n);
        value[i] = out;
        value[++i] = other;
        continue;
      }
      const auto operand = [&](int k) {
        return in.operand[k] < 0 ? nullptr : value[static_cast<std::size_t>(in.operand[k])];
      };
      pointwise[in.op](operand(0), operand(1), operand(2), out, n, in.k);
      value[i] = out;
    }
  }

  /// Asks memory for elements of the block to come while this one is computed. Inline, as GCC drops calls that only
  /// ask.
  [[gnu::always_inline]] void fetch(const Frame<T>& frame, const Loads& loads, std::size_t begin,
                                    std::size_t end) const {
    constexpr std::size_t line = 64 / sizeof(T);
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      if (!loads_[i].contiguous) continue;
      for (std::size_t k = begin; k < end; k += line) __builtin_prefetch(loads[i] + k);
    }
    for (const auto& in : instructions_) {
      if (!in.stored || in.summed) continue;
      for (std::size_t k = begin; k < end; k += line) __builtin_prefetch(frame.write(in.target) + k, 1);
    }
  }

  static std::size_t offset_of(const Operand& load, std::size_t element) {
    std::size_t offset = 0;
    for (std::size_t i = load.sizes.size(); i-- > 0; element /= load.sizes[i])
      offset += element % load.sizes[i] * load.strides[i];
    return offset;
  }

  std::vector<Instruction> instructions_;
  std::vector<Operand> loads_;
  std::vector<int> result_register_;
  std::size_t size_;
  std::size_t sums_ = 0;  ///< instructions that add up
  std::size_t registers_ = 0;
  bool fetches_ = false;  ///< arrays that the cache does not hold
  bool gathers_ = false;  ///< operands whose blocks are not in memory as they stand
  const KernelTable<T>& kernels_ = kernels<T>();
  std::shared_ptr<const GeneratedCode> code_;
  Generated generated_ = nullptr;
};

template <class T>
class NumbersStep final : public Step<T> {
 public:
  NumbersStep(const std::vector<double>& values, Place result)
      : values_(values.begin(), values.end()), result_(result) {}
  void run(const Frame<T>& frame) const override { std::copy(values_.begin(), values_.end(), frame.write(result_)); }

 private:
  std::vector<T> values_;
  Place result_;
};

}  // namespace

template <class T>
std::unique_ptr<Step<T>> pointwise_step(PointwiseProgram program) {
  return std::make_unique<PointwiseStep<T>>(std::move(program));
}
template std::unique_ptr<Step<float>> pointwise_step(PointwiseProgram);
template std::unique_ptr<Step<double>> pointwise_step(PointwiseProgram);

template <class T>
void generate_code(const std::vector<std::unique_ptr<Step<T>>>& steps) {
  std::vector<PointwiseStep<T>*> pointwise;
  std::string text;
  for (const auto& step : steps) {
    auto* const found = dynamic_cast<PointwiseStep<T>*>(step.get());
    if (!found || found->adds_up()) continue;
    text += found->text(fmt::format("step_{}", pointwise.size()));
    pointwise.push_back(found);
  }
  if (pointwise.empty()) return;
  const auto code = std::make_shared<const GeneratedCode>(text);
  for (std::size_t i = 0; i < pointwise.size(); ++i) pointwise[i]->use(code, fmt::format("step_{}", i));
}
template void generate_code(const std::vector<std::unique_ptr<Step<float>>>&);
template void generate_code(const std::vector<std::unique_ptr<Step<double>>>&);

template <class T>
std::unique_ptr<Step<T>> numbers_step(std::vector<double> values, const Place& result) {
  return std::make_unique<NumbersStep<T>>(values, result);
}
template std::unique_ptr<Step<float>> numbers_step(std::vector<double>, const Place&);
template std::unique_ptr<Step<double>> numbers_step(std::vector<double>, const Place&);

}  // namespace striate
