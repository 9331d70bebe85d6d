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

CourseWriter::CourseWriter(Recording& recording, const Experiment& e, std::mutex& lock)
    : recording_(recording),
      variables_(e.run.record),
      events_(e.circuit->events),
      recording_lock_(lock),
      flushed_(Clock::now()) {
  for (const auto& name : variables_) block_rows_.push_back(recording.block_rows(name));
  for (std::size_t i = 0; i < events_.size() && !e.run.steady; ++i)
    if (e.run.records_spikes(events_[i])) spiking_.push_back(i);
}

CourseWriter::~CourseWriter() {
  {
    const std::scoped_lock guard(lock_);
    done_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CourseWriter::push(std::vector<Block> blocks) {
  std::size_t bytes = 0;
  for (const Block& block : blocks) bytes += bytes_of(block);
  std::unique_lock guard(lock_);
  less_.wait(guard, [&] { return failure_ || unwritten_bytes_ == 0 || unwritten_bytes_ + bytes <= most_waiting; });
  if (failure_) std::rethrow_exception(failure_);
  unwritten_bytes_ += bytes;
  for (Block& block : blocks) waiting_.push_back(std::move(block));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
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

void CourseWriter::run() {
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
      recording_.write(variables_[samples->variable], samples->condition, samples->begin, samples->samples,
                       samples->values);
    } else {
      auto& [event, condition, spikes, last] = std::get<Spikes>(block);
      recording_.write_spikes(condition, events_[event], std::move(spikes), last);
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
  const std::scoped_lock use(recording_lock_);
  recording_.file().flush();
  flushed_ = Clock::now();
}

CourseWriter::Condition::Condition(CourseWriter& writer, std::size_t index)
    : writer_(writer), index_(index), courses_(writer.variables_.size()), handed_over_(Clock::now()) {
  for (const std::size_t event : writer.spiking_) spikes_[event];
}

void CourseWriter::Condition::add(std::size_t i, std::span<const double> values) {
  Course& course = courses_[i];
  const std::size_t rows = writer_.block_rows_[i];
  if (course.samples == 0) {
    course.block = writer_.spare();
    course.block.reserve(rows * values.size());
  }
  course.block.insert(course.block.end(), values.begin(), values.end());
  ++course.samples;
  if ((course.begin + course.samples) % rows == 0) hand_over(i, i + 1);
}

void CourseWriter::Condition::add_spikes(std::size_t event, double t, std::span<const std::uint32_t> ids) {
  const auto spikes = spikes_.find(event);
  if (spikes == spikes_.end()) return;
  spikes->second.append(t, ids);
  if (spikes->second.times.size() < spikes_of_a_block) return;
  std::vector<Block> block;
  block.emplace_back(Spikes{event, index_, std::exchange(spikes->second, {}), false});
  writer_.push(std::move(block));
}

void CourseWriter::Condition::hand_over_when_due() {
  if (Clock::now() - handed_over_ < longest_unwritten) return;
  hand_over(0, courses_.size());
  hand_over_spikes(false);
  handed_over_ = Clock::now();
}

void CourseWriter::Condition::hand_over(std::size_t first, std::size_t end) {
  std::vector<Block> blocks;
  for (std::size_t i = first; i < end; ++i) {
    Course& course = courses_[i];
    if (course.samples == 0) continue;
    blocks.emplace_back(Samples{i, index_, course.begin, course.samples, std::move(course.block)});
    course.begin += course.samples;
    course.samples = 0;
  }
  if (!blocks.empty()) writer_.push(std::move(blocks));
}

void CourseWriter::Condition::hand_over_spikes(bool last) {
  std::vector<Block> blocks;
  for (auto& [event, spikes] : spikes_)
    if (last || !spikes.times.empty()) blocks.emplace_back(Spikes{event, index_, std::exchange(spikes, {}), last});
  if (!blocks.empty()) writer_.push(std::move(blocks));
}

void CourseWriter::Condition::finish() {
  hand_over(0, courses_.size());
  hand_over_spikes(true);
  writer_.wait_until_written();
}

}  // namespace striate
