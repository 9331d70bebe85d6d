// Kernels given as formula: expressions over offset axes, products of one-dimensional factors where they separate.
#include <fmt/format.h>

#include <numbers>

#include "base/error.hpp"
#include "circuit/expr.hpp"

namespace striate {
namespace {

constexpr std::int64_t largest_kernel = 1 << 20;

void require_size(std::string_view what, std::int64_t size) {
  if (size < 1 || size > largest_kernel)
    throw Error(fmt::format("{}: size = {}, but must be between 1 and {} elements.", what, size, largest_kernel));
}

void require_axes(std::string_view what, const std::vector<std::string>& axes) {
  if (axes.empty()) throw Error(fmt::format("{}: names no axis. Write, for instance, {}(y, x, ...).", what, what));
}

Expr normalised(const Expr& kernel, const std::string& axis) { return kernel / sum(kernel, {offset_axis(axis)}); }

}  // namespace

Expr offset(const std::string& axis, std::int64_t size) {
  require_size("offset", size);
  return index({offset_axis(axis), static_cast<std::size_t>(size)}) - Expr(static_cast<double>(size / 2));
}

Expr box(const std::vector<std::string>& axes, std::int64_t size) {
  require_axes("box", axes);
  require_size("box", size);
  std::vector<Axis> offsets;
  double count = 1;
  for (const auto& axis : axes) {
    offsets.push_back({offset_axis(axis), static_cast<std::size_t>(size)});
    count *= static_cast<double>(size);
  }
  return broadcast_to(Expr(1 / count), Shape(std::move(offsets)));
}

Expr ring(const std::vector<std::string>& axes, std::int64_t outer, std::int64_t inner) {
  require_axes("ring", axes);
  require_size("ring", outer);
  if (inner < 0 || inner >= outer || (outer - inner) % 2 != 0)
    throw Error(
        fmt::format("ring: outer = {} and inner = {}, but inner must be smaller than outer and differ from it by an "
                    "even number, so that the hole is centred.",
                    outer, inner));
  if (inner == 0) return box(axes, outer);
  double filled = 1;
  double hole_size = 1;
  Expr hole(1.0);
  for (const auto& axis : axes) {
    filled *= static_cast<double>(outer);
    hole_size *= static_cast<double>(inner);
    const Expr i = index({offset_axis(axis), static_cast<std::size_t>(outer)});
    const auto margin = static_cast<double>((outer - inner) / 2);
    hole = hole * (step(i - Expr(margin - 0.5)) * step(Expr(margin + static_cast<double>(inner) - 0.5) - i));
  }
  return (Expr(1.0) - hole) * Expr(1 / (filled - hole_size));
}

namespace {

void require_positive(const std::string& where, const Expr& width) {
  if (width->op == Op::constant && !(width->value > 0))
    throw Error(where, fmt::format("sd = {}, but must be above 0.", width->value));
}

}  // namespace

Expr gaussian(const std::vector<std::string>& axes, std::int64_t size, const Expr& sd) {
  require_axes("gaussian", axes);
  require_positive("gaussian", sd);
  Expr kernel(1.0);
  for (const auto& axis : axes)
    kernel = kernel * normalised(exp(-(pow(offset(axis, size) / sd, 2.0) * Expr(0.5))), axis);
  return kernel;
}

Expr von_mises(const std::string& axis, std::int64_t size, const Expr& kappa) {
  const Expr angle = offset(axis, size) * Expr(2 * std::numbers::pi / static_cast<double>(size));
  return normalised(exp(kappa * cos(angle) - abs(kappa)), axis);
}

Expr wrapped_gaussian(const std::string& axis, std::int64_t size, const Expr& sd) {
  require_positive("wrapped_gaussian", sd);
  // Up to half a period as a sum of images, above as its Fourier series (Poisson's summation formula): what is left out
  // lies below rounding.
  constexpr int images = 4;
  constexpr int harmonics = 2;
  const auto period = static_cast<double>(size);
  Expr narrow(0.0);
  for (int image = -images; image <= images; ++image) {
    const Expr d = offset(axis, size) + Expr(static_cast<double>(image) * period);
    narrow = narrow + exp(-(pow(d / sd, 2.0) * Expr(0.5)));
  }
  Expr wide(0.5);
  for (int harmonic = 1; harmonic <= harmonics; ++harmonic) {
    const Expr frequency = 2 * std::numbers::pi * harmonic / period;
    wide = wide + exp(-(pow(frequency * sd, 2.0) * Expr(0.5))) * cos(frequency * offset(axis, size));
  }
  return normalised(where(greater(sd, period / 2), wide, narrow), axis);
}

}  // namespace striate
