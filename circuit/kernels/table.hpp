#pragma once

#include <string_view>

#include "circuit/kernels/kernels.hpp"
#include "circuit/kernels/level/convolution_families.hpp"
#include "circuit/kernels/level/dense_families.hpp"
#include "circuit/kernels/level/families.hpp"
#include "circuit/kernels/level/past_families.hpp"
#include "circuit/kernels/level/random_families.hpp"
#include "circuit/kernels/level/spike_families.hpp"

namespace striate {

/// Every kernel of one level. To add a family: a struct of function pointers, one level file that fills it, a member
/// here and a line in level/table.cpp.
template <class T>
struct KernelTable {
  PointwiseKernels<T> pointwise;
  LineKernels<T> line;
  MatrixKernels<T> matrix;
  DirectKernels<T> direct;
  SpectralKernels<T> spectral;
  DenseKernels<T> dense;
  RandomKernels<T> random;
  VectorKernels<T> vector;
  SpikeKernels<T> spikes;
  PastKernels<T> past;
};

/// The kernels of a given level, for tests and measurements. Calling them needs a machine of that level.
template <class T>
const KernelTable<T>& kernels_at(IsaLevel level);

/// The highest level this machine has.
/// @throws Error below x86-64-v2
IsaLevel highest_isa_level();

/// What isa_level() answers on a machine of level `highest` when STRIATE_ISA is `requested` (empty: not set).
/// @throws Error for an unknown name, and for a level above `highest`
IsaLevel choose_isa_level(std::string_view requested, IsaLevel highest);

}  // namespace striate
