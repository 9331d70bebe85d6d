#include "io/toml_limits.hpp"

namespace striate::detail {

std::optional<std::size_t> line_nested_too_deep(std::string_view text) {
  std::size_t line = 1;
  int open = 0;  // brackets
  int dots = 0;  // in the present key
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '\n':
        ++line;
        dots = 0;
        break;
      case '#': {
        const std::size_t end = text.find('\n', i);
        if (end == std::string_view::npos) return std::nullopt;
        i = end - 1;
        break;
      }
      case '"':
      case '\'': {
        const bool long_string = text.substr(i, 3) == std::string_view(c == '"' ? "\"\"\"" : "'''");
        i += long_string ? 3 : 1;
        for (; i < text.size(); ++i) {
          if (text[i] == '\n') {
            if (!long_string) break;  // unterminated: the parser stops here too
            ++line;
          }
          if (c == '"' && text[i] == '\\') {
            ++i;
            if (i < text.size() && text[i] == '\n') ++line;
          } else if (text[i] == c &&
                     (!long_string || text.substr(i, 3) == std::string_view(c == '"' ? "\"\"\"" : "'''"))) {
            if (long_string) i += 2;
            break;
          }
        }
        if (i < text.size() && text[i] == '\n') --i;
        break;
      }
      case '[':
      case '{':
        ++open;
        dots = 0;
        break;
      case ']':
      case '}':
        if (open > 0) --open;
        dots = 0;
        break;
      case '=':
      case ',': dots = 0; break;
      case '.': ++dots; break;
      default: break;
    }
    if (open > deepest_toml || dots > deepest_toml) return line;
  }
  return std::nullopt;
}

}  // namespace striate::detail
