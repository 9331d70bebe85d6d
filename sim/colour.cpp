#include "sim/colour.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace striate {
namespace {

Eigen::Vector3d lms_of_xyz(const Eigen::Vector3d& xyz) {
  Eigen::Matrix3d m;
  m << 0.7328, 0.4296, -0.1624, -0.7036, 1.6975, 0.0061, 0.0030, 0.0136, 0.9834;
  return m * xyz;
}

Eigen::Vector3d grey() {
  constexpr double x = 0.310;
  constexpr double y = 0.316;
  constexpr double luminance = 0.75;
  return lms_of_xyz({x / y * luminance, luminance, (1 - x - y) / y * luminance});
}

Eigen::Vector3d lms_of_dkl(double radius, double hue) {
  const Eigen::Vector3d g = grey();
  Eigen::Matrix3d axes;
  axes << 0.3727, -0.3727 * g[0] / g[1], 0, -0.1667, -0.1667, 0.1667 * (g[0] + g[1]) / g[2], 0.2887, 0.2887, 0;
  return g + axes.inverse() * Eigen::Vector3d(radius * std::cos(hue), radius * std::sin(hue), 0);
}

Eigen::Vector3d lms_of_srgb(const Eigen::Vector3d& srgb) {
  Eigen::Vector3d linear;
  for (int i = 0; i < 3; ++i)
    linear[i] = srgb[i] <= 0.04045 ? srgb[i] / 12.92 : std::pow((srgb[i] + 0.055) / 1.055, 2.4);
  Eigen::Matrix3d m;  // primaries and white of IEC 61966-2-1, seven digits
  m << 0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.0721750, 0.0193339, 0.1191920, 0.9503041;
  return lms_of_xyz(m * linear);
}

}  // namespace

std::vector<double> read_colour(const TomlValue& value, const Variables& variables) {
  const TomlTable table = value.as_table();
  const std::vector<std::string> forms{"srgb", "lms", "dkl_radius", "dkl_hue"};
  for (const auto& key : table.keys())
    if (std::ranges::count(forms, key) == 0)
      table.at(key).fail("but a colour is written with these." + suggest_names(key, forms));
  const auto triple = [&](const std::string& key, double most) {
    const auto list = table.at(key).as_array();
    if (list.size() != 3) table.at(key).fail("but a colour has three numbers.");
    Eigen::Vector3d numbers;
    for (Eigen::Index i = 0; i < 3; ++i) {
      numbers[i] = evaluate(list[static_cast<std::size_t>(i)], Unit(), variables);
      if (!(numbers[i] >= 0 && numbers[i] <= most))
        table.at(key).fail(most == 1 ? "but its numbers lie between 0 and 1." : "but its numbers must not be below 0.");
    }
    return numbers;
  };
  Eigen::Vector3d lms;
  if (table.has("srgb"))
    lms = lms_of_srgb(triple("srgb", 1));
  else if (table.has("lms"))
    lms = triple("lms", std::numeric_limits<double>::max());
  else
    lms = lms_of_dkl(evaluate(table.at("dkl_radius"), Unit(), variables),
                     evaluate(table.at("dkl_hue"), Unit::parse("rad"), variables));
  if (!(lms.minCoeff() >= 0 && lms.allFinite()))
    value.fail("but no light excites cones by less than nothing. Take a smaller radius.");
  return {lms[0], lms[1], lms[2]};
}

const std::array<std::array<double, 3>, 6>& opponent_weights() {
  static const double r2 = 1 / std::sqrt(2.0);
  static const double r3 = 1 / std::sqrt(3.0);
  static const double r6 = 1 / std::sqrt(6.0);
  static const std::array<std::array<double, 3>, 6> weights{
      {{r2, -r2, 0}, {-r6, -r6, 2 * r6}, {r3, r3, r3}, {-r2, r2, 0}, {r6, r6, -2 * r6}, {-r3, -r3, -r3}}};
  return weights;
}

}  // namespace striate
