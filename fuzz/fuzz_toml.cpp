// Any text is either a document, every value of which can be asked for in every way, or an Error. What a document
// writes, it reads.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "io/toml.hpp"

namespace {

using namespace striate;

template <class Ask>
void attempt(const Ask& ask) {
  try {
    ask();
  } catch (const Error&) {
  }
}

void visit(const TomlValue& value) {
  (void)value.text();
  attempt([&] { (void)value.as_string(); });
  attempt([&] { (void)value.as_number(); });
  attempt([&] { (void)value.as_integer(); });
  attempt([&] { (void)value.as_bool(); });
  attempt([&] { (void)value.as_quantity(); });
  attempt([&] { (void)value.as_strings(); });
  attempt([&] { (void)value.as_numbers(); });
  attempt([&] { value.fail("but asked"); });
  if (value.is_array())
    for (const auto& element : value.as_array()) visit(element);
  if (value.is_table()) {
    const TomlTable table = value.as_table();
    for (const auto& key : table.keys()) visit(table.at(key));
    attempt([&] { (void)table.at("no such key"); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // The first line is an override PATH=VALUE when it starts with '!'.
  std::string_view text = input;
  std::string_view path, setting;
  if (!input.empty() && input[0] == '!') {
    const std::string_view line = input.substr(1, input.find('\n') == input.npos ? input.npos : input.find('\n') - 1);
    path = line.substr(0, line.find('='));
    if (line.find('=') != line.npos) setting = line.substr(line.find('=') + 1);
    text = input.substr(std::min(input.size(), line.size() + 2));
  }
  std::string written;
  try {
    auto document = TomlDocument::parse_string(text, "input");
    if (!path.empty()) attempt([&] { document.set(path, setting); });
    attempt([&] { document.require_all_used(); });
    const auto root = document.root();
    for (const auto& key : root.keys()) visit(root.at(key));
    document.require_all_used();
    written = document.to_text();
    (void)TomlDocument::parse_string(written, "its own text");
  } catch (const Error& e) {
    if (written.empty()) return 0;
    std::fprintf(stderr, "%s\n%s\n", e.what(), written.c_str());
    std::abort();
  }
  return 0;
}
