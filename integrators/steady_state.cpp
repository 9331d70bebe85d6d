#include "integrators/steady_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/anderson.hpp"
#include "integrators/kinsol.hpp"
#include "integrators/leading_eigenvalue.hpp"

namespace striate {
namespace {

class Search {
 public:
  Search(const Problem& problem, const SteadySettings& settings)
      : problem_(problem), settings_(settings), evaluation_(problem_), rate_(evaluation_.size()) {
    if (problem_.y0.empty()) {
      problem_.y0.resize(evaluation_.size());
      evaluation_.initial(problem_.t0, problem_.y0);
    }
  }

  SteadyState run() {
    if (!evaluation_.rhs(problem_.t0, problem_.y0, rate_))
      throw Failure(fmt::format("steady state of '{}': {}, at the start. Begin elsewhere, or change the equation.",
                                name(), evaluation_.non_finite()));
    found_.y = problem_.y0;
    march();
    found_.found_by = "march";
    if (!settled(found_.y)) {
      relax();
      if (!accelerate()) newton();
    }
    if (!settled(found_.y)) {
      throw Failure(fmt::format(
          "steady state of '{}': rate of {} = {:.3g}, but must be below {:.3g} after a march of {} "
          "{}, Anderson and Newton iterations. The circuit may oscillate, or have no steady state near the one that it "
          "approaches. "
          "Look at its course with an integrator.",
          name(), worst(), found_.residual, settings_.tolerance, found_.march, problem_.system.time_unit().str()));
    }
    judge();
    found_.counters = evaluation_.counters;
    found_.counters.steps = marched_.steps;
    found_.counters.rhs += marched_.rhs;
    found_.counters.rejected = marched_.rejected;
    return found_;
  }

 private:
  const std::string& name() const { return problem_.system.name(); }
  std::string worst() const { return problem_.system.states().element_name(worst_); }

  bool settled(const std::vector<double>& y) {
    found_.residual = HUGE_VAL;
    if (!evaluation_.rhs(problem_.t0, y, rate_)) return false;
    const auto at =
        std::max_element(rate_.begin(), rate_.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    worst_ = static_cast<std::size_t>(at - rate_.begin());
    found_.residual = std::abs(*at);
    return found_.residual <= settings_.tolerance;
  }

  /// relaxation_ = 1 / leak where a state leaks, else the longest of these, or one time unit.
  void relax() {
    relaxation_.resize(evaluation_.size());
    evaluation_.leak(problem_.t0, found_.y, relaxation_);
    double longest = 0;
    for (double& r : relaxation_) {
      r = r < 0 && std::isfinite(r) ? -1 / r : 0;
      longest = std::max(longest, r);
    }
    slowest_ = longest;
    for (double& r : relaxation_) {
      if (r == 0) r = longest > 0 ? longest : 1;
    }
  }

  void march() {
    relax();
    found_.march = settings_.march.value_or(5 * slowest_);
    if (found_.march <= 0) return;
    Problem run = problem_;
    run.t1 = run.t0 + found_.march;
    run.checkpoints.clear();
    const std::size_t inputs = problem_.system.driven();
    if (problem_.drive && inputs > 0) {
      std::vector<double> u(inputs);
      problem_.drive->evaluate(problem_.t0, u);
      run.drive = std::make_shared<ConstantDrive>(u);
    }
    Method method;
    method.name = "bs32";
    method.rtol = 1e-3;
    method.atol = 1e-4;
    const Solution end = solve(run, method);
    found_.y = marched_to_ = end.y;
    marched_ = end.counters;
  }

  bool accelerate() {
    std::vector<double> y = found_.y;
    // Steps of y + relaxation * f, judged by f itself.
    const bool met = anderson(
        5, 0.5, 100, y,
        [&](std::span<const double> x, std::span<double> r) {
          if (!evaluation_.rhs(problem_.t0, x, rate_)) return false;
          for (std::size_t i = 0; i < r.size(); ++i) r[i] = relaxation_[i] * rate_[i];
          return true;
        },
        [&](std::span<const double>) {
          return std::all_of(rate_.begin(), rate_.end(), [&](double f) { return std::abs(f) <= settings_.tolerance; });
        });
    if (!met) return false;
    found_.y = y;
    found_.found_by = "anderson";
    return true;
  }

  void newton() {
    std::vector<double> y = found_.y;  // where the march ended, in the basin that the dynamics chose
    newton_krylov(evaluation_, problem_.t0, relaxation_, settings_.tolerance, 100, y);
    if (settled(y)) found_.y = y;
    found_.found_by = "newton";
  }

  /// The state, moved back towards the march by a little more than the tolerance leaves open. A rectifier that rests at
  /// its threshold has no derivative there: on which side an iteration leaves it is chance, from which side the
  /// dynamics come is not.
  std::vector<double> approached() const {
    std::vector<double> y = found_.y;
    for (std::size_t i = 0; i < marched_to_.size(); ++i) {
      const double reach = 100 * settings_.tolerance * relaxation_[i];
      y[i] += std::clamp(marched_to_[i] - y[i], -reach, reach);
    }
    return y;
  }

  void judge() {
    const std::vector<double> y = approached();
    const LeadingEigenvalue leading = leading_eigenvalue(
        evaluation_.size(),
        [&](std::span<const double> v, std::span<double> out) { evaluation_.jvp(problem_.t0, y, v, out); });
    found_.leading_eigenvalue = leading.value;
    found_.eigenvalue_residual = leading.residual;
    found_.growth_bound = leading.bound;
    const double growth = leading.value.real();
    if (leading.bound < 0) found_.stability = Stability::stable;
    if (growth > 0 && leading.residual <= 1e-2 * growth) found_.stability = Stability::unstable;
    if (found_.stability == Stability::stable || settings_.accept_unstable) return;
    throw Failure(fmt::format(
        "steady state of '{}': found by {} with the largest rate {:.3g}, but it is {}: leading eigenvalue "
        "{:.6g}{:+.6g}i per {} "
        "(residual {:.1g}). The dynamics would leave it; start elsewhere, or look at its course with an integrator.",
        name(), found_.found_by, found_.residual, to_string(found_.stability), growth, leading.value.imag(),
        problem_.system.time_unit().str(), leading.residual));
  }

  Problem problem_;
  SteadySettings settings_;
  Evaluation evaluation_;
  SteadyState found_;
  Counters marched_;
  std::vector<double> rate_, relaxation_, marched_to_;
  double slowest_ = 0;
  std::size_t worst_ = 0;
};

}  // namespace

const char* to_string(Stability stability) {
  switch (stability) {
    case Stability::stable: return "stable";
    case Stability::unstable: return "unstable";
    default: return "undecided";
  }
}

SteadyState steady_state(const Problem& problem, const SteadySettings& settings) {
  const System<double>& system = problem.system;
  if (system.is_map())
    throw Error(system.name(), "is a map, but a steady state is sought for flows. Iterate the map to its fixed point.");
  if (system.guard_size() > 0)
    throw Error(
        system.name(),
        "has events, but a steady state is a point without jumps. Integrate it over time: [run] method and duration.");
  if (!problem.drive && system.driven() > 0)
    throw Error(system.name(), "the circuit has inputs, but no drive is given.");
  if (!(settings.tolerance > 0)) {
    throw Error(system.name(), fmt::format("steady-state tolerance = {}, but must be positive.", settings.tolerance));
  }
  return Search(problem, settings).run();
}

}  // namespace striate
