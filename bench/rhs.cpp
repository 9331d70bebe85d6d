// One evaluation of bench/near_far.circuit beside the two floors under it: the multiply-adds of the algorithm that was
// chosen at the measured peak, and one pass over what must be read and written at the measured bandwidth.
//   bench_rhs CIRCUIT THREADS
// prints lines of "name value".
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "bench/machine.hpp"
#include "circuit/compile.hpp"
#include "circuit/kernels/kernels.hpp"
#include "circuit/text.hpp"

using namespace striate;

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_rhs CIRCUIT THREADS\n");
    return 2;
  }
  omp_set_num_threads(std::stoi(argv[2]));
  std::ifstream file(argv[1]);
  std::stringstream text;
  text << file.rdbuf();
  const auto system = compile<double>(read_circuit(text.str(), argv[1]));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  const std::size_t n = system.states().size();
  AlignedVector<double> u(system.inputs().size()), y(n), rate(n);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = 0.5 + 0.4 * std::sin(static_cast<double>(i));
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = 0.5 + 0.4 * std::cos(static_cast<double>(i));
  const double time = bench::seconds([&] { system.rhs({0.0, y, p, u}, rate, workspace); });

  // Each of the 65536 positions and channels: 29 + 29 taps of the far kernel, 9 + 9 of the near one, 16 of the mixing;
  // and 12 pointwise operations, of which each counts like a multiply-add.
  const double work = static_cast<double>(n) / 2 * (29 + 29 + 9 + 9 + 16 + 12);
  const double bytes = static_cast<double>(sizeof(double) * (y.size() + u.size() + rate.size()));
  const double peak = bench::peak<double>(), bandwidth = bench::triad((y.size() + u.size() + rate.size()) / 3);
  fmt::print("level {}\n", isa_name(isa_level()));
  fmt::print("peak_gfma_per_s {:.1f}\nbandwidth_gb_per_s {:.1f}\n", peak * 1e-9, bandwidth * 1e-9);
  fmt::print("rhs_ms {:.4f}\narithmetic_floor_ms {:.4f}\nmemory_floor_ms {:.4f}\n", time * 1e3, work / peak * 1e3,
             bytes / bandwidth * 1e3);
}
