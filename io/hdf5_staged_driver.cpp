#include "io/hdf5_staged_driver.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

namespace striate::detail {
namespace {

constexpr haddr_t page = 4096;
constexpr haddr_t largest_address = (haddr_t{1} << 62) - 1;

StagedFile& staged(H5FD_t* file) { return *reinterpret_cast<StagedFile*>(file); }
const StagedFile& staged(const H5FD_t* file) { return *reinterpret_cast<const StagedFile*>(file); }

bool write_fully(int descriptor, const unsigned char* bytes, std::size_t size, haddr_t address) {
  while (size > 0) {
    const ssize_t written = ::pwrite(descriptor, bytes, size, static_cast<off_t>(address));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (written == 0) errno = ENOSPC;
      return false;
    }
    bytes += written;
    size -= static_cast<std::size_t>(written);
    address += static_cast<haddr_t>(written);
  }
  return true;
}

void put(StagedFile& file, const unsigned char* bytes, std::size_t size, haddr_t address) {
  if (file.failure == 0 && !write_fully(file.descriptor, bytes, size, address)) file.failure = errno;
}

/// Adds a block to the staged ones, joined with those it overlaps.
void stage(StagedFile& file, const unsigned char* bytes, std::size_t size, haddr_t address) {
  auto& blocks = file.staged;
  auto first = blocks.upper_bound(address);
  if (first != blocks.begin() && std::prev(first)->first + std::prev(first)->second.size() > address) --first;
  haddr_t begin = address, end = address + size;
  auto last = first;
  for (; last != blocks.end() && last->first < end; ++last) {
    begin = std::min(begin, last->first);
    end = std::max<haddr_t>(end, last->first + last->second.size());
  }
  std::vector<unsigned char> joined(end - begin);
  for (auto i = first; i != last; ++i)
    std::copy(i->second.begin(), i->second.end(), joined.begin() + static_cast<std::ptrdiff_t>(i->first - begin));
  std::copy(bytes, bytes + size, joined.begin() + static_cast<std::ptrdiff_t>(address - begin));
  blocks.erase(first, last);
  blocks.emplace(begin, std::move(joined));
}

bool is_object_header(const std::vector<unsigned char>& block) {
  return block.size() >= 4 && (std::memcmp(block.data(), "OHDR", 4) == 0 || std::memcmp(block.data(), "OCHK", 4) == 0);
}

void commit(StagedFile& file) {
  if (file.failure != 0) return;
  // Parts that reach past the committed end are written first, so that a full disk is met before anything is changed.
  for (const auto& [address, bytes] : file.staged)
    if (const haddr_t past = address + bytes.size(); past > file.committed && address < file.committed)
      put(file, bytes.data() + (file.committed - address), past - file.committed, file.committed);
  struct stat status {};
  if (file.failure == 0 && ::fstat(file.descriptor, &status) == 0 && static_cast<haddr_t>(status.st_size) < file.end &&
      ::ftruncate(file.descriptor, static_cast<off_t>(file.end)) != 0)
    file.failure = errno;
  const bool first_commit = file.committed == 0;
  for (int rank = 0; rank < 4; ++rank) {
    for (const auto& [address, bytes] : file.staged) {
      const int superblock_rank = first_commit ? 3 : 0;
      const int own = address == 0 ? superblock_rank : is_object_header(bytes) ? 2 : 1;
      if (own == rank) put(file, bytes.data(), bytes.size(), address);
    }
  }
  if (file.failure != 0) return;
  file.staged.clear();
  file.committed = file.end;
}

H5FD_t* open_file(const char* name, unsigned flags, hid_t, haddr_t) {
  int mode = O_RDWR | O_CLOEXEC;
  if (flags & H5F_ACC_CREAT) mode |= O_CREAT;
  if (flags & H5F_ACC_EXCL) mode |= O_EXCL;
  const int descriptor = ::open(name, mode, 0666);
  if (descriptor < 0) return nullptr;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    errno = EINVAL;
    return nullptr;
  }
  if (flags & H5F_ACC_TRUNC && status.st_size > 0) {  // of an empty file it would make Linux write all of it at `close`
    if (::ftruncate(descriptor, 0) != 0) {
      const int reason = errno;
      ::close(descriptor);
      errno = reason;
      return nullptr;
    }
    status.st_size = 0;
  }
  auto* file = new (std::nothrow) StagedFile{};
  if (file == nullptr) {
    ::close(descriptor);
    return nullptr;
  }
  file->descriptor = descriptor;
  file->committed = static_cast<haddr_t>(status.st_size);
  return &file->base;
}

herr_t close_file(H5FD_t* base) {
  StagedFile& file = staged(base);
  commit(file);
  ::close(file.descriptor);
  delete &file;
  return 0;
}

int compare_files(const H5FD_t* a, const H5FD_t* b) {
  struct stat first {
  }, second{};
  ::fstat(staged(a).descriptor, &first);
  ::fstat(staged(b).descriptor, &second);
  if (first.st_dev != second.st_dev) return first.st_dev < second.st_dev ? -1 : 1;
  if (first.st_ino != second.st_ino) return first.st_ino < second.st_ino ? -1 : 1;
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = 0;
  return 0;
}

haddr_t allocate(H5FD_t* base, H5FD_mem_t, hid_t, hsize_t size) {
  StagedFile& file = staged(base);
  haddr_t address = (file.end + 7) & ~haddr_t{7};
  if (size <= page && address / page != (address + size - 1) / page) address = (address + page - 1) / page * page;
  // A block never ends where the file ends: else HDF5 would let it grow in place, across a page.
  file.end = address + size + 8;
  return address;
}

herr_t release(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, hsize_t) { return 0; }

haddr_t get_end(const H5FD_t* base, H5FD_mem_t) { return staged(base).end; }

herr_t set_end(H5FD_t* base, H5FD_mem_t, haddr_t address) {
  staged(base).end = address;
  return 0;
}

haddr_t get_size(const H5FD_t* base, H5FD_mem_t) {
  struct stat status {};
  ::fstat(staged(base).descriptor, &status);
  // While writing, everything allocated counts as there: the file is extended by the commit.
  return std::max(static_cast<haddr_t>(status.st_size), staged(base).end);
}

herr_t get_handle(H5FD_t* base, hid_t, void** handle) {
  *handle = base;
  return 0;
}

herr_t read_block(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
  StagedFile& file = staged(base);
  auto* bytes = static_cast<unsigned char*>(buffer);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(file.descriptor, bytes + done, size - done, static_cast<off_t>(address + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  std::memset(bytes + done, 0, size - done);
  auto block = file.staged.upper_bound(address);
  if (block != file.staged.begin()) --block;
  for (; block != file.staged.end() && block->first < address + size; ++block) {
    const haddr_t begin = std::max(block->first, address);
    const haddr_t end = std::min<haddr_t>(block->first + block->second.size(), address + size);
    if (begin < end) std::memcpy(bytes + (begin - address), block->second.data() + (begin - block->first), end - begin);
  }
  return 0;
}

herr_t write_block(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) {
  StagedFile& file = staged(base);
  if (file.failure != 0) return 0;
  const auto* bytes = static_cast<const unsigned char*>(buffer);
  try {
    if (address < file.committed || address == 0)
      stage(file, bytes, size, address);
    else
      put(file, bytes, size, address);
  } catch (const std::bad_alloc&) {
    file.failure = ENOMEM;
  }
  return 0;
}

herr_t flush(H5FD_t* base, hid_t, hbool_t) {
  commit(staged(base));
  return 0;
}

hid_t driver() {
  static const hid_t id = [] {
    static H5FD_class_t description{};
#ifdef H5FD_CLASS_VERSION  // since HDF5 1.14
    description.version = H5FD_CLASS_VERSION;
    description.value = H5_VFD_RESERVED + 256;  // behind those for testing
#endif
    description.name = "striate-staged";
    description.maxaddr = largest_address;
    description.fc_degree = H5F_CLOSE_STRONG;
    description.open = open_file;
    description.close = close_file;
    description.cmp = compare_files;
    description.query = query;
    description.alloc = allocate;
    description.free = release;
    description.get_eoa = get_end;
    description.set_eoa = set_end;
    description.get_eof = get_size;
    description.get_handle = get_handle;
    description.read = read_block;
    description.write = write_block;
    description.flush = flush;
    std::fill(std::begin(description.fl_map), std::end(description.fl_map), H5FD_MEM_SUPER);
    return H5FDregister(&description);
  }();
  return id;
}

}  // namespace

void use_staged_driver(hid_t access_list) {
  if (driver() < 0 || H5Pset_driver(access_list, driver(), nullptr) < 0)
    throw std::runtime_error("this version of HDF5 does not take the driver that keeps files valid");
}

StagedFile& staged_file(hid_t file) {
  void* handle = nullptr;
  H5Fget_vfd_handle(file, H5P_DEFAULT, &handle);
  return *static_cast<StagedFile*>(handle);
}

}  // namespace striate::detail
