#pragma once

#include <cstddef>
#include <string_view>

namespace striate {

/// x86-64 micro-architecture levels the kernels are built for. Bits are promised per level.
enum class IsaLevel { v2 = 2, v3 = 3, v4 = 4 };

/// The level in use: the highest this machine has, unless STRIATE_ISA=v2|v3|v4 forces a lower one.
IsaLevel isa_level();
std::string_view isa_name(IsaLevel level);

/// What happens where a kernel reaches past the edge of an axis.
enum class Border { zero, reflect, circular };  // reflect repeats no edge element: x[-1] = x[1]

/// Pointwise operations on blocks. The order is the bytecode's; names are those of the circuit language.
enum class Pointwise : unsigned char {
  add,
  sub,
  mul,
  div,
  neg,
  min,
  max,
  pow,
  powi,
  sqrt,
  exp,
  log,
  sin,
  cos,
  atan2,
  tanh,
  sigmoid,
  softplus,
  relu,
  abs,
  single,
  step,
  where,
  phi,
  muladd,
  copy,
  count_
};
std::string_view name_of(Pointwise op);

template <class T>
struct KernelTable;

/// The kernels of the level in use.
template <class T>
const KernelTable<T>& kernels();

}  // namespace striate
