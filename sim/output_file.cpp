#include "sim/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/unused_path.hpp"
#include "io/toml.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/provenance.hpp"

namespace striate {

namespace fs = std::filesystem;

namespace {

/// Where a symbolic link leads; any other path as it is.
std::string followed(const std::string& path) {
  std::error_code none;
  const fs::path real = fs::is_symlink(path, none) ? fs::canonical(path, none) : fs::path();
  return real.empty() ? path : real.string();
}

bool is_at(int descriptor, const std::string& path) {
  struct stat held {
  }, named{};
  return ::fstat(descriptor, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

}  // namespace

OutputPlace::OutputPlace(const std::string& path) : path_(followed(path)), lock_(path_ + ".lock") {
  do {  // again where a holder that ends removes the file before it is locked here
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = ::open(lock_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) return;
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor_);
      throw Error(path, "another process writes it. Wait until that has ended, or choose another output with -o.");
    }
  } while (!is_at(descriptor_, lock_));
}

OutputPlace::~OutputPlace() {
  if (descriptor_ < 0) return;
  std::error_code none;
  if (fs::is_empty(lock_, none)) fs::remove(lock_, none);  // a file of the user's has contents
  ::close(descriptor_);
}

void require_apart(const std::string& output, const std::string& experiment_path, const std::string& toml) {
  std::error_code none;
  if (!fs::exists(output, none)) return;
  const auto is_output = [&](const std::string& file) { return fs::equivalent(file, output, none); };
  if (is_output(experiment_path)) throw Error(output, "this is the experiment itself. Choose another output with -o.");
  for (const auto& text : TomlDocument::parse_string(toml, experiment_path).texts())
    if (is_output(beside(experiment_path, text)))
      throw Error(output, fmt::format("the experiment reads this file ('{}'). Choose another output with -o.", text));
}

namespace {

std::string aside_of(const std::string& path) { return followed(path) + ".before"; }

}  // namespace

std::string told_of_earlier(const std::string& path) {
  const std::string aside = aside_of(path);
  try {
    open_recording(aside);
  } catch (const Error&) {
    return {};
  }
  return fmt::format(
      "{} is the recording that stood here before a run with --force, which was killed (or still runs). Move it back, "
      "or delete it.",
      aside);
}

EarlierFile::EarlierFile(const std::string& path) : path_(path) {
  std::error_code none;
  if (!fs::exists(path_, none)) return;
  aside_ = unused_path(aside_of(path));
  fs::rename(path_, aside_);
}

EarlierFile::~EarlierFile() {
  std::error_code none;
  if (!held_) return;
  fs::remove(path_, none);
  if (!aside_.empty()) fs::rename(aside_, path_, none);
}

void EarlierFile::release() {
  std::error_code none;
  if (held_ && !aside_.empty()) fs::remove(aside_, none);
  held_ = false;
}

void write_whole(const std::string& path, const std::function<void(H5File&)>& write) {
  const std::string part = path + ".part";  // one that stands there is what a kill has left
  std::error_code none;
  try {
    H5File file = H5File::create(part, true);
    write(file);
    file.close();
  } catch (const Failure& failure) {
    fs::remove(part, none);
    const std::string what = failure.what();
    throw Failure(what.starts_with(part) ? path + what.substr(part.size(), what.find(". ") - part.size()) +
                                               ". Nothing new is left there. Free some space or choose another place."
                                         : what);
  } catch (...) {
    fs::remove(part, none);
    throw;
  }
  fs::rename(part, path);
}

}  // namespace striate
