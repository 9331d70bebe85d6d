#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "io/hdf5.hpp"

using namespace striate;

namespace {

const std::string directory = std::string(STRIATE_BINARY_DIR) + "/tests/recordings";

/// open_recording.py knows these names and numbers.
H5File write_recording(const std::string& path) {
  auto file = H5File::create(path, true);
  file.set_attribute("/", "complete", std::int64_t{0});
  file.set_attribute("/", "seed", std::int64_t{20240229});
  file.set_attribute("/", "tolerances", std::vector<double>{1e-6, 1e-9});
  file.set_attribute("/", "warnings", std::vector<std::string>{"none", "größer"});
  file.set_attribute("/", "command", std::string("striate run tilt.toml"));
  file.create_axis("y", 3);
  file.create_axis("x", 3);
  file.create_axis("theta", std::vector<double>{0, 45, 90, 135}, {"deg", "preferred orientation"});
  file.create_axis("condition", std::vector<std::string>{"centre", "surround"});
  auto time = file.create_growing_axis("time", H5Type::float64, {"ms", "time"});
  auto v = file.create_series("V", H5Type::float64, "time", {"y", "x", "theta"}, {"mV", "membrane potential"});
  auto packed = file.create_series("rate", H5Type::float32, "time", {"theta"}, {"Hz", "rate"}, 64, true);
  auto mode = file.create_series("mode", H5Type::uint8, "time", {});
  for (int i = 0; i < 200; ++i) {
    time.append(0.5 * i);
    v.append(std::vector<double>(36, i));
    packed.append(std::vector<double>{1.0 * i, 2.0 * i, 3.0 * i, 4.0 * i});
    const std::uint8_t now = i % 2;
    mode.append(std::span(&now, 1));
    if (i % 50 == 49) file.flush();
  }
  file.write("tuning", std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}, {"condition", "theta"}, {"Hz", "tuning curve"});
  file.create_array("missing", H5Type::float64, {"theta"}, {"Hz", "never computed"});
  file.write("counts", std::vector<std::int64_t>{10, 20}, {"condition"}, {"1", "spike count"});
  file.write_texts("status", {"done", "failed"}, "condition");
  file.write_text("circuit", "dV/dt = -V/τ : mV");
  file.write("analysis/peak", std::vector<double>{45, 90}, {"condition"}, {"deg", "peak"});
  file.flush();
  return file;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recording_for_python)

BOOST_AUTO_TEST_CASE(a_complete_and_a_killed_recording_are_left_for_open_recording_py) {
  std::filesystem::create_directories(directory);
  {
    auto file = write_recording(directory + "/complete.h5");
    file.set_attribute("/", "complete", std::int64_t{1});
    file.close();
  }
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = write_recording(directory + "/killed.h5");
    auto time = file.open_series("time");
    for (int i = 0; i < 100000; ++i) time.append(-1);  // written, never flushed
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(H5File::open(directory + "/killed.h5").shape("time")[0] == 200u);
}

BOOST_AUTO_TEST_SUITE_END()
