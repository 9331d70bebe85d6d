#pragma once

#include <omp.h>

#include <cstddef>
#include <exception>
#include <limits>

namespace striate {

/// The exception of the lowest index among those thrown in a parallel region, which none may leave.
class Caught {
 public:
  template <class Body>
  void guard(std::size_t index, const Body& body) noexcept {
    try {
      body();
    } catch (...) {
#pragma omp critical(striate_caught)
      if (!error_ || index < index_) {
        index_ = index;
        error_ = std::current_exception();
      }
    }
  }

  /// After the region.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::size_t index_ = std::numeric_limits<std::size_t>::max();
  std::exception_ptr error_;
};

}  // namespace striate
