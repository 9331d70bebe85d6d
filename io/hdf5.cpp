#include "io/hdf5.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5_hl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_staged_driver.hpp"

namespace striate {

using detail::Handle;
using detail::hdf5_reason;
using detail::lock_hdf5;

struct H5Series::State {
  H5File::State* file = nullptr;  // cleared when the file closes
  std::string path;
  Handle dataset;
  H5Type type = H5Type::float64;
  std::vector<hsize_t> row_shape;
  std::size_t row_elements = 1;
  std::size_t chunk_rows = 1;
  std::size_t stored_rows = 0;
  std::vector<unsigned char> buffer;

  std::size_t row_bytes() const;
  template <class From>
  void append(std::span<const From> rows, bool same_type, bool real);
  void store();
};

struct H5File::State {
  std::string path;
  Handle file;
  bool writable = false;
  std::vector<std::shared_ptr<H5Series::State>> series;

  [[noreturn]] void mistake(const std::string& where, const std::string& text) const {
    throw Error(fmt::format("{}: {}: {}", path, where, text));
  }
  [[noreturn]] void broken(const std::string& where, const std::string& what) const {
    throw Failure(fmt::format("{}: {}: {} (HDF5: {}).", path, where, what, hdf5_reason()));
  }
  void check(herr_t status, const std::string& where, const char* what) const {
    if (status < 0) broken(where, what);
  }
  Handle checked(hid_t id, Handle::Close close, const std::string& where, const char* what) const {
    if (id < 0) broken(where, what);
    return Handle(id, close);
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

namespace {

constexpr std::size_t chunk_bytes = std::size_t{512} << 10;
constexpr std::size_t largest_attribute = 60000;
constexpr unsigned compact_limit = 65535;  // links and attributes stay in the header, whose commit is one write

std::string normal_path(const std::string& path) { return path.empty() || path[0] != '/' ? "/" + path : path; }

std::size_t type_bytes(H5Type type) {
  switch (type) {
    case H5Type::float32: return 4;
    case H5Type::uint8: return 1;
    default: return 8;
  }
}

hid_t native_type(H5Type type) {
  switch (type) {
    case H5Type::float64: return H5T_NATIVE_DOUBLE;
    case H5Type::float32: return H5T_NATIVE_FLOAT;
    case H5Type::int64: return H5T_NATIVE_INT64;
    case H5Type::uint8: return H5T_NATIVE_UINT8;
    case H5Type::text: break;
  }
  return -1;
}

const char* type_name(H5Type type) {
  switch (type) {
    case H5Type::float64: return "float64";
    case H5Type::float32: return "float32";
    case H5Type::int64: return "int64";
    case H5Type::uint8: return "uint8";
    case H5Type::text: break;
  }
  return "text";
}

hid_t file_type(H5Type type) {
  switch (type) {
    case H5Type::float64: return H5T_IEEE_F64LE;
    case H5Type::float32: return H5T_IEEE_F32LE;
    case H5Type::int64: return H5T_STD_I64LE;
    case H5Type::uint8: return H5T_STD_U8LE;
    case H5Type::text: break;
  }
  return -1;
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Handle space_of(std::span<const hsize_t> shape) {
  if (shape.empty()) return Handle(H5Screate(H5S_SCALAR), H5Sclose);
  return Handle(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
}

Handle creation_list() {
  Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_attr_creation_order(list.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_phase_change(list.get(), compact_limit, 0);
  return list;
}

void set_group_options(hid_t list) {
  H5Pset_link_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_link_phase_change(list, compact_limit, 0);
  H5Pset_attr_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_phase_change(list, compact_limit, 0);
}

void set_fill_value(hid_t list, H5Type type) {
  if (type == H5Type::float64 || type == H5Type::float32) {
    const double missing = std::numeric_limits<double>::quiet_NaN();
    H5Pset_fill_value(list, H5T_NATIVE_DOUBLE, &missing);
  }
}

bool exists_at(hid_t file, const std::string& path) {
  // Every link on the way is asked for: HDF5 takes a missing intermediate group for an error.
  for (std::size_t slash = path.find_first_not_of('/'); slash != std::string::npos;) {
    slash = path.find('/', slash);
    const std::string part = path.substr(0, slash);
    if (H5Lexists(file, part.c_str(), H5P_DEFAULT) <= 0) return false;
    if (slash != std::string::npos) slash = path.find_first_not_of('/', slash);
  }
  return H5Oexists_by_name(file, path.c_str(), H5P_DEFAULT) > 0 || path.find_first_not_of('/') == std::string::npos;
}

void make_groups(const H5File::State& file, const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string group = path.substr(0, slash);
    if (group.empty() || exists_at(file.id(), group)) continue;
    Handle list(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
    set_group_options(list.get());
    file.checked(H5Gcreate2(file.id(), group.c_str(), H5P_DEFAULT, list.get(), H5P_DEFAULT), H5Gclose, group,
                 "the group cannot be made");
  }
}

Handle open_dataset(const H5File::State& file, const std::string& path) {
  if (!exists_at(file.id(), path)) {
    std::vector<std::string> siblings;
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
    const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* names) -> herr_t {
      static_cast<std::vector<std::string>*>(names)->emplace_back(name);
      return 0;
    };
    if (exists_at(file.id(), parent))
      H5Literate_by_name(file.id(), parent.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &siblings,
                         H5P_DEFAULT);
    file.mistake(path, "the file has no such dataset." + suggest_names(path.substr(slash + 1), siblings));
  }
  Handle dataset(H5Dopen2(file.id(), path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset) file.mistake(path, fmt::format("this is not a readable dataset (HDF5: {}).", hdf5_reason()));
  return dataset;
}

std::vector<hsize_t> shape_of(hid_t dataset) {
  Handle space(H5Dget_space(dataset), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(rank, 0)));
  if (rank > 0) H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  return shape;
}

std::size_t product(std::span<const hsize_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

Handle open_scale(const H5File::State& file, const std::string& axis, const std::string& user) {
  if (!exists_at(file.id(), axis))
    file.mistake(user, fmt::format("axis = {}, but the file has no such axis. Create it first.", axis));
  Handle scale = open_dataset(file, axis);
  if (H5DSis_scale(scale.get()) <= 0 || shape_of(scale.get()).size() != 1)
    file.mistake(user, fmt::format("axis = {}, but that dataset is no axis. Create it with create_axis.", axis));
  return scale;
}

void write_attribute(const H5File::State& file, hid_t object, const std::string& where, const std::string& name,
                     const H5Attribute& value);

void label_dataset(const H5File::State& file, hid_t dataset, const std::string& path, H5Type type, const H5Label& label,
                   bool is_axis) {
  if (!label.units.empty()) write_attribute(file, dataset, path, "units", label.units);
  if (!label.long_name.empty()) write_attribute(file, dataset, path, "long_name", label.long_name);
  if (is_axis) return;  // netCDF: coordinates are never missing
  if (type == H5Type::float64) {
    write_attribute(file, dataset, path, "_FillValue", std::numeric_limits<double>::quiet_NaN());
  } else if (type == H5Type::float32) {
    const float missing = std::numeric_limits<float>::quiet_NaN();
    Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    Handle made = file.checked(H5Acreate2(dataset, "_FillValue", H5T_IEEE_F32LE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                               H5Aclose, path, "an attribute cannot be written");
    file.check(H5Awrite(made.get(), H5T_NATIVE_FLOAT, &missing), path, "an attribute cannot be written");
  }
}

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Handle create_dataset(const H5File::State& file, const std::string& path, hid_t type, hid_t space, hid_t creation,
                      hid_t access = H5P_DEFAULT) {
  file.writable_id(path);
  if (last_name(path).empty()) file.mistake(path, "a dataset needs a name.");
  if (exists_at(file.id(), path)) file.mistake(path, "the dataset exists already.");
  make_groups(file, path);
  Handle dataset = file.checked(H5Dcreate2(file.id(), path.c_str(), type, space, H5P_DEFAULT, creation, access),
                                H5Dclose, path, "the dataset cannot be made");
  return dataset;
}

void attach(const H5File::State& file, hid_t dataset, const std::string& path, const std::vector<std::string>& axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Handle scale = open_scale(file, normal_path(axes[i]), path);
    file.check(H5DSattach_scale(dataset, scale.get(), static_cast<unsigned>(i)), path, "an axis cannot be attached");
  }
}

std::vector<hsize_t> shape_of_axes(const H5File::State& file, const std::vector<std::string>& axes,
                                   const std::string& user) {
  std::vector<hsize_t> shape;
  for (const auto& axis : axes) shape.push_back(shape_of(open_scale(file, normal_path(axis), user).get())[0]);
  return shape;
}

void check_text(const H5File::State& file, const std::string& where, const std::string& text) {
  if (text.find('\0') != std::string::npos) file.mistake(where, "a text must not contain a zero byte.");
}

std::vector<const char*> text_pointers(const H5File::State& file, const std::string& where,
                                       const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const auto& text : texts) {
    check_text(file, where, text);
    pointers.push_back(text.c_str());
  }
  return pointers;
}

struct AttributeData {
  Handle stored_type;
  hid_t memory_type;
  std::vector<hsize_t> shape;
  const void* bytes;
  std::size_t size;
};

void write_attribute(const H5File::State& file, hid_t object, const std::string& where, const std::string& name,
                     const H5Attribute& value) {
  if (name.empty()) file.mistake(where, "an attribute needs a name.");
  std::vector<const char*> pointers;
  AttributeData data{{}, -1, {}, nullptr, 0};
  const auto numbers = [&](H5Type type, const void* bytes, std::size_t count) {
    data.stored_type = Handle(H5Tcopy(file_type(type)), H5Tclose);
    data.memory_type = native_type(type);
    data.bytes = bytes;
    data.size = count * type_bytes(type);
  };
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    numbers(H5Type::int64, integer, 1);
  } else if (const auto* real = std::get_if<double>(&value)) {
    numbers(H5Type::float64, real, 1);
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) {
    numbers(H5Type::int64, integers->data(), integers->size());
    data.shape = {integers->size()};
  } else if (const auto* reals = std::get_if<std::vector<double>>(&value)) {
    numbers(H5Type::float64, reals->data(), reals->size());
    data.shape = {reals->size()};
  } else {
    if (const auto* text = std::get_if<std::string>(&value)) {
      check_text(file, where + "@" + name, *text);
      pointers.push_back(text->c_str());
    } else {
      pointers = text_pointers(file, where + "@" + name, std::get<std::vector<std::string>>(value));
      data.shape = {pointers.size()};
    }
    data.stored_type = text_type();
    data.memory_type = data.stored_type.get();
    data.bytes = pointers.data();
    for (const char* text : pointers) data.size = std::max(data.size, std::strlen(text));
    data.size = std::max(data.size, 16 * pointers.size());
  }
  if (data.size > largest_attribute)
    file.mistake(where + "@" + name,
                 fmt::format("the attribute has {} bytes, but at most {} fit. Write it as a dataset.", data.size,
                             largest_attribute));
  constexpr const char* cannot = "an attribute cannot be written";
  Handle space = space_of(data.shape);
  if (H5Aexists(object, name.c_str()) > 0) {
    Handle old = file.checked(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, where, cannot);
    Handle old_type(H5Aget_type(old.get()), H5Tclose), old_space(H5Aget_space(old.get()), H5Sclose);
    if (pointers.empty() && H5Tequal(old_type.get(), data.stored_type.get()) > 0 &&
        H5Sextent_equal(old_space.get(), space.get()) > 0) {
      file.check(H5Awrite(old.get(), data.memory_type, data.bytes), where, cannot);
      return;
    }
    old.reset();
    file.check(H5Adelete(object, name.c_str()), where, cannot);
  }
  Handle made =
      file.checked(H5Acreate2(object, name.c_str(), data.stored_type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                   H5Aclose, where, cannot);
  if (data.bytes != nullptr) file.check(H5Awrite(made.get(), data.memory_type, data.bytes), where, cannot);
}

Handle access_list(bool staged) {
  Handle list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG);
  if (staged) {
    H5Pset_libver_bounds(list.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);  // format 2: no mark that outlives a kill
    detail::use_staged_driver(list.get());
  }
  return list;
}

/// From here on datasets are made with chunk indices that only grow (of HDF5 1.10), in a file of format 2.
void use_growing_indices(hid_t file) { H5Fset_libver_bounds(file, H5F_LIBVER_V110, H5F_LIBVER_LATEST); }

void require_regular_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw Error(path, fmt::format("the file cannot be opened: {}.", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw Error(path, "this is not a file.");
  if (status.st_size == 0) throw Error(path, "the file is empty. Was the run that wrote it stopped at once?");
  if (::access(path.c_str(), R_OK) != 0)
    throw Error(path, fmt::format("the file cannot be read: {}.", std::strerror(errno)));
}

std::vector<std::string> children(const H5File::State& file, const std::string& path, H5O_type_t wanted) {
  if (!exists_at(file.id(), path)) file.mistake(path, "the file has no such group.");
  Handle group(H5Gopen2(file.id(), path.c_str(), H5P_DEFAULT), H5Gclose);
  if (!group) file.mistake(path, "this is not a group.");
  Handle list(H5Gget_create_plist(group.get()), H5Pclose);
  unsigned order = 0;
  H5Pget_link_creation_order(list.get(), &order);
  struct Visit {
    H5O_type_t wanted;
    std::vector<std::string> names;
  } visit{wanted, {}};
  const auto collect = [](hid_t from, const char* name, const H5L_info_t*, void* data) -> herr_t {
    auto& found = *static_cast<Visit*>(data);
    H5O_info_t info;
    if (H5Oexists_by_name(from, name, H5P_DEFAULT) > 0 &&
        H5Oget_info_by_name2(from, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 && info.type == found.wanted)
      found.names.emplace_back(name);
    return 0;
  };
  const H5_index_t index = (order & H5P_CRT_ORDER_TRACKED) ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  file.check(H5Literate(group.get(), index, H5_ITER_INC, nullptr, collect, &visit), path, "the group cannot be listed");
  return visit.names;
}

Handle open_object(const H5File::State& file, const std::string& path) {
  if (!exists_at(file.id(), path)) file.mistake(path, "the file has no such group or dataset.");
  return file.checked(H5Oopen(file.id(), path.c_str(), H5P_DEFAULT), H5Oclose, path, "it cannot be opened");
}

/// Reads texts of either kind, variable or fixed length, through `read(memory type, buffer)`.
template <class Read>
std::vector<std::string> texts_from(hid_t type, hid_t space, std::size_t count, const Read& read) {
  std::vector<std::string> texts(count);
  if (count == 0) return texts;
  Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_cset(memory.get(), H5Tget_cset(type));
  if (H5Tis_variable_str(type) > 0) {
    H5Tset_size(memory.get(), H5T_VARIABLE);
    std::vector<char*> pointers(count, nullptr);
    read(memory.get(), pointers.data());
    for (std::size_t i = 0; i < count; ++i)
      if (pointers[i] != nullptr) texts[i] = pointers[i];
    H5Dvlen_reclaim(memory.get(), space, H5P_DEFAULT, pointers.data());
  } else {
    const std::size_t width = H5Tget_size(type);
    H5Tset_size(memory.get(), width + 1);
    std::vector<char> bytes(count * (width + 1));
    read(memory.get(), bytes.data());
    for (std::size_t i = 0; i < count; ++i) texts[i] = std::string(bytes.data() + i * (width + 1));
  }
  return texts;
}

H5Type type_of(const H5File::State& file, hid_t type, const std::string& where) {
  const std::size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT: return size <= 4 ? H5Type::float32 : H5Type::float64;
    case H5T_INTEGER: return size == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? H5Type::uint8 : H5Type::int64;
    case H5T_ENUM: return H5Type::int64;
    case H5T_STRING: return H5Type::text;
    default: file.mistake(where, "this holds neither numbers nor text.");
  }
}

std::shared_ptr<H5Series::State> series_state(H5File::State& file, const std::string& path, Handle dataset, H5Type type,
                                              std::span<const hsize_t> shape, std::size_t chunk_rows) {
  auto state = std::make_shared<H5Series::State>();
  state->file = &file;
  state->path = path;
  state->dataset = std::move(dataset);
  state->type = type;
  state->row_shape.assign(shape.begin() + 1, shape.end());
  state->row_elements = product(state->row_shape);
  state->stored_rows = shape[0];
  state->chunk_rows = chunk_rows;
  file.series.push_back(state);
  return state;
}

std::shared_ptr<H5Series::State> new_series(H5File::State& file, const std::string& path, H5Type type,
                                            std::span<const hsize_t> row_shape, std::size_t expected_rows, bool gzip) {
  if (type == H5Type::text) file.mistake(path, "a series of texts cannot be made; texts are written whole.");
  const std::size_t row_bytes = std::max<std::size_t>(1, product(row_shape)) * type_bytes(type);
  std::size_t chunk_rows = std::max<std::size_t>(1, chunk_bytes / row_bytes);
  if (expected_rows > 0) chunk_rows = std::min(chunk_rows, expected_rows);
  std::vector<hsize_t> shape{0}, limits{H5S_UNLIMITED}, chunk{chunk_rows};
  for (const hsize_t n : row_shape) {
    if (n == 0) file.mistake(path, "an axis of its rows has no elements.");
    shape.push_back(n);
    limits.push_back(n);
    chunk.push_back(n);
  }
  if (chunk_rows * row_bytes > std::numeric_limits<std::uint32_t>::max())
    file.mistake(
        path,
        fmt::format("a row has {} bytes, but HDF5 stores at most 4 GiB in one piece. Record less at once.", row_bytes));
  Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), limits.data()), H5Sclose);
  Handle list = creation_list();
  H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
  set_fill_value(list.get(), type);
  Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  if (gzip) {
    H5Pset_shuffle(list.get());
    H5Pset_deflate(list.get(), 1);
    H5Pset_chunk_cache(access.get(), 11, 2 * chunk_rows * row_bytes, 1.0);
  } else {
    H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER);  // rows past the extent are never seen
    H5Pset_chunk_cache(access.get(), 1, 0, 1.0);        // rows go straight to the file
  }
  Handle dataset = create_dataset(file, path, file_type(type), space.get(), list.get(), access.get());
  return series_state(file, path, std::move(dataset), type, shape, chunk_rows);
}

/// `block`: how it is cut into chunks; empty: not at all.
void make_array(const H5File::State& file, const std::string& path, H5Type type, const std::vector<std::string>& axes,
                const H5Label& label, const std::vector<hsize_t>& block = {}) {
  if (type == H5Type::text) file.mistake(path, "texts are written with write_texts.");
  const auto shape = shape_of_axes(file, axes, path);
  Handle list = creation_list(), space = space_of(shape);
  set_fill_value(list.get(), type);
  if (!block.empty()) {
    H5Pset_chunk(list.get(), static_cast<int>(block.size()), block.data());
    auto limits = shape;
    limits[0] = H5S_UNLIMITED;  // for the sake of a chunk index that only grows
    space = Handle(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), limits.data()), H5Sclose);
  }
  Handle dataset = create_dataset(file, path, file_type(type), space.get(), list.get());
  attach(file, dataset.get(), path, axes);
  label_dataset(file, dataset.get(), path, type, label, false);
}

void write_all(const H5File::State& file, const std::string& path, H5Type type, const void* values, std::size_t count,
               const std::vector<std::string>& axes, const H5Label& label) {
  file.writable_id(path);
  const auto shape = shape_of_axes(file, axes, path);
  if (product(shape) != count)
    file.mistake(path, fmt::format("{} values are given, but its axes [{}] have {}.", count, fmt::join(shape, ", "),
                                   product(shape)));
  make_array(file, path, type, axes, label);
  Handle dataset = open_dataset(file, path);
  file.check(H5Dwrite(dataset.get(), native_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), path,
             "it cannot be written");
  file.check_disk();
}

/// Whether a box of an unfiltered chunked dataset is one of its chunks.
bool is_chunk(hid_t dataset, const std::vector<hsize_t>& first, const std::vector<hsize_t>& box) {
  Handle list(H5Dget_create_plist(dataset), H5Pclose);
  if (H5Pget_layout(list.get()) != H5D_CHUNKED || H5Pget_nfilters(list.get()) != 0) return false;
  std::vector<hsize_t> chunk(box.size());
  H5Pget_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
  for (std::size_t i = 0; i < box.size(); ++i)
    if (first[i] % chunk[i] != 0) return false;
  return box == chunk;
}

void write_box(const H5File::State& file, const std::string& path, H5Type type, std::span<const std::size_t> start,
               std::span<const std::size_t> count, const void* values, std::size_t given) {
  file.writable_id(path);
  Handle dataset = open_dataset(file, path);
  const auto shape = shape_of(dataset.get());
  const std::vector<hsize_t> first(start.begin(), start.end()), box(count.begin(), count.end());
  bool inside = first.size() == shape.size() && box.size() == shape.size();
  for (std::size_t i = 0; inside && i < shape.size(); ++i) inside = box[i] <= shape[i] && first[i] <= shape[i] - box[i];
  if (!inside || product(box) != given)
    file.mistake(path, fmt::format("{} values are given for the box [{}] at [{}], but the dataset is [{}].", given,
                                   fmt::join(box, ", "), fmt::join(first, ", "), fmt::join(shape, ", ")));
  if (is_chunk(dataset.get(), first, box)) {
    file.check(H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 0, first.data(), given * type_bytes(type), values), path,
               "it cannot be written");
    return file.check_disk();
  }
  Handle space(H5Dget_space(dataset.get()), H5Sclose), memory = space_of(box);
  if (!shape.empty())
    file.check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, first.data(), nullptr, box.data(), nullptr), path,
               "the box cannot be selected");
  file.check(H5Dwrite(dataset.get(), native_type(type), memory.get(), space.get(), H5P_DEFAULT, values), path,
             "it cannot be written");
  file.check_disk();
}

void make_coordinates(const H5File::State& file, const std::string& path, H5Type type, const void* values,
                      std::size_t count, const H5Label& label) {
  const hsize_t shape[] = {count};
  Handle dataset = create_dataset(file, path, file_type(type), space_of(shape).get(), creation_list().get());
  file.check(H5Dwrite(dataset.get(), native_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), path,
             "it cannot be written");
  file.check(H5DSset_scale(dataset.get(), last_name(path).c_str()), path, "it cannot be made an axis");
  label_dataset(file, dataset.get(), path, type, label, true);
  file.check_disk();
}

}  // namespace

// --- series ---------------------------------------------------------------------------------------------------------

std::size_t H5Series::State::row_bytes() const { return row_elements * type_bytes(type); }

template <class From>
void H5Series::State::append(std::span<const From> rows, bool same_type, bool real) {
  const auto lock = lock_hdf5();
  if (file == nullptr) throw Error(path, "this series has been closed.");
  file->check_disk();
  if (!same_type && !real)
    file->mistake(path, fmt::format("the values given are of another type than the series, {}.", type_name(type)));
  if (rows.size() % row_elements != 0)
    file->mistake(path, fmt::format("{} values are given, but a row has {}.", rows.size(), row_elements));
  const std::size_t old = buffer.size();
  buffer.resize(old + rows.size() * type_bytes(type));
  unsigned char* to = buffer.data() + old;
  if (same_type) {
    if (!rows.empty()) std::memcpy(to, rows.data(), rows.size_bytes());
  } else {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const float narrow = static_cast<float>(rows[i]);
      const double wide = static_cast<double>(rows[i]);
      if (type == H5Type::float32)
        std::memcpy(to + 4 * i, &narrow, 4);
      else
        std::memcpy(to + 8 * i, &wide, 8);
    }
  }
  const std::size_t to_boundary = chunk_rows - stored_rows % chunk_rows;
  if (buffer.size() >= to_boundary * row_bytes()) store();
}

void H5Series::State::store() {
  const std::size_t rows = buffer.size() / row_bytes();
  if (rows == 0) return;
  std::vector<hsize_t> extent{stored_rows + rows}, start{stored_rows}, count{rows};
  for (const hsize_t n : row_shape) {
    extent.push_back(n);
    start.push_back(0);
    count.push_back(n);
  }
  file->check(H5Dset_extent(dataset.get(), extent.data()), path, "it cannot be extended");
  Handle space(H5Dget_space(dataset.get()), H5Sclose);
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  Handle memory = space_of(count);
  file->check(H5Dwrite(dataset.get(), native_type(type), memory.get(), space.get(), H5P_DEFAULT, buffer.data()), path,
              "it cannot be written");
  stored_rows += rows;
  buffer.clear();
  file->check_disk();
}

void H5Series::append(std::span<const double> rows) {
  state_->append(rows, state_->type == H5Type::float64, state_->type == H5Type::float32);
}
void H5Series::append(std::span<const float> rows) {
  state_->append(rows, state_->type == H5Type::float32, state_->type == H5Type::float64);
}
void H5Series::append(std::span<const std::int64_t> rows) {
  state_->append(rows, state_->type == H5Type::int64, false);
}
void H5Series::append(std::span<const std::uint8_t> rows) {
  state_->append(rows, state_->type == H5Type::uint8, false);
}

void H5Series::close() {
  const auto lock = lock_hdf5();
  if (state_->file == nullptr) return;
  state_->store();
  std::erase(state_->file->series, state_);
  state_->file = nullptr;
  state_->dataset.reset();
}

std::size_t H5Series::rows() const {
  const auto lock = lock_hdf5();
  return state_->stored_rows + state_->buffer.size() / state_->row_bytes();
}

// --- file -----------------------------------------------------------------------------------------------------------

H5File::H5File(std::shared_ptr<State> state) : state_(std::move(state)) {}
H5File::H5File(H5File&&) noexcept = default;
H5File& H5File::operator=(H5File&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

H5File::~H5File() {
  try {
    close();
  } catch (const std::exception&) {
  }
}

H5File H5File::create(const std::string& path, bool overwrite) {
  const auto lock = lock_hdf5();
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!overwrite) throw Error(path, "the file exists already. Choose another name, or ask for it to be overwritten.");
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
      throw Error(path, "this is not a file; it is not overwritten.");
    if (::unlink(path.c_str()) != 0)
      throw Error(path, fmt::format("the file cannot be overwritten: {}.", std::strerror(errno)));
  }
  const int probe = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (probe < 0)
    throw Error(path, fmt::format("the file cannot be written: {}. Choose a directory that exists and may be written.",
                                  std::strerror(errno)));
  ::close(probe);
  auto state = std::make_shared<State>();
  state->path = path;
  state->writable = true;
  Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  set_group_options(creation.get());
  // No space is handed out twice (hdf5_staged_driver.hpp), so HDF5 need not manage freed space.
  H5Pset_file_space_strategy(creation.get(), H5F_FSPACE_STRATEGY_NONE, false, 1);
  const Handle access = access_list(true);
  state->file = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
  if (!state->file) throw Failure(fmt::format("{}: the file cannot be made (HDF5: {}).", path, hdf5_reason()));
  use_growing_indices(state->file.get());
  H5File file(std::move(state));
  file.flush();
  return file;
}

H5File H5File::open(const std::string& path) {
  const auto lock = lock_hdf5();
  require_regular_file(path);
  if (H5Fis_hdf5(path.c_str()) <= 0) throw Error(path, "this is not an HDF5 file.");
  auto state = std::make_shared<State>();
  state->path = path;
  const Handle access = access_list(false);
  state->file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!state->file) {
    const std::string reason = hdf5_reason();
    if (reason.find("truncated file") != std::string::npos)
      throw Error(path, fmt::format("the file is truncated ({}). Was it copied to the end?", reason));
    throw Error(path, fmt::format("the file cannot be opened as HDF5: it is damaged ({}).", reason));
  }
  return H5File(std::move(state));
}

H5File H5File::open_for_writing(const std::string& path) {
  const auto lock = lock_hdf5();
  open(path).close();
  if (::access(path.c_str(), W_OK) != 0)
    throw Error(path, fmt::format("the file cannot be written: {}.", std::strerror(errno)));
  auto state = std::make_shared<State>();
  state->path = path;
  state->writable = true;
  const Handle access = access_list(true);
  state->file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose);
  if (!state->file) throw Error(path, fmt::format("the file cannot be opened for writing (HDF5: {}).", hdf5_reason()));
  Handle creation(H5Fget_create_plist(state->file.get()), H5Pclose);
  H5F_fspace_strategy_t strategy = H5F_FSPACE_STRATEGY_FSM_AGGR;
  hbool_t persist = false;
  hsize_t threshold = 0;
  H5Pget_file_space_strategy(creation.get(), &strategy, &persist, &threshold);
  if (strategy != H5F_FSPACE_STRATEGY_NONE)
    throw Error(path, "the file was not written by Striate, so it is not written further. Write a new file.");
  // What a killed run wrote past the last commit is dead; it is written over.
  auto& staged = detail::staged_file(state->file.get());
  staged.committed = staged.end;
  use_growing_indices(state->file.get());
  return H5File(std::move(state));
}

const std::string& H5File::path() const { return state_->path; }

void H5File::flush() {
  const auto lock = lock_hdf5();
  State& file = *state_;
  file.writable_id("/");
  file.check_disk();
  for (const auto& series : file.series) series->store();
  const herr_t status = H5Fflush(file.id(), H5F_SCOPE_GLOBAL);
  file.check_disk();
  file.check(status, "/", "the file cannot be flushed");
}

void H5File::close() {
  if (!state_) return;
  const auto lock = lock_hdf5();
  State& file = *state_;
  if (!file.file) return;
  std::exception_ptr failure;
  if (file.writable) try {
      flush();
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
  for (const auto& series : file.series) {
    series->file = nullptr;
    series->dataset.reset();
  }
  file.series.clear();
  file.file.reset();
  if (failure) std::rethrow_exception(failure);
}

void H5File::create_group(const std::string& path) {
  const auto lock = lock_hdf5();
  state_->writable_id(path);
  make_groups(*state_, normal_path(path) + "/");
}

void H5File::create_axis(const std::string& path, std::size_t size) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  const hsize_t shape[] = {size};
  // netCDF's mark of an axis without coordinates: this name, and values that are never stored.
  Handle dataset = create_dataset(*state_, where, H5T_IEEE_F32BE, space_of(shape).get(), creation_list().get());
  const std::string name = fmt::format("This is a netCDF dimension but not a netCDF variable.{:10}", size);
  state_->check(H5DSset_scale(dataset.get(), name.c_str()), where, "it cannot be made an axis");
}

void H5File::create_axis(const std::string& path, std::span<const double> coordinates, const H5Label& label) {
  const auto lock = lock_hdf5();
  make_coordinates(*state_, normal_path(path), H5Type::float64, coordinates.data(), coordinates.size(), label);
}

void H5File::create_axis(const std::string& path, std::span<const std::int64_t> coordinates, const H5Label& label) {
  const auto lock = lock_hdf5();
  make_coordinates(*state_, normal_path(path), H5Type::int64, coordinates.data(), coordinates.size(), label);
}

void H5File::create_axis(const std::string& path, const std::vector<std::string>& names, const H5Label& label) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  const auto pointers = text_pointers(*state_, where, names);
  const hsize_t shape[] = {names.size()};
  Handle type = text_type();
  Handle dataset = create_dataset(*state_, where, type.get(), space_of(shape).get(), creation_list().get());
  if (!names.empty())
    state_->check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), where,
                  "it cannot be written");
  state_->check(H5DSset_scale(dataset.get(), last_name(where).c_str()), where, "it cannot be made an axis");
  label_dataset(*state_, dataset.get(), where, H5Type::text, label, true);
  state_->check_disk();
}

H5Series H5File::create_growing_axis(const std::string& path, H5Type type, const H5Label& label,
                                     std::size_t expected_rows) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  state_->writable_id(where);
  auto series = new_series(*state_, where, type, {}, expected_rows, false);
  state_->check(H5DSset_scale(series->dataset.get(), last_name(where).c_str()), where, "it cannot be made an axis");
  label_dataset(*state_, series->dataset.get(), where, type, label, true);
  return H5Series(std::move(series));
}

H5Series H5File::create_series(const std::string& path, H5Type type, const std::string& axis,
                               const std::vector<std::string>& element_axes, const H5Label& label,
                               std::size_t expected_rows, bool gzip) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  state_->writable_id(where);
  open_scale(*state_, normal_path(axis), where);
  const auto row_shape = shape_of_axes(*state_, element_axes, where);
  auto series = new_series(*state_, where, type, row_shape, expected_rows, gzip);
  std::vector<std::string> axes{axis};
  axes.insert(axes.end(), element_axes.begin(), element_axes.end());
  attach(*state_, series->dataset.get(), where, axes);
  label_dataset(*state_, series->dataset.get(), where, type, label, false);
  return H5Series(std::move(series));
}

H5Series H5File::open_series(const std::string& path) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  state_->writable_id(where);
  for (const auto& known : state_->series)
    if (known->path == where) return H5Series(known);
  Handle dataset = open_dataset(*state_, where);
  Handle list(H5Dget_create_plist(dataset.get()), H5Pclose), type(H5Dget_type(dataset.get()), H5Tclose);
  const auto shape = shape_of(dataset.get());
  if (H5Pget_layout(list.get()) != H5D_CHUNKED || shape.empty()) state_->mistake(where, "this dataset cannot grow.");
  std::vector<hsize_t> chunk(shape.size());
  H5Pget_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
  return H5Series(
      series_state(*state_, where, std::move(dataset), type_of(*state_, type.get(), where), shape, chunk[0]));
}

void H5File::create_array(const std::string& path, H5Type type, const std::vector<std::string>& axes,
                          const H5Label& label) {
  const auto lock = lock_hdf5();
  state_->writable_id(path);
  make_array(*state_, normal_path(path), type, axes, label);
}

std::size_t H5File::create_blocked_array(const std::string& path, H5Type type, const std::vector<std::string>& axes,
                                         std::size_t along, const H5Label& label) {
  const auto lock = lock_hdf5();
  state_->writable_id(path);
  auto block = shape_of_axes(*state_, axes, path);
  std::fill_n(block.begin(), along, 1);
  const hsize_t row_bytes = product(std::span(block).subspan(along + 1)) * type_bytes(type), all = block[along];
  block[along] = std::clamp<hsize_t>((chunk_bytes + row_bytes - 1) / std::max<hsize_t>(1, row_bytes), 1, all);
  const bool whole = block[along] == all || block[along] * row_bytes > std::numeric_limits<std::uint32_t>::max();
  make_array(*state_, normal_path(path), type, axes, label, whole ? std::vector<hsize_t>{} : block);
  return static_cast<std::size_t>(block[along]);
}

void H5File::write_part(const std::string& path, std::span<const std::size_t> start, std::span<const std::size_t> count,
                        std::span<const double> values) {
  const auto lock = lock_hdf5();
  write_box(*state_, normal_path(path), H5Type::float64, start, count, values.data(), values.size());
}

void H5File::write_part(const std::string& path, std::span<const std::size_t> start, std::span<const std::size_t> count,
                        std::span<const std::int64_t> values) {
  const auto lock = lock_hdf5();
  write_box(*state_, normal_path(path), H5Type::int64, start, count, values.data(), values.size());
}

void H5File::write(const std::string& path, std::span<const double> values, const std::vector<std::string>& axes,
                   const H5Label& label) {
  const auto lock = lock_hdf5();
  write_all(*state_, normal_path(path), H5Type::float64, values.data(), values.size(), axes, label);
}

void H5File::write(const std::string& path, std::span<const std::int64_t> values, const std::vector<std::string>& axes,
                   const H5Label& label) {
  const auto lock = lock_hdf5();
  write_all(*state_, normal_path(path), H5Type::int64, values.data(), values.size(), axes, label);
}

void H5File::write(const std::string& path, std::span<const std::uint8_t> values, const std::vector<std::string>& axes,
                   const H5Label& label) {
  const auto lock = lock_hdf5();
  write_all(*state_, normal_path(path), H5Type::uint8, values.data(), values.size(), axes, label);
}

void H5File::write_text(const std::string& path, const std::string& text) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  check_text(*state_, where, text);
  Handle type = text_type();
  Handle dataset = create_dataset(*state_, where, type.get(), space_of({}).get(), creation_list().get());
  const char* pointer = text.c_str();
  state_->check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &pointer), where,
                "it cannot be written");
  state_->check_disk();
}

void H5File::write_texts(const std::string& path, const std::vector<std::string>& texts, const std::string& axis) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  state_->writable_id(where);
  const auto shape = shape_of_axes(*state_, {axis}, where);
  if (shape[0] != texts.size())
    state_->mistake(where, fmt::format("{} texts are given, but axis {} has {}.", texts.size(), axis, shape[0]));
  const auto pointers = text_pointers(*state_, where, texts);
  Handle type = text_type();
  Handle dataset = create_dataset(*state_, where, type.get(), space_of(shape).get(), creation_list().get());
  attach(*state_, dataset.get(), where, {axis});
  if (!texts.empty())
    state_->check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), where,
                  "it cannot be written");
  state_->check_disk();
}

void H5File::set_attribute(const std::string& path, const std::string& name, const H5Attribute& value) {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  state_->writable_id(where);
  write_attribute(*state_, open_object(*state_, where).get(), where, name, value);
  state_->check_disk();
}

bool H5File::exists(const std::string& path) const {
  const auto lock = lock_hdf5();
  return exists_at(state_->id(), normal_path(path));
}

std::vector<std::string> H5File::groups(const std::string& path) const {
  const auto lock = lock_hdf5();
  return children(*state_, normal_path(path), H5O_TYPE_GROUP);
}

std::vector<std::string> H5File::datasets(const std::string& path) const {
  const auto lock = lock_hdf5();
  return children(*state_, normal_path(path), H5O_TYPE_DATASET);
}

std::vector<std::string> H5File::attributes(const std::string& path) const {
  const auto lock = lock_hdf5();
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* to) -> herr_t {
    static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    return 0;
  };
  Handle object = open_object(*state_, normal_path(path));
  state_->check(H5Aiterate2(object.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names), path,
                "its attributes cannot be listed");
  return names;
}

std::optional<H5Attribute> H5File::attribute(const std::string& path, const std::string& name) const {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path) + "@" + name;
  Handle object = open_object(*state_, normal_path(path));
  if (H5Aexists(object.get(), name.c_str()) <= 0) return std::nullopt;
  constexpr const char* cannot = "the attribute cannot be read";
  Handle opened = state_->checked(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), H5Aclose, where, cannot);
  Handle type(H5Aget_type(opened.get()), H5Tclose), space(H5Aget_space(opened.get()), H5Sclose);
  const bool scalar = H5Sget_simple_extent_type(space.get()) == H5S_SCALAR;
  const auto count = static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get())));
  const auto read = [&](hid_t memory, void* to) { state_->check(H5Aread(opened.get(), memory, to), where, cannot); };
  switch (type_of(*state_, type.get(), where)) {
    case H5Type::text: {
      auto texts = texts_from(type.get(), space.get(), count, read);
      if (scalar) return texts.at(0);
      return texts;
    }
    case H5Type::int64:
    case H5Type::uint8: {
      std::vector<std::int64_t> values(count);
      if (count > 0) read(H5T_NATIVE_INT64, values.data());
      if (scalar) return values.at(0);
      return values;
    }
    default: {
      std::vector<double> values(count);
      if (count > 0) read(H5T_NATIVE_DOUBLE, values.data());
      if (scalar) return values.at(0);
      return values;
    }
  }
}

H5Type H5File::type(const std::string& path) const {
  const auto lock = lock_hdf5();
  Handle dataset = open_dataset(*state_, normal_path(path));
  Handle type(H5Dget_type(dataset.get()), H5Tclose);
  return type_of(*state_, type.get(), normal_path(path));
}

std::vector<std::size_t> H5File::shape(const std::string& path) const {
  const auto lock = lock_hdf5();
  const auto shape = shape_of(open_dataset(*state_, normal_path(path)).get());
  return {shape.begin(), shape.end()};
}

std::vector<std::string> H5File::axes(const std::string& path) const {
  const auto lock = lock_hdf5();
  Handle dataset = open_dataset(*state_, normal_path(path));
  std::vector<std::string> names(shape_of(dataset.get()).size());
  if (H5DSis_scale(dataset.get()) > 0) return {normal_path(path)};
  const auto take_first = [](hid_t, unsigned, hid_t scale, void* to) -> herr_t {
    std::vector<char> name(static_cast<std::size_t>(std::max<ssize_t>(0, H5Iget_name(scale, nullptr, 0))) + 1);
    H5Iget_name(scale, name.data(), name.size());
    *static_cast<std::string*>(to) = name.data();
    return 1;
  };
  for (std::size_t i = 0; i < names.size(); ++i)
    if (H5DSget_num_scales(dataset.get(), static_cast<unsigned>(i)) > 0)
      H5DSiterate_scales(dataset.get(), static_cast<unsigned>(i), nullptr, take_first, &names[i]);
  return names;
}

H5Array H5File::read_numbers(const std::string& path) const {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  if (type(where) == H5Type::text) state_->mistake(where, "numbers are asked for, but the dataset holds text.");
  Handle dataset = open_dataset(*state_, where);
  const auto shape = shape_of(dataset.get());
  H5Array array{{shape.begin(), shape.end()}, std::vector<double>(product(shape))};
  if (!array.values.empty())
    state_->check(H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()), where,
                  "it cannot be read");
  return array;
}

std::vector<std::int64_t> H5File::read_integers(const std::string& path) const {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  const H5Type held = type(where);
  if (held != H5Type::int64 && held != H5Type::uint8)
    state_->mistake(where, fmt::format("integers are asked for, but the dataset holds {}.", type_name(held)));
  Handle dataset = open_dataset(*state_, where);
  std::vector<std::int64_t> values(product(shape_of(dataset.get())));
  if (!values.empty())
    state_->check(H5Dread(dataset.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), where,
                  "it cannot be read");
  return values;
}

std::vector<std::string> H5File::read_texts(const std::string& path) const {
  const auto lock = lock_hdf5();
  const std::string where = normal_path(path);
  if (const H5Type held = type(where); held != H5Type::text)
    state_->mistake(where, fmt::format("text is asked for, but the dataset holds {}.", type_name(held)));
  Handle dataset = open_dataset(*state_, where);
  Handle type(H5Dget_type(dataset.get()), H5Tclose), space(H5Dget_space(dataset.get()), H5Sclose);
  return texts_from(type.get(), space.get(), product(shape_of(dataset.get())), [&](hid_t memory, void* to) {
    state_->check(H5Dread(dataset.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, to), where, "it cannot be read");
  });
}

std::string H5File::read_text(const std::string& path) const {
  auto texts = read_texts(path);
  if (texts.size() != 1)
    state_->mistake(normal_path(path), fmt::format("one text is asked for, but the dataset holds {}.", texts.size()));
  return texts[0];
}

}  // namespace striate
