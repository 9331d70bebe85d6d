#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "sim/recording.hpp"

namespace striate {

/// Writes samples and spikes to a recording on a thread of its own while the integration goes on.
///
/// Both gather in blocks, which are handed over when they are full or a second old; the recording is flushed about
/// once a second, so that what is older survives a kill. At most 32 MiB wait: who is faster than the disk waits for it.
/// What cannot be written is thrown where the next block is handed over or awaited.
class CourseWriter {
 public:
  /// @param experiment must outlive it
  /// @param lock held while the recording is used
  CourseWriter(Recording& recording, const Experiment& experiment, std::mutex& lock);
  ~CourseWriter();  ///< what was handed over is still written
  CourseWriter(const CourseWriter&) = delete;
  CourseWriter& operator=(const CourseWriter&) = delete;

  /// The samples and spikes of one condition, from one thread.
  class Condition {
   public:
    Condition(CourseWriter& writer, std::size_t index);
    /// The next sample of the variable number i.
    void add(std::size_t i, std::span<const double> values);
    /// The next spikes of the event of that number in the circuit, at one time.
    void add_spikes(std::size_t event, double t, std::span<const std::uint32_t> ids);
    /// Hands over what is a second old. To be called after every step.
    void hand_over_when_due();
    /// Hands over what is left, and waits until all of it is in the recording.
    void finish();

   private:
    struct Course {
      std::size_t begin = 0;  ///< the sample that the block begins with
      std::size_t samples = 0;
      std::vector<double> block;
    };
    void hand_over(std::size_t first, std::size_t end);
    void hand_over_spikes(bool last);

    CourseWriter& writer_;
    std::size_t index_;
    std::vector<Course> courses_;                   ///< by variable
    std::map<std::size_t, RecordedSpikes> spikes_;  ///< by recorded event
    std::chrono::steady_clock::time_point handed_over_;
  };

 private:
  struct Samples {
    std::size_t variable, condition, begin, samples;
    std::vector<double> values;
    std::size_t bytes() const { return values.size() * sizeof(double); }
  };
  struct Spikes {
    std::size_t event, condition;
    RecordedSpikes spikes;
    bool last;
    std::size_t bytes() const { return spikes.times.size() * (sizeof(double) + sizeof(std::int64_t)); }
  };
  using Block = std::variant<Samples, Spikes>;

  void push(std::vector<Block> blocks);
  void wait_until_written();
  std::vector<double> spare();
  void run();
  void write(Block block);
  void flush_when_due();

  Recording& recording_;
  const std::vector<std::string>& variables_;
  const std::vector<EventRule>& events_;
  std::vector<std::size_t> spiking_;     ///< events that are recorded
  std::vector<std::size_t> block_rows_;  ///< by variable
  std::mutex& recording_lock_;
  std::chrono::steady_clock::time_point flushed_;

  std::mutex lock_;  ///< of what follows
  std::condition_variable more_, less_;
  std::vector<Block> waiting_;
  std::vector<std::vector<double>> spares_;  ///< memory of samples that are written
  std::size_t unwritten_bytes_ = 0;
  bool busy_ = false, done_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace striate
