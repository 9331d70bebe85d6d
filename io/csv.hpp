#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace striate {

/// A table of named columns, as read from a CSV file: lines that begin with `#` are comments, the first other line
/// names the columns, cells are separated by commas and may be quoted ("a, ""b""" is a, "b"). Empty lines are skipped.
class CsvTable {
 public:
  /// Throws Error `file:line: ...` on a row with another number of cells than the header, a repeated or missing column
  /// name, an open quote, or a file that cannot be read.
  static CsvTable read(const std::string& path);
  static CsvTable parse(std::string_view text, const std::string& name);

  const std::vector<std::string>& comments() const { return comments_; }  ///< without the #
  const std::vector<std::string>& columns() const { return columns_; }
  std::size_t rows() const { return lines_.size(); }

  /// A column; an unknown one is an Error with the nearest names.
  const std::vector<std::string>& text(std::string_view column) const;
  /// A column of numbers; an empty cell is NaN, any other text is an Error with its line.
  std::vector<double> numbers(std::string_view column) const;

 private:
  std::string name_;
  std::vector<std::string> comments_, columns_;
  std::vector<std::vector<std::string>> cells_;  // per column
  std::vector<std::size_t> lines_;               // per row, where it stands in the file
};

}  // namespace striate
