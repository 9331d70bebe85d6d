#include "circuit/kernels/normals.hpp"

#include "circuit/kernels/table.hpp"

namespace striate {

void fill_normals(std::uint64_t key, const std::array<std::uint32_t, 3>& counter, std::uint32_t group,
                  std::span<double> out) {
  kernels<double>().random.normals(key, counter.data(), group, out.data(), out.size());
}

}  // namespace striate
