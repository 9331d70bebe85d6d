#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

namespace striate {

/// Thrown between steps after Ctrl-C or SIGTERM; the command line ends with exit code 130 or 143.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(const std::string& left = "the file holds what was finished")
      : std::runtime_error("interrupted; " + left + ".") {}
};

/// From now on Ctrl-C and SIGTERM are noted instead of ending the process; a second one ends it at once.
void watch_for_interrupt();
/// From now on Ctrl-C and SIGTERM end the process with their exit code, and a line that nothing was written.
void stop_at_interrupt();
int interrupted();  ///< the signal that asked to stop; 0: none

/// One line on a terminal with the share done and the time left; nothing where the output is a file or quiet is asked.
class Progress {
 public:
  Progress(std::string what, std::size_t total, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// So many items are done, `item` among them.
  void done(std::size_t count, std::size_t item = no_item);
  /// An item on its way has come so far, 0..1. May be called from any thread, and often.
  void within(std::size_t item, double share);

 private:
  static constexpr std::size_t no_item = static_cast<std::size_t>(-1);
  void show();

  std::string what_;
  std::size_t total_;
  bool shown_;
  std::chrono::steady_clock::time_point start_, last_;
  std::mutex lock_;  ///< of what follows
  std::size_t done_ = 0;
  std::map<std::size_t, double> within_;
};

}  // namespace striate
