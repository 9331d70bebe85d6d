#include "sim/provenance.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <filesystem>

#include "base/error.hpp"
#include "circuit/kernels/kernels.hpp"
#include "sim/version.hpp"

namespace striate {

std::string version_text() { return fmt::format("{} ({})", version, commit); }

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

void write_provenance(H5File& file, const std::string& title, const std::string& circuit, std::uint64_t seed,
                      const Provenance& provenance) {
  file.set_attribute("/", "title", title);
  file.set_attribute("/", "circuit", circuit);
  file.set_attribute("/", "striate_version", std::string(version));
  file.set_attribute("/", "striate_commit", std::string(commit));
  file.set_attribute("/", "instruction_set", std::string(isa_name(isa_level())));
  constexpr std::size_t longest = 50000;  // an attribute holds no more than 60 kB
  const std::string& command = provenance.command;
  file.set_attribute("/", "command", command.size() > longest ? command.substr(0, longest) + " ..." : command);
  file.set_attribute("/", "threads", static_cast<std::int64_t>(provenance.threads));
  file.set_attribute("/", "seed", static_cast<std::int64_t>(seed));
  file.set_attribute("/", "created", utc_now());
  file.set_attribute("/", "folder", std::filesystem::current_path().string());
}

H5File open_recording(const std::string& path) {
  H5File file = H5File::open(path);
  const auto complete = file.attribute("/", "complete"), maker = file.attribute("/", "striate_version");
  if (!complete || !std::holds_alternative<std::int64_t>(*complete) || !maker ||
      !std::holds_alternative<std::string>(*maker))
    throw Error(path,
                "this is an HDF5 file, but not a recording of Striate: it lacks the attributes 'complete' and "
                "'striate_version'.");
  return file;
}

}  // namespace striate
