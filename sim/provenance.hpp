#pragma once

#include <cstdint>
#include <string>

#include "io/hdf5.hpp"

namespace striate {

/// What made a file, written into it.
struct Provenance {
  std::string command;
  int threads = 1;
};

/// The program's version and commit.
std::string version_text();

/// Date and time in UTC: 2026-01-31T23:59:59Z.
std::string utc_now();

/// Sets the attributes of a file that every recording and training has: title, circuit, seed, the program's version,
/// commit and instruction set, command, threads, the time, and the folder from which the command ran.
void write_provenance(H5File& file, const std::string& title, const std::string& circuit, std::uint64_t seed,
                      const Provenance& provenance);

/// A file that write_provenance has marked and that says whether it is complete. @throws Error for any other
H5File open_recording(const std::string& path);

}  // namespace striate
