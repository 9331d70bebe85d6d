#pragma once

namespace striate {

/// Bounds how long idle OpenMP threads spin, which by default stalls a machine whose cores are shared. The bound is
/// read while the program is loaded, so it is set and the program started once more; a user's own setting stands. A
/// command calls this before it starts threads and before it has written anything.
void limit_spinning();

}  // namespace striate
