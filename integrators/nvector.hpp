#pragma once

#include <nvector/nvector_serial.h>

#include <memory>
#include <span>

namespace striate {

// The public headers of SUNDIALS use these widths; a package built otherwise is refused here.
static_assert(sizeof(sunrealtype) == 8);

struct VectorDeleter {
  void operator()(_generic_N_Vector* v) const { N_VDestroy(v); }
};
using Vector = std::unique_ptr<_generic_N_Vector, VectorDeleter>;

/// A serial N_Vector of `size` elements, zero, with our operations: vectorised, threaded by fixed blocks, sums in a
/// fixed order, so that the bits do not depend on the number of threads. Clones inherit them.
///
/// The stock operations of Debian's package are compiled without optimisation and cost more than the rest of a step.
/// @param max_norm  the weighted norm of error control is the maximum instead of the root mean square
Vector make_vector(std::size_t size, SUNContext context, bool max_norm = false);

inline std::span<double> values(N_Vector v) { return {NV_DATA_S(v), static_cast<std::size_t>(NV_LENGTH_S(v))}; }

}  // namespace striate
