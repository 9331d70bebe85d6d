#include "io/columns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/error.hpp"
#include "io/csv.hpp"
#include "io/hdf5.hpp"

namespace striate {

namespace {

bool is_hdf5(const std::string& file) {
  return file.ends_with(".h5") || file.ends_with(".hdf5") || file.ends_with(".nwb");
}

}  // namespace

std::vector<double> read_columns(const std::string& file, const std::vector<std::string>& columns) {
  std::vector<std::vector<double>> read;
  if (is_hdf5(file)) {
    const H5File h5 = H5File::open(file);
    for (const auto& column : columns) read.push_back(h5.read_numbers(column).values);
  } else {
    const CsvTable table = CsvTable::read(file);
    for (const auto& column : columns) read.push_back(table.numbers(column));
  }
  const std::size_t rows = read.front().size();
  std::vector<double> values(rows * columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (read[c].size() != rows)
      throw Error(file, fmt::format("the column '{}' has {} values, but '{}' has {}.", columns[c], read[c].size(),
                                    columns[0], rows));
    for (std::size_t r = 0; r < rows; ++r) {
      if (!std::isfinite(read[c][r]))
        throw Error(file, fmt::format("row {} of the column '{}' is {}, but must be a finite number.", r + 1,
                                      columns[c], read[c][r]));
      values[r * columns.size() + c] = read[c][r];
    }
  }
  return values;
}

void require_shape(const std::string& file, const std::string& column, std::span<const std::size_t> wanted) {
  if (!is_hdf5(file)) return;
  const std::vector<std::size_t> held = H5File::open(file).shape(column);
  const auto longer = [](std::span<const std::size_t> shape) {
    std::vector<std::size_t> sizes;
    std::ranges::copy_if(shape, std::back_inserter(sizes), [](std::size_t size) { return size != 1; });
    return sizes;
  };
  if (const auto sizes = longer(held); sizes.size() > 1 && sizes != longer(wanted))
    throw Error(file, fmt::format("{} is {}, but {} is asked for. Store it in this order of axes, or as one list.",
                                  column, fmt::join(held, " x "), fmt::join(wanted, " x ")));
}

}  // namespace striate
