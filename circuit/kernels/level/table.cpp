#include "circuit/kernels/table.hpp"

namespace striate::STRIATE_LEVEL {

template <class T>
PointwiseKernels<T> pointwise_kernels();
template <class T>
LineKernels<T> line_kernels();
template <class T>
MatrixKernels<T> matrix_kernels();
template <class T>
DirectKernels<T> direct_kernels();
template <class T>
SpectralKernels<T> spectral_kernels();
template <class T>
DenseKernels<T> dense_kernels();
template <class T>
RandomKernels<T> random_kernels();
template <class T>
VectorKernels<T> vector_kernels();
template <class T>
SpikeKernels<T> spike_kernels();
template <class T>
PastKernels<T> past_kernels();

template <class T>
const KernelTable<T>& table() {
  static const KernelTable<T> kernels{
      pointwise_kernels<T>(), line_kernels<T>(),   matrix_kernels<T>(), direct_kernels<T>(), spectral_kernels<T>(),
      dense_kernels<T>(),     random_kernels<T>(), vector_kernels<T>(), spike_kernels<T>(),  past_kernels<T>()};
  return kernels;
}

template const KernelTable<float>& table<float>();
template const KernelTable<double>& table<double>();

}  // namespace striate::STRIATE_LEVEL
