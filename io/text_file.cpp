#include "io/text_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.hpp"

namespace striate {

std::string_view trimmed(std::string_view text) {
  constexpr const char* blank = " \t\r";
  const auto first = text.find_first_not_of(blank);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::size_t first_foreign_byte(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = at(i);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0) return i;
    for (std::size_t k = 1; k < length; ++k)
      if ((at(i + k) & 0xc0U) != 0x80) return i;
    const bool overlong = (lead == 0xe0 && at(i + 1) < 0xa0) || (lead == 0xf0 && at(i + 1) < 0x90);
    const bool beyond = (lead == 0xed && at(i + 1) > 0x9f) || (lead == 0xf4 && at(i + 1) > 0x8f);
    if (overlong || beyond) return i;
    i += length;
  }
  return text.size();
}

std::string read_text_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(path, fmt::format("the file cannot be opened: {}.", std::strerror(errno)));
  std::string text;
  for (std::array<char, 1 << 14> part{}; in && text.size() <= largest_text;) {
    in.read(part.data(), part.size());
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad() || (in.fail() && !in.eof())) throw Error(path, "the file cannot be read. Is it a directory?");
  if (text.size() > largest_text)
    throw Error(path, "the text is above 16 MiB. Keep arrays of data in files of their own.");
  if (text.starts_with("\x89HDF"))
    throw Error(path,
                "this is a recording (HDF5), but a text is asked for. Recordings are for striate info, plot, rerun and "
                "distances.");
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);  // the byte order mark that some editors write
  if (const std::size_t place = first_foreign_byte(text); place < text.size()) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(place);
    throw Error(fmt::format("{}:{}: the text is not UTF-8. Save it in that encoding.", path,
                            1 + std::count(text.begin(), end, '\n')));
  }
  return text;
}

}  // namespace striate
