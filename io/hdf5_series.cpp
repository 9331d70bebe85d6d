#include <algorithm>
#include <limits>

#include "io/hdf5_objects.hpp"

namespace striate {

using namespace detail;

namespace {

std::shared_ptr<H5Series::State> series_state(H5File::State& file, const std::string& path, Handle dataset, H5Type type,
                                              std::span<const hsize_t> shape, std::size_t chunk_rows) {
  auto state = std::make_shared<H5Series::State>();
  state->file = &file;
  state->path = path;
  state->dataset = std::move(dataset);
  state->type = type;
  state->row_shape.assign(shape.begin() + 1, shape.end());
  state->row_elements = product(state->row_shape);
  state->stored_rows = state->extent = shape[0];
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

}  // namespace

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

void H5Series::State::extend(std::size_t rows) {
  std::vector<hsize_t> shape{rows};
  shape.insert(shape.end(), row_shape.begin(), row_shape.end());
  file->check(H5Dset_extent(dataset.get(), shape.data()), path, "its length cannot be changed");
  extent = rows;
}

void H5Series::State::store() {
  const std::size_t rows = buffer.size() / row_bytes();
  if (rows == 0) return;
  std::vector<hsize_t> start{stored_rows}, count{rows};
  for (const hsize_t n : row_shape) {
    start.push_back(0);
    count.push_back(n);
  }
  if (stored_rows + rows > extent) extend(stored_rows + rows);
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

void H5Series::begin_anew() {
  const auto lock = lock_hdf5();
  if (state_->file == nullptr) throw Error(state_->path, "this series has been closed.");
  state_->buffer.clear();
  state_->stored_rows = 0;
}

void H5Series::close() {
  const auto lock = lock_hdf5();
  if (state_->file == nullptr) return;
  state_->store();
  if (state_->stored_rows < state_->extent) state_->extend(state_->stored_rows);
  std::erase(state_->file->series, state_);
  state_->file = nullptr;
  state_->dataset.reset();
}

std::size_t H5Series::rows() const {
  const auto lock = lock_hdf5();
  return state_->stored_rows + state_->buffer.size() / state_->row_bytes();
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

}  // namespace striate
