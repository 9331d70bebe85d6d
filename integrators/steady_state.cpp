#include "integrators/steady_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/after_number.hpp"
#include "integrators/anderson.hpp"
#include "integrators/kinsol.hpp"
#include "integrators/leading_eigenvalue.hpp"

namespace striate {
namespace {

constexpr double march_rtol = 1e-3, march_atol = 1e-4;

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
          "steady state of '{}': rate of {} = {:.3g}, but must be below {:.3g} after a march of {}"
          "{}, Anderson and Newton iterations. The circuit may oscillate, or have no steady state near the one that it "
          "approaches. "
          "Look at its course with an integrator.",
          name(), worst(), found_.residual, settings_.tolerance, found_.march,
          after_number(problem_.system.time_unit())));
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
    all_leak_ = std::ranges::find(relaxation_, 0.0) == relaxation_.end();
    for (double& r : relaxation_) {
      if (r == 0) r = longest > 0 ? longest : 1;
    }
  }

  void march() {
    relax();
    const bool leave_open = !settings_.march && !all_leak_;
    if (leave_open) slowed(found_.y);
    march_for(settings_.march.value_or(5 * slowest_));
    if (leave_open && !settled(found_.y)) march_until_slow();
    if (found_.march > 0) marched_to_ = found_.y;
  }

  void march_for(double duration) {
    if (duration <= 0) return;
    const Problem run = held(duration);
    constexpr std::uint64_t many = 100'000;
    Solution end;
    try {
      end = solve(run, marching("bs32", many));
    } catch (const Failure&) {  // stiff, or none can
      end = solve(run, marching("bdf", Method().max_steps));
    }
    found_.y = end.y;
    found_.march += duration;
    count(end.counters);
  }

  /// What does not slow down is let go.
  void march_until_slow() {
    constexpr double longest = 1e6;
    const double first = 1000 / std::ranges::max(fastest_);  // by then a state may have changed as much as it is large
    std::uint64_t left = 1000;
    for (double duration = first; left > 0 && duration <= longest * first; duration *= 10) {
      Integrator integrator(marching("bs32", left));
      integrator.start(held(duration));
      const double begin = integrator.t();
      bool done = false;
      for (Stop stop = Stop::step; left > 0 && !done && stop != Stop::end; --left) {
        stop = integrator.advance(begin + duration);
        done = slowed(integrator.y());
      }
      found_.y.assign(integrator.y().begin(), integrator.y().end());
      found_.march += integrator.t() - begin;
      count(integrator.counters());
      if (done) return;
    }
  }

  /// Whether the rate of every state is a hundredth of the largest that it had on the way, or next to nothing beside
  /// those of others: in tolerances of the march at its start.
  bool slowed(std::span<const double> y) {
    constexpr double slow = 0.01, next_to_nothing = 1e-6;
    if (!evaluation_.rhs(problem_.t0, y, rate_)) return false;
    fastest_.resize(y.size());
    const auto speed = [&](std::size_t i) {
      return std::abs(rate_[i]) / (march_atol + march_rtol * std::abs(problem_.y0[i]));
    };
    for (std::size_t i = 0; i < y.size(); ++i) fastest_[i] = std::max(fastest_[i], speed(i));
    const double least = next_to_nothing * std::ranges::max(fastest_);
    for (std::size_t i = 0; i < y.size(); ++i)
      if (speed(i) > std::max(least, slow * fastest_[i])) return false;
    return true;
  }

  static Method marching(const char* name, std::uint64_t max_steps) {
    Method method;
    method.name = name;
    method.rtol = march_rtol;
    method.atol = march_atol;
    method.max_steps = max_steps;
    return method;
  }

  /// From where the search is, with the inputs as they are at the start.
  Problem held(double duration) const {
    Problem run = problem_;
    run.t0 = problem_.t0 + found_.march;
    run.t1 = run.t0 + duration;
    run.y0 = found_.y;
    run.checkpoints.clear();
    const std::size_t inputs = problem_.system.driven();
    if (problem_.drive && inputs > 0) {
      std::vector<double> u(inputs);
      problem_.drive->evaluate(problem_.t0, u);
      run.drive = std::make_shared<ConstantDrive>(u);
    }
    return run;
  }

  void count(const Counters& of) {
    marched_.steps += of.steps;
    marched_.rhs += of.rhs;
    marched_.rejected += of.rejected;
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
  std::vector<double> rate_, relaxation_, marched_to_, fastest_;
  double slowest_ = 0;
  bool all_leak_ = false;
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
  if (!(settings.tolerance > 0 && std::isfinite(settings.tolerance))) {
    throw Error(system.name(), fmt::format("steady-state tolerance = {}, but must be positive.", settings.tolerance));
  }
  if (settings.march && !(*settings.march >= 0 && std::isfinite(*settings.march)))
    throw Error(system.name(), fmt::format("march = {}, but must be finite and not below 0.", *settings.march));
  return Search(problem, settings).run();
}

}  // namespace striate
