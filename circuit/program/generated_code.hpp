#pragma once

#include <memory>
#include <string>

namespace striate {

/// How the rate and the steps of a circuit are executed: by kernels that take a block of elements through one
/// instruction, or by C++ that is written for them, compiled by the system's compiler and loaded. Both give the same
/// bits.
enum class Code : unsigned char { blocks, generated };

/// What STRIATE_CODE asks for: `blocks`, also where it is not set, or `generated`. @throws Error for another word
Code code_in_use();

/// A shared library made from C++ text, for the instruction set in use. It is kept in the folder STRIATE_CACHE
/// (otherwise XDG_CACHE_HOME/striate or HOME/.cache/striate) under the hash of text, compiler and flags. The compiler
/// is STRIATE_CXX, otherwise c++.
class GeneratedCode {
 public:
  /// @param text  functions in extern "C", for which circuit/kernels/level/operations.hpp stands before them
  /// @throws Error where there is no compiler or no place for the result; Failure where the text does not compile
  explicit GeneratedCode(const std::string& text);
  ~GeneratedCode();
  GeneratedCode(const GeneratedCode&) = delete;
  GeneratedCode& operator=(const GeneratedCode&) = delete;

  void* function(const std::string& name) const;

 private:
  void* handle_ = nullptr;
};

}  // namespace striate
