#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "io/hdf5.hpp"

namespace striate {

/// The place of a file that is written: where a symbolic link leads. Until this goes, an empty file beside it,
/// path.lock, is locked (flock) against other processes that write there; one that a kill leaves locks nothing. Where
/// no such file can be made or locked, nothing is locked.
class OutputPlace {
 public:
  /// @throws Error where another process writes there
  explicit OutputPlace(const std::string& path);
  OutputPlace(const OutputPlace&) = delete;
  OutputPlace& operator=(const OutputPlace&) = delete;
  ~OutputPlace();
  const std::string& path() const { return path_; }

 private:
  std::string path_, lock_;
  int descriptor_ = -1;
};

/// @throws Error where `output` is the experiment's own file or one that its text (TOML) names
void require_apart(const std::string& output, const std::string& experiment_path, const std::string& toml);

/// What stood at the path of an OutputPlace that is written anew. Until it is released, the new file is a mistake's: it
/// goes, and what stood there comes back, when this goes.
class EarlierFile {
 public:
  explicit EarlierFile(const std::string& path);
  EarlierFile(const EarlierFile&) = delete;
  EarlierFile& operator=(const EarlierFile&) = delete;
  ~EarlierFile();
  bool stood() const { return !aside_.empty(); }
  void release();

 private:
  std::filesystem::path path_, aside_;
  bool held_ = true;
};

/// What the file is that a killed run has left beside `path`, and what to do with it; nothing where there is none.
std::string told_of_earlier(const std::string& path);

/// Writes a file whole or not at all, in the place of one that stands there; `path` is that of an OutputPlace.
void write_whole(const std::string& path, const std::function<void(H5File&)>& write);

}  // namespace striate
