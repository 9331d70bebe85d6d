#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace striate {

struct Token {
  enum class Kind { name, number, string, symbol, end_line, end } kind = Kind::end;
  std::string text;  ///< of a string: what stands between the quotes
  double value = 0;
  int line = 1;
  int column = 1;
};

/// Splits circuit text. Lines end statements, but not inside brackets. # starts a comment.
/// @throws Error with the position of what cannot be read
std::vector<Token> tokenize(std::string_view text, const std::string& origin);

}  // namespace striate
