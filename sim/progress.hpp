#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace striate {

/// Thrown between steps after Ctrl-C; the command line ends with exit code 130.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// From now on Ctrl-C is noted instead of ending the process; a second one ends it at once.
void watch_for_interrupt();
bool interrupted();

/// One line on a terminal with the share done and the time left; nothing where the output is a file or quiet is asked.
class Progress {
 public:
  Progress(std::string what, std::size_t total, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void done(std::size_t count);

 private:
  std::string what_;
  std::size_t total_;
  bool shown_;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace striate
