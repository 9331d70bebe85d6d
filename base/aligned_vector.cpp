#include "base/aligned_vector.hpp"

#include <sys/mman.h>

#include <new>

namespace striate {
namespace {

constexpr std::size_t cache_line = 64, huge_page = std::size_t{2} << 20;

std::align_val_t alignment(std::size_t bytes) { return std::align_val_t{bytes < huge_page ? cache_line : huge_page}; }

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  if (bytes < huge_page) return ::operator new(bytes, alignment(bytes));
  const std::size_t whole = (bytes + huge_page - 1) / huge_page * huge_page;
  void* p = ::operator new(whole, alignment(bytes));
  ::madvise(p, whole, MADV_HUGEPAGE);
  return p;
}

void deallocate_aligned(void* p, std::size_t bytes) { ::operator delete(p, alignment(bytes)); }

}  // namespace striate
