#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "sim/recording.hpp"

namespace striate {

/// Writes samples to a recording on a thread of its own while the integration goes on.
///
/// Samples gather in blocks, which are handed over when they are full or a second old; the recording is flushed about
/// once a second, so that older samples survive a kill. At most 32 MiB wait: who is faster than the disk waits for it.
/// What cannot be written is thrown where the next block is handed over or awaited.
class SampleWriter {
 public:
  /// @param lock held while the recording is used
  SampleWriter(Recording& recording, std::vector<std::string> variables, std::mutex& lock);
  ~SampleWriter();  ///< what was handed over is still written
  SampleWriter(const SampleWriter&) = delete;
  SampleWriter& operator=(const SampleWriter&) = delete;

  /// The samples of one condition, from one thread.
  class Condition {
   public:
    Condition(SampleWriter& writer, std::size_t index);
    /// The next sample of the variable number i.
    void add(std::size_t i, std::span<const double> values);
    /// Hands over what is left, and waits until all of it is in the recording.
    void finish();

   private:
    struct Course {
      std::size_t begin = 0;  ///< the sample that the block begins with
      std::size_t samples = 0;
      std::vector<double> block;
    };
    void hand_over(std::size_t first, std::size_t end);

    SampleWriter& writer_;
    std::size_t index_;
    std::vector<Course> courses_;  ///< by variable
    std::chrono::steady_clock::time_point handed_over_;
  };

 private:
  struct Block {
    std::size_t variable, condition, begin, samples;
    std::vector<double> values;
    std::size_t bytes() const { return values.size() * sizeof(double); }
  };
  void push(std::vector<Block> blocks);
  void wait_until_written();
  std::vector<double> spare();
  void run();
  void write(Block block);
  void flush_when_due();

  Recording& recording_;
  const std::vector<std::string> variables_;
  std::vector<std::size_t> block_rows_;  ///< by variable
  std::mutex& recording_lock_;
  std::chrono::steady_clock::time_point flushed_;

  std::mutex lock_;  ///< of what follows
  std::condition_variable more_, less_;
  std::vector<Block> waiting_;
  std::vector<std::vector<double>> spares_;  ///< memory of blocks that are written
  std::size_t unwritten_bytes_ = 0;
  bool busy_ = false, done_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace striate
