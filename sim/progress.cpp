#include "sim/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

namespace striate {
namespace {

std::atomic<int> stop_asked{0};

extern "C" void note_interrupt(int signal) {
  stop_asked.store(signal);
  std::signal(signal, SIG_DFL);
}

extern "C" void stop(int signal) {
  constexpr char text[] = "striate: interrupted; nothing was written.\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(128 + signal);
}

std::string duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

}  // namespace

void watch_for_interrupt() {
  std::signal(SIGINT, note_interrupt);
  std::signal(SIGTERM, note_interrupt);
}
void stop_at_interrupt() {
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
}
int interrupted() { return stop_asked.load(); }

Progress::Progress(std::string what, std::size_t total, bool quiet)
    : what_(std::move(what)),
      total_(total),
      shown_(!quiet && isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

void Progress::done(std::size_t count, std::size_t item) {
  if (!shown_) return;
  const std::scoped_lock guard(lock_);
  done_ = count;
  within_.erase(item);
  show();
}

void Progress::within(std::size_t item, double share) {
  if (!shown_) return;
  const std::unique_lock guard(lock_, std::try_to_lock);
  if (!guard) return;
  within_[item] = share;
  show();
}

void Progress::show() {
  const auto now = std::chrono::steady_clock::now();
  if (done_ < total_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  double share = static_cast<double>(done_);
  for (const auto& [item, part] : within_) share += part;
  share /= static_cast<double>(total_);
  if (share == 0) return;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  fmt::print(stderr, "\r\033[K{}: {} of {}, {} left", what_, done_, total_, duration(elapsed * (1 - share) / share));
  std::fflush(stderr);
}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

}  // namespace striate
