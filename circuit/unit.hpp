#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace striate {

/// A physical unit: a dimension and a scale. Values are always held in their declared unit.
///
/// The scale is factor * 10^decade, kept apart so that mV, nS or ms convert without rounding.
class Unit {
 public:
  Unit() = default;  ///< dimensionless, "1"

  /// Reads "mV", "nS/cm^2", "1/ms", "deg", "1", "mV*ms^-1". @throws Error naming what is wrong and the nearest units
  static Unit parse(std::string_view text);

  /// Whether `symbol` alone is a unit, such as "mV".
  static bool known(std::string_view symbol);

  /// Products and powers @throws Error beyond powers of 1000 and scales of 1e250
  Unit operator*(const Unit& other) const;
  Unit operator/(const Unit& other) const;
  Unit pow(double exponent) const;

  bool same_dimension(const Unit& other) const;
  bool dimensionless() const;
  /// The power of an angle in it. Angles are numbers, and have no dimension; yet nobody means 2 1/deg by 2 deg.
  double angle() const { return exponents_[base_count]; }
  /// Multiplying a value in this unit by the result gives it in `other`. The dimensions must agree.
  double to(const Unit& other) const;
  bool operator==(const Unit& other) const;
  /// As it was written where it was parsed; otherwise one symbol, the texts of its two factors, or SI symbols. parse
  /// reads it back.
  std::string str() const;

 private:
  friend struct UnitAccess;
  double scale_to(const Unit& other) const;
  static constexpr std::size_t base_count = 7;
  std::array<double, base_count + 1> exponents_{};  // m, kg, s, A, K, mol, cd; rad
  double factor_ = 1;
  double decade_ = 0;
  std::string text_;      ///< as parsed
  std::string composed_;  ///< of a product or quotient: the factors' texts
};

}  // namespace striate
