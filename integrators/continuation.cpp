#include "integrators/continuation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/svd.hpp"
#include "integrators/after_number.hpp"
#include "integrators/branch_curves.hpp"
#include "integrators/cycle.hpp"
#include "integrators/eigenpairs.hpp"
#include "integrators/least_squares.hpp"

namespace striate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
constexpr std::size_t most_states = 400;
constexpr double longest_period = 1000;  ///< in periods at birth or at the start: cycles are followed no further

const char* closed = "its start: the branch is closed";

/// A point on the curve with its tangent.
struct Stand {
  VectorXd x, tangent;
  std::vector<Mode> modes;     ///< the nearest to no growth first
  std::ptrdiff_t neutral = 0;  ///< so many of them do not grow
};

/// The modes without the first so many, which a symmetry keeps neutral.
std::span<const Mode> moving(const Stand& s, std::ptrdiff_t neutral) {
  return std::span(s.modes).subspan(static_cast<std::size_t>(neutral));
}

std::size_t unstable(std::span<const Mode> modes) {
  return static_cast<std::size_t>(std::ranges::count_if(modes, [](const Mode& m) { return m.growth > 0; }));
}

std::ptrdiff_t unstable(std::span<const Mode> modes, Mode::Kind kind) {
  return std::ranges::count_if(modes, [kind](const Mode& m) { return m.growth > 0 && m.kind == kind; });
}

/// The growth that so many others exceed: continuous along a branch, whatever becomes of the modes.
double ranked(std::span<const Mode> modes, std::size_t rank) {
  std::vector<double> growth;
  for (const Mode& m : modes) growth.push_back(m.growth);
  const auto at = growth.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(growth, at, std::greater<>());
  return *at;
}

/// The growth nearest to zero among those of a kind.
double nearest(std::span<const Mode> modes, Mode::Kind kind) {
  const auto found = std::ranges::find(modes, kind, &Mode::kind);
  return found == modes.end() ? std::numeric_limits<double>::infinity() : found->growth;
}

class Follower {
 public:
  Follower(Curve& curve, const ContinuationSettings& settings, double longest)
      : curve_(curve), settings_(settings), longest_(longest) {}

  /// Newton from a guess; with a tangent along it by `ds` from `base`, else straight.
  std::optional<Stand> correct(const VectorXd& base, const VectorXd& tangent, double ds, int* iterations = nullptr) {
    VectorXd x = base + ds * tangent;
    VectorXd f;
    MatrixXd j;
    for (int i = 0; i < 10; ++i) {
      if (!x.allFinite() || !curve_.evaluate(x, f, j)) return std::nullopt;
      MatrixXd bordered(j.cols(), j.cols());
      bordered.topRows(j.rows()) = j;
      bordered.bottomRows(1) = tangent.transpose();
      MatrixXd right = MatrixXd::Zero(j.cols(), 2);  // of the correction, and of the tangent there
      right.col(0) << -f, ds - tangent.dot(x - base);
      right(j.rows(), 1) = 1;
      const MatrixXd solved = least_squares(bordered, right);
      const auto change = solved.col(0);
      if (iterations) *iterations = i;
      const bool on_plane = std::abs(right(j.rows(), 0)) < 1e-9 * (1 + x.norm());
      if (on_plane && change.norm() < 1e-9 * (1 + x.norm()) && f.norm() <= 1e-8 * j.norm() * (1 + x.norm())) {
        Stand s{x, {}, curve_.modes()};
        std::ranges::sort(s.modes, {}, [](const Mode& m) { return std::abs(m.growth); });
        s.neutral =
            std::ranges::count_if(s.modes, [&](const Mode& m) { return std::abs(m.growth) <= curve_.neutral(); });
        s.tangent = solved.col(1).normalized();
        // At a fold the parameter tells no direction: the one in which F stays zero does.
        if ((j * s.tangent).norm() > 1e-6 * j.norm()) s.tangent = svd(j).v.rightCols(1);
        if (s.tangent.dot(tangent) < 0) s.tangent = -s.tangent;
        return s;
      }
      x += change;
    }
    return std::nullopt;
  }

  /// Follows the curve from `start` along its tangent.
  void follow(const Stand& start, Branch& branch, std::string& end) {
    Stand at = start;
    std::optional<Stand> before;
    double ds = std::min(settings_.step, 1e-3);
    last_.reset();
    const Index parameter = at.x.size() - 1;
    for (std::size_t count = 1; count < settings_.most_points; ++count) {
      curve_.stand_at(at.x);
      // The phase condition is another one here, and so is the tangent.
      if (curve_.cycles())
        if (const auto here = correct(at.x, at.tangent, 0)) at = *here;
      std::optional<Stand> next;
      for (; ds > 1e-9; ds /= 2) {
        int iterations = 0;
        next = correct(at.x, at.tangent, ds, &iterations);
        if (next && next->tangent.dot(at.tangent) > 0.98) {
          if (iterations <= 3) ds = std::min(settings_.step, 1.4 * ds);
          break;
        }
        next.reset();
      }
      if (!next) {
        end = "Newton's iteration does not converge";
        return;
      }
      const BranchPoint p = described(*next);
      if (curve_.cycles() && shrunk(branch, at, *next, p)) {
        end = "the cycles shrink to a point";
        return;
      }
      if (const auto home = count > 1 ? came_back(start, at, *next) : std::nullopt) {
        special_between(before, at, *home, branch);
        branch.points.push_back(described(start));
        end = closed;
        return;
      }
      special_between(before, at, *next, branch);
      const double place = next->x[parameter];
      if (place < 0 || place > 1) {
        const double bound = place < 0 ? 0 : 1;
        const auto edge = locate(at, *next, [&](const Stand& s) { return s.x[parameter] - bound; });
        if (edge && edge->x != at.x)  // the start may be the edge
          branch.points.push_back(described(*edge));
        end = "the end of the range";
        return;
      }
      branch.points.push_back(p);
      if (const auto lost = loss(branch)) {
        branch.special.push_back(*lost);
        end = "the period grows without bound";
        return;
      }
      if (p.period > longest_) {
        end = fmt::format("the period {:.6g}, more than {} times the first", p.period, longest_period);
        return;
      }
      before = std::exchange(at, *next);
    }
    end = fmt::format("{} points", settings_.most_points);
  }

  BranchPoint described(const Stand& s) const {
    BranchPoint p = curve_.point(s.x);
    p.unstable = unstable(moving(s, s.neutral));
    p.growth = -std::numeric_limits<double>::infinity();
    for (const Mode& m : s.modes) p.growth = std::max(p.growth, m.growth);
    return p;
  }

 private:
  static double extent(const BranchPoint& p) {
    double largest = 0;
    for (std::size_t i = 0; i < p.low.size(); ++i) largest = std::max(largest, p.high[i] - p.low[i]);
    return largest;
  }

  /// On what the cycles end whose period grows. Beside a saddle the parameter approaches its limit as exp(-period),
  /// beside the ghost of a saddle-node as 1/period^2, so that half of the change by its logarithm is left. (In a canard
  /// explosion it hardly moves either, but there is neither.)
  std::optional<SpecialPoint> loss(const Branch& branch) {
    constexpr double converged = 1e-5, converging = 1e-2;
    if (!curve_.cycles() || branch.points.size() < 2) return std::nullopt;
    const BranchPoint& before = branch.points[branch.points.size() - 2];
    const BranchPoint& p = branch.points.back();
    if (p.period <= before.period) return std::nullopt;
    const double range = settings_.high - settings_.low;
    const double change = (p.parameter - before.parameter) / std::log(p.period / before.period);
    if (std::abs(change) < converged * range && saddle_beside(p)) return SpecialPoint{Bifurcation::homoclinic, p};
    if (std::abs(change) > converging * range) return std::nullopt;
    const auto born = fold_beside(p);
    if (!born || !(std::abs(born->parameter - p.parameter - change / 2) < std::abs(change) / 2)) return std::nullopt;
    BranchPoint at = p;
    at.parameter = born->parameter;
    at.y = born->y;
    return SpecialPoint{Bifurcation::snic, at};
  }

  /// The slowest state of a cycle, as an unknown of the fixed points.
  VectorXd slowest(const BranchPoint& p) { return curve_.rest().unknowns(p.slow_state, p.parameter); }

  /// How far a fixed point lies from the slowest state, by the extent of the cycle.
  static double beside(const BranchPoint& rest, const BranchPoint& p) {
    return (vector(rest.y) - vector(p.slow_state)).norm() / (vector(p.high) - vector(p.low)).norm();
  }

  bool saddle_beside(const BranchPoint& p) {
    Follower rest(curve_.rest(), settings_, longest_);
    const VectorXd x = slowest(p);
    const auto found = rest.correct(x, VectorXd::Unit(x.size(), x.size() - 1), 0);
    if (!found) return false;
    const BranchPoint at = rest.described(*found);
    return beside(at, p) < 0.02 && at.unstable > 0 && at.unstable < at.y.size();
  }

  /// By the secant rule, from where the fixed points come nearest to the slowest state.
  std::optional<BranchPoint> fold_beside(const BranchPoint& p) {
    Follower rest(curve_.rest(), settings_, longest_);
    const VectorXd x = slowest(p);
    const Index n = x.size() - 1;
    VectorXd f, neutral = VectorXd::Zero(n + 1);
    MatrixXd j;
    if (!curve_.rest().evaluate(x, f, j)) return std::nullopt;
    neutral.head(n) = svd(j.leftCols(n)).v.col(n - 1);
    const auto base = rest.correct(x, neutral, 0);
    if (!base) return std::nullopt;
    double s = 1e-3, s_before = 0, turn_before = base->tangent[n];
    for (int i = 0; i < 20 && std::abs(s) < 0.1; ++i) {
      const auto next = rest.correct(base->x, base->tangent, s);
      if (!next) return std::nullopt;
      const double turn = next->tangent[n];
      if (std::abs(turn) < 1e-8) {
        const BranchPoint at = rest.described(*next);
        return beside(at, p) < 0.1 ? std::optional(at) : std::nullopt;
      }
      const double onward = s - turn * (s - s_before) / (turn - turn_before);
      s_before = std::exchange(s, onward);
      turn_before = turn;
    }
    return std::nullopt;
  }

  /// Whether the cycle has become a point on the way to p: seen from its middle, its states lie on the other side.
  bool shrunk(const Branch& branch, const Stand& at, const Stand& next, const BranchPoint& p) const {
    double largest = 0;
    for (const BranchPoint& q : branch.points) largest = std::max(largest, extent(q));
    if (extent(p) < 1e-4 * largest) return true;
    return curve_.around_middle(at.x, branch.points.back()).dot(curve_.around_middle(next.x, p)) < 0;
  }

  /// The start, as a stand between the two, where the branch comes back to it. A cycle comes back at another phase:
  /// what knows none is compared, its period, its parameter and the ranges of its states.
  std::optional<Stand> came_back(const Stand& start, const Stand& at, const Stand& next) {
    const Index compared = curve_.cycles() ? 2 : start.x.size();
    const auto direction = [&](const Stand& s) { return VectorXd(s.tangent.tail(compared).normalized()); };
    const auto away = [&](const Stand& s) { return VectorXd((s.x - start.x).tail(compared)); };
    const VectorXd onward = direction(start);
    const auto ahead = [&](const Stand& s) { return away(s).dot(onward); };
    if (!(ahead(at) < 0 && ahead(next) > 0) || away(next).norm() > 2 * step(at, next)) return std::nullopt;
    auto home = locate(at, next, ahead);
    if (!home || away(*home).norm() > 1e-6 || direction(*home).dot(onward) < 0.9) return std::nullopt;
    if (!curve_.cycles()) return home;
    const BranchPoint p = curve_.point(home->x), q = curve_.point(start.x);
    const double apart = std::hypot((vector(p.low) - vector(q.low)).norm(), (vector(p.high) - vector(q.high)).norm());
    if (apart > 0.01 * (vector(q.high) - vector(q.low)).norm()) return std::nullopt;
    return home;
  }

  /// How far b lies along the tangent of a.
  static double step(const Stand& a, const Stand& b) { return (b.x - a.x).dot(a.tangent); }

  /// Where `of` is zero between two stands, along the tangent of the first.
  std::optional<Stand> locate(const Stand& a, const Stand& b, const std::function<double(const Stand&)>& of) {
    constexpr double zero = 1e-11;
    double left = 0, right = step(a, b), f_left = of(a), f_right = of(b);
    if (std::abs(f_left) < zero) return a;
    if (std::abs(f_right) < zero) return b;
    if (!(f_left * f_right < 0)) return std::nullopt;
    std::optional<Stand> best;
    for (int i = 0; i < 60 && right - left > 1e-12; ++i) {
      // The secant, kept off the ends so that the bracket always shrinks.
      const double share = std::clamp(f_left / (f_left - f_right), 0.05, 0.95);
      const double ds = i % 3 == 2 ? 0.5 * (left + right) : left + share * (right - left);
      const auto s = correct(a.x, a.tangent, ds);
      if (!s) return best;
      best = s;
      const double f = of(*s);
      if (std::abs(f) < zero) break;
      (f * f_left < 0 ? right : left) = ds;
      (f * f_left < 0 ? f_right : f_left) = f;
    }
    return best;
  }

  /// Whether a real mode is neutral at `s` without changing its sign from a to b.
  static bool touches(const Stand& a, const Stand& s, const Stand& b, std::ptrdiff_t neutral) {
    const auto growth = [neutral](const Stand& at) { return nearest(moving(at, neutral), Mode::real); };
    const double before = growth(a), after = growth(b);
    return before * after > 0 && std::abs(growth(s)) < 0.1 * std::min(std::abs(before), std::abs(after));
  }

  /// What happens to a mode that is real: the parameter turns there, the mode crosses, or both (a fold).
  struct Passage {
    bool turns, crosses;
    double share;  ///< of the parameter's range
    bool shown = true;
  };

  /// Where the parameter hardly moves (canards), rounding turns it back and forth, and beside where the mode crosses:
  /// what cannot be told apart is one passage, and none unless the mode has crossed.
  void add(Branch& branch, Passage now, Bifurcation kind, const BranchPoint& at) {
    constexpr double told_apart = 1e-7;
    if (last_ && std::abs(last_->share - now.share) < told_apart) {
      now.turns = now.turns || last_->turns;
      now.crosses = now.crosses != last_->crosses;
      now.shown = now.crosses;
      kind = now.turns ? Bifurcation::fold : Bifurcation::branch_point;
      if (last_->shown) branch.special.pop_back();
    }
    last_ = now;
    if (now.shown) branch.special.push_back({kind, at});
  }

  /// Whether a mode that goes on as it did from `before` to a crosses on the way to b, though as many grow in all.
  static bool overdue(const Stand& before, const Stand& a, const Stand& b) {
    const std::ptrdiff_t neutral = std::min({before.neutral, a.neutral, b.neutral});
    const auto was = moving(before, neutral), now = moving(a, neutral);
    const std::size_t growing = unstable(now);
    if (unstable(was) != growing || unstable(moving(b, neutral)) != growing) return false;
    const double ahead = step(a, b) / step(before, a);
    const auto crosses = [&](std::size_t rank) {
      const double growth = ranked(now, rank);
      return (growth > 0) != (growth + ahead * (growth - ranked(was, rank)) > 0);
    };
    return (growing > 0 && crosses(growing - 1)) || (growing < now.size() && crosses(growing));
  }

  /// What happens from a to b. Where it is more than one thing, or less than the modes announce, in halves: down to
  /// 1/64 of a step.
  void special_between(const std::optional<Stand>& before, const Stand& a, const Stand& b, Branch& branch,
                       int halvings = 6) {
    const Index parameter = a.x.size() - 1;
    const std::ptrdiff_t neutral = std::min(a.neutral, b.neutral);
    const auto left = moving(a, neutral), right = moving(b, neutral);
    const auto change = [&](Mode::Kind kind) { return std::abs(unstable(right, kind) - unstable(left, kind)); };
    const bool turns = std::signbit(a.tangent[parameter]) != std::signbit(b.tangent[parameter]);
    const auto real = change(Mode::real), complex = change(Mode::complex), flips = change(Mode::flip);
    const bool at_most_one = turns ? real == 1 && complex + flips == 0 : real + complex / 2 + flips <= 1;
    // The sides of a pitchfork look alike however near, until their mode cannot be told from none.
    const double nearest_real = std::min(std::abs(nearest(left, Mode::real)), std::abs(nearest(right, Mode::real)));
    const bool can_tell = !turns || real > 0 || nearest_real > 100 * curve_.neutral();
    if (halvings > 0 && can_tell && (!at_most_one || (before && overdue(*before, a, b))))
      if (const auto middle = correct(a.x, a.tangent, step(a, b) / 2)) {
        special_between(before, a, *middle, branch, halvings - 1);
        special_between(a, *middle, b, branch, halvings - 1);
        return;
      }
    // Where a mode crosses too, it is a fold; where one only touches, the sides of a pitchfork meet.
    if (turns)
      if (const auto s = locate(a, b, [&](const Stand& at) { return at.tangent[parameter]; }))
        add(branch, {true, real > 0, s->x[parameter]},
            real == 0 && touches(a, *s, b, neutral) ? Bifurcation::pitchfork : Bifurcation::fold, described(*s));
    if (turns && at_most_one) return;
    const auto [least, most] = std::minmax({unstable(left), unstable(right)});
    for (std::size_t rank = least; rank < most; ++rank) {
      const auto s = locate(a, b, [&, rank = rank](const Stand& at) { return ranked(moving(at, neutral), rank); });
      if (!s) continue;
      const Mode::Kind kind = moving(*s, neutral)[0].kind;
      const BranchPoint at = described(*s);
      if (kind != Mode::real) {
        branch.special.push_back({passed(kind), at});
        last_.reset();
        rank += kind == Mode::complex;
      } else if (!turns) {
        const bool alone = neutral == 0 && most - least == 1;
        add(branch, {false, true, s->x[parameter]}, alone ? meeting(curve_, s->x) : Bifurcation::branch_point, at);
        break;
      }
    }
  }

  Bifurcation passed(Mode::Kind kind) const {
    if (kind == Mode::flip) return Bifurcation::period_doubling;
    return curve_.cycles() ? Bifurcation::torus : Bifurcation::hopf;
  }

  Curve& curve_;
  ContinuationSettings settings_;
  double longest_;
  std::optional<Passage> last_;
};

class Continuation {
 public:
  Continuation(const Problem& problem, const ContinuationSettings& settings)
      : settings_(settings), orbit_(problem), n_(static_cast<Index>(orbit_.size())) {
    const System<double>& system = orbit_.system();
    if (orbit_.size() > most_states)
      throw Error(system.name(),
                  fmt::format("has {} states, but branches are followed with dense matrices of at most {}.",
                              orbit_.size(), most_states));
    const Field& field = system.parameters().at(settings.parameter);
    if (field.size != 1)
      throw Error(system.name(), fmt::format("the parameter '{}' has {} values, but one number is continued.",
                                             field.name, field.size));
    const double start = orbit_.parameters()[field.offset];
    if (!(std::isfinite(settings.high - settings.low) && settings.low < settings.high && settings.low <= start &&
          start <= settings.high))
      throw Error(system.name(), fmt::format("{} = {}{}, but must lie in the range [{}, {}] that is followed.",
                                             field.name, start, after_number(field.unit), settings.low, settings.high));
    if (!(settings.step > 0 && settings.step <= 0.5))
      throw Error(system.name(),
                  fmt::format("the step = {} of the range, but must lie above 0 and up to 0.5.", settings.step));
    y_ = problem.y0;
    if (y_.empty()) {
      Evaluation evaluation(problem);
      y_.resize(orbit_.size());
      evaluation.initial(problem.t0, y_);
    }
    s_ = {settings.low, settings.high - settings.low, field.offset, 1};
    for (const double y : y_) s_.scale = std::max(s_.scale, std::abs(y));
    start_ = (start - s_.low) / s_.range;
  }

  std::vector<Branch> run() {
    std::vector<Branch> branches{fixed_points()};
    if (settings_.cycles)
      for (const auto& special : std::vector<SpecialPoint>(branches[0].special))
        if (special.kind == Bifurcation::hopf && !is_end_of(branches, special.at))
          if (auto branch = cycles_from(special.at)) branches.push_back(std::move(*branch));
    return branches;
  }

  /// Both ways from a cycle.
  Branch cycles_through(const Cycle& cycle) {
    Cycles curve(orbit_, s_, cycle.period, cycle.turns);
    Follower follower(curve, settings_, longest_period * cycle.period);
    const std::size_t parts = Cycles::parts(orbit_.size());
    MatrixXd nodes(static_cast<Index>(parts), n_);
    for (std::size_t point = 0, k = 0; k < parts; ++k) {
      while (cycle.phase[point] < static_cast<double>(k) / static_cast<double>(parts) - 1e-9) ++point;
      nodes.row(static_cast<Index>(k)) = vector(std::span(cycle.y).subspan(point * orbit_.size(), orbit_.size()));
    }
    const VectorXd x = curve.unknowns(nodes, s_.low + s_.range * start_);
    curve.stand_at(x);
    const auto first = follower.correct(x, VectorXd::Unit(x.size(), x.size() - 1), 0);
    if (!first)
      throw Failure(
          fmt::format("continuation of '{}': Newton's iteration does not close the cycle at the start. Begin "
                      "nearer to it, with a longer march.",
                      orbit_.system().name()));
    Branch branch = both_ways(follower, *first);
    branch.cycles = true;
    return branch;
  }

 private:
  Branch fixed_points() {
    FixedPoints curve(orbit_, s_);
    Follower follower(curve, settings_, std::numeric_limits<double>::infinity());
    const VectorXd x = curve.unknowns(y_, s_.low + s_.range * start_);
    const auto first = follower.correct(x, VectorXd::Unit(n_ + 1, n_), 0);
    if (!first)
      throw Failure(
          fmt::format("continuation of '{}': Newton's iteration finds no fixed point near the start. Begin where "
                      "the circuit rests: let it run there first (`march`), or say where its states begin "
                      "([continuation.initial]).",
                      orbit_.system().name()));
    return both_ways(follower, *first);
  }

  /// Down the parameter first, and only so where the branch is closed.
  static Branch both_ways(Follower& follower, Stand first) {
    // What happens at the start itself is neither way's: both begin beside it, inside of the range.
    const Index parameter = first.x.size() - 1;
    if (first.neutral > 0 || std::abs(first.tangent[parameter]) < 1e-6)
      if (const auto beside = follower.correct(first.x, first.tangent, first.x[parameter] < 0.5 ? 1e-4 : -1e-4))
        first = *beside;
    Stand down = first, up = first;
    (first.tangent[first.tangent.size() - 1] > 0 ? down : up).tangent *= -1;
    Branch back, branch;
    const BranchPoint start = follower.described(first);
    back.points.push_back(start);
    follower.follow(down, back, branch.end[0]);
    branch.points.assign(back.points.rbegin(), back.points.rend());
    branch.special.assign(back.special.rbegin(), back.special.rend());
    if (branch.end[0] == closed) {
      branch.end[1] = closed;
      return branch;
    }
    Branch onward;
    onward.points.push_back(start);
    follower.follow(up, onward, branch.end[1]);
    branch.points.insert(branch.points.end(), onward.points.begin() + 1, onward.points.end());
    branch.special.insert(branch.special.end(), onward.special.begin(), onward.special.end());
    return branch;
  }

  /// Whether the cycles born at a Hopf point are known from where they come to.
  bool is_end_of(const std::vector<Branch>& branches, const BranchPoint& hopf) const {
    return std::ranges::any_of(branches, [&](const Branch& b) {
      if (!b.cycles || !b.end[1].starts_with("the cycles shrink")) return false;
      const BranchPoint& last = b.points.back();
      double apart = std::abs(last.parameter - hopf.parameter) / s_.range;
      for (std::size_t i = 0; i < hopf.y.size(); ++i)
        apart = std::max(apart, std::abs((last.low[i] + last.high[i]) / 2 - hopf.y[i]) / s_.scale);
      return apart < settings_.step;
    });
  }

  /// Cycles around a Hopf point: the eigenvectors of its pair span them, its frequency gives the period.
  std::optional<Branch> cycles_from(const BranchPoint& hopf) {
    orbit_.parameters()[s_.parameter] = hopf.parameter;
    const Eigenpairs pairs = eigenpairs(orbit_.jacobian(hopf.y));
    if (!pairs.found) return std::nullopt;
    Index pair = -1;
    for (Index i = 0; i < n_; ++i) {
      const auto value = pairs.values[i];
      if (value.imag() > 0 && (pair < 0 || std::abs(value.real()) < std::abs(pairs.values[pair].real()))) pair = i;
    }
    if (pair < 0) return std::nullopt;
    const double period = 2 * std::numbers::pi / pairs.values[pair].imag();
    Cycles curve(orbit_, s_, period, std::vector<double>(orbit_.size()));
    Follower follower(curve, settings_, longest_period * period);
    const auto parts = static_cast<Index>(Cycles::parts(orbit_.size()));
    const MatrixXd rest = vector(hopf.y).transpose().replicate(parts, 1);
    MatrixXd around = rest;
    for (Index k = 0; k < parts; ++k) {
      const double phase = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(parts);
      around.row(k) += (std::polar(1.0, phase) * pairs.vectors.col(pair)).real().transpose();
    }
    Stand at;
    at.x = curve.unknowns(rest, hopf.parameter);
    at.tangent = (curve.unknowns(around, hopf.parameter) - at.x).normalized();
    // What is asked of the phase is that of the small cycle.
    constexpr double small = 2e-3;
    curve.stand_at(at.x + small * at.tangent);
    const auto first = follower.correct(at.x, at.tangent, small);
    if (!first) return std::nullopt;
    Branch branch;
    branch.cycles = true;
    branch.end[0] = "the Hopf point";
    branch.points.push_back(follower.described(*first));
    Stand onward = *first;
    if (onward.tangent.dot(at.tangent) < 0) onward.tangent = -onward.tangent;
    follower.follow(onward, branch, branch.end[1]);
    // What decides about the stability of so small a cycle is as its square: it may be taken for neutral.
    if (first->neutral > 0 && branch.points.size() > 1) branch.points[0].unstable = branch.points[1].unstable;
    return branch;
  }

  ContinuationSettings settings_;
  Orbit orbit_;
  Index n_;
  std::vector<double> y_;
  Scaling s_{};
  double start_ = 0;
};

}  // namespace

const char* to_string(Bifurcation kind) {
  switch (kind) {
    case Bifurcation::fold: return "fold";
    case Bifurcation::transcritical: return "transcritical";
    case Bifurcation::pitchfork: return "pitchfork";
    case Bifurcation::branch_point: return "branch point";
    case Bifurcation::hopf: return "Hopf";
    case Bifurcation::period_doubling: return "period doubling";
    case Bifurcation::torus: return "torus";
    case Bifurcation::homoclinic: return "homoclinic";
    case Bifurcation::snic: return "SNIC";
  }
  return "";
}

std::vector<Branch> continue_branches(const Problem& problem, const ContinuationSettings& settings) {
  return Continuation(problem, settings).run();
}

Branch continue_cycle(const Problem& problem, const ContinuationSettings& settings, const CycleSettings& search) {
  Continuation continuation(problem, settings);
  CycleSettings sampled = search;
  sampled.samples = Cycles::parts(problem.system.states().size());
  return continuation.cycles_through(find_cycle(problem, sampled));
}

}  // namespace striate
