#include "sim/stimulus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.hpp"
#include "base/random.hpp"
#include "sim/colour.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/quantity.hpp"

namespace striate {
namespace {

const Unit per_deg = Unit::parse("1/deg");
const Unit one;

const std::vector<std::string> shapes{"full", "square", "rectangle", "disc", "ring", "bar", "dots", "stripes"};

double value_or(const TomlTable& table, const std::string& key, const Unit& unit, const Variables& variables,
                double fallback) {
  const auto value = table.find(key);
  return value ? evaluate(*value, unit, variables) : fallback;
}

double finite_or(const TomlTable& table, const std::string& key, const Unit& unit, const Variables& variables,
                 double fallback) {
  const double value = value_or(table, key, unit, variables, fallback);
  if (!std::isfinite(value)) table.at(key).fail("but must be finite.");
  return value;
}

double share_or(const TomlTable& table, const std::string& key, const Variables& variables, double fallback) {
  const double value = value_or(table, key, one, variables, fallback);
  if (!(value >= 0 && value <= 1))
    table.at(key).fail(fmt::format("which is {} %, but must lie between 0 and 100 %.", 100 * value));
  return value;
}

constexpr double furthest = 1e9;

/// A length in elements, rounded to whole ones.
std::ptrdiff_t elements(double degrees, double scale) {
  return static_cast<std::ptrdiff_t>(std::lround(degrees / scale));
}

struct Window {
  std::string shape;
  double width = 0, height = 0, inner = 0, angle = 0, density = 1, coherence = 1;
  double centre_y = 0, centre_x = 0;  ///< elements from the first
  std::uint64_t seed = 0;
  std::vector<double> edges;  ///< of stripes, rows from the centre

  Window(const TomlTable& layer, const VisualField& field, const Variables& v) {
    shape = layer.string("shape", "full");
    if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end())
      layer.at("shape").fail("but a shape is one of these." + suggest_names(shape, shapes));
    const auto positive = [&](const std::string& key) {
      const double value = evaluate(layer.at(key), deg, v);
      if (!(value > 0)) layer.at(key).fail(fmt::format("which is {} deg, but a size must be above 0.", value));
      if (value > furthest * field.scale)
        layer.at(key).fail(
            fmt::format("which is {:.3g} elements at a scale of {} deg.", value / field.scale, field.scale));
      return value;
    };
    if (shape == "square" || shape == "disc" || shape == "ring" || shape == "dots" || shape == "stripes")
      width = height = positive("size");
    if (shape == "rectangle" || shape == "bar") {
      width = positive("width");
      height = positive("height");
    }
    if (shape == "bar")
      angle = finite_or(layer, "angle", rad, v, 0);
    else if (shape != "full")
      inner = finite_or(layer, "inner", deg, v, 0);
    if (inner < 0 || (inner > 0 && inner >= width)) layer.at("inner").fail("but must be smaller than size.");
    if (shape == "dots") {
      density = share_or(layer, "density", v, 1);
      coherence = share_or(layer, "coherence", v, 1);
      const double number = value_or(layer, "seed", one, v, 0);
      if (!(number >= 0 && number < 1e15)) layer.at("seed").fail("but must be a whole number from 0.");
      seed = static_cast<std::uint64_t>(std::llround(number));
    }
    if (shape == "stripes") {
      const double count = std::round(evaluate(layer.at("count"), one, v));
      if (!(count >= 1 && count <= 1e6))
        layer.at("count").fail(fmt::format("which is {}, but there are 1 to 1000000 stripes on a side.", count));
      const double first = std::floor(static_cast<double>(elements(inner, field.scale)) / 2);
      const double last = std::floor(static_cast<double>(elements(height, field.scale)) / 2);
      for (double i = 0; i <= count; ++i) edges.push_back(std::floor(first + (last - first) * i / count + 1e-9));
    }
    centre_x = middle_of(field.nx);
    centre_y = middle_of(field.ny);
    if (const auto centre = shape == "full" ? std::nullopt : layer.find("centre")) {
      const auto pair = centre->as_array();
      if (pair.size() != 2) centre->fail("but a centre is written [x, y].");
      const double x = evaluate(pair[0], deg, v), y = evaluate(pair[1], deg, v);
      if (!(std::hypot(x, y) <= furthest * field.scale))
        centre->fail(fmt::format("which is [{}, {}] deg, but must lie within {:.3g} elements.", x, y, furthest));
      centre_x += field.columns(x);
      centre_y += field.rows(y);
    }
  }

  bool covers_any(const VisualField& field) const {
    for (std::size_t i = 0; i < field.size(); ++i)
      if (covers(i, field)) return true;
    return false;
  }

  bool covers(std::size_t element, const VisualField& field) const {
    if (shape == "full") return true;
    const auto iy = static_cast<double>(element / field.nx), ix = static_cast<double>(element % field.nx);
    const double scale = field.scale;
    if (shape == "stripes") {
      const auto edge = std::lower_bound(edges.begin(), edges.end(), std::abs(iy - centre_y)) - edges.begin();
      return edge < static_cast<std::ptrdiff_t>(edges.size()) && edge % 2 == 1;
    }
    if (shape == "square" || shape == "rectangle" || shape == "dots") {
      const bool hole =
          inner > 0 && in_block(iy, centre_y, elements(inner, scale)) && in_block(ix, centre_x, elements(inner, scale));
      return !hole && in_block(iy, centre_y, elements(height, scale)) && in_block(ix, centre_x, elements(width, scale));
    }
    const double edge = 1e-9 * scale;  // what rounding may move an element that lies on it
    const double dx = (ix - centre_x) * scale;
    const double dy = (iy - centre_y) * scale;
    if (shape == "bar") {
      const double along = std::abs(dx * std::cos(angle) + dy * std::sin(angle));
      const double across = std::abs(dy * std::cos(angle) - dx * std::sin(angle));
      return along <= width / 2 + edge && across <= height / 2 + edge;
    }
    const double r = std::hypot(dx, dy);
    return r <= width / 2 + edge && (inner == 0 || r > inner / 2 + edge);
  }
};

Component component(const TomlTable& table, const Unit& feature_unit, const Variables& v) {
  Component c;
  if (const auto colour = table.find("colour")) {
    c.colour = read_colour(*colour, v);
    c.feature = 0;
  } else {
    c.feature = evaluate(table.at("feature"), feature_unit, v);
  }
  c.contrast = share_or(table, "contrast", v, 1);
  if (table.has("frequency")) {
    c.frequency = finite_or(table, "frequency", per_deg, v, 0);
    if (*c.frequency < 0) table.at("frequency").fail("but must not be below 0.");
  }
  c.phase = finite_or(table, "phase", rad, v, 0);
  if (std::isinf(c.feature)) table.at("feature").fail("but must be finite, or nan for none.");
  return c;
}

std::vector<Component> components(const TomlTable& layer, const Unit& feature_unit, const Variables& v) {
  std::vector<Component> result;
  if (const auto list = layer.find("components")) {
    for (const auto& entry : list->as_array()) result.push_back(component(entry.as_table(), feature_unit, v));
  } else {
    result.push_back(component(layer, feature_unit, v));
  }
  std::erase_if(result, [](const Component& c) { return std::isnan(c.feature); });
  return result;
}

struct Times {
  double onset, offset;
};
Times times(const TomlTable& layer, const Variables& v) {
  if (layer.has("duration") && layer.has("offset"))
    layer.at("offset").fail("but the layer has a duration, too. Give one of them.");
  const Times t{value_or(layer, "onset", ms, v, -std::numeric_limits<double>::infinity()),
                layer.has("duration") ? value_or(layer, "onset", ms, v, 0) + evaluate(layer.at("duration"), ms, v)
                                      : value_or(layer, "offset", ms, v, std::numeric_limits<double>::infinity())};
  if (!(t.onset < t.offset))
    layer.fail(fmt::format("the onset {} ms is not before the offset {} ms.", t.onset, t.offset));
  return t;
}

}  // namespace

Stimulus::Stimulus(const TomlTable& table, const FeatureMap& features, const std::string& path) : features_(features) {
  const auto layers = table.find("layer");
  if (!layers) table.fail("shows nothing. Add [[stimulus.layer]].");
  for (const auto& entry : layers->as_array()) {
    Layer layer{entry.as_table(), std::nullopt};
    if (const auto image = layer.table.find("image")) {
      try {
        layer.image = read_image(beside(path, image->as_string()));
      } catch (const Error& e) {
        image->fail(std::string("but ") + e.what());
      }
    }
    layers_.push_back(std::move(layer));
  }
}

void Stimulus::check(const VisualField& field, const Variables& condition, bool steady) const {
  for (const auto& [layer, image] : layers_) {
    if (times(layer, condition).onset > 0 && steady)
      layer.at("onset").fail(
          "but a steady state is that of what is shown at time 0. For a course in time, name an integrator as "
          "run.method.");
    if (image) continue;
    if (!Window(layer, field, condition).covers_any(field))
      layer.fail(
          fmt::format("covers no element of the grid of {} x {} (y, x), {:.4g} deg apart. Make it larger, or move "
                      "it onto the grid; feature = nan shows nothing.",
                      field.ny, field.nx, field.scale));
  }
  scene({1, 1, field.scale}, 0, condition);
}

std::vector<double> Stimulus::changes(const Variables& condition) const {
  std::vector<double> result;
  for (const auto& layer : layers_) {
    const Times t = times(layer.table, condition);
    for (const double change : {t.onset, t.offset})
      if (std::isfinite(change)) result.push_back(change);
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

Scene Stimulus::scene(const VisualField& field, double t, const Variables& condition) const {
  Scene scene;
  scene.field = field;
  scene.elements.resize(field.size());
  for (const auto& [layer, image] : layers_) {
    const Times shown_at = times(layer, condition);
    const bool now = t >= shown_at.onset && t < shown_at.offset;
    if (image) {
      if (now) scene.image = *image;
      continue;
    }
    const Window window(layer, field, condition);
    const auto shown = components(layer, features_.unit, condition);
    const bool add = layer.boolean("add", false);
    if (!now) continue;
    RandomStream random(window.seed, "dots", 0);
    for (std::size_t i = 0; i < field.size(); ++i) {
      if (!window.covers(i, field)) continue;
      auto& element = scene.elements[i];
      if (!add) element.clear();
      if (window.shape != "dots") {
        element.insert(element.end(), shown.begin(), shown.end());
        continue;
      }
      // A dot shows the layer's feature with probability `coherence`, else one of ten that share the range evenly.
      const bool dot = random.uniform() < window.density;
      const bool signal = random.uniform() < window.coherence;
      const double other = std::floor(random.uniform() * 10) / 10;
      if (!dot || shown.empty()) continue;
      Component c = shown[0];
      const double span = features_.high - features_.low;
      if (!signal) c.feature += other * span;
      if (!signal && c.feature > features_.high) c.feature -= span;
      element.push_back(c);
    }
  }
  return scene;
}

bool has_angles(const AxisDeclaration& axis) {
  return axis.has_coordinates && axis.unit.same_dimension(deg) && !(axis.unit == one);
}

double VisualField::elements(double count) {
  const double near = std::round(2 * count) / 2;
  return std::abs(count - near) < 1e-6 ? near : count;
}

VisualField visual_field(const Circuit& circuit, const std::optional<TomlTable>& stimulus) {
  VisualField field;
  std::map<std::string, double> spacing;
  for (const auto& a : circuit->axes) {
    if (a.axis.name != "y" && a.axis.name != "x") continue;
    (a.axis.name == "y" ? field.ny : field.nx) = a.axis.size;
    if (!has_angles(a) || a.axis.size < 2) continue;
    spacing[a.axis.name] = a.spacing() * a.unit.to(deg);
    (a.axis.name == "y" ? field.zero_y : field.zero_x) =
        VisualField::elements(-a.low / a.spacing() - middle_of(a.axis.size));
  }
  const auto given = stimulus ? stimulus->find("scale") : std::nullopt;
  if (given) {
    field.scale = evaluate(*given, deg);
    if (!(field.scale > 0) || std::isinf(field.scale)) given->fail("but a scale must be above 0.");
  } else if (!spacing.empty()) {
    field.scale = spacing.begin()->second;
  }
  for (const auto& [axis, apart] : spacing) {
    if (std::abs(field.scale - apart) <= 1e-3 * apart) continue;
    if (given)
      given->fail(
          fmt::format("but by its coordinates the elements of axis '{}' of circuit '{}' lie {:.6g} deg apart. "
                      "Leave the scale out, or change the axis.",
                      axis, circuit->name, apart));
    if (stimulus)
      stimulus->fail(
          fmt::format("has one scale for y and x, but the elements of circuit '{}' lie {:.6g} and {:.6g} deg "
                      "apart along them. Give both axes the same spacing.",
                      circuit->name, spacing.at("y"), spacing.at("x")));
  }
  return field;
}

}  // namespace striate
