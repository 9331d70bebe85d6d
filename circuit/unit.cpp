#include "circuit/unit.hpp"

#include <fmt/format.h>
#include <cstdlib>

#include <cctype>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.hpp"

namespace striate {
namespace {

struct NamedUnit {
  std::string_view symbol;
  std::array<double, 8> exponents;  // m, kg, s, A, K, mol, cd; rad
  double factor;
  double decade;
  bool takes_prefix;
};

constexpr std::size_t longest_composed = 40;
constexpr double deg = std::numbers::pi / 180;

struct UnitOverflow : Error {
  UnitOverflow()
      : Error("a product or power of units is beyond what numbers hold: powers may reach 1000 and scales 1e+-250.") {}
};

// clang-format off
constexpr NamedUnit named_units[] = {
    {"1",      {},                     1,         0, false}, {"m",   {1},                    1, 0, true},
    {"g",      {0, 1},                 1,        -3, true},  {"s",   {0, 0, 1},              1, 0, true},
    {"A",      {0, 0, 0, 1},           1,         0, true},  {"K",   {0, 0, 0, 0, 1},        1, 0, true},
    {"mol",    {0, 0, 0, 0, 0, 1},     1,         0, true},  {"cd",  {0, 0, 0, 0, 0, 0, 1},  1, 0, true},
    {"V",      {2, 1, -3, -1},         1,         0, true},  {"S",   {-2, -1, 3, 2},         1, 0, true},
    {"F",      {-2, -1, 4, 2},         1,         0, true},  {"ohm", {2, 1, -3, -2},         1, 0, true},
    {"C",      {0, 0, 1, 1},           1,         0, true},  {"Hz",  {0, 0, -1},             1, 0, true},
    {"N",      {1, 1, -2},             1,         0, true},  {"J",   {2, 1, -2},             1, 0, true},
    {"W",      {2, 1, -3},             1,         0, true},  {"Pa",  {-1, 1, -2},            1, 0, true},
    {"M",      {-3, 0, 0, 0, 0, 1},    1,         3, true},  {"L",   {3},                    1, -3, true},
    {"min",    {0, 0, 1},              60,        0, false}, {"h",   {0, 0, 1},              3600, 0, false},
    {"rad",    {0, 0, 0, 0, 0, 0, 0, 1}, 1,       0, false}, {"deg", {0, 0, 0, 0, 0, 0, 0, 1}, deg, 0, false},
    {"arcmin", {0, 0, 0, 0, 0, 0, 0, 1}, deg / 60, 0, false}, {"arcsec", {0, 0, 0, 0, 0, 0, 0, 1}, deg / 3600, 0, false},
    {"%",      {},                     1,        -2, false},
};
constexpr struct { std::string_view symbol; double decade; } prefixes[] = {
    {"", 0}, {"f", -15}, {"p", -12}, {"n", -9}, {"u", -6}, {"µ", -6}, {"m", -3}, {"c", -2}, {"d", -1}, {"k", 3}, {"M", 6}, {"G", 9}};
// clang-format on

class UnitReader {
 public:
  explicit UnitReader(std::string_view text) : text_(text) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("unit '{}' {} Write units like mV, nS/cm^2, 1/ms, deg or 1.", text_, what));
  }

  Unit read() {
    Unit unit = product();
    skip_space();
    if (at_ < text_.size()) fail("has an unexpected '" + std::string(1, text_[at_]) + "'.");
    return unit;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  Unit product() {
    Unit unit = power();
    for (char c = peek(); c == '*' || c == '/'; c = peek()) {
      ++at_;
      unit = c == '*' ? unit * power() : unit / power();
    }
    return unit;
  }
  Unit power() {
    Unit unit = primary();
    if (peek() != '^') return unit;
    ++at_;
    return unit.pow(number());
  }
  double number() {
    skip_space();
    const std::string rest(text_.substr(at_, 32));
    char* end = nullptr;
    const double value = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str() || !std::isfinite(value) || std::abs(value) > 1e3)
      fail("needs a number at most 1000 after ^.");
    at_ += static_cast<std::size_t>(end - rest.c_str());
    return value;
  }
  Unit primary();

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// Of a product, quotient or power: the factors' texts, while they are short.
std::string composed(const std::string& a, std::string_view sign, const std::string& b) {
  const bool readable = !a.empty() && !b.empty() && a.size() + b.size() < longest_composed;
  return readable ? fmt::format("{}{}{}", a, sign, b) : "";
}

}  // namespace

struct UnitAccess {
  static const std::string& written(const Unit& u) { return u.text_.empty() ? u.composed_ : u.text_; }
  static Unit make(const NamedUnit& named, double prefix_decade) {
    Unit unit;
    unit.exponents_ = named.exponents;
    unit.factor_ = named.factor;
    unit.decade_ = named.decade + prefix_decade;
    return unit;
  }
  static Unit within_numbers(Unit unit) {
    bool fits = std::abs(std::log10(unit.factor_) + unit.decade_) <= 250 && std::abs(unit.decade_) <= 300;
    for (const double exponent : unit.exponents_) fits = fits && std::abs(exponent) <= 1000;
    if (!fits) throw UnitOverflow();
    return unit;
  }
  static Unit scale(double factor) {
    Unit unit;
    const double decade = std::round(std::log10(factor));
    if (std::pow(10.0, decade) == factor)
      unit.decade_ = decade;
    else
      unit.factor_ = factor;
    return unit;
  }
};

namespace {

std::optional<Unit> find_unit(std::string_view symbol) {
  for (const auto& named : named_units)
    if (symbol == named.symbol) return UnitAccess::make(named, 0);
  for (const auto& prefix : prefixes) {
    if (prefix.symbol.empty() || !symbol.starts_with(prefix.symbol)) continue;
    for (const auto& named : named_units)
      if (named.takes_prefix && symbol.substr(prefix.symbol.size()) == named.symbol)
        return UnitAccess::make(named, prefix.decade);
  }
  return std::nullopt;
}

std::vector<std::string> common_symbols() {
  return {"ms", "s",   "Hz",     "kHz", "mV", "V",  "pA", "nA", "nS", "mS", "pF",
          "uF", "deg", "arcmin", "rad", "mm", "um", "cm", "mM", "uM", "%",  "1"};
}

Unit UnitReader::primary() {
  const char c = peek();
  if (c == '(') {
    if (++depth_ > 50) fail("is nested too deeply.");
    ++at_;
    Unit unit = product();
    if (peek() != ')') fail("lacks a ')'.");
    ++at_;
    --depth_;
    return unit;
  }
  std::size_t end = at_;
  if (std::isdigit(static_cast<unsigned char>(c))) {
    const std::string rest(text_.substr(at_, 40));
    char* stop = nullptr;
    const double value = std::strtod(rest.c_str(), &stop);
    if (!(value > 0) || !std::isfinite(value)) fail("has a scale that is not positive.");
    at_ += static_cast<std::size_t>(stop - rest.c_str());
    return UnitAccess::scale(value);
  }
  while (end < text_.size() && (std::isalpha(static_cast<unsigned char>(text_[end])) || text_[end] == '%' ||
                                static_cast<unsigned char>(text_[end]) >= 0x80))
    ++end;
  const auto symbol = text_.substr(at_, end - at_);
  if (symbol.empty()) fail("lacks a unit symbol.");
  const auto unit = find_unit(symbol);
  if (!unit) fail(fmt::format("is not known: no unit '{}'.{}", symbol, suggest_names(symbol, common_symbols())));
  at_ = end;
  return *unit;
}

}  // namespace

Unit Unit::parse(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  UnitReader reader(text);
  try {
    Unit unit = reader.read();
    unit.text_ = text;
    return unit;
  } catch (const UnitOverflow&) {
    reader.fail("is beyond what numbers hold: powers may reach 1000 and scales 1e+-250.");
  }
}

bool Unit::known(std::string_view symbol) { return find_unit(symbol).has_value(); }

Unit Unit::operator*(const Unit& other) const {
  if (other == Unit()) return *this;
  if (*this == Unit()) return other;
  Unit unit;
  for (std::size_t i = 0; i < exponents_.size(); ++i) unit.exponents_[i] = exponents_[i] + other.exponents_[i];
  unit.factor_ = factor_ * other.factor_;
  unit.decade_ = decade_ + other.decade_;
  unit.composed_ = composed(UnitAccess::written(*this), "*", UnitAccess::written(other));
  return UnitAccess::within_numbers(std::move(unit));
}

Unit Unit::operator/(const Unit& other) const {
  Unit unit = *this * other.pow(-1);
  const std::string& below = UnitAccess::written(other);
  const bool compound = below.find_first_of("*/") != std::string::npos;
  if (!(*this == Unit()) && !(other == Unit()))
    unit.composed_ =
        below.empty() ? "" : composed(UnitAccess::written(*this), "/", compound ? "(" + below + ")" : below);
  return unit;
}

Unit Unit::pow(double exponent) const {
  if (exponent == 1) return *this;
  Unit unit;
  for (std::size_t i = 0; i < exponents_.size(); ++i) unit.exponents_[i] = exponents_[i] * exponent + 0.0;
  unit.factor_ = factor_ == 1 ? 1 : std::pow(factor_, exponent);
  unit.decade_ = decade_ * exponent + 0.0;
  if (!text_.empty() && text_.find_first_of("*/^") == std::string::npos)
    unit.composed_ = fmt::format("{}^{}", text_, exponent);
  return UnitAccess::within_numbers(std::move(unit));
}

bool Unit::same_dimension(const Unit& other) const {
  for (std::size_t i = 0; i < base_count; ++i)
    if (std::abs(exponents_[i] - other.exponents_[i]) > 1e-9) return false;
  return true;
}

bool Unit::dimensionless() const { return same_dimension(Unit()); }

double Unit::scale_to(const Unit& other) const {
  const double decades = decade_ - other.decade_;
  const double power = decades >= 0 ? std::pow(10.0, decades) : 1 / std::pow(10.0, -decades);
  return factor_ / other.factor_ * power;
}

double Unit::to(const Unit& other) const { return *this == other ? 1 : scale_to(other); }

bool Unit::operator==(const Unit& other) const {
  return same_dimension(other) && std::abs(scale_to(other) - 1) <= 1e-13;
}

std::string Unit::str() const {
  if (!text_.empty()) return text_;
  for (const bool inverse : {false, true}) {
    const Unit sought = inverse ? pow(-1) : *this;
    for (const auto& named : named_units)
      for (const auto& prefix : prefixes)
        if ((prefix.symbol.empty() || named.takes_prefix) && sought == UnitAccess::make(named, prefix.decade))
          return fmt::format("{}{}{}", inverse ? "1/" : "", prefix.symbol, named.symbol);
  }
  if (!composed_.empty()) return composed_;
  std::string text;
  if (factor_ != 1 || decade_ != 0) text = fmt::format("{}", factor_ * std::pow(10.0, decade_));
  constexpr std::string_view symbols[] = {"m", "kg", "s", "A", "K", "mol", "cd"};
  for (std::size_t i = 0; i < base_count; ++i) {
    if (exponents_[i] == 0) continue;
    if (!text.empty()) text += "*";
    text += symbols[i];
    if (exponents_[i] != 1) text += fmt::format("^{}", exponents_[i]);
  }
  return text.empty() ? "1" : text;
}

}  // namespace striate
