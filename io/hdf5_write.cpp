#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "io/hdf5_objects.hpp"

namespace striate {

using namespace detail;

namespace {

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
  const Handle stored(H5Dget_type(dataset.get()), H5Tclose);
  if (type_of(file, stored.get(), path) == type && is_chunk(dataset.get(), first, box)) {
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
  if (product(block) == 0) state_->mistake(normal_path(path), "an axis of it has no elements.");
  std::fill_n(block.begin(), along, 1);
  const hsize_t row_bytes = product(std::span(block).subspan(along + 1)) * type_bytes(type), all = block[along];
  block[along] = std::clamp<hsize_t>((chunk_bytes + row_bytes - 1) / std::max<hsize_t>(1, row_bytes), 1, all);
  const bool whole = block[along] == all || block[along] * row_bytes > std::numeric_limits<std::uint32_t>::max();
  make_array(*state_, normal_path(path), type, axes, label, whole ? std::vector<hsize_t>{} : block);
  return static_cast<std::size_t>(block[along]);
}

std::size_t H5File::block_rows(const std::string& path, std::size_t along) const {
  const auto lock = lock_hdf5();
  state_->id();
  const Handle dataset = open_dataset(*state_, normal_path(path));
  const Handle list(H5Dget_create_plist(dataset.get()), H5Pclose);
  std::vector<hsize_t> block = shape_of(dataset.get());
  if (along >= block.size()) state_->mistake(normal_path(path), "it has fewer axes.");
  if (H5Pget_layout(list.get()) == H5D_CHUNKED) H5Pget_chunk(list.get(), static_cast<int>(block.size()), block.data());
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

}  // namespace striate
