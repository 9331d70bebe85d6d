#include "circuit/kernels/level/spike_families.hpp"

#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

template <class T>
std::size_t crossings(const T* before, const T* now, std::size_t n, std::uint32_t* out) {
  using Bits = typename Register<T>::bits;
  constexpr std::size_t w = lanes<T>, run = 8 * w;  // spikes are rare: whole runs are looked at together
  std::size_t count = 0, i = 0;
  const auto look = [&](std::size_t end) {
    for (; i < end; ++i)
      if (before[i] < T(0) && !(now[i] < T(0))) out[count++] = static_cast<std::uint32_t>(i);
  };
  for (; i + run <= n;) {
    Bits any{};
#pragma GCC unroll 8
    for (std::size_t k = 0; k < 8; ++k)
      any |= (load<T>(before + i + k * w) < T(0)) & ~(load<T>(now + i + k * w) < T(0));
    if (any_lane(any))
      look(i + run);
    else
      i += run;
  }
  look(n);
  return count;
}

}  // namespace

template <class T>
SpikeKernels<T> spike_kernels() {
  return {crossings<T>};
}

template SpikeKernels<float> spike_kernels<float>();
template SpikeKernels<double> spike_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
