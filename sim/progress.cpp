#include "sim/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

namespace striate {
namespace {

std::atomic<bool> stop_asked{false};

extern "C" void note_interrupt(int) {
  stop_asked.store(true);
  std::signal(SIGINT, SIG_DFL);
}

std::string duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

}  // namespace

void watch_for_interrupt() { std::signal(SIGINT, note_interrupt); }
bool interrupted() { return stop_asked.load(); }

Progress::Progress(std::string what, std::size_t total, bool quiet)
    : what_(std::move(what)),
      total_(total),
      shown_(!quiet && isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

void Progress::done(std::size_t count) {
  if (!shown_ || count == 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (count < total_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double left = elapsed * static_cast<double>(total_ - count) / static_cast<double>(count);
  fmt::print(stderr, "\r\033[K{}: {} of {}, {} left", what_, count, total_, duration(left));
  std::fflush(stderr);
}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

}  // namespace striate
