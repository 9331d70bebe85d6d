#include "circuit/program/generated_code.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/error.hpp"
#include "circuit/kernels/kernels.hpp"

namespace striate {

/// The text of level/operations.hpp and of what it includes; written by the build.
extern const char* const operations_text;

namespace {

namespace fs = std::filesystem;

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

fs::path cache_folder() {
  fs::path folder = setting("STRIATE_CACHE");
  if (folder.empty() && !setting("XDG_CACHE_HOME").empty()) folder = fs::path(setting("XDG_CACHE_HOME")) / "striate";
  if (folder.empty() && !setting("HOME").empty()) folder = fs::path(setting("HOME")) / ".cache" / "striate";
  if (folder.empty())
    throw Error("generated code",
                "has no folder: neither STRIATE_CACHE nor HOME is set. Set one, or STRIATE_CODE = blocks.");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || access(folder.c_str(), W_OK) != 0)
    throw Error("generated code", fmt::format("cannot write to '{}'. Set STRIATE_CACHE to a folder of yours, or "
                                              "STRIATE_CODE = blocks.",
                                              folder.string()));
  return folder;
}

/// What a command of the shell prints, and its exit status.
std::pair<std::string, int> output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return {"", -1};
  std::string text;
  std::array<char, 4096> part;
  for (std::size_t n; (n = fread(part.data(), 1, part.size(), pipe)) > 0;) text.append(part.data(), n);
  return {text, pclose(pipe)};
}

std::string quoted(const fs::path& path) {
  std::string text = "'";
  for (const char c : path.string()) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string flags() {
  const IsaLevel level = isa_level();
  return fmt::format(
      "-std=c++20 -O3 -march=x86-64-{}{} -fno-trapping-math -fno-math-errno -ffp-contract=off -w -fPIC -shared",
      isa_name(level), level == IsaLevel::v4 ? " -mprefer-vector-width=512" : "");
}

std::uint64_t hash(std::string_view text) {  // FNV-1a; a file's text is compared before it is used
  std::uint64_t h = 14695981039346656037u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

Code code_in_use() {
  const std::string asked = setting("STRIATE_CODE");
  if (asked.empty() || asked == "blocks") return Code::blocks;
  if (asked == "generated") return Code::generated;
  throw Error("STRIATE_CODE", fmt::format("= {}, but must be blocks or generated. Unset it for blocks.", asked));
}

GeneratedCode::GeneratedCode(const std::string& text) {
  const std::string compiler = setting("STRIATE_CXX").empty() ? "c++" : setting("STRIATE_CXX");
  const auto [version, status] = output_of(compiler + " --version");
  if (status != 0)
    throw Error("generated code", fmt::format("needs a C++ compiler, but '{} --version' does not run. Install one, set "
                                              "STRIATE_CXX, or STRIATE_CODE = blocks.",
                                              compiler));
  const std::string source =
      fmt::format("// {} {}\n// {}\n#define STRIATE_LEVEL generated\n{}\nusing namespace striate::generated;\n{}",
                  compiler, flags(), version.substr(0, version.find('\n')), operations_text, text);
  const fs::path folder = cache_folder(), name = fmt::format("{:016x}", hash(source));
  const fs::path library = folder / (name.string() + ".so"), kept = folder / (name.string() + ".cpp");
  if (fs::exists(library) && contents(kept) == source) handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_) return;

  // Under names of this process first, so that others find a whole library or none.
  static std::atomic<int> compiled = 0;
  const std::string mine = fmt::format("{}.{}.{}", name.string(), getpid(), compiled++);
  const fs::path new_source = folder / (mine + ".cpp"), new_library = folder / (mine + ".so");
  std::ofstream(new_source) << source;
  const auto [said, failed] =
      output_of(fmt::format("{} {} {} -o {} -lmvec -lm", compiler, flags(), quoted(new_source), quoted(new_library)));
  if (failed != 0) {
    fs::remove(new_library);
    throw Failure(fmt::format(
        "generated code: '{}' does not compile {}: {}. Set STRIATE_CXX to GCC 11 or later, or STRIATE_CODE = blocks.",
        compiler, new_source.string(), said.substr(0, said.find('\n'))));
  }
  fs::rename(new_source, kept);
  fs::rename(new_library, library);
  handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle_) throw Failure(fmt::format("generated code: {} cannot be loaded: {}.", library.string(), dlerror()));
}

GeneratedCode::~GeneratedCode() {
  if (handle_) dlclose(handle_);
}

void* GeneratedCode::function(const std::string& name) const {
  void* found = dlsym(handle_, name.c_str());
  if (!found) throw std::logic_error("generated code lacks the function " + name);
  return found;
}

}  // namespace striate
