#pragma once

#include <optional>
#include <string>
#include <vector>

#include "circuit/circuit.hpp"
#include "io/image.hpp"
#include "io/toml.hpp"
#include "sim/quantity.hpp"

namespace striate {

/// How a range of stimulus features lies on a feature axis: its low and high ends stand for the axis's.
struct FeatureMap {
  double low = 0;  ///< in the stimulus's feature unit
  double high = 1;
  Unit unit;
  std::string name = "preferred feature";
  bool circular = false;  ///< features begin again after the range
  double to_axis(double feature) const { return (feature - low) / (high - low); }  ///< 0..1 along the axis
  double to_feature(double position) const { return low + position * (high - low); }
};

/// Where a stimulus lies: a grid of elements, `scale` degrees of visual angle apart. A circuit without the axes y and x
/// is one element.
struct VisualField {
  std::size_t ny = 1;
  std::size_t nx = 1;
  double scale = 1;               ///< deg per element
  double zero_y = 0, zero_x = 0;  ///< elements from the middle to 0 deg, where the circuit's coordinates are in deg
  std::size_t size() const { return ny * nx; }

  /// Elements from the middle of the grid to a place [deg].
  double rows(double y) const { return zero_y + elements(y / scale); }
  double columns(double x) const { return zero_x + elements(x / scale); }

  /// Elements and borders between them are met but for rounding.
  static double elements(double count);
};

/// The place half way between the first and the last of n elements, counted from the first.
constexpr double middle_of(std::size_t n) { return (static_cast<double>(n) - 1) / 2; }

/// Whether a block of n elements round a centre has element i. Where they cannot lie evenly, it reaches half an element
/// further to lower indices.
constexpr bool in_block(double i, double centre, std::ptrdiff_t n) {
  const double half = static_cast<double>(n) / 2;
  return i >= centre - half && i < centre + half;
}

/// One feature shown at one place: an orientation, direction, disparity or hue, with its contrast.
struct Component {
  double feature = 0;               ///< in the stimulus's feature unit
  double contrast = 1;              ///< 0..1
  std::optional<double> frequency;  ///< of a grating, cycles per deg; else the encoder's
  double phase = 0;                 ///< of a grating, rad
  std::vector<double> colour;       ///< LMS cone excitations, for colour codes
};

/// A stimulus at one time: what every element of the field shows.
struct Scene {
  VisualField field;
  std::vector<std::vector<Component>> elements;
  std::optional<Image> image;  ///< luminance from a file, in place of components
};

/// A stimulus made of layers painted one over the other (a later one replaces what lies under it unless it is added),
/// each from its onset to its offset. Written in TOML as [stimulus] with [[stimulus.layer]]; its numbers may be
/// expressions of the condition variables.
class Stimulus {
 public:
  /// Reads the layers and their images, named beside the experiment at `path`. Dots that do not show their layer's
  /// feature show others of the range. @throws Error with file and line
  Stimulus(const TomlTable& table, const FeatureMap& features, const std::string& path);

  /// Evaluates every number of every layer in one condition.
  /// @throws Error, also for a layer that covers no element of the field
  void check(const VisualField& field, const Variables& condition, bool steady = false) const;

  /// Times in ms at which what is shown changes, ascending, for one condition.
  std::vector<double> changes(const Variables& condition) const;

  /// What is shown at time `t` [ms].
  Scene scene(const VisualField& field, double t, const Variables& condition) const;

 private:
  struct Layer {
    TomlTable table;
    std::optional<Image> image;
  };
  std::vector<Layer> layers_;
  FeatureMap features_;
};

/// The field of a circuit's axes y and x: elements lie where the axes' coordinates say, where those are in deg, else
/// around the middle by the `scale` of [stimulus]. @throws Error where they disagree
VisualField visual_field(const Circuit& circuit, const std::optional<TomlTable>& stimulus);

/// Whether an axis has coordinates in a unit of angles.
bool has_angles(const AxisDeclaration& axis);

}  // namespace striate
