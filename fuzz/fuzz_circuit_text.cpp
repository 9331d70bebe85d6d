// Any text is either a circuit, whose own text reads back to the same circuit, or an Error.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "circuit/text.hpp"

namespace {

[[noreturn]] void fail(const char* what, const std::string& text) {
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace striate;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string text;
  try {
    const Circuit circuit = read_circuit(input);
    text = to_text(circuit);
    const Circuit again = read_circuit(text, "its own text");
    if (!(again == circuit))
      fail("The circuit's text reads back to another circuit:", text + "\n---\n" + to_text(again));
  } catch (const Error& e) {
    const std::string_view message = e.what();
    if (message.starts_with("its own text")) fail(e.what(), text);
    if (!message.starts_with("circuit text:") && text.empty() && message.find("takes more than") == message.npos)
      fail("An error without its place:", e.what());
  }
  return 0;
}
