#pragma once

// What the parts of hdf5.hpp share: the state of files and series, and HDF5's objects by path.

#include <fmt/format.h>
#include <hdf5_hl.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_staged_driver.hpp"

namespace striate {

struct H5Series::State {
  H5File::State* file = nullptr;  // cleared when the file closes
  std::string path;
  detail::Handle dataset;
  H5Type type = H5Type::float64;
  std::vector<hsize_t> row_shape;
  std::size_t row_elements = 1;
  std::size_t chunk_rows = 1;
  std::size_t stored_rows = 0;
  std::size_t extent = 0;  // in rows; more than are stored where a series has begun anew
  std::vector<unsigned char> buffer;

  std::size_t row_bytes() const;
  template <class From>
  void append(std::span<const From> rows, bool same_type, bool real);
  void extend(std::size_t rows);
  void store();
};

struct H5File::State {
  std::string path;
  detail::Handle file;
  bool writable = false;
  std::vector<std::shared_ptr<H5Series::State>> series;

  [[noreturn]] void mistake(const std::string& where, const std::string& text) const {
    throw Error(fmt::format("{}: {}: {}", path, where, text));
  }
  [[noreturn]] void broken(const std::string& where, const std::string& what) const {
    throw Failure(fmt::format("{}: {}: {} (HDF5: {}).", path, where, what, detail::hdf5_reason()));
  }
  void check(herr_t status, const std::string& where, const char* what) const {
    if (status < 0) broken(where, what);
  }
  detail::Handle checked(hid_t id, detail::Handle::Close close, const std::string& where, const char* what) const {
    if (id < 0) broken(where, what);
    return detail::Handle(id, close);
  }
  hid_t id() const {
    if (!file) throw Error(fmt::format("{}: the file has been closed.", path));
    return file.get();
  }
  hid_t writable_id(const std::string& where) const {
    const hid_t opened = id();
    if (!writable) mistake(where, "the file is open for reading only.");
    return opened;
  }
  void check_disk() const {
    if (!writable || !file) return;
    if (const int failure = detail::staged_file(file.get()).failure; failure != 0)
      throw Failure(
          fmt::format("{}: the file cannot be written any further: {}. It holds what was recorded up to the last "
                      "flush and can be opened. Free some space or choose another place.",
                      path, std::strerror(failure)));
  }
};

namespace detail {

/// Of a chunk of a dataset that grows, about.
constexpr std::size_t chunk_bytes = std::size_t{512} << 10;

/// With one leading slash.
std::string normal_path(const std::string& path);
std::size_t type_bytes(H5Type type);
hid_t native_type(H5Type type);
const char* type_name(H5Type type);
hid_t file_type(H5Type type);
Handle text_type();
/// A scalar where there are no axes.
Handle space_of(std::span<const hsize_t> shape);
/// For datasets, with attributes in their order.
Handle creation_list();
void set_group_options(hid_t list);
/// NaN, where there is one.
void set_fill_value(hid_t list, H5Type type);
bool exists_at(hid_t file, const std::string& path);
/// Those on the way to a path.
void make_groups(const H5File::State& file, const std::string& path);
/// @throws Error naming the nearest ones
Handle open_dataset(const H5File::State& file, const std::string& path);
std::vector<hsize_t> shape_of(hid_t dataset);
std::size_t product(std::span<const hsize_t> shape);
/// @throws Error where `user` needs an axis that there is none of
Handle open_scale(const H5File::State& file, const std::string& axis, const std::string& user);
/// Unit, long name, and netCDF's mark of missing values.
void label_dataset(const H5File::State& file, hid_t dataset, const std::string& path, H5Type type, const H5Label& label,
                   bool is_axis);
std::string last_name(const std::string& path);
/// @throws Error where there is one
Handle create_dataset(const H5File::State& file, const std::string& path, hid_t type, hid_t space, hid_t creation,
                      hid_t access = H5P_DEFAULT);
/// Makes these the axes of a dataset.
void attach(const H5File::State& file, hid_t dataset, const std::string& path, const std::vector<std::string>& axes);
std::vector<hsize_t> shape_of_axes(const H5File::State& file, const std::vector<std::string>& axes,
                                   const std::string& user);
void check_text(const H5File::State& file, const std::string& where, const std::string& text);
/// @throws Error for a zero byte; so check_text
std::vector<const char*> text_pointers(const H5File::State& file, const std::string& where,
                                       const std::vector<std::string>& texts);
/// In place of one of that name.
void write_attribute(const H5File::State& file, hid_t object, const std::string& where, const std::string& name,
                     const H5Attribute& value);
Handle open_object(const H5File::State& file, const std::string& path);
H5Type type_of(const H5File::State& file, hid_t type, const std::string& where);

}  // namespace detail
}  // namespace striate
