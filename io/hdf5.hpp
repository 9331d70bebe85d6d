#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// HDF5 files that are safe to kill, and open in h5py, xarray, netCDF and MATLAB with named axes.
///
/// What a kill leaves. A file written here is a valid HDF5 file at every moment after `create` returned: after kill -9,
/// or on a full disk, stock readers open it without repair and find everything up to the last `flush`. HDF5's own
/// means do not give that: without single-writer mode its metadata is overwritten piece by piece, and with it a killed
/// file stays marked as open and must be repaired (`h5clear -s`) before plain h5py reads it; the mark belongs to file
/// format 3, and no attribute may be added in that mode. So the file has format 2 (no mark), chunk indices that only
/// grow, and lies on a driver of ours that commits in an order in which every single write leaves a valid file
/// (hdf5_staged_driver.hpp). Datasets, groups and attributes can be added at any time. tests/io kills a writer at every
/// one of its writes and at random times. The guarantee is against the death of the process, not of the machine:
/// nothing is forced to the platter. A kill in the middle of a commit may leave one dataset a flush longer than
/// another.
///
/// Axes follow netCDF-4: an axis is a dimension scale, named by its path, and every axis of every dataset is attached
/// to one. All functions may be called from any thread; one lock guards the HDF5 library. Paths inside a file are
/// absolute or relative to the root; groups on the way are made as needed. Mistakes throw Error; failed reads and
/// writes throw Failure; both name the file and the path inside it.
namespace striate {

enum class H5Type { float64, float32, int64, uint8, text };

using H5Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>,
                                 std::vector<std::string>>;

/// What a reader sees beside the numbers; empty texts are not written.
struct H5Label {
  std::string units;      ///< as the unit is written in the model, "mV"
  std::string long_name;  ///< one line for a plot's axis
};

/// A dataset as read: row-major values.
struct H5Array {
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

/// A dataset that grows along its first axis. A cheap handle; the file keeps what is buffered and writes it on `flush`.
class H5Series {
 public:
  /// Appends one or more whole rows. float64 and float32 series take double or float, the others only their own type.
  void append(std::span<const double> rows);
  void append(std::span<const float> rows);
  void append(std::span<const std::int64_t> rows);
  void append(std::span<const std::uint8_t> rows);
  void append(double row) { append(std::span<const double>(&row, 1)); }

  /// Rows that are appended from now on take the place of those that are there, the first first; `close` drops what is
  /// left of them.
  void begin_anew();
  /// Writes what is buffered and lets go of the dataset; whoever goes on makes a new handle (H5File::open_series).
  void close();

  /// Rows appended so far, buffered ones included.
  std::size_t rows() const;

  struct State;

 private:
  friend class H5File;
  explicit H5Series(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class H5File {
 public:
  /// A new file. An existing path is an Error unless `overwrite`; so is a path that cannot be written.
  static H5File create(const std::string& path, bool overwrite = false);
  /// An existing file, read-only. A missing, empty, truncated or foreign file is an Error that says which.
  static H5File open(const std::string& path);
  /// A file made by `create`, complete or killed, to be written further under the same guarantees.
  static H5File open_for_writing(const std::string& path);

  H5File(H5File&&) noexcept;
  H5File& operator=(H5File&&) noexcept;
  ~H5File();  ///< closes; what fails then is lost: call `close` to hear of it

  const std::string& path() const;

  /// Writes all buffered rows and commits: what was written so far survives a kill. Throws Failure on a full disk;
  /// the file then holds what the last successful flush held, and everything later is dropped.
  void flush();
  /// Flushes and closes; further use is an Error.
  void close();

  // --- writing ---------------------------------------------------------------------------------------------------

  /// An axis without coordinates, with coordinates, and with a name for each element.
  void create_axis(const std::string& path, std::size_t size);
  void create_axis(const std::string& path, std::span<const double> coordinates, const H5Label& label = {});
  void create_axis(const std::string& path, std::span<const std::int64_t> coordinates, const H5Label& label = {});
  void create_axis(const std::string& path, const std::vector<std::string>& names, const H5Label& label = {});
  /// An axis that grows, such as time; its coordinates are appended.
  H5Series create_growing_axis(const std::string& path, H5Type type, const H5Label& label = {},
                               std::size_t expected_rows = 0);

  /// A growing dataset [axis, element_axes...]; the element's shape is that of its axes. Chunks hold whole rows,
  /// 512 KiB of them, or `expected_rows` if that is less (give it for short recordings: a chunk takes its space whole).
  /// Compressed chunks that are flushed before they are full are stored again when they fill.
  H5Series create_series(const std::string& path, H5Type type, const std::string& axis,
                         const std::vector<std::string>& element_axes, const H5Label& label = {},
                         std::size_t expected_rows = 0, bool gzip = false);
  H5Series open_series(const std::string& path);

  /// A dataset of fixed shape, that of its axes (none: a scalar), filled with NaN or 0 until `write_part`.
  void create_array(const std::string& path, H5Type type, const std::vector<std::string>& axes,
                    const H5Label& label = {});
  /// create_array for what comes in the order of the axis number `along`, the axes before it being fixed meanwhile: it
  /// is stored in blocks of that many of its rows [axes behind `along`] as are returned, at least 512 KiB unless there
  /// is less. `write_part` hands a box that is a whole block to the disk as it lies in memory.
  std::size_t create_blocked_array(const std::string& path, H5Type type, const std::vector<std::string>& axes,
                                   std::size_t along, const H5Label& label = {});
  /// What create_blocked_array has returned.
  std::size_t block_rows(const std::string& path, std::size_t along) const;
  /// Writes the box of `count` elements at `start` of an existing dataset; row-major values.
  void write_part(const std::string& path, std::span<const std::size_t> start, std::span<const std::size_t> count,
                  std::span<const double> values);
  void write_part(const std::string& path, std::span<const std::size_t> start, std::span<const std::size_t> count,
                  std::span<const std::int64_t> values);

  /// create_array and its values at once.
  void write(const std::string& path, std::span<const double> values, const std::vector<std::string>& axes,
             const H5Label& label = {});
  void write(const std::string& path, std::span<const std::int64_t> values, const std::vector<std::string>& axes,
             const H5Label& label = {});
  void write(const std::string& path, std::span<const std::uint8_t> values, const std::vector<std::string>& axes,
             const H5Label& label = {});
  void write_text(const std::string& path, const std::string& text);
  void write_texts(const std::string& path, const std::vector<std::string>& texts, const std::string& axis);

  /// Sets an attribute of a group or dataset ("/" is the file), new or in place. At most 60 kB: longer texts are
  /// datasets. A text that replaces a text may be missing for one commit's instant; numbers of equal shape are replaced
  /// at once.
  void set_attribute(const std::string& path, const std::string& name, const H5Attribute& value);

  // --- reading ---------------------------------------------------------------------------------------------------

  bool exists(const std::string& path) const;
  /// Names directly below a group, in order of creation where the file keeps it, else by name.
  std::vector<std::string> groups(const std::string& path) const;
  std::vector<std::string> datasets(const std::string& path) const;
  std::vector<std::string> attributes(const std::string& path) const;
  std::optional<H5Attribute> attribute(const std::string& path, const std::string& name) const;

  H5Type type(const std::string& path) const;
  std::vector<std::size_t> shape(const std::string& path) const;
  /// Absolute paths of the scales of each axis; empty where an axis has none.
  std::vector<std::string> axes(const std::string& path) const;

  H5Array read_numbers(const std::string& path) const;  ///< integers too
  std::vector<std::int64_t> read_integers(const std::string& path) const;
  std::vector<std::string> read_texts(const std::string& path) const;
  std::string read_text(const std::string& path) const;

  struct State;

 private:
  explicit H5File(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace striate
