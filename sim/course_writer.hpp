#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
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
/// once a second, so that what is older survives a kill, and tells then how far each condition is recorded. At most 32
/// MiB wait: who is faster than the disk waits for it. What cannot be written is thrown where the next block is handed
/// over or awaited.
class CourseWriter {
 public:
  /// @param lock held while the recording is used
  CourseWriter(Recording& recording, std::mutex& lock);
  ~CourseWriter();  ///< what was handed over is still written
  CourseWriter(const CourseWriter&) = delete;
  CourseWriter& operator=(const CourseWriter&) = delete;

  /// Runs a condition while what it records is written as number `index` of the recording; what comes before a failure,
  /// too. `progress` hears of the share that is done.
  ConditionResult run(const ConditionRunner& runner, const Experiment& experiment, std::size_t condition,
                      std::size_t index, const std::function<void(double)>& progress = {});
  /// Throws what could not be written.
  void require_written();

 private:
  /// The samples and spikes of one condition, from one thread.
  class Condition {
   public:
    Condition(CourseWriter& writer, const Experiment& experiment, std::size_t index);
    /// The next sample of the variable number i.
    void add(std::size_t i, std::span<const double> values);
    /// The next spikes of the event of that number in the circuit, at one time.
    void add_spikes(std::size_t event, double t, std::span<const std::uint32_t> ids);
    /// Hands over what is a second old. To be called after every step, with the share of the duration that is covered.
    void hand_over_when_due(double share);
    /// Hands over what is left, and waits until all of it is in the recording.
    void finish();

   private:
    struct Course {
      std::size_t rows = 1;   ///< of a whole block
      std::size_t begin = 0;  ///< the sample that the block begins with
      std::size_t samples = 0;
      std::vector<double> block;
    };
    void hand_over(std::size_t first, std::size_t end);
    void hand_over_spikes(bool last);
    void hand_over_mark();

    CourseWriter& writer_;
    const Experiment& e_;
    std::size_t index_;
    std::vector<Course> courses_;                   ///< by variable
    std::map<std::size_t, RecordedSpikes> spikes_;  ///< by recorded event
    double end_ = 0;                                ///< of the run
    double covered_ = 0;                            ///< the last time heard of
    std::chrono::steady_clock::time_point handed_over_;
  };

  struct Samples {
    const std::string* variable;
    std::size_t index, begin, samples;
    std::vector<double> values;
    std::size_t bytes() const { return values.size() * sizeof(double); }
  };
  struct Spikes {
    const EventRule* event;
    std::size_t index;
    RecordedSpikes spikes;
    bool last;
    std::size_t bytes() const { return spikes.times.size() * (sizeof(double) + sizeof(std::int64_t)); }
  };
  struct Mark {  ///< what is recorded up to t was handed over
    std::size_t index;
    double t;
    static std::size_t bytes() { return 0; }
  };
  using Block = std::variant<Samples, Spikes, Mark>;  ///< of an experiment that waits until it is written

  void push(std::vector<Block> blocks);
  void wait_until_written();
  std::vector<double> spare();
  void write_what_comes();
  void write(Block block);
  void flush_when_due();
  void flush();

  Recording& recording_;
  std::mutex& recording_lock_;
  std::chrono::steady_clock::time_point flushed_;
  std::map<std::size_t, double> marks_;  ///< times by index, which are not told of yet; guarded as the recording is

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
