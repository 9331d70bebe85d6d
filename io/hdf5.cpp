#include "io/hdf5.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "io/hdf5_objects.hpp"

namespace striate {

using namespace detail;

namespace {

Handle access_list(bool staged) {
  Handle list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG);
  if (staged) {
    H5Pset_libver_bounds(list.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);  // format 2: no mark that outlives a kill
    detail::use_staged_driver(list.get());
  }
  return list;
}

/// From here on datasets are made with chunk indices that only grow (of HDF5 1.10), in a file of format 2.
void use_growing_indices(hid_t file) { H5Fset_libver_bounds(file, H5F_LIBVER_V110, H5F_LIBVER_LATEST); }

void require_regular_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw Error(path, fmt::format("the file cannot be opened: {}.", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw Error(path, "this is not a file.");
  if (status.st_size == 0) throw Error(path, "the file is empty. Was the run that wrote it stopped at once?");
  if (::access(path.c_str(), R_OK) != 0)
    throw Error(path, fmt::format("the file cannot be read: {}.", std::strerror(errno)));
}

}  // namespace

H5File::H5File(std::shared_ptr<State> state) : state_(std::move(state)) {}
H5File::H5File(H5File&&) noexcept = default;
H5File& H5File::operator=(H5File&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

H5File::~H5File() {
  try {
    close();
  } catch (const std::exception&) {
  }
}

H5File H5File::create(const std::string& path, bool overwrite) {
  const auto lock = lock_hdf5();
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!overwrite) throw Error(path, "the file exists already. Choose another name, or ask for it to be overwritten.");
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
      throw Error(path, "this is not a file; it is not overwritten.");
    if (::unlink(path.c_str()) != 0)
      throw Error(path, fmt::format("the file cannot be overwritten: {}.", std::strerror(errno)));
  }
  const int probe = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (probe < 0)
    throw Error(path, fmt::format("the file cannot be written: {}. Choose a directory that exists and may be written.",
                                  std::strerror(errno)));
  ::close(probe);
  auto state = std::make_shared<State>();
  state->path = path;
  state->writable = true;
  Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  set_group_options(creation.get());
  // No space is handed out twice (hdf5_staged_driver.hpp), so HDF5 need not manage freed space.
  H5Pset_file_space_strategy(creation.get(), H5F_FSPACE_STRATEGY_NONE, false, 1);
  const Handle access = access_list(true);
  state->file = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
  if (!state->file) throw Failure(fmt::format("{}: the file cannot be made (HDF5: {}).", path, hdf5_reason()));
  use_growing_indices(state->file.get());
  H5File file(std::move(state));
  try {
    file.flush();
  } catch (const Failure&) {
    ::unlink(path.c_str());
    throw Failure(
        fmt::format("{}: the file cannot be written: {}. Nothing is left of it. Free some space or choose "
                    "another place.",
                    path, std::strerror(detail::staged_file(file.state_->file.get()).failure)));
  }
  return file;
}

H5File H5File::open(const std::string& path) {
  const auto lock = lock_hdf5();
  require_regular_file(path);
  if (H5Fis_hdf5(path.c_str()) <= 0) throw Error(path, "this is not an HDF5 file.");
  auto state = std::make_shared<State>();
  state->path = path;
  const Handle access = access_list(false);
  state->file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!state->file) {
    const std::string reason = hdf5_reason();
    if (reason.find("truncated file") != std::string::npos)
      throw Error(path, fmt::format("the file is truncated ({}). Was it copied to the end?", reason));
    throw Error(path, fmt::format("the file cannot be opened as HDF5: it is damaged ({}).", reason));
  }
  return H5File(std::move(state));
}

H5File H5File::open_for_writing(const std::string& path) {
  const auto lock = lock_hdf5();
  open(path).close();
  if (::access(path.c_str(), W_OK) != 0)
    throw Error(path, fmt::format("the file cannot be written: {}.", std::strerror(errno)));
  auto state = std::make_shared<State>();
  state->path = path;
  state->writable = true;
  const Handle access = access_list(true);
  state->file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose);
  if (!state->file) throw Error(path, fmt::format("the file cannot be opened for writing (HDF5: {}).", hdf5_reason()));
  Handle creation(H5Fget_create_plist(state->file.get()), H5Pclose);
  H5F_fspace_strategy_t strategy = H5F_FSPACE_STRATEGY_FSM_AGGR;
  hbool_t persist = false;
  hsize_t threshold = 0;
  H5Pget_file_space_strategy(creation.get(), &strategy, &persist, &threshold);
  if (strategy != H5F_FSPACE_STRATEGY_NONE)
    throw Error(path, "the file was not written by Striate, so it is not written further. Write a new file.");
  // What a killed run wrote past the last commit is dead; it is written over.
  auto& staged = detail::staged_file(state->file.get());
  staged.committed = staged.end;
  use_growing_indices(state->file.get());
  return H5File(std::move(state));
}

const std::string& H5File::path() const { return state_->path; }

void H5File::flush() {
  const auto lock = lock_hdf5();
  State& file = *state_;
  file.writable_id("/");
  file.check_disk();
  for (const auto& series : file.series) series->store();
  const herr_t status = H5Fflush(file.id(), H5F_SCOPE_GLOBAL);
  file.check_disk();
  file.check(status, "/", "the file cannot be flushed");
}

void H5File::close() {
  if (!state_) return;
  const auto lock = lock_hdf5();
  State& file = *state_;
  if (!file.file) return;
  std::exception_ptr failure;
  if (file.writable) try {
      flush();
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
  for (const auto& series : file.series) {
    series->file = nullptr;
    series->dataset.reset();
  }
  file.series.clear();
  file.file.reset();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace striate
