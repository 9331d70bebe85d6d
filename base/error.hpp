#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace striate {

/// A mistake of the caller: input that cannot be used as it stands. The command line turns it into exit code 2.
/// The text has the form `where: quantity = value [unit], but constraint. Likely cause. What to do.`
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  Error(std::string_view where, std::string_view what)
      : std::runtime_error(std::string(where) + ": " + std::string(what)) {}
};

/// A computation that could not go on (blow-up, no convergence, full disk). The command line turns it into exit code 1.
/// The text says at which time, in which state, with what likely cause.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The names of `known` nearest to `name` by edit distance, best first; empty when nothing is near.
std::vector<std::string> closest_names(std::string_view name, const std::vector<std::string>& known);

/// " Closest: a, b." or, when nothing is near, " Known: a, b, c, ...." -- the tail of every unknown-name message.
std::string suggest_names(std::string_view name, const std::vector<std::string>& known);

}  // namespace striate
