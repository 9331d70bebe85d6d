#include "sim/encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "base/error.hpp"
#include "circuit/find_named.hpp"
#include "circuit/kernels/convolution.hpp"
#include "sim/colour.hpp"

namespace striate {
namespace {

const std::vector<std::string> kinds{"circular", "gaussian", "opponent", "filter_bank", "luminance", "contrast"};

/// How an input's elements run over features and places.
struct Layout {
  std::size_t features = 1, feature_stride = 1, y_stride = 0, x_stride = 0;

  /// Without the name of a feature axis, of the axes y and x alone.
  Layout(const TomlTable& encoder, const Circuit& circuit, const Input& input, const std::string& feature_axis) {
    const Shape& shape = input.variable.shape();
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      if (shape[i].name == "y")
        y_stride = shape.stride(i);
      else if (shape[i].name == "x")
        x_stride = shape.stride(i);
      else if (shape[i].name == feature_axis) {
        features = shape[i].size;
        feature_stride = shape.stride(i);
      } else
        encoder.fail(
            fmt::format("feeds the input '{}' of circuit '{}', whose axis '{}' is neither y nor x{}.",
                        input.variable->name, circuit->name, shape[i].name,
                        feature_axis.empty()
                            ? fmt::format(", as kind = \"{}\" has them. Choose another kind", encoder.string("kind"))
                            : fmt::format(" nor the encoder's axis '{}'. Name it with axis = ...", feature_axis)));
    }
  }
  std::size_t at(const VisualField& field, std::size_t element, std::size_t k) const {
    return element / field.nx * y_stride + element % field.nx * x_stride + k * feature_stride;
  }
};

enum class Normalisation { none, peak, image };

/// Channels that answer to each component shown at a place; the answers add up, weighted by contrast.
class ChannelCode : public Encoder {
 public:
  /// `width` is the key to blame where no channel answers to what is to be normalised.
  explicit ChannelCode(Layout layout, Normalisation normalisation = Normalisation::none,
                       std::optional<TomlValue> width = {})
      : layout_(layout), normalisation_(normalisation), width_key_(std::move(width)) {}

  void encode(const Scene& scene, std::span<double> input) const override {
    if (scene.image) throw Error("encoder: only the kinds 'filter_bank' and 'luminance' read images.");
    std::fill(input.begin(), input.end(), 0.0);
    std::vector<std::pair<const Component*, std::vector<double>>> known;  // stimuli show few different components
    const auto response = [&](const Component& c) -> const std::vector<double>& {
      for (const auto& [shown, r] : known)
        if (shown->feature == c.feature && shown->colour == c.colour) return r;
      return known.emplace_back(&c, channels(c)).second;
    };
    double largest = 0;
    if (normalisation_ == Normalisation::image)
      for (const auto& element : scene.elements)
        for (const auto& c : element) largest = std::max(largest, *std::ranges::max_element(response(c)));
    for (std::size_t i = 0; i < scene.elements.size(); ++i)
      for (const auto& c : scene.elements[i]) {
        const auto& r = response(c);
        const double divisor = normalisation_ == Normalisation::image  ? largest
                               : normalisation_ == Normalisation::peak ? *std::ranges::max_element(r)
                                                                       : 1;
        if (divisor == 0)
          width_key_->fail(
              fmt::format("but so narrow that no channel answers to the feature {:.6g}, and normalise "
                          "divides by the largest answer. Widen it, or leave normalise out.",
                          c.feature));
        for (std::size_t k = 0; k < r.size(); ++k) input[layout_.at(scene.field, i, k)] += c.contrast * r[k] / divisor;
      }
  }

 private:
  /// The answers of all channels to a component of full contrast.
  virtual std::vector<double> channels(const Component& component) const = 0;

  Layout layout_;
  Normalisation normalisation_;
  std::optional<TomlValue> width_key_;
};

/// A tuning curve per channel: von Mises or Gaussian around its preferred feature.
class PopulationCode final : public ChannelCode {
 public:
  PopulationCode(Layout layout, std::vector<double> preferred, bool circular, double width, Normalisation normalisation,
                 TomlValue width_key, FeatureMap map)
      : ChannelCode(layout, normalisation, std::move(width_key)),
        preferred_(std::move(preferred)),
        circular_(circular),
        width_(width),
        map_(std::move(map)) {}

 private:
  std::vector<double> channels(const Component& c) const override {
    std::vector<double> r;
    const double u = map_.to_axis(c.feature);
    for (const double p : preferred_)
      r.push_back(circular_ ? std::exp((std::cos(2 * std::numbers::pi * (u - p)) - 1) / (width_ * width_))
                            : std::exp(-(u - p) * (u - p) / (2 * width_ * width_)));
    return r;
  }

  std::vector<double> preferred_;
  bool circular_;
  double width_;
  FeatureMap map_;
};

/// Six half-rectified cone-opponent channels.
class OpponentCode final : public ChannelCode {
  using ChannelCode::ChannelCode;
  std::vector<double> channels(const Component& c) const override {
    if (c.colour.empty()) throw Error("encoder: the kind 'opponent' needs colours. Give each layer a colour.");
    std::vector<double> r;
    for (const auto& w : opponent_weights())
      r.push_back(std::max(w[0] * c.colour[0] + w[1] * c.colour[1] + w[2] * c.colour[2], 0.0));
    return r;
  }
};

/// The contrast shown at each place, whatever the feature.
class ContrastCode final : public ChannelCode {
  using ChannelCode::ChannelCode;
  std::vector<double> channels(const Component&) const override { return {1}; }
};

/// Contrast around the mean, -1..1, of a file's luminance, or of gratings: of `frequency` where they name none.
std::vector<double> image_of(const Scene& scene, double frequency, double to_rad) {
  const VisualField& field = scene.field;
  std::vector<double> result(field.size(), 0.0);
  if (scene.image) {
    const Image& file = *scene.image;
    if (std::ranges::any_of(scene.elements, [](const auto& shown) { return !shown.empty(); }))
      throw Error("stimulus: an image is shown together with other layers, which would hide it. Show one of them.");
    if (file.height != field.ny || file.width != field.nx)
      throw Error(
          fmt::format("stimulus: the image has {} x {} pixels (y, x), but the circuit's grid has {} x {}. Resize the "
                      "image, or set the axes y and x.",
                      file.height, file.width, field.ny, field.nx));
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = 2 * grey_level(file, i) - 1;
    return result;
  }
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double y = (static_cast<double>(i / field.nx) - middle_of(field.ny) - field.zero_y) * field.scale;
    const double x = (static_cast<double>(i % field.nx) - middle_of(field.nx) - field.zero_x) * field.scale;
    for (const auto& c : scene.elements[i]) {
      const double theta = c.feature * to_rad;
      const double own = c.frequency.value_or(frequency);
      result[i] +=
          c.contrast * std::cos(2 * std::numbers::pi * own * (x * std::cos(theta) + y * std::sin(theta)) + c.phase);
    }
  }
  return result;
}

/// Grey levels, 0.5 where nothing is shown.
class Luminance final : public Encoder {
 public:
  Luminance(Layout layout, double frequency, double to_rad) : layout_(layout), frequency_(frequency), to_rad_(to_rad) {}

  void encode(const Scene& scene, std::span<double> input) const override {
    const std::vector<double> contrast = image_of(scene, frequency_, to_rad_);
    for (std::size_t i = 0; i < contrast.size(); ++i) {
      if (std::abs(contrast[i]) > 1 + 1e-9)
        throw Error(
            fmt::format("encoder: the gratings of a place add to a contrast of {:.4g}, but there is no light "
                        "below black or above white. Lower their contrasts.",
                        std::abs(contrast[i])));
      input[layout_.at(scene.field, i, 0)] = (1 + contrast[i]) / 2;
    }
  }

 private:
  Layout layout_;
  double frequency_, to_rad_;
};

/// Energy of quadrature Gabor pairs, one pair a channel, on the luminance image of gratings or of a file.
class FilterBank final : public Encoder {
 public:
  FilterBank(Layout layout, std::vector<double> orientations, double frequency, double sd, double to_rad)
      : layout_(layout), orientations_(std::move(orientations)), frequency_(frequency), sd_(sd), to_rad_(to_rad) {}

  void encode(const Scene& scene, std::span<double> input) const override {
    const VisualField& field = scene.field;
    const std::vector<double> luminance = image_of(scene, frequency_, to_rad_);
    const auto radius = static_cast<std::ptrdiff_t>(std::ceil(3 * sd_ / field.scale));
    const auto side = static_cast<std::size_t>(2 * radius + 1);
    const ConvolutionShape shape{1, 1, 1, field.ny, field.nx, side, side, false, true, Border::zero, Border::zero};
    const Convolution<double> plan(shape, estimated_cost(shape, ConvolutionAlgorithm::fft, 8) <
                                                  estimated_cost(shape, ConvolutionAlgorithm::direct, 8)
                                              ? ConvolutionAlgorithm::fft
                                              : ConvolutionAlgorithm::direct);
    std::vector<double> prepared(plan.prepared_size());
    std::vector<double> scratch(plan.scratch_size());
    std::vector<double> kernel(side * side);
    std::vector<double> out(field.size());
    std::vector<double> energy(field.size());
    for (std::size_t k = 0; k < orientations_.size(); ++k) {
      std::fill(energy.begin(), energy.end(), 0.0);
      for (const double phase : {0.0, std::numbers::pi / 2}) {
        gabor(orientations_[k], phase, radius, field.scale, kernel);
        plan.prepare(kernel.data(), prepared.data(), scratch.data(), false);
        plan.apply(prepared.data(), luminance.data(), out.data(), scratch.data(), false);
        for (std::size_t i = 0; i < energy.size(); ++i) energy[i] += out[i] * out[i];
      }
      for (std::size_t i = 0; i < energy.size(); ++i) input[layout_.at(field, i, k)] = std::sqrt(energy[i]);
    }
  }

 private:
  /// Of unit response to the full-contrast grating it is tuned to, without response to a mean.
  void gabor(double theta, double phase, std::ptrdiff_t radius, double scale, std::vector<double>& kernel) const {
    double envelope_sum = 0;
    double carrier_sum = 0;
    std::vector<double> envelope(kernel.size());
    std::size_t i = 0;
    for (std::ptrdiff_t iy = -radius; iy <= radius; ++iy)
      for (std::ptrdiff_t ix = -radius; ix <= radius; ++ix, ++i) {
        const double x = static_cast<double>(ix) * scale;
        const double y = static_cast<double>(iy) * scale;
        envelope[i] = std::exp(-(x * x + y * y) / (2 * sd_ * sd_));
        kernel[i] = envelope[i] *
                    std::cos(2 * std::numbers::pi * frequency_ * (x * std::cos(theta) + y * std::sin(theta)) - phase);
        envelope_sum += envelope[i];
        carrier_sum += kernel[i];
      }
    for (std::size_t j = 0; j < kernel.size(); ++j)
      kernel[j] = 2 * (kernel[j] - envelope[j] * carrier_sum / envelope_sum) / envelope_sum;
  }

  Layout layout_;
  std::vector<double> orientations_;
  double frequency_, sd_;
  double to_rad_;
};

/// A pure number: of a circular code the root of 1 over the concentration, else the standard deviation over the range.
/// A quantity is a standard deviation of features; of a circular code that which a narrow peak has.
double tuning_width(const TomlValue& value, const FeatureMap& map, bool circular) {
  double width = 0;
  if (const Unit unit = unit_of(value); unit == Unit() || unit == Unit::parse("%"))
    width = evaluate(value, Unit());
  else
    width = evaluate(value, map.unit) / (map.high - map.low) * (circular ? 2 * std::numbers::pi : 1);
  if (!(width > 0)) value.fail("but a tuning width must be above 0.");
  return width;
}

}  // namespace

std::vector<double> axis_positions(const AxisDeclaration& axis) {
  std::vector<double> positions = axis.coordinates();
  const double low = axis.has_coordinates ? axis.low : 0;
  const double range =
      axis.has_coordinates ? axis.high - axis.low : std::max<double>(1, static_cast<double>(axis.axis.size) - 1);
  for (double& p : positions) p = (p - low) / range;
  return positions;
}

std::unique_ptr<Encoder> make_encoder(const TomlTable& table, const Circuit& circuit, const Input& input,
                                      const FeatureMap& map) {
  const std::string kind = table.string("kind");
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
    table.at("kind").fail("but the kinds of encoder are these." + suggest_names(kind, kinds));
  if (kind == "contrast") return std::make_unique<ContrastCode>(Layout(table, circuit, input, ""));
  const auto to_rad = [&] { return map.unit.to(Unit::parse("rad")); };
  const auto frequency = [&] {
    const double value = evaluate(table.at("frequency"), Unit::parse("1/deg"));
    if (!(value > 0)) table.at("frequency").fail("but must be above 0.");
    return value;
  };
  if (kind == "luminance") return std::make_unique<Luminance>(Layout(table, circuit, input, ""), frequency(), to_rad());
  const std::string feature_axis = table.string("axis", "feature");
  if (std::ranges::none_of(circuit->axes, [&](const auto& a) { return a.axis.name == feature_axis; }))
    table.fail(
        fmt::format("has channels along the axis '{}', but circuit '{}' has no such axis. Name one with axis = "
                    "...{}",
                    feature_axis, circuit->name, suggest_names(feature_axis, names_of(circuit->axes, axis_name))));
  const AxisDeclaration& axis = circuit.axis(feature_axis);
  const Layout layout(table, circuit, input, feature_axis);
  if (kind == "opponent") {
    if (axis.axis.size != 6)
      table.at("kind").fail(fmt::format("but axis '{}' has {} elements; there are 6 opponent channels. Set {} = 6.",
                                        feature_axis, axis.axis.size, feature_axis));
    return std::make_unique<OpponentCode>(layout);
  }
  if (kind == "filter_bank") {
    const double carrier = frequency();
    const double sd = evaluate(table.at("sd"), Unit::parse("deg"));
    if (!(sd > 0)) table.at("sd").fail("but must be above 0.");
    std::vector<double> orientations;
    for (const double p : axis_positions(axis)) orientations.push_back(map.to_feature(p) * to_rad());
    return std::make_unique<FilterBank>(layout, std::move(orientations), carrier, sd, to_rad());
  }
  const double width = tuning_width(table.at("width"), map, kind == "circular");
  const std::string normalise = table.string("normalise", "none");
  const std::vector<std::string> choices{"none", "peak", "image"};
  const auto chosen = std::find(choices.begin(), choices.end(), normalise) - choices.begin();
  if (chosen == 3) table.at("normalise").fail("but the choices are these." + suggest_names(normalise, choices));
  return std::make_unique<PopulationCode>(layout, axis_positions(axis), kind == "circular", width,
                                          static_cast<Normalisation>(chosen), table.at("width"), map);
}

}  // namespace striate
