#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

/// A directory of this test's own, removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "striate_io_XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path(const std::string& name) const { return (directory_ / name).string(); }

 private:
  std::filesystem::path directory_;
};

/// Predicate for BOOST_CHECK_EXCEPTION: the message holds every one of the texts.
template <class... Texts>
auto says(const Texts&... texts) {
  return [=](const std::exception& error) {
    const std::string message = error.what();
    return (... && (message.find(texts) != std::string::npos));
  };
}
