#pragma once

namespace striate::testing {

/// Calls of operator new in this executable so far, by any thread.
long allocation_count();

}  // namespace striate::testing
