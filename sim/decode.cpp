#include "sim/decode.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/nan.hpp"
#include "integrators/least_squares.hpp"

namespace striate {
namespace {

constexpr double turn = 2 * std::numbers::pi;

double population_vector(std::span<const double> r, std::span<const double> p) {
  double x = 0;
  double y = 0;
  double total = 0;
  for (std::size_t k = 0; k < r.size(); ++k) {
    x += r[k] * std::cos(turn * p[k] - std::numbers::pi);
    y += r[k] * std::sin(turn * p[k] - std::numbers::pi);
    total += std::abs(r[k]);
  }
  if (std::hypot(x, y) <= 1e-8 * total) return nan;  // below the error of a computed response
  return (std::atan2(y, x) + std::numbers::pi) / turn;
}

double peak(std::span<const double> r, std::span<const double> p, bool circular) {
  const std::size_t n = r.size();
  const auto at = static_cast<std::size_t>(std::max_element(r.begin(), r.end()) - r.begin());
  if (r[at] == *std::min_element(r.begin(), r.end())) return nan;
  if (!circular && (at == 0 || at + 1 == n)) return p[at];
  const double before = r[(at + n - 1) % n], after = r[(at + 1) % n];
  const double curvature = before - 2 * r[at] + after;
  const double shift = curvature == 0 ? 0 : 0.5 * (before - after) / curvature;
  const double position = p[at] + shift * (p[1] - p[0]);
  return circular ? position - std::floor(position) : position;
}

/// Best offset and amplitude of a von Mises curve, on a line a Gaussian one, for one centre and concentration, and the
/// squared error they leave.
double fit_error(std::span<const double> r, std::span<const double> p, double centre, double kappa, bool circular) {
  Eigen::MatrixXd basis(static_cast<Eigen::Index>(r.size()), 2);
  Eigen::VectorXd target(static_cast<Eigen::Index>(r.size()));
  for (std::size_t k = 0; k < r.size(); ++k) {
    const auto i = static_cast<Eigen::Index>(k);
    basis(i, 0) = 1;
    const double apart = turn * (p[k] - centre);
    basis(i, 1) = std::exp(kappa * (circular ? std::cos(apart) - 1 : -apart * apart / 2));
    target(i) = r[k];
  }
  return (basis * least_squares(basis, target) - target).squaredNorm();
}

/// Coordinate search from the peak; offset and amplitude are solved for exactly.
double fit(std::span<const double> r, std::span<const double> p, bool circular) {
  double centre = peak(r, p, circular);
  if (std::isnan(centre)) return centre;
  double log_kappa = 0;
  double best = fit_error(r, p, centre, 1, circular);
  double step_centre = 0.1;
  double step_kappa = 1;
  while (step_centre > 1e-9) {
    bool improved = false;
    for (const auto& [dc, dk] :
         {std::pair{step_centre, 0.0}, {-step_centre, 0.0}, {0.0, step_kappa}, {0.0, -step_kappa}}) {
      if (std::abs(log_kappa + dk) > 7) continue;
      const double error = fit_error(r, p, centre + dc, std::exp(log_kappa + dk), circular);
      if (error >= best) continue;
      best = error;
      centre += dc;
      log_kappa += dk;
      improved = true;
      break;
    }
    if (!improved) {
      step_centre /= 2;
      step_kappa /= 2;
    }
  }
  return circular ? centre - std::floor(centre) : centre;
}

}  // namespace

Decoder decoder_named(const std::string& name) {
  const std::vector<std::string> names{"population_vector", "peak", "fit"};
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) throw Error("there is no decoder '" + name + "'." + suggest_names(name, names));
  return static_cast<Decoder>(at - names.begin());
}

double decode(Decoder decoder, std::span<const double> response, std::span<const double> positions, bool circular) {
  if (!std::ranges::all_of(response, [](double r) { return std::isfinite(r); })) return nan;
  switch (decoder) {
    case Decoder::population_vector: return population_vector(response, positions);
    case Decoder::peak: return peak(response, positions, circular);
    case Decoder::fit: return fit(response, positions, circular);
  }
  return nan;
}

}  // namespace striate
