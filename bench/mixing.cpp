// Our side of the race in bench/race_mixing.py: a kernel of 29 x 29 that mixes 16 channels of 64 x 64, zero border.
//   bench_mixing FOLDER THREADS
// writes FOLDER/kernel.bin [out, in, dy, dx], FOLDER/in.bin and FOLDER/out.bin [channel, y, x], and prints
//   algorithm milliseconds
// in double, with the kernel prepared beforehand as a circuit does once per parameter set.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <string>

#include "bench/machine.hpp"
#include "circuit/kernels/convolution.hpp"

using namespace striate;

namespace {

void save(const std::string& path, const AlignedVector<double>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(double)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_mixing FOLDER THREADS\n");
    return 2;
  }
  const std::string folder = argv[1];
  omp_set_num_threads(std::stoi(argv[2]));
  const ConvolutionShape shape{1, 16, 16, 64, 64, 29, 29, true, false, Border::zero, Border::zero};
  AlignedVector<double> kernel(shape.kernel_size()), in(shape.in_size()), out(shape.out_size());
  for (std::size_t i = 0; i < kernel.size(); ++i) kernel[i] = std::sin(static_cast<double>(i));
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = std::cos(static_cast<double>(3 * i));
  const auto cost = [&](ConvolutionAlgorithm a) { return estimated_cost(shape, a, sizeof(double)); };
  const auto algorithm = cost(ConvolutionAlgorithm::fft) < cost(ConvolutionAlgorithm::direct)
                             ? ConvolutionAlgorithm::fft
                             : ConvolutionAlgorithm::direct;
  const Convolution<double> plan(shape, algorithm);
  AlignedVector<double> prepared(plan.prepared_size()), scratch(plan.scratch_size());
  plan.prepare(kernel.data(), prepared.data(), scratch.data(), true);
  const double time = bench::seconds([&] { plan.apply(prepared.data(), in.data(), out.data(), scratch.data(), true); });
  save(folder + "/kernel.bin", kernel);
  save(folder + "/in.bin", in);
  save(folder + "/out.bin", out);
  fmt::print("{} {:.4f}\n", algorithm == ConvolutionAlgorithm::fft ? "fft" : "direct", time * 1e3);
}
