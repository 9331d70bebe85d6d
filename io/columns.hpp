#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace striate {

/// Columns of numbers, equally long, row by row: of a CSV table by their names, or of an HDF5 file (.h5, .hdf5, .nwb)
/// by the paths of its datasets, whose values count in row-major order.
/// @throws Error for a file, a column or a number that is not there
std::vector<double> read_columns(const std::string& file, const std::vector<std::string>& columns);

/// @throws Error for a column of HDF5 whose dataset has several axes that are not those wanted (axes of length 1 aside)
void require_shape(const std::string& file, const std::string& column, std::span<const std::size_t> wanted);

}  // namespace striate
