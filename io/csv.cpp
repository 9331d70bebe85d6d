#include "io/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/error.hpp"
#include "io/text_file.hpp"

namespace striate {
namespace {

std::vector<std::string> split(std::string_view line, const std::string& where) {
  std::vector<std::string> cells;
  while (true) {
    line = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
    std::string cell;
    std::size_t end = 0;
    if (line.starts_with('"')) {
      for (std::size_t i = 1;; ++i) {
        if (i >= line.size()) throw Error(where, "a quote is opened but not closed on its line.");
        if (line[i] != '"') {
          cell += line[i];
        } else if (i + 1 < line.size() && line[i + 1] == '"') {
          cell += line[i++];
        } else {
          end = i + 1;
          break;
        }
      }
      const std::size_t comma = std::min(line.find(',', end), line.size());
      if (!trimmed(line.substr(end, comma - end)).empty()) throw Error(where, "text follows a closing quote.");
      end = comma;
    } else {
      end = std::min(line.find(','), line.size());
      cell = trimmed(line.substr(0, end));
    }
    cells.push_back(std::move(cell));
    if (end == line.size()) return cells;
    line.remove_prefix(end + 1);
  }
}

}  // namespace

CsvTable CsvTable::read(const std::string& path) { return parse(read_text_file(path), path); }

CsvTable CsvTable::parse(std::string_view text, const std::string& name) {
  CsvTable table;
  table.name_ = name;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string where = fmt::format("{}:{}", name, number);
    if (std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r'; }))
      throw Error(where, "a control character stands here. Is this a table of text?");
    if (trimmed(line).empty()) continue;
    if (line.starts_with('#')) {
      table.comments_.emplace_back(trimmed(line.substr(1)));
      continue;
    }
    auto cells = split(trimmed(line), where);
    if (table.columns_.empty()) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i].empty()) throw Error(where, fmt::format("column {} has no name.", i + 1));
        if (std::find(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(i), cells[i]) !=
            cells.begin() + static_cast<std::ptrdiff_t>(i))
          throw Error(where, fmt::format("two columns are named `{}`.", cells[i]));
      }
      table.columns_ = std::move(cells);
      table.cells_.resize(table.columns_.size());
      continue;
    }
    if (cells.size() != table.columns_.size())
      throw Error(where,
                  fmt::format("the row has {} cells, but there are {} columns.", cells.size(), table.columns_.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) table.cells_[i].push_back(std::move(cells[i]));
    table.lines_.push_back(number);
  }
  if (table.columns_.empty()) throw Error(name, "the file has no line that names its columns.");
  return table;
}

const std::vector<std::string>& CsvTable::text(std::string_view column) const {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found == columns_.end())
    throw Error(name_, fmt::format("there is no column `{}`.{}", column, suggest_names(column, columns_)));
  return cells_[static_cast<std::size_t>(found - columns_.begin())];
}

std::vector<double> CsvTable::numbers(std::string_view column) const {
  const auto& cells = text(column);
  std::vector<double> values(cells.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string_view cell = cells[i];
    if (cell.empty()) continue;
    if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), values[i]);
    if (error != std::errc() || end != cell.data() + cell.size())
      throw Error(fmt::format("{}:{}: {} = {}, but a number is asked for.", name_, lines_[i], column, cells[i]));
  }
  return values;
}

}  // namespace striate
