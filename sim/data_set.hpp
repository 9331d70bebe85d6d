#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/made_once.hpp"
#include "circuit/shape.hpp"
#include "circuit/unit.hpp"
#include "io/toml.hpp"

namespace striate {

/// One quantity of every sample: an image, a label, a time course (then its first axis counts the steps).
struct DataVariable {
  std::string name;
  Shape shape;
  std::string description;
  std::optional<Unit> unit = {};  ///< none where the data name none: then they are in that of the input
};

/// Samples to learn from. Const and safe to use from any number of threads; a sample is a pure function of its index.
class DataSet {
 public:
  virtual ~DataSet() = default;
  const std::vector<DataVariable>& variables() const { return variables_; }
  std::size_t size() const { return size_; }  ///< number of samples
  std::size_t sample_size() const;            ///< values in a sample
  /// What brings a variable's values to a unit of its dimension.
  double factor(std::size_t variable, const Unit& unit) const;
  /// The values of every variable, one variable after the other.
  virtual void sample(std::size_t index, std::span<double> values) const = 0;
  /// A variable's values in all samples, sample after sample, where they are at hand; else none.
  virtual std::span<const double> known(std::size_t variable) const;
  /// A line for each part of the data, which changes when the samples may have: sums over contents of files, or the
  /// settings that samples are made from.
  const std::string& digest() const {
    return digest_.get([this] { return make_digest(); });
  }

 protected:
  virtual std::string make_digest() const = 0;
  std::vector<DataVariable> variables_;
  std::size_t size_ = 0;

 private:
  MadeOnce<std::string> digest_;
};

/// Reads [data]: kind = "pathfinder" | "images" | "arrays" and what belongs to it (docs/training.md).
/// @throws Error with file and line
std::shared_ptr<const DataSet> read_data_set(const TomlTable& table, const std::string& path);

/// An HDF5 file of the first `count` samples, [sample, its shape] of every variable. `striate plot` draws them.
/// Whole or not at all.
void write_samples(const DataSet& data, std::size_t count, const std::string& title, const std::string& path);

}  // namespace striate
