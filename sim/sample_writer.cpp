#include "sim/sample_writer.hpp"

#include <utility>

namespace striate {
namespace {

constexpr std::size_t most_waiting = std::size_t{32} << 20;  // bytes
constexpr std::chrono::seconds longest_unwritten{1};

using Clock = std::chrono::steady_clock;

}  // namespace

SampleWriter::SampleWriter(Recording& recording, std::vector<std::string> variables, std::mutex& lock)
    : recording_(recording), variables_(std::move(variables)), recording_lock_(lock), flushed_(Clock::now()) {
  for (const auto& name : variables_) block_rows_.push_back(recording.block_rows(name));
}

SampleWriter::~SampleWriter() {
  {
    const std::scoped_lock guard(lock_);
    done_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SampleWriter::push(std::vector<Block> blocks) {
  std::size_t bytes = 0;
  for (const Block& block : blocks) bytes += block.bytes();
  std::unique_lock guard(lock_);
  less_.wait(guard, [&] { return failure_ || unwritten_bytes_ == 0 || unwritten_bytes_ + bytes <= most_waiting; });
  if (failure_) std::rethrow_exception(failure_);
  unwritten_bytes_ += bytes;
  for (Block& block : blocks) waiting_.push_back(std::move(block));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  guard.unlock();
  more_.notify_one();
}

void SampleWriter::wait_until_written() {
  std::unique_lock guard(lock_);
  less_.wait(guard, [&] { return failure_ || (waiting_.empty() && !busy_); });
  if (failure_) std::rethrow_exception(failure_);
}

std::vector<double> SampleWriter::spare() {
  const std::scoped_lock guard(lock_);
  if (spares_.empty()) return {};
  std::vector<double> values = std::move(spares_.back());
  spares_.pop_back();
  return values;
}

void SampleWriter::run() {
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

void SampleWriter::write(Block block) {
  {
    const std::scoped_lock use(recording_lock_);
    recording_.write(variables_[block.variable], block.condition, block.begin, block.samples, block.values);
  }
  const std::scoped_lock guard(lock_);
  unwritten_bytes_ -= block.bytes();
  block.values.clear();
  spares_.push_back(std::move(block.values));
  less_.notify_all();
}

void SampleWriter::flush_when_due() {
  if (Clock::now() - flushed_ < longest_unwritten) return;
  const std::scoped_lock use(recording_lock_);
  recording_.file().flush();
  flushed_ = Clock::now();
}

SampleWriter::Condition::Condition(SampleWriter& writer, std::size_t index)
    : writer_(writer), index_(index), courses_(writer.variables_.size()), handed_over_(Clock::now()) {}

void SampleWriter::Condition::add(std::size_t i, std::span<const double> values) {
  Course& course = courses_[i];
  const std::size_t rows = writer_.block_rows_[i];
  if (course.samples == 0) {
    course.block = writer_.spare();
    course.block.reserve(rows * values.size());
  }
  course.block.insert(course.block.end(), values.begin(), values.end());
  ++course.samples;
  if ((course.begin + course.samples) % rows == 0) hand_over(i, i + 1);
  if (i + 1 < courses_.size() || Clock::now() - handed_over_ < longest_unwritten) return;
  hand_over(0, courses_.size());
  handed_over_ = Clock::now();
}

void SampleWriter::Condition::hand_over(std::size_t first, std::size_t end) {
  std::vector<Block> blocks;
  for (std::size_t i = first; i < end; ++i) {
    Course& course = courses_[i];
    if (course.samples == 0) continue;
    blocks.push_back({i, index_, course.begin, course.samples, std::move(course.block)});
    course.begin += course.samples;
    course.samples = 0;
  }
  if (!blocks.empty()) writer_.push(std::move(blocks));
}

void SampleWriter::Condition::finish() {
  hand_over(0, courses_.size());
  writer_.wait_until_written();
}

}  // namespace striate
