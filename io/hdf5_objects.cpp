#include "io/hdf5_objects.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace striate::detail {
namespace {

constexpr std::size_t largest_attribute = 60000;
constexpr unsigned compact_limit = 65535;  // links and attributes stay in the header, whose commit is one write

struct AttributeData {
  Handle stored_type;
  hid_t memory_type;
  std::vector<hsize_t> shape;
  const void* bytes;
  std::size_t size;
};

}  // namespace

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
                      hid_t access) {
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

Handle open_object(const H5File::State& file, const std::string& path) {
  if (!exists_at(file.id(), path)) file.mistake(path, "the file has no such group or dataset.");
  return file.checked(H5Oopen(file.id(), path.c_str(), H5P_DEFAULT), H5Oclose, path, "it cannot be opened");
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

}  // namespace striate::detail
