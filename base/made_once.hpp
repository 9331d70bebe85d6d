#pragma once

#include <atomic>
#include <mutex>
#include <optional>

namespace striate {

/// A value made when it is first asked for, by one of the threads that ask. What `make` throws comes out, and the next
/// to ask tries again: std::call_once would lead that exception through the C library.
template <class V>
class MadeOnce {
 public:
  template <class Make>
  const V& get(const Make& make) const {
    if (const V* ready = ready_.load(std::memory_order_acquire)) return *ready;
    const std::scoped_lock lock(mutex_);
    if (!value_) {
      value_.emplace(make());
      ready_.store(&*value_, std::memory_order_release);
    }
    return *value_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::optional<V> value_;
  mutable std::atomic<const V*> ready_ = nullptr;
};

}  // namespace striate
