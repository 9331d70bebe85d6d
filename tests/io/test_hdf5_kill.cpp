#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <random>

#include "io/hdf5.hpp"
#include "tests/io/scratch.hpp"

using namespace striate;

namespace {

/// What the writing process tells of itself across its death.
struct Shared {
  long writes;        ///< writes to disk so far
  long flushed;       ///< rows that a finished flush has promised
  long kill_at;       ///< the write at which to die, 0 for none
  bool after_a_page;  ///< die in the middle of that write, once its first page is on disk
};

Shared* shared = nullptr;

}  // namespace

/// Stands in for the C library's function in this executable, so that a writer can be killed at a chosen write.
extern "C" ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  if (shared != nullptr && ++shared->writes == shared->kill_at) {
    const std::size_t first_page = 4096 - static_cast<std::size_t>(offset) % 4096;
    if (shared->after_a_page) ::syscall(SYS_pwrite64, descriptor, bytes, std::min(size, first_page), offset);
    ::raise(SIGKILL);
  }
  return ::syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

namespace {

constexpr int rows_per_flush = 37;

/// A blocked array of two trials of 20 rows of 64 KiB, of which each flush writes a block of 8 (the last ones of a
/// trial: 4), beginning again at the end.
constexpr std::size_t trials = 2, samples = 20, wide = 8192;

struct BlockOfFlush {
  std::size_t trial, first, count;
};

BlockOfFlush block_of_flush(int k) {
  const auto i = static_cast<std::size_t>(k) % 6, first = i % 3 * 8;
  return {i / 3, first, std::min<std::size_t>(8, samples - first)};
}

/// A run: traces of several kinds, attributes that change, and groups that appear while it goes on.
void record(const std::string& path, int flushes) {
  auto file = H5File::create(path);
  file.set_attribute("/", "complete", std::int64_t{0});
  file.create_axis("neuron", 50);
  auto time = file.create_growing_axis("time", H5Type::float64, {"ms", "time"}, 16);
  auto v = file.create_series("trace/V", H5Type::float64, "time", {"neuron"}, {"mV", "membrane potential"}, 16);
  auto packed = file.create_series("trace/packed", H5Type::float32, "time", {"neuron"}, {}, 64, true);
  file.create_axis("trial", trials);
  file.create_axis("sample", samples);
  file.create_axis("wide", wide);
  BOOST_TEST(file.create_blocked_array("blocked", H5Type::float64, {"trial", "sample", "wide"}, 1) == 8u);
  file.write_text("circuit", "dV/dt = -V/tau : mV");
  long row = 0;
  for (int k = 0; k < flushes; ++k) {
    for (int i = 0; i < rows_per_flush; ++i, ++row) {
      const std::vector<double> values(50, static_cast<double>(row));
      time.append(0.5 * static_cast<double>(row));
      v.append(values);
      packed.append(values);
    }
    const auto [trial, first, count] = block_of_flush(k);
    const std::size_t start[] = {trial, first, 0}, box[] = {1, count, wide};
    file.write_part("blocked", start, box, std::vector<double>(count * wide, static_cast<double>(trial * 100 + first)));
    file.set_attribute("/", "rows", std::int64_t{row});
    const std::string run = std::string("run") + std::to_string(k);
    file.create_axis(run + "/x", std::vector<double>(10, k), {"deg", "place"});
    file.write(run + "/response", std::vector<double>(10, k), {run + "/x"}, {"Hz", "rate"});
    file.write_text(run + "/status", "done");
    file.set_attribute(run, "text", std::string("of run " + std::to_string(k)));
    file.flush();
    if (shared != nullptr) shared->flushed = row;
  }
  file.set_attribute("/", "complete", std::int64_t{1});
  file.close();
}

/// Reads all of a file whose writer died, and compares it with what `record` wrote.
void check_recording(const std::string& path, long flushed) {
  const auto file = H5File::open(path);
  if (!file.exists("circuit") && flushed == 0) return;
  const auto time = file.read_numbers("time"), v = file.read_numbers("trace/V"),
             packed = file.read_numbers("trace/packed");
  for (const auto* array : {&time, &v, &packed}) BOOST_TEST(array->shape[0] >= static_cast<std::size_t>(flushed));
  for (std::size_t i = 0; i < time.values.size(); ++i)
    if (time.values[i] != 0.5 * static_cast<double>(i)) BOOST_FAIL("time[" << i << "] = " << time.values[i]);
  for (const auto* array : {&v, &packed})
    for (std::size_t i = 0; i < array->values.size(); ++i)
      if (array->values[i] != static_cast<double>(i / 50)) BOOST_FAIL("value[" << i << "] = " << array->values[i]);
  const auto blocked = file.read_numbers("blocked").values;
  for (int k = 0; k < 6; ++k) {
    const auto [trial, first, count] = block_of_flush(k);
    const bool promised = (k + 1) * rows_per_flush <= flushed;
    for (std::size_t i = (trial * samples + first) * wide; i < (trial * samples + first + count) * wide; ++i)
      if (!(blocked[i] == static_cast<double>(trial * 100 + first) || (!promised && std::isnan(blocked[i]))))
        BOOST_FAIL("block " << k << " holds " << blocked[i]);
  }
  BOOST_TEST(file.axes("trace/V")[1] == "/neuron");
  BOOST_TEST(file.axes("trace/V")[0] == "/time");
  BOOST_TEST(file.read_text("circuit") == "dV/dt = -V/tau : mV");
  if (flushed > 0) BOOST_TEST(std::get<std::int64_t>(*file.attribute("/", "rows")) >= flushed);
  long runs = 0;
  for (const auto& run : file.groups("/")) {
    if (run == "trace") continue;
    const double k = std::stod(run.substr(3));
    BOOST_TEST(file.read_numbers(run + "/response").values.at(9) == k);
    BOOST_TEST(file.axes(run + "/response")[0] == std::string("/") + run + "/x");
    BOOST_TEST(std::get<std::string>(*file.attribute(run + "/response", "units")) == "Hz");
    BOOST_TEST(file.read_text(run + "/status") == "done");
    BOOST_TEST(std::get<std::string>(*file.attribute(run, "text")) == std::string("of run ") + std::to_string(runs));
    ++runs;
  }
  BOOST_TEST(runs * rows_per_flush >= flushed);
}

struct SharedMemory {
  SharedMemory() {
    shared = static_cast<Shared*>(
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    *shared = {};
  }
  ~SharedMemory() {
    ::munmap(shared, sizeof(Shared));
    shared = nullptr;
  }
};

/// True if the writer ran to its end, false if it was killed.
bool run_writer(const std::string& path, int flushes, long kill_at, bool after_a_page) {
  *shared = {0, 0, kill_at, after_a_page};
  const pid_t child = ::fork();
  if (child == 0) {
    record(path, flushes);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  shared->kill_at = 0;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hdf5_kill)

BOOST_AUTO_TEST_CASE(a_writer_killed_at_any_of_its_writes_leaves_a_readable_file_with_the_last_flush) {
  const Scratch scratch;
  const SharedMemory memory;
  constexpr int flushes = 6;
  BOOST_TEST_REQUIRE(run_writer(scratch.path("whole.h5"), flushes, 0, false));
  BOOST_TEST(shared->flushed == flushes * rows_per_flush);
  check_recording(scratch.path("whole.h5"), flushes * rows_per_flush);
  const long writes = shared->writes;
  // The writes of H5File::create itself come before the first promise: the file is valid from the last of them on.
  long during_create = 0;
  {
    *shared = {};
    const auto empty = H5File::create(scratch.path("empty.h5"));
    during_create = shared->writes;
  }
  BOOST_TEST(writes > 200);
  for (const bool after_a_page : {false, true}) {
    for (long kill_at = during_create + 1; kill_at <= writes; ++kill_at) {
      BOOST_TEST_CONTEXT("killed at write " << kill_at << " of " << writes << (after_a_page ? ", after a page" : "")) {
        const auto path = scratch.path("killed.h5");
        std::filesystem::remove(path);
        BOOST_TEST_REQUIRE(!run_writer(path, flushes, kill_at, after_a_page));
        BOOST_CHECK_NO_THROW(check_recording(path, shared->flushed));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_writer_killed_at_random_times_leaves_a_readable_file_which_can_be_continued) {
  const Scratch scratch;
  const SharedMemory memory;
  std::mt19937 random(20);
  for (int trial = 0; trial < 40; ++trial) {
    const auto path = scratch.path("killed.h5");
    std::filesystem::remove(path);
    *shared = {};
    const pid_t child = ::fork();
    if (child == 0) {
      record(path, 100000);
      ::_exit(0);
    }
    while (shared->flushed == 0) ::usleep(100);
    ::usleep(static_cast<useconds_t>(random() % 30000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const long flushed = shared->flushed;
    BOOST_CHECK_NO_THROW(check_recording(path, flushed));
    {
      auto file = H5File::open_for_writing(path);
      auto time = file.open_series("time");
      for (int i = 0; i < 100; ++i) time.append(0.5 * static_cast<double>(time.rows()));
      file.close();
    }
    BOOST_CHECK_NO_THROW(check_recording(path, flushed));
    BOOST_TEST(H5File::open(path).shape("time")[0] >= static_cast<std::size_t>(flushed) + 100);
  }
}

BOOST_AUTO_TEST_SUITE_END()
