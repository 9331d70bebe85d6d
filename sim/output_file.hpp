#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "io/hdf5.hpp"

namespace striate {

/// Where a symbolic link leads; any other path as it is.
std::string followed(const std::string& path);

/// @throws Error where `output` is the experiment's own file or one that its text (TOML) names
void require_apart(const std::string& output, const std::string& experiment_path, const std::string& toml);

/// What stood at a path that is written anew. Until it is released, the new file is a mistake's: it goes, and what
/// stood there comes back, when this goes.
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

/// Writes a file whole or not at all, in the place of one that stands there.
void write_whole(const std::string& path, const std::function<void(H5File&)>& write);

}  // namespace striate
