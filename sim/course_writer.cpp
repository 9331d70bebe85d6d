#include "sim/course_writer.hpp"

#include <utility>

namespace striate {
namespace {

constexpr std::size_t most_waiting = std::size_t{32} << 20;  // bytes
constexpr std::size_t spikes_of_a_block = std::size_t{1} << 14;
constexpr std::chrono::seconds longest_unwritten{1};

using Clock = std::chrono::steady_clock;

std::size_t bytes_of(const auto& block) {
  return std::visit([](const auto& it) { return it.bytes(); }, block);
}

}  // namespace

CourseWriter::CourseWriter(Recording& recording, std::mutex& lock)
    : recording_(recording), recording_lock_(lock), flushed_(Clock::now()) {}

CourseWriter::~CourseWriter() {
  {
    const std::scoped_lock guard(lock_);
    done_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
}

ConditionResult CourseWriter::run(const ConditionRunner& runner, const Experiment& experiment, std::size_t condition,
                                  std::size_t index, const std::function<void(double)>& progress) {
  Condition course(*this, experiment, index);
  CourseObserver observer;
  observer.progress = [&](double share) {
    if (progress) progress(share);
    course.hand_over_when_due(share);
  };
  observer.sample = [&](std::size_t variable, std::span<const double> values) { course.add(variable, values); };
  observer.spikes = [&](std::size_t event, double t, std::span<const std::uint32_t> ids) {
    course.add_spikes(event, t, ids);
  };
  try {
    ConditionResult result = runner.run(condition, observer);
    course.hand_over_when_due(1);
    course.finish();
    return result;
  } catch (...) {  // what came before is worth a look
    course.finish();
    throw;
  }
}

void CourseWriter::require_written() {
  const std::scoped_lock guard(lock_);
  if (failure_) std::rethrow_exception(failure_);
}

void CourseWriter::push(std::vector<Block> blocks) {
  std::size_t bytes = 0;
  for (const Block& block : blocks) bytes += bytes_of(block);
  std::unique_lock guard(lock_);
  less_.wait(guard, [&] { return failure_ || unwritten_bytes_ == 0 || unwritten_bytes_ + bytes <= most_waiting; });
  if (failure_) std::rethrow_exception(failure_);
  unwritten_bytes_ += bytes;
  for (Block& block : blocks) waiting_.push_back(std::move(block));
  if (!thread_.joinable()) thread_ = std::thread([this] { write_what_comes(); });
  guard.unlock();
  more_.notify_one();
}

void CourseWriter::wait_until_written() {
  std::unique_lock guard(lock_);
  less_.wait(guard, [&] { return failure_ || (waiting_.empty() && !busy_); });
  if (failure_) std::rethrow_exception(failure_);
}

std::vector<double> CourseWriter::spare() {
  const std::scoped_lock guard(lock_);
  if (spares_.empty()) return {};
  std::vector<double> values = std::move(spares_.back());
  spares_.pop_back();
  return values;
}

void CourseWriter::write_what_comes() {
  std::unique_lock guard(lock_);
  while (!failure_) {
    more_.wait(guard, [&] { return done_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::vector<Block> blocks = std::exchange(waiting_, {});
    busy_ = true;
    guard.unlock();
    std::exception_ptr failure;
    try {
      for (Block& block : blocks) write(std::move(block));
      flush_when_due();
    } catch (...) {
      failure = std::current_exception();
    }
    guard.lock();
    busy_ = false;
    failure_ = failure;
    less_.notify_all();
  }
}

void CourseWriter::write(Block block) {
  const std::size_t bytes = bytes_of(block);
  auto* samples = std::get_if<Samples>(&block);
  {
    const std::scoped_lock use(recording_lock_);
    if (samples != nullptr) {
      recording_.write(*samples->variable, samples->index, samples->begin, samples->samples, samples->values);
    } else if (const auto* mark = std::get_if<Mark>(&block)) {
      marks_[mark->index] = mark->t;
    } else {
      auto& [event, index, spikes, last] = std::get<Spikes>(block);
      recording_.write_spikes(index, *event, std::move(spikes), last);
    }
  }
  const std::scoped_lock guard(lock_);
  unwritten_bytes_ -= bytes;
  if (samples != nullptr) {
    samples->values.clear();
    spares_.push_back(std::move(samples->values));
  }
  less_.notify_all();
}

void CourseWriter::flush_when_due() {
  if (Clock::now() - flushed_ < longest_unwritten) return;
  flush();
  flushed_ = Clock::now();
}

void CourseWriter::flush() {
  const std::scoped_lock use(recording_lock_);
  recording_.file().flush();
  for (const auto& [index, t] : std::exchange(marks_, {})) recording_.tell_recorded(index, t);
  recording_.file().flush();
}

CourseWriter::Condition::Condition(CourseWriter& writer, const Experiment& e, std::size_t index)
    : writer_(writer), e_(e), index_(index), courses_(e.run.record.size()), handed_over_(Clock::now()) {
  if (!e.run.steady) end_ = output_times(e).back();
  for (std::size_t i = 0; i < courses_.size(); ++i) courses_[i].rows = writer.recording_.block_rows(e.run.record[i]);
  for (std::size_t i = 0; i < e.circuit->events.size() && !e.run.steady; ++i)
    if (e.run.records_spikes(e.circuit->events[i])) spikes_[i];
}

void CourseWriter::Condition::add(std::size_t i, std::span<const double> values) {
  Course& course = courses_[i];
  if (course.samples == 0) {
    course.block = writer_.spare();
    course.block.reserve(course.rows * values.size());
  }
  course.block.insert(course.block.end(), values.begin(), values.end());
  ++course.samples;
  if ((course.begin + course.samples) % course.rows == 0) hand_over(i, i + 1);
}

void CourseWriter::Condition::add_spikes(std::size_t event, double t, std::span<const std::uint32_t> ids) {
  const auto spikes = spikes_.find(event);
  if (spikes == spikes_.end()) return;
  spikes->second.append(t, ids);
  if (spikes->second.times.size() < spikes_of_a_block) return;
  std::vector<Block> block;
  block.emplace_back(Spikes{&e_.circuit->events[event], index_, std::exchange(spikes->second, {}), false});
  writer_.push(std::move(block));
}

void CourseWriter::Condition::hand_over_when_due(double share) {
  covered_ = share * end_;
  if (Clock::now() - handed_over_ < longest_unwritten) return;
  hand_over(0, courses_.size());
  hand_over_spikes(false);
  hand_over_mark();
  handed_over_ = Clock::now();
}

void CourseWriter::Condition::hand_over(std::size_t first, std::size_t end) {
  std::vector<Block> blocks;
  for (std::size_t i = first; i < end; ++i) {
    Course& course = courses_[i];
    if (course.samples == 0) continue;
    blocks.emplace_back(Samples{&e_.run.record[i], index_, course.begin, course.samples, std::move(course.block)});
    course.begin += course.samples;
    course.samples = 0;
  }
  if (!blocks.empty()) writer_.push(std::move(blocks));
}

void CourseWriter::Condition::hand_over_spikes(bool last) {
  std::vector<Block> blocks;
  for (auto& [event, spikes] : spikes_)
    if (last || !spikes.times.empty())
      blocks.emplace_back(Spikes{&e_.circuit->events[event], index_, std::exchange(spikes, {}), last});
  if (!blocks.empty()) writer_.push(std::move(blocks));
}

void CourseWriter::Condition::hand_over_mark() {
  std::vector<Block> mark;
  mark.emplace_back(Mark{index_, covered_});
  writer_.push(std::move(mark));
}

void CourseWriter::Condition::finish() {
  hand_over(0, courses_.size());
  hand_over_spikes(true);
  hand_over_mark();
  writer_.wait_until_written();
  writer_.flush();
}

}  // namespace striate
