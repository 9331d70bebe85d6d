#include <array>
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "circuit/kernels/table.hpp"

namespace striate {

// Defined in level/table.cpp, which is compiled once per level.
namespace v2 {
template <class T>
const KernelTable<T>& table();
}
namespace v3 {
template <class T>
const KernelTable<T>& table();
}
namespace v4 {
template <class T>
const KernelTable<T>& table();
}

std::string_view isa_name(IsaLevel level) {
  switch (level) {
    case IsaLevel::v2: return "v2";
    case IsaLevel::v3: return "v3";
    case IsaLevel::v4: return "v4";
  }
  return "unknown";
}

IsaLevel highest_isa_level() {
  __builtin_cpu_init();
  // The instructions compilers choose between; the rest of each level comes with them on every processor made.
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) {
    throw Error("isa_level",
                "processor = below x86-64-v2, but every kernel needs SSE 4.2. Run on a machine made since 2010.");
  }
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) {
    return IsaLevel::v2;
  }
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  return avx512 ? IsaLevel::v4 : IsaLevel::v3;
}

IsaLevel choose_isa_level(std::string_view requested, IsaLevel highest) {
  if (requested.empty()) return highest;
  for (const IsaLevel level : std::array{IsaLevel::v2, IsaLevel::v3, IsaLevel::v4}) {
    if (requested != isa_name(level)) continue;
    if (level <= highest) return level;
    throw Error("isa_level", "STRIATE_ISA = " + std::string(requested) + ", but this machine has x86-64-" +
                                 std::string(isa_name(highest)) + " at most. Unset STRIATE_ISA or lower it.");
  }
  throw Error("isa_level", "STRIATE_ISA = " + std::string(requested) +
                               ", but it must be v2, v3 or v4. Unset it for the best level.");
}

IsaLevel isa_level() {
  static const IsaLevel level = [] {
    const char* requested = std::getenv("STRIATE_ISA");
    return choose_isa_level(requested ? requested : "", highest_isa_level());
  }();
  return level;
}

std::string_view name_of(Pointwise op) {
  constexpr std::array names{"add",  "sub", "mul",    "div",  "neg",   "min",   "max",    "pow",     "powi",
                             "sqrt", "exp", "log",    "sin",  "cos",   "atan2", "tanh",   "sigmoid", "softplus",
                             "relu", "abs", "single", "step", "where", "phi",   "muladd", "copy"};
  static_assert(names.size() == static_cast<std::size_t>(Pointwise::count_));
  return names[static_cast<std::size_t>(op)];
}

template <class T>
const KernelTable<T>& kernels_at(IsaLevel level) {
  switch (level) {
    case IsaLevel::v2: break;
    case IsaLevel::v3: return v3::table<T>();
    case IsaLevel::v4: return v4::table<T>();
  }
  return v2::table<T>();
}

template <class T>
const KernelTable<T>& kernels() {
  static const KernelTable<T>& table = kernels_at<T>(isa_level());
  return table;
}

template const KernelTable<float>& kernels_at<float>(IsaLevel);
template const KernelTable<double>& kernels_at<double>(IsaLevel);
template const KernelTable<float>& kernels<float>();
template const KernelTable<double>& kernels<double>();

}  // namespace striate
