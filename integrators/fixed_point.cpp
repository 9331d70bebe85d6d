#include "integrators/fixed_point.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/fixed_point_solvers.hpp"

namespace striate {
namespace {

constexpr std::pair<std::string_view, FixedPointSolver> solvers[] = {{"neumann", FixedPointSolver::neumann},
                                                                     {"gmres", FixedPointSolver::gmres},
                                                                     {"anderson", FixedPointSolver::anderson}};

template <class T>
double norm(std::span<const T> v) {
  double sum = 0;
  for (const T x : v) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum);
}

/// F and its transposed products: of a map itself, of a flow one relaxation y + h f.
template <class T>
class Relaxed {
 public:
  Relaxed(const System<T>& system, const At<T>& at, Workspace<T>& workspace)
      : system_(system), at_(at), workspace_(workspace), scaled_(at.y.size()) {
    if (system.is_map()) return;
    h_.resize(at.y.size());
    system.leak(at, h_, workspace);
    T longest = 0;
    for (T& h : h_) {
      h = h < 0 && std::isfinite(h) ? T(-0.5) / h : T(0);
      longest = std::max(longest, h);
    }
    for (T& h : h_)
      if (h == 0) h = longest > 0 ? longest : T(1);
  }

  /// |F(y) - y| / |y|
  double residual() {
    std::vector<T> difference(at_.y.size());
    system_.rhs(at_, difference, workspace_);
    for (std::size_t i = 0; i < difference.size(); ++i)
      difference[i] = h_.empty() ? difference[i] - at_.y[i] : h_[i] * difference[i];
    const double size = norm<T>(at_.y), distance = norm<T>(difference);
    return size > 0 ? distance / size : distance;
  }

  /// out = F_y' v
  void transposed(std::span<const T> v, std::span<T> out) {
    if (h_.empty())
      std::fill(out.begin(), out.end(), T(0));
    else
      std::copy(v.begin(), v.end(), out.begin());
    system_.vjp(at_, scaled(v), {out}, workspace_);
  }

  /// bar += F_p' v, F_u' v
  void outwards(std::span<const T> v, const Cotangent<T>& bar) {
    system_.vjp(at_, scaled(v), {{}, bar.p, bar.u}, workspace_);
  }

 private:
  std::span<const T> scaled(std::span<const T> v) {
    if (h_.empty()) return v;
    for (std::size_t i = 0; i < v.size(); ++i) scaled_[i] = h_[i] * v[i];
    return scaled_;
  }

  const System<T>& system_;
  const At<T>& at_;
  Workspace<T>& workspace_;
  std::vector<T> h_, scaled_;
};

template <class T>
AdjointSolution<T> solve(const FixedPointSettings& settings, const TransposedProduct<T>& product,
                         std::span<const T> g) {
  switch (settings.solver) {
    case FixedPointSolver::neumann: return solve_neumann(product, g, settings.tolerance, settings.products);
    case FixedPointSolver::anderson: return solve_anderson(product, g, settings.tolerance, settings.products);
    default: return solve_gmres(product, g, settings.tolerance, settings.products);
  }
}

std::string_view name_of(FixedPointSolver solver) {
  return std::ranges::find(solvers, solver, &std::pair<std::string_view, FixedPointSolver>::second)->first;
}

}  // namespace

FixedPointSolver fixed_point_solver_named(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& [text, solver] : solvers) {
    if (text == name) return solver;
    known.emplace_back(text);
  }
  throw Error("fixed point", fmt::format("no solver '{}'.{}", name, suggest_names(name, known)));
}

template <class T>
FixedPointReport fixed_point_vjp(const System<T>& system, const At<T>& at, std::span<const T> g,
                                 const Cotangent<T>& bar, const FixedPointSettings& settings, Workspace<T>& workspace) {
  const auto sized = [&](const char* what, std::size_t size, const Fields& fields) {
    if (size != fields.size())
      throw Error("fixed point",
                  fmt::format("{} has {} values, but that of '{}' has {}.", what, size, system.name(), fields.size()));
  };
  sized("g", g.size(), system.states());
  sized("y", at.y.size(), system.states());
  sized("p", at.p.size(), system.parameters());
  sized("u", at.u.size(), system.inputs());
  if (!bar.y.empty()) sized("the cotangent of y", bar.y.size(), system.states());
  if (!bar.p.empty()) sized("the cotangent of p", bar.p.size(), system.parameters());
  if (!bar.u.empty()) sized("the cotangent of u", bar.u.size(), system.inputs());
  if (!(settings.tolerance > 0 && settings.tolerance < 1) || settings.products < 2) {
    throw Error("fixed point",
                fmt::format("tolerance = {} and products = {}, but the one must lie between 0 and 1, the "
                            "other be at least 2.",
                            settings.tolerance, settings.products));
  }
  Relaxed<T> relaxed(system, at, workspace);
  FixedPointReport report;
  report.forward_residual = relaxed.residual();
  if (norm<T>(g) == 0) return report;
  const AdjointSolution<T> solution = solve<T>(
      settings, [&](std::span<const T> v, std::span<T> out) { relaxed.transposed(v, out); }, g);
  report.products = solution.products;
  report.residual = solution.residual;
  report.spectral_radius = solution.spectral_radius;
  const std::string where = fmt::format("fixed point of '{}' ({})", system.name(), name_of(settings.solver));
  if (!(solution.residual < 1)) {
    throw Failure(
        fmt::format("{}: after {} products the adjoint system is left with a residual of {:.3g} of the loss' "
                    "derivative, the spectral radius of the Jacobian is about {:.3g}, and the state moves by {:.3g} "
                    "of its size in a step. There is no gradient to be had so. Iterate longer, keep the map "
                    "contracting (contraction penalty), or take gmres.",
                    where, solution.products, solution.residual, solution.spectral_radius, report.forward_residual));
  }
  if (solution.residual > settings.tolerance) {
    const char* advice = solution.products >= settings.products ? "Allow more products"
                         : sizeof(T) < sizeof(double) ? "More products would not help: compute in double precision, or "
                                                        "allow a larger tolerance"
                                                      : "More products would not help: allow a larger tolerance";
    report.warnings.push_back(
        fmt::format("{}: after {} products the residual is {:.3g}, not {:.3g}: the gradient is as "
                    "inexact. {}.",
                    where, solution.products, solution.residual, settings.tolerance, advice));
  }
  if (report.forward_residual > settings.forward_tolerance) {
    report.warnings.push_back(
        fmt::format("{}: the state is no fixed point, it moves by {:.3g} of its size in a step: the "
                    "gradient belongs to another state. Iterate longer.",
                    where, report.forward_residual));
  }
  if (solution.spectral_radius > settings.near_one) {
    report.warnings.push_back(fmt::format(
        "{}: the spectral radius of the Jacobian is about {:.3g}: {}.", where, solution.spectral_radius,
        solution.spectral_radius < 1
            ? fmt::format("the fixed point magnifies changes up to {:.0f} times", 1 / (1 - solution.spectral_radius))
            : std::string("the iteration leaves this point")));
  }
  relaxed.outwards(solution.v, bar);
  return report;
}

template <class T>
double contraction_penalty(const System<T>& map, const At<T>& at, double threshold, double weight,
                           const Cotangent<T>& bar, Workspace<T>& workspace) {
  if (!map.is_map()) {
    throw Error(
        "contraction penalty",
        fmt::format("'{}' is a flow, but only a map contracts in a step. Give it discretise(circuit).", map.name()));
  }
  const std::size_t size = at.y.size();
  const std::vector<T> ones(size, T(1));
  std::vector<T> c(size);
  map.vjp(at, ones, {c}, workspace);
  double value = 0;
  for (T& x : c) {
    const double over = std::max(static_cast<double>(x) - threshold, 0.0);
    value += weight * over * over / static_cast<double>(size);
    x = static_cast<T>(2 * weight * over / static_cast<double>(size));
  }
  if (value > 0) map.second(at, c, ones, bar, workspace);
  return value;
}

template <class T>
RecurrentBackPropagation<T> recurrent_back_propagation(const Rollout<T>& rollout, const Loss<T>& loss,
                                                       Workspace<T>& workspace, const FixedPointSettings& settings,
                                                       const ContractionPenalty& penalty) {
  constexpr std::string_view who = "recurrent_back_propagation";
  rollout.check(who);
  if (rollout.steps == 0) throw Error(who, "steps = 0, but must be at least 1.");
  const System<T>& map = rollout.map;
  const std::size_t size = map.states().size();
  RecurrentBackPropagation<T> result;
  result.y.resize(size);
  rollout.start(result.y, workspace);
  std::vector<T> next(size), g(size);
  for (std::size_t n = 0; n < rollout.steps; ++n) {
    map.rhs(rollout.at(n, result.y), next, workspace);
    std::swap(result.y, next);
  }
  result.gradient.y0.resize(size);
  result.gradient.p.resize(map.parameters().size());
  result.gradient.loss = rollout.sample(who, loss, rollout.steps, result.y, g, result.gradient.p);
  const At<T> at = rollout.at(rollout.steps - 1, result.y);
  const Cotangent<T> bar{{}, result.gradient.p};
  result.report = fixed_point_vjp<T>(map, at, g, bar, settings, workspace);
  if (penalty.weight > 0) {
    result.penalty = contraction_penalty(map, at, penalty.threshold, penalty.weight, bar, workspace);
    result.gradient.loss += result.penalty;
  }
  return result;
}

#define STRIATE_INSTANTIATE(T)                                                                                       \
  template FixedPointReport fixed_point_vjp(const System<T>&, const At<T>&, std::span<const T>, const Cotangent<T>&, \
                                            const FixedPointSettings&, Workspace<T>&);                               \
  template double contraction_penalty(const System<T>&, const At<T>&, double, double, const Cotangent<T>&,           \
                                      Workspace<T>&);                                                                \
  template RecurrentBackPropagation<T> recurrent_back_propagation(                                                   \
      const Rollout<T>&, const Loss<T>&, Workspace<T>&, const FixedPointSettings&, const ContractionPenalty&);
STRIATE_INSTANTIATE(float)
STRIATE_INSTANTIATE(double)

}  // namespace striate
