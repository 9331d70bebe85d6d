#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

namespace striate::detail {

/// HDF5 is not thread-safe: every call, closing included, happens under this lock. Taking it the first time also turns
/// off HDF5's printing of its errors.
std::unique_lock<std::recursive_mutex> lock_hdf5();

/// Why the last HDF5 call failed, in HDF5's words: the innermost message of its error stack.
std::string hdf5_reason();

/// Owns an HDF5 identifier.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, -1);
      close_ = other.close_;
    }
    return *this;
  }
  ~Handle() { reset(); }

  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  void reset() {
    if (id_ < 0) return;
    const auto lock = lock_hdf5();
    close_(std::exchange(id_, -1));
  }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

}  // namespace striate::detail
