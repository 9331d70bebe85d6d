#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

#include "io/hdf5_objects.hpp"

namespace striate {

using namespace detail;

namespace {

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

/// Room for a dataset that is to be read as a whole. @throws Error where it has no place in memory or its compression
/// is unknown here
template <class Value>
std::vector<Value> room_for(const H5File::State& file, hid_t dataset, const std::string& where) {
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  for (int i = 0; i < H5Pget_nfilters(creation.get()); ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    std::array<char, 64> name{};
    const H5Z_filter_t filter = H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &values, nullptr,
                                               name.size(), name.data(), &config);
    if (H5Zfilter_avail(filter) <= 0)
      file.mistake(where, fmt::format("it is compressed by a filter ({}, {}) that HDF5 does not have here. Store it "
                                      "with gzip, or without compression.",
                                      filter, name.data()));
  }
  const auto shape = shape_of(dataset);
  std::size_t count = 1;
  bool fits = true;
  for (const hsize_t size : shape) fits = fits && !__builtin_mul_overflow(count, size, &count);
  try {
    if (fits) return std::vector<Value>(count);
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  file.mistake(where, fmt::format("its {} values do not fit into memory.", fmt::join(shape, " x ")));
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

}  // namespace

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
  const Handle space(H5Dget_space(dataset.get()), H5Sclose);
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) state_->mistake(where, "the dataset holds nothing.");
  const auto shape = shape_of(dataset.get());
  H5Array array{{shape.begin(), shape.end()}, room_for<double>(*state_, dataset.get(), where)};
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
  auto values = room_for<std::int64_t>(*state_, dataset.get(), where);
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
