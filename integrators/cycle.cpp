#include "integrators/cycle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "base/error.hpp"
#include "integrators/eigenpairs.hpp"
#include "integrators/least_squares.hpp"
#include "integrators/stepper.hpp"

namespace striate {
namespace {

constexpr double turn = 2 * std::numbers::pi;
constexpr std::size_t most_states = 1000;
const char* const longer = "Let the circuit run longer first (`transient` of a phase response, `march` of a branch).";

/// The element of the states that a name means: itself, or the first of a state.
std::size_t element_named(const System<double>& system, const std::string& name) {
  const Fields& states = system.states();
  for (std::size_t i = 0; i < states.size(); ++i)
    if (states.element_name(i) == name) return i;
  return states.at(name).offset;
}

/// What the flow did in a while: its accepted steps.
struct Course {
  std::vector<double> t;
  std::vector<std::vector<double>> y;
};

/// Newton's iteration found no single one.
struct SeveralTurns : Failure {
  using Failure::Failure;
};

class Search {
 public:
  Search(const Problem& problem, const CycleSettings& settings)
      : problem_(problem), settings_(settings), orbit_(problem), n_(orbit_.size()), angle_(n_), turns_(n_) {
    const System<double>& system = orbit_.system();
    if (!(settings.transient > 0 && std::isfinite(settings.transient)))
      throw Error(system.name(), fmt::format("the transient before a cycle = {}, but must be above 0 and finite.",
                                             settings.transient));
    if (n_ > most_states)
      throw Error(system.name(), fmt::format("has {} states, but the linearisation along a cycle is a dense matrix, "
                                             "which is kept to {} states.",
                                             n_, most_states));
    for (const auto& name : settings.angles) {
      const Field& f = system.states().at(name);
      if (const Unit rad = Unit::parse("rad"); !f.unit.same_dimension(rad) || f.unit.to(rad) != 1)
        throw Error(system.name(), fmt::format("angle '{}' is in [{}], but a turn of an angle is 2 pi. Give it in rad.",
                                               name, f.unit.str()));
      std::fill_n(angle_.begin() + static_cast<std::ptrdiff_t>(f.offset), f.size, true);
    }
    origin_ = settings.origin.empty() ? 0 : element_named(system, settings.origin);
  }

  Cycle find() {
    settle();
    const Course course = watch();
    std::optional<Failure> nearest;  // of the first return
    int returns = 0;
    for (std::size_t from = 1; const auto candidate = next_return(course, from);) {
      from = *candidate + 1;
      ++returns;
      take_turns(course.y.front(), course.y[*candidate]);
      try {
        Eigen::VectorXd y = vector(course.y.front());
        double period = course.t[*candidate] - course.t.front();
        mesh_ = orbit_.adapted_mesh(course.y.front(), period, settings_.tolerance);
        close(y, period, std::nullopt);
        require_moving();
        require_first(y, period, returns);
        start_at_origin(y, period);
        require_moving();
        return cycle(period);
      } catch (const SeveralTurns&) {
        throw;  // so would later returns be
      } catch (const Failure& failure) {
        if (!nearest) nearest = failure;
      }
    }
    throw nearest.value_or(Failure(at_rest()));
  }

  Orbit& orbit() { return orbit_; }
  const Eigen::MatrixXd& monodromy() const { return monodromy_; }

 private:
  std::string name() const { return orbit_.system().name(); }

  std::string at_rest() const {
    return fmt::format("cycle of '{}': the flow did not come back to a state of {} before. {}", name(),
                       time_text(settings_.transient, orbit_.system()),
                       steady_.empty()
                           ? std::string("It may be at rest, or not yet on its cycle. ") + longer
                           : fmt::format("{} only moves one way: where it is an angle, name it in `angles`.", steady_));
  }

  Problem run_from(std::vector<double> y0) const {
    Problem run = problem_;
    run.y0 = std::move(y0);
    run.t1 = run.t0 + settings_.transient;
    run.checkpoints.clear();
    if (run.drive) {
      std::vector<double> u(orbit_.system().inputs().size());
      run.drive->evaluate(run.t0, u);
      run.drive = std::make_shared<ConstantDrive>(std::move(u));
    }
    return run;
  }

  Method method() const {
    Method m;
    m.name = "dp54";
    m.rtol = 1e-9;
    m.atol = 1e-11;
    return m;
  }

  /// Over which no angle goes on by more than a tenth of a turn, so that no return is stepped over; 0: no angle moves.
  double step_of_angles() {
    std::vector<double> f(n_);
    orbit_.rate(start_, f);
    double fastest = 0;
    for (std::size_t i = 0; i < n_; ++i)
      if (angle_[i]) fastest = std::max(fastest, std::abs(f[i]));
    return fastest > 0 ? 0.1 * turn / fastest : 0;
  }

  void settle() { start_ = solve(run_from(problem_.y0), method()).y; }

  /// The steps over another transient, with the range of every state.
  Course watch() {
    Course course;
    Method steps = method();
    steps.max_step = step_of_angles();
    Integrator integrator(steps);
    const Problem run = run_from(start_);
    integrator.start(run);
    const auto keep = [&] {
      course.t.push_back(integrator.t());
      course.y.emplace_back(integrator.y().begin(), integrator.y().end());
    };
    keep();
    for (Stop stop = Stop::step; stop != Stop::end; keep()) stop = integrator.advance(run.t1);
    scale_.assign(n_, 0);
    const double unresolved = 10 * steps.atol;
    for (std::size_t i = 0; i < n_; ++i) {
      double low = course.y[0][i], high = low;
      for (const auto& y : course.y) {
        low = std::min(low, y[i]);
        high = std::max(high, y[i]);
      }
      scale_[i] = angle_[i] ? 1 : high - low;
      if (!angle_[i] && high - low > turn && one_way(course, i)) steady_ = orbit_.system().states().element_name(i);
      if (scale_[i] <= std::max(1e-6 * std::max(std::abs(low), std::abs(high)), unresolved)) scale_[i] = 0;
    }
    const double largest = *std::ranges::max_element(scale_);
    if (largest == 0) throw Failure(at_rest());
    for (double& s : scale_)
      if (s == 0) s = largest;  // it does not move
    return course;
  }

  static bool one_way(const Course& course, std::size_t i) {
    const auto at = [i](const std::vector<double>& y) { return y[i]; };
    return std::ranges::is_sorted(course.y, std::less{}, at) || std::ranges::is_sorted(course.y, std::greater{}, at);
  }

  /// y - from, angles by the shorter way, each by the range of its state.
  double apart(const std::vector<double>& from, const std::vector<double>& y) const {
    double square = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      double d = y[i] - from[i];
      if (angle_[i]) d -= turn * std::round(d / turn);
      square += d * d / (scale_[i] * scale_[i]);
    }
    return std::sqrt(square / static_cast<double>(n_));
  }

  /// The next step that lies nearer to the start than its neighbours, and near enough to be a return.
  std::optional<std::size_t> next_return(const Course& course, std::size_t from) {
    widest_ = 0;
    for (std::size_t i = 1; i + 1 < course.t.size(); ++i) {
      const double d = apart(course.y.front(), course.y[i]);
      widest_ = std::max(widest_, d);
      if (i < from || d > 0.2 * widest_) continue;
      if (d <= apart(course.y.front(), course.y[i - 1]) && d < apart(course.y.front(), course.y[i + 1])) return i;
    }
    return std::nullopt;
  }

  void take_turns(const std::vector<double>& from, const std::vector<double>& to) {
    for (std::size_t i = 0; i < n_; ++i) turns_[i] = angle_[i] ? turn * std::round((to[i] - from[i]) / turn) : 0;
  }

  Eigen::VectorXd scales() const { return vector(scale_); }

  /// How far the orbit goes from its first point.
  double excursion() const {
    const auto first = orbit_.state(0);
    double farthest = 0;
    for (std::size_t k = 0; k < orbit_.points(); ++k) {
      const auto y = orbit_.state(k);
      farthest = std::max(farthest, apart({first.begin(), first.end()}, {y.begin(), y.end()}));
    }
    return farthest;
  }

  /// @throws Failure where Newton's iteration fell onto a state of rest
  void require_moving() const {
    const bool winds = std::ranges::any_of(turns_, [](double t) { return t != 0; });
    if (!winds && excursion() < 0.2 * widest_)
      throw Failure(fmt::format(
          "cycle of '{}': Newton's iteration fell from a course that comes back onto a state at rest. Either "
          "the course winds down to it, or the cycles are a family that fills the space, as those of a "
          "conservative system are, of which none is the circuit's own. {}",
          name(), longer));
  }

  /// @throws Failure where the orbit comes back before the period, which Newton's iteration did not find
  void require_first(const Eigen::VectorXd& y, double period, int returns) {
    constexpr double missed = 3e-3;  // by what a jump inside a step costs
    for (int k = returns; k > 1; --k) {
      if (!orbit_.run(values(y), period / k, mesh_)) continue;
      const auto end = orbit_.state(orbit_.points() - 1);
      if (apart(values(y), {end.begin(), end.end()}) < missed)
        throw SeveralTurns(fmt::format(
            "cycle of '{}': the flow comes back after {}, but Newton's iteration found only {} turns together. Rates "
            "that jump with the states (step, where) have no derivative there; smooth them.",
            name(), time_text(period / k, orbit_.system()), k));
    }
    if (returns > 1) orbit_.run(values(y), period, mesh_);
  }

  /// Newton's iteration on (y, period): the orbit closes, and either f_origin = 0 (or the angle is 0) at its start, or
  /// the start stays in the plane across the flow where it was.
  void close(Eigen::VectorXd& y, double& period, std::optional<std::size_t> origin) {
    const auto n = static_cast<Eigen::Index>(n_);
    const Eigen::VectorXd scale = scales();
    const Eigen::VectorXd y_first = y;
    std::vector<double> f(n_);
    orbit_.rate(values(y), f);
    const Eigen::VectorXd across = vector(f).cwiseQuotient(scale);
    double residual = 0;
    for (int iteration = 0; iteration < 30; ++iteration) {
      if (!(period > 0) || !y.allFinite() || !orbit_.run(values(y), period, mesh_)) break;
      const Eigen::VectorXd end = vector(orbit_.state(orbit_.points() - 1));
      const Eigen::VectorXd gap = (end - y - vector(turns_)).cwiseQuotient(scale);
      monodromy_ = orbit_.push(Eigen::MatrixXd::Identity(n, n));
      orbit_.rate(values(end), f);
      Eigen::MatrixXd j(n + 1, n + 1);
      j.topLeftCorner(n, n) = scale.cwiseInverse().asDiagonal() * monodromy_ * scale.asDiagonal();
      j.topLeftCorner(n, n) -= Eigen::MatrixXd::Identity(n, n);
      j.topRightCorner(n, 1) = period * vector(f).cwiseQuotient(scale);
      j(n, n) = 0;
      Eigen::VectorXd residuals(n + 1);
      residuals.head(n) = gap;
      if (!origin) {
        j.bottomLeftCorner(1, n) = across.transpose() / across.norm();
        residuals[n] = across.dot((y - y_first).cwiseQuotient(scale)) / across.norm();
      } else if (angle_[*origin]) {
        const auto o = static_cast<Eigen::Index>(*origin);
        j.bottomLeftCorner(1, n) = Eigen::VectorXd::Unit(n, o).transpose() * scale[o];
        residuals[n] = y[o] - turn * std::round(y[o] / turn);
      } else {
        const auto o = static_cast<Eigen::Index>(*origin);
        std::vector<double> slope(n_);
        orbit_.vjp(values(y), values(Eigen::VectorXd::Unit(n, o)), slope);
        orbit_.rate(values(y), f);
        const Eigen::VectorXd row = vector(slope).cwiseProduct(scale);
        j.bottomLeftCorner(1, n) = row.transpose() / row.norm();
        residuals[n] = f[*origin] / row.norm();
      }
      residual = residuals.lpNorm<Eigen::Infinity>();
      residual_ = gap.lpNorm<Eigen::Infinity>();
      const Eigen::VectorXd change = -least_squares(j, residuals);
      if (residual < std::max(1e-12, 0.1 * settings_.tolerance)) return;
      const double damping = std::min(1.0, 0.5 / change.lpNorm<Eigen::Infinity>());
      y += damping * change.head(n).cwiseProduct(scale);
      period *= std::exp(damping * change[n]);
    }
    throw Failure(fmt::format("cycle of '{}': Newton's iteration left a gap of {:.2g} of the range of a state. {}",
                              name(), residual, longer));
  }

  /// Moves the start to the phase that is called 0, and gives the mesh the phases that are asked for.
  void start_at_origin(Eigen::VectorXd& y, double& period) {
    std::size_t best = 0;
    double value = -HUGE_VAL;
    for (std::size_t k = 0; k < orbit_.points(); ++k) {
      const double x = orbit_.state(k)[origin_];
      const double merit = angle_[origin_] ? -std::abs(x - turn * std::round(x / turn)) : x;
      if (merit <= value) continue;
      value = merit;
      best = k;
    }
    y = vector(orbit_.state(best));
    mesh_ = orbit_.adapted_mesh(values(y), period, settings_.tolerance);
    std::vector<double> even;
    for (std::size_t k = 1; k < settings_.samples; ++k)
      even.push_back(static_cast<double>(k) / static_cast<double>(settings_.samples));
    std::erase_if(mesh_, [&](double s) {  // no two points that all but meet
      const auto next = std::lower_bound(even.begin(), even.end(), s);
      return s != 0 && s != 1 &&
             ((next != even.end() && *next - s < 1e-6) || (next != even.begin() && s - *std::prev(next) < 1e-6));
    });
    mesh_.insert(mesh_.end(), even.begin(), even.end());
    std::ranges::sort(mesh_);
    close(y, period, origin_);
  }

  Cycle cycle(double period) const {
    Cycle c;
    c.period = period;
    c.phase = orbit_.mesh();
    for (std::size_t k = 0; k < orbit_.points(); ++k)
      c.y.insert(c.y.end(), orbit_.state(k).begin(), orbit_.state(k).end());
    c.turns = turns_;
    c.residual = residual_;
    const Eigen::VectorXcd multipliers = eigenvalues(monodromy_);
    c.multipliers.assign(multipliers.data(), multipliers.data() + multipliers.size());
    std::ranges::sort(c.multipliers, [](auto a, auto b) { return std::abs(a) > std::abs(b); });
    const auto own = std::ranges::min_element(c.multipliers, {}, [](auto m) { return std::abs(m - 1.0); });
    c.stable = std::all_of(c.multipliers.begin(), c.multipliers.end(),
                           [&](const auto& m) { return &m == &*own || std::abs(m) < 1; });
    return c;
  }

  Problem problem_;
  CycleSettings settings_;
  Orbit orbit_;
  std::size_t n_, origin_ = 0;
  std::vector<bool> angle_;
  std::vector<double> turns_, start_, scale_, mesh_;
  std::string steady_;  ///< a state that moves one way, by more than a turn
  double widest_ = 0, residual_ = 0;
  Eigen::MatrixXd monodromy_;
};

}  // namespace

Cycle find_cycle(const Problem& problem, const CycleSettings& settings) { return Search(problem, settings).find(); }

PhaseResponse phase_response(const Problem& problem, const CycleSettings& settings) {
  Search search(problem, settings);
  PhaseResponse response;
  response.cycle = search.find();
  Orbit& orbit = search.orbit();
  const std::size_t n = orbit.size();
  const auto rows = static_cast<Eigen::Index>(n);
  const auto& m = response.cycle.multipliers;
  if (std::ranges::count_if(m, [](auto x) { return std::abs(x - 1.0) < 1e-6; }) > 1)
    throw Failure(
        fmt::format("phase response of '{}': a second multiplier of the cycle is 1, so that not its phase alone "
                    "is left where a push brought it. Break the symmetry or couple the units.",
                    orbit.system().name()));
  std::vector<double> f(n);
  orbit.rate(orbit.state(0), f);
  // Z (M - I) = 0 and Z.f = 1 at phase 0.
  Eigen::MatrixXd equations(rows + 1, rows);
  equations.topRows(rows) = search.monodromy().transpose() - Eigen::MatrixXd::Identity(rows, rows);
  equations.row(rows) = vector(f).transpose();
  const Eigen::VectorXd one = Eigen::VectorXd::Unit(rows + 1, rows);
  Eigen::VectorXd z = least_squares(equations, one);
  z /= z.dot(vector(f));
  response.z.resize(orbit.points() * n);
  orbit.pull(values(z), [&](std::size_t k, std::span<const double> now) {
    std::ranges::copy(now, response.z.begin() + static_cast<std::ptrdiff_t>(k * n));
    orbit.rate(orbit.state(k), f);
    response.defect = std::max(response.defect, std::abs(vector(now).dot(vector(f)) - 1));
  });
  if (!(response.defect < 0.1))
    throw Failure(
        fmt::format("phase response of '{}': Z.f = 1 holds along the cycle only to {:.2g}, so that the linearisation "
                    "is lost on it. Make `tolerance` smaller.",
                    orbit.system().name(), response.defect));
  return response;
}

}  // namespace striate
