#include "circuit/text/lexer.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

#include "base/error.hpp"

namespace striate {

std::vector<Token> tokenize(std::string_view text, const std::string& origin) {
  std::vector<Token> tokens;
  int line = 1;
  std::size_t line_start = 0;
  std::vector<std::pair<int, std::size_t>> open;  // line and column of brackets that wait for their end
  std::size_t i = 0;
  const auto fail = [&](const std::string& what) {
    throw Error(fmt::format("{}:{}:{}", origin, line, i - line_start + 1), what);
  };
  const auto push = [&](Token::Kind kind, std::size_t begin, std::size_t end) {
    tokens.push_back(
        {kind, std::string(text.substr(begin, end - begin)), 0, line, static_cast<int>(begin - line_start + 1)});
  };
  const auto is_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  while (i < text.size()) {
    const char c = text[i];
    if (c == '\n') {
      if (open.empty() && !tokens.empty() && tokens.back().kind != Token::Kind::end_line)
        push(Token::Kind::end_line, i, i);
      ++i;
      ++line;
      line_start = i;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++i;
    } else if (c == '#') {
      while (i < text.size() && text[i] != '\n') ++i;
    } else if (c == '"') {
      const std::size_t end = text.find_first_of("\"\n", i + 1);
      if (end == std::string_view::npos || text[end] == '\n')
        fail("a text in quotes does not end on its line. Add the closing \".");
      push(Token::Kind::string, i + 1, end);
      i = end + 1;
    } else if (std::isdigit(static_cast<unsigned char>(c)) ||
               (c == '.' && i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1])))) {
      double value = 0;
      const auto [end, error] = std::from_chars(text.data() + i, text.data() + text.size(), value);
      if (error != std::errc()) fail("a number is too large or too small for double precision.");
      const auto stop = static_cast<std::size_t>(end - text.data());
      if (stop < text.size() && text[stop] == '.') {
        const std::size_t rest = text.find_first_not_of("0123456789.", stop);
        fail(fmt::format("'{}' is not a number. Remove a point.", text.substr(i, rest - i)));
      }
      push(Token::Kind::number, i, stop);
      tokens.back().value = value;
      i = stop;
    } else if (is_name(c)) {
      std::size_t end = i;
      while (end < text.size() && is_name(text[end])) ++end;
      push(Token::Kind::name, i, end);
      i = end;
    } else {
      std::size_t length = 1;
      for (const std::string_view two : {":=", ">=", "<=", "+="})
        if (text.substr(i, 2) == two) length = 2;
      if (length == 1 && std::string_view("+-*/^()[]=,:<>%~").find(c) == std::string_view::npos)
        fail(std::isprint(static_cast<unsigned char>(c)) ? fmt::format("'{}' has no meaning here.", c)
                                                         : std::string("a control character has no meaning here."));
      if (c == '(' || c == '[') open.emplace_back(line, i - line_start + 1);
      if ((c == ')' || c == ']') && !open.empty()) open.pop_back();
      push(Token::Kind::symbol, i, i + length);
      i += length;
    }
  }
  if (!open.empty())
    throw Error(fmt::format("{}:{}:{}", origin, open.back().first, open.back().second),
                "a bracket is opened here and never closed. Close it.");
  push(Token::Kind::end_line, i, i);
  push(Token::Kind::end, i, i);
  return tokens;
}

}  // namespace striate
