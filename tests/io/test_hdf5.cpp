#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/error.hpp"
#include "io/hdf5.hpp"
#include "tests/io/scratch.hpp"

using namespace striate;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(hdf5)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back_with_shape_axes_and_labels) {
  const Scratch scratch;
  const auto path = scratch.path("a.h5");
  std::vector<double> expected;
  {
    auto file = H5File::create(path);
    file.create_axis("neuron", 3);
    file.create_axis("theta", std::vector<double>{0, 45, 90, 135}, {"deg", "preferred orientation"});
    file.create_axis("condition", std::vector<std::string>{"centre", "näher", ""});
    auto time = file.create_growing_axis("time", H5Type::float64, {"ms", "time"});
    auto v =
        file.create_series("trace/V", H5Type::float64, "time", {"neuron", "theta"}, {"mV", "membrane potential"}, 0);
    auto n = file.create_series("trace/spikes", H5Type::int64, "time", {}, {"1", "spikes"}, 16);
    auto f = file.create_series("trace/single", H5Type::float32, "time", {"neuron"}, {}, 7, true);
    auto b = file.create_series("trace/mode", H5Type::uint8, "time", {});
    for (int i = 0; i < 100; ++i) {
      time.append(0.5 * i);
      std::vector<double> row(12);
      std::iota(row.begin(), row.end(), 1000.0 * i);
      expected.insert(expected.end(), row.begin(), row.end());
      v.append(row);
      const std::int64_t count = (std::int64_t{1} << 60) + i;
      n.append(std::span(&count, 1));
      f.append(std::span<const double>(row).first(3));
      const std::uint8_t mode = i % 2;
      b.append(std::span(&mode, 1));
      if (i % 30 == 0) file.flush();
    }
    BOOST_TEST(v.rows() == 100u);
    file.write("weights", std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9}, {"neuron", "condition"}, {"nS", ""});
    file.write("answer", std::vector<std::int64_t>{42}, {});
    file.write_text("circuit", "dV/dt = -V/τ : mV\n");
    file.write_texts("status", {"done", "failed", "done"}, "condition");
    file.set_attribute("/", "seed", std::int64_t{7});
    file.set_attribute("trace/V", "range", std::vector<double>{-80, 40});
    file.set_attribute("trace", "notes", std::vector<std::string>{"a", "bé"});
    file.set_attribute("trace", "text", std::string("first"));
    file.set_attribute("trace", "text", std::string("second, and longer"));
    file.close();
  }
  const auto file = H5File::open(path);
  const auto v = file.read_numbers("trace/V");
  BOOST_TEST(v.shape == (std::vector<std::size_t>{100, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(v.values == expected, boost::test_tools::per_element());
  BOOST_TEST(file.axes("trace/V") == (std::vector<std::string>{"/time", "/neuron", "/theta"}),
             boost::test_tools::per_element());
  BOOST_TEST(std::get<std::string>(*file.attribute("trace/V", "units")) == "mV");
  BOOST_TEST(std::get<std::string>(*file.attribute("trace/V", "long_name")) == "membrane potential");
  BOOST_TEST(std::isnan(std::get<double>(*file.attribute("trace/V", "_FillValue"))));
  BOOST_TEST(file.read_integers("trace/spikes")[99] == (std::int64_t{1} << 60) + 99);
  BOOST_TEST((file.type("trace/single") == H5Type::float32));
  BOOST_TEST(file.read_numbers("trace/single").values[3 * 99 + 2] == 99002.0);
  BOOST_TEST((file.type("trace/mode") == H5Type::uint8));
  BOOST_TEST(file.read_integers("trace/mode")[99] == 1);
  BOOST_TEST(file.read_numbers("weights").values[5] == 6.0);
  BOOST_TEST(file.read_integers("answer")[0] == 42);
  BOOST_TEST(file.shape("answer").empty());
  BOOST_TEST(file.read_text("circuit") == "dV/dt = -V/τ : mV\n");
  BOOST_TEST(file.read_texts("condition") == (std::vector<std::string>{"centre", "näher", ""}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_texts("status")[1] == "failed");
  BOOST_TEST(std::get<std::int64_t>(*file.attribute("/", "seed")) == 7);
  BOOST_TEST(std::get<std::vector<double>>(*file.attribute("trace/V", "range"))[1] == 40.0);
  BOOST_TEST(std::get<std::vector<std::string>>(*file.attribute("trace", "notes"))[1] == "bé");
  BOOST_TEST(std::get<std::string>(*file.attribute("trace", "text")) == "second, and longer");
  BOOST_TEST(!file.attribute("trace", "absent").has_value());
  BOOST_TEST(file.groups("/") == std::vector<std::string>{"trace"}, boost::test_tools::per_element());
  const std::vector<std::string> in_order{"V", "spikes", "single", "mode"};
  BOOST_TEST(file.datasets("trace") == in_order, boost::test_tools::per_element());
  BOOST_TEST(file.exists("trace/V"));
  BOOST_TEST(!file.exists("nowhere/V"));
}

BOOST_AUTO_TEST_CASE(an_array_is_missing_until_its_parts_are_written) {
  const Scratch scratch;
  const auto path = scratch.path("a.h5");
  auto file = H5File::create(path);
  file.create_axis("x", 2);
  file.create_axis("y", 3);
  file.create_array("r", H5Type::float64, {"x", "y"});
  file.flush();
  const std::vector<std::size_t> start{1, 1}, count{1, 2};
  file.write_part("r", start, count, std::vector<double>{5, 6});
  const auto r = file.read_numbers("r").values;
  BOOST_TEST(std::isnan(r[0]));
  BOOST_TEST(std::isnan(r[3]));
  BOOST_TEST(r[4] == 5.0);
  BOOST_TEST(r[5] == 6.0);
  const std::vector<std::size_t> outside{2, 1};
  BOOST_CHECK_EXCEPTION(file.write_part("r", outside, count, std::vector<double>{5, 6}), Error,
                        says("/r", "[2, 1]", "[2, 3]"));
}

BOOST_AUTO_TEST_CASE(a_closed_recording_is_continued_row_by_row) {
  const Scratch scratch;
  const auto path = scratch.path("a.h5");
  {
    auto file = H5File::create(path);
    auto time = file.create_growing_axis("time", H5Type::float64, {"ms", ""}, 8);
    for (int i = 0; i < 21; ++i) time.append(i);
  }
  {
    auto file = H5File::open_for_writing(path);
    auto time = file.open_series("time");
    BOOST_TEST(time.rows() == 21u);
    for (int i = 21; i < 50; ++i) time.append(i);
    file.write_text("late", "added afterwards");
    file.close();
  }
  const auto file = H5File::open(path);
  const auto values = file.read_numbers("time").values;
  BOOST_TEST_REQUIRE(values.size() == 50u);
  for (int i = 0; i < 50; ++i) BOOST_TEST(values[static_cast<std::size_t>(i)] == i);
  BOOST_TEST(file.read_text("late") == "added afterwards");
}

BOOST_AUTO_TEST_CASE(mistakes_name_the_file_and_what_to_do) {
  const Scratch scratch;
  const auto path = scratch.path("a.h5");
  {
    auto file = H5File::create(path);
    file.create_axis("neuron", 3);
    auto v = file.create_series("V", H5Type::int64, "neuron", {});
    BOOST_CHECK_EXCEPTION(v.append(1.0), Error, says(path, "/V", "int64"));
    BOOST_CHECK_EXCEPTION(file.write("W", std::vector<double>{1, 2}, {"neuron"}), Error, says("/W", "2 values", "3"));
    BOOST_CHECK_EXCEPTION(file.write("W", std::vector<double>{1, 2}, {"nuron"}), Error, says("/nuron", "no such axis"));
    BOOST_CHECK_EXCEPTION(file.create_axis("neuron", 4), Error, says("exists already"));
    BOOST_CHECK_EXCEPTION(file.read_numbers("neurom"), Error, says("Closest: neuron"));
    BOOST_CHECK_EXCEPTION(file.set_attribute("/", "a", std::string(70000, 'x')), Error, says("70000", "as a dataset"));
  }
  BOOST_CHECK_EXCEPTION(H5File::create(path), Error, says(path, "exists already", "overwritten"));
  BOOST_CHECK_NO_THROW(H5File::create(path, true));
  BOOST_CHECK_EXCEPTION(H5File::create(scratch.path("no/such/a.h5")), Error, says("No such file or directory"));
  BOOST_CHECK_EXCEPTION(H5File::create(scratch.path(""), true), Error, says("not a file"));
  BOOST_CHECK_EXCEPTION(H5File::open(scratch.path("b.h5")), Error, says("b.h5", "No such file"));
}

BOOST_AUTO_TEST_CASE(files_that_are_no_recordings_are_told_apart) {
  const Scratch scratch;
  std::ofstream(scratch.path("empty.h5")).close();
  BOOST_CHECK_EXCEPTION(H5File::open(scratch.path("empty.h5")), Error, says("empty"));
  std::ofstream(scratch.path("text.h5")) << "not a recording at all";
  BOOST_CHECK_EXCEPTION(H5File::open(scratch.path("text.h5")), Error, says("not an HDF5 file"));
  BOOST_CHECK_EXCEPTION(H5File::open(scratch.path("")), Error, says("not a file"));
  const auto path = scratch.path("a.h5");
  {
    auto file = H5File::create(path);
    file.create_axis("x", std::vector<double>(5000, 1.0));
  }
  fs::resize_file(path, 20000);
  BOOST_CHECK_EXCEPTION(H5File::open(path), Error, says("truncated"));
  BOOST_CHECK_EXCEPTION(H5File::open_for_writing(path), Error, says("truncated"));
}

// Flipped bits are not tried: HDF5 1.10 itself crashes on some that hit its unprotected text heap.
BOOST_AUTO_TEST_CASE(a_file_cut_short_anywhere_is_refused) {
  const Scratch scratch;
  const auto path = scratch.path("a.h5"), damaged = scratch.path("b.h5");
  {
    auto file = H5File::create(path);
    auto time = file.create_growing_axis("time", H5Type::float64, {"ms", "time"}, 8);
    for (int i = 0; i < 40; ++i) time.append(i);
    file.write_text("circuit", "text");
  }
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    std::ofstream(damaged, std::ios::binary) << bytes.substr(0, size);
    BOOST_CHECK_THROW(H5File::open(damaged), Error);
  }
}

BOOST_AUTO_TEST_CASE(threads_may_append_to_series_of_one_file) {
  const Scratch scratch;
  auto file = H5File::create(scratch.path("a.h5"));
  std::vector<std::thread> threads;
  for (int k = 0; k < 4; ++k)
    threads.emplace_back([&file, k] {
      auto series = file.create_growing_axis(std::string("t") + std::to_string(k), H5Type::float64, {}, 100);
      for (int i = 0; i < 1000; ++i) series.append(1000 * k + i);
    });
  for (auto& thread : threads) thread.join();
  file.flush();
  for (int k = 0; k < 4; ++k)
    BOOST_TEST(file.read_numbers(std::string("t") + std::to_string(k)).values[999] == 1000 * k + 999);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_a_failure_and_leaves_the_last_flush) {
  const Scratch scratch;
  const auto path = scratch.path("a.h5");
  const pid_t child = ::fork();
  BOOST_TEST_REQUIRE(child >= 0);
  if (child == 0) {  // its own process: the limit on file size cannot be raised again
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{3u << 20, 3u << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int result = 1;
    try {
      auto file = H5File::create(path);
      file.create_axis("neuron", 1000);
      auto time = file.create_growing_axis("time", H5Type::float64, {}, 1000);
      auto v = file.create_series("V", H5Type::float64, "time", {"neuron"});
      const std::vector<double> row(1000, 1.5);
      try {
        for (int i = 0; i < 10000; ++i) {
          time.append(i);
          v.append(row);
          if (i == 99 || i == 199) file.flush();
        }
      } catch (const Failure& failure) {
        const bool named = says(path, "File too large", "last flush")(failure);
        bool again = false;
        try {
          file.flush();
        } catch (const Failure&) {
          again = true;
        }
        bool closing = false;
        try {
          file.close();
        } catch (const Failure&) {
          closing = true;
        }
        result = named && again && closing ? 0 : 2;
      }
    } catch (...) {
      result = 3;
    }
    ::_exit(result);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST_REQUIRE(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0);
  const auto file = H5File::open(path);
  BOOST_TEST(file.shape("V")[0] == 200u);
  BOOST_TEST(file.read_numbers("V").values.back() == 1.5);
  BOOST_TEST(file.read_numbers("time").values.back() == 199.0);
}

BOOST_AUTO_TEST_CASE(a_blocked_array_takes_any_boxes_and_holds_nan_where_none_was_written) {
  const Scratch scratch;
  const auto path = scratch.path("blocked.h5");
  constexpr std::size_t rows = 11, row = 20000;  // 160 kB: 4 rows make 512 KiB
  std::vector<double> values(2 * rows * row, NAN);
  {
    auto file = H5File::create(path);
    file.create_axis("trial", 2);
    file.create_axis("t", rows);
    file.create_axis("x", row);
    BOOST_TEST(file.create_blocked_array("y", H5Type::float64, {"trial", "t", "x"}, 1) == 4u);
    BOOST_TEST(file.create_blocked_array("small", H5Type::float64, {"trial", "t"}, 1) == rows);  // not cut at all
    // A whole block, one begun and finished, the short one at the end, and boxes across blocks and parts of rows.
    const std::size_t boxes[][6] = {{0, 0, 0, 1, 4, row}, {0, 4, 0, 1, 1, row}, {0, 5, 0, 1, 3, row},
                                    {1, 8, 0, 1, 3, row}, {1, 2, 7, 1, 4, 100}, {0, 3, 0, 2, 1, 5}};
    double next = 0;
    for (const auto& b : boxes) {
      std::vector<double> part;
      for (std::size_t k = 0; k < b[3]; ++k)
        for (std::size_t i = 0; i < b[4]; ++i)
          for (std::size_t j = 0; j < b[5]; ++j) {
            part.push_back(++next);
            values[((b[0] + k) * rows + b[1] + i) * row + b[2] + j] = next;
          }
      file.write_part("y", std::span(b, 3), std::span(b + 3, 3), part);
    }
    file.close();
  }
  const auto read = H5File::open(path).read_numbers("y");
  BOOST_TEST(read.shape == (std::vector<std::size_t>{2, rows, row}), boost::test_tools::per_element());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(read.values[i] == values[i] || (std::isnan(read.values[i]) && std::isnan(values[i]))))
      BOOST_FAIL("element " << i << " is " << read.values[i] << ", written was " << values[i]);
}

BOOST_AUTO_TEST_SUITE_END()
