#include "integrators/continuation.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <optional>

#include "base/error.hpp"
#include "integrators/eigenpairs.hpp"
#include "integrators/orbit.hpp"

namespace striate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
constexpr std::size_t most_states = 400;

VectorXd vector(std::span<const double> x) {
  return Eigen::Map<const VectorXd>(x.data(), static_cast<Index>(x.size()));
}
std::vector<double> values(const VectorXd& x) { return {x.data(), x.data() + x.size()}; }

/// How a small perturbation grows: an eigenvalue, or the logarithm of a multiplier.
struct Mode {
  double growth = 0;
  enum Kind { real, complex, flip } kind = real;
};

/// F(x) = 0 with one unknown more than equations; the last unknown is the parameter over its range.
class Curve {
 public:
  virtual ~Curve() = default;
  /// What depends on where the curve stands (mesh, phase condition).
  virtual void stand_at(const VectorXd&) {}
  /// F and its derivative; false where it cannot be had.
  virtual bool evaluate(const VectorXd& x, VectorXd& f, MatrixXd& jacobian) = 0;
  virtual BranchPoint point(const VectorXd& x) const = 0;
  /// At the x that was evaluated last.
  virtual std::vector<Mode> modes() const = 0;
  virtual bool cycles() const = 0;
};

struct Scaling {
  double low, range;  ///< of the parameter
  std::size_t parameter;
  double scale;  ///< of the states
};

class FixedPoints final : public Curve {
 public:
  FixedPoints(Orbit& orbit, const Scaling& s) : orbit_(orbit), s_(s), n_(static_cast<Index>(orbit.size())) {}

  bool evaluate(const VectorXd& x, VectorXd& f, MatrixXd& jacobian) override {
    orbit_.parameters()[s_.parameter] = s_.low + s_.range * x[n_];
    const auto y = values(s_.scale * x.head(n_));
    std::vector<double> rate(orbit_.size());
    if (!orbit_.rate(y, rate)) return false;
    f = vector(rate) / s_.scale;
    j_ = orbit_.jacobian(y);
    jacobian.resize(n_, n_ + 1);
    jacobian.leftCols(n_) = j_;
    std::vector<double> direction(orbit_.parameters().size()), by_parameter(orbit_.size());
    direction[s_.parameter] = s_.range;
    orbit_.jvp(y, {.y = {}, .p = direction}, by_parameter);
    jacobian.col(n_) = vector(by_parameter) / s_.scale;
    return jacobian.allFinite();
  }

  BranchPoint point(const VectorXd& x) const override {
    BranchPoint p;
    p.parameter = s_.low + s_.range * x[n_];
    p.y = p.low = p.high = values(s_.scale * x.head(n_));
    return p;
  }

  std::vector<Mode> modes() const override {
    std::vector<Mode> all;
    for (const auto& value : eigenvalues(j_))
      all.push_back({value.real(), value.imag() != 0 ? Mode::complex : Mode::real});
    return all;
  }

  bool cycles() const override { return false; }
  const MatrixXd& jacobian() const { return j_; }

 private:
  Orbit& orbit_;
  Scaling s_;
  Index n_;
  MatrixXd j_;
};

/// Unknowns: the state where the cycle is cut, the logarithm of its period over that at birth, and the parameter.
class Cycles final : public Curve {
 public:
  Cycles(Orbit& orbit, const Scaling& s, double born_with)
      : orbit_(orbit), s_(s), n_(static_cast<Index>(orbit.size())), born_with_(born_with) {}

  double period(const VectorXd& x) const { return born_with_ * std::exp(x[n_]); }

  void stand_at(const VectorXd& x) override {
    here_ = x;
    orbit_.parameters()[s_.parameter] = s_.low + s_.range * x[n_ + 1];
    const auto y = values(s_.scale * x.head(n_));
    std::vector<double> rate(orbit_.size());
    orbit_.rate(y, rate);
    across_ = vector(rate).normalized();
    mesh_ = orbit_.adapted_mesh(y, period(x), 1e-9);
  }

  bool evaluate(const VectorXd& x, VectorXd& f, MatrixXd& jacobian) override {
    if (!(std::abs(x[n_]) < 20)) return false;
    orbit_.parameters()[s_.parameter] = s_.low + s_.range * x[n_ + 1];
    const VectorXd y = s_.scale * x.head(n_);
    if (!orbit_.run(values(y), period(x), mesh_)) return false;
    const auto end = orbit_.state(orbit_.points() - 1);
    std::vector<double> rate(orbit_.size()), direction(orbit_.parameters().size());
    if (!orbit_.rate(end, rate)) return false;
    direction[s_.parameter] = s_.range;
    MatrixXd columns = MatrixXd::Zero(n_, n_ + 1);
    columns.leftCols(n_).setIdentity();
    const MatrixXd moved = orbit_.push(columns, &direction);
    monodromy_ = moved.leftCols(n_);
    f.resize(n_ + 1);
    f.head(n_) = (vector(end) - y) / s_.scale;
    f[n_] = across_.dot(x.head(n_) - here_.head(n_));
    jacobian.setZero(n_ + 1, n_ + 2);
    jacobian.topLeftCorner(n_, n_) = monodromy_ - MatrixXd::Identity(n_, n_);
    jacobian.block(0, n_, n_, 1) = period(x) * vector(rate) / s_.scale;
    jacobian.block(0, n_ + 1, n_, 1) = moved.col(n_) / s_.scale;
    jacobian.block(n_, 0, 1, n_) = across_.transpose();
    return jacobian.allFinite();
  }

  BranchPoint point(const VectorXd& x) const override {
    BranchPoint p;
    p.parameter = s_.low + s_.range * x[n_ + 1];
    p.period = period(x);
    p.y = p.low = p.high = values(s_.scale * x.head(n_));
    double least = std::numeric_limits<double>::infinity(), most = 0;
    std::vector<double> rate(orbit_.size());
    for (std::size_t k = 0; k < orbit_.points(); ++k) {
      for (std::size_t i = 0; i < p.y.size(); ++i) {
        p.low[i] = std::min(p.low[i], orbit_.state(k)[i]);
        p.high[i] = std::max(p.high[i], orbit_.state(k)[i]);
      }
      orbit_.rate(orbit_.state(k), rate);
      least = std::min(least, vector(rate).norm());
      most = std::max(most, vector(rate).norm());
    }
    p.slowest = least / most;
    return p;
  }

  std::vector<Mode> modes() const override {
    const Eigen::VectorXcd multipliers = eigenvalues(monodromy_);
    Index own = 0;
    for (Index i = 1; i < multipliers.size(); ++i)
      if (std::abs(multipliers[i] - 1.0) < std::abs(multipliers[own] - 1.0)) own = i;
    std::vector<Mode> all;
    for (Index i = 0; i < multipliers.size(); ++i) {
      if (i == own) continue;
      const auto m = multipliers[i];
      const double modulus = std::max(std::abs(m), 1e-300);
      all.push_back({std::log(modulus), m.imag() != 0 ? Mode::complex : m.real() < 0 ? Mode::flip : Mode::real});
    }
    return all;
  }

  bool cycles() const override { return true; }

 private:
  Orbit& orbit_;
  Scaling s_;
  Index n_;
  double born_with_;
  VectorXd here_, across_;
  std::vector<double> mesh_;
  MatrixXd monodromy_;
};

/// A point on the curve with its tangent.
struct Stand {
  VectorXd x, tangent;
  std::vector<Mode> modes;
};

std::size_t unstable(const std::vector<Mode>& modes) {
  return static_cast<std::size_t>(std::ranges::count_if(modes, [](const Mode& m) { return m.growth > 0; }));
}

/// The growth nearest to zero among those of a kind.
double nearest(const std::vector<Mode>& modes, Mode::Kind kind) {
  double best = std::numeric_limits<double>::infinity();
  for (const Mode& m : modes)
    if (m.kind == kind && std::abs(m.growth) < std::abs(best)) best = m.growth;
  return best;
}

class Follower {
 public:
  Follower(Curve& curve, const ContinuationSettings& settings, double longest_period)
      : curve_(curve), settings_(settings), longest_(longest_period) {}

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
      VectorXd right(j.cols());
      right.head(j.rows()) = -f;
      right[j.rows()] = ds - tangent.dot(x - base);
      const auto lu = bordered.fullPivLu();
      const VectorXd change = lu.solve(right);
      if (iterations) *iterations = i;
      const bool on_plane = std::abs(right[j.rows()]) < 1e-9 * (1 + x.norm());
      if (on_plane && change.norm() < 1e-9 * (1 + x.norm()) && f.norm() <= 1e-8 * j.norm() * (1 + x.norm())) {
        Stand s{x, {}, curve_.modes()};
        s.tangent = lu.solve(VectorXd::Unit(j.cols(), j.cols() - 1));
        s.tangent.normalize();
        if (s.tangent.dot(tangent) < 0) s.tangent = -s.tangent;
        return s;
      }
      x += change;
    }
    return std::nullopt;
  }

  /// Follows the curve from `start` along its tangent.
  void follow(Stand at, Branch& branch, std::string& end) {
    double ds = std::min(settings_.step, 1e-3);
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
          step_ = ds;
          if (iterations <= 3) ds = std::min(settings_.step, 1.4 * ds);
          break;
        }
        next.reset();
      }
      if (!next) {
        end = "Newton's iteration does not converge";
        return;
      }
      special_between(at, *next, branch);
      const double place = next->x[parameter];
      if (place < 0 || place > 1) {
        const double bound = place < 0 ? 0 : 1;
        if (const auto edge = locate(at, *next, [&](const Stand& s) { return s.x[parameter] - bound; }))
          branch.points.push_back(described(*edge));
        end = "the end of the range";
        return;
      }
      // What was evaluated last must be this point.
      VectorXd f;
      MatrixXd j;
      curve_.evaluate(next->x, f, j);
      branch.points.push_back(described(*next));
      const BranchPoint& p = branch.points.back();
      if (p.period > longest_ || stands_still(branch)) {
        branch.special.push_back({Bifurcation::homoclinic, p});
        end = "the period grows without bound";
        return;
      }
      if (curve_.cycles() && count > 5 && shrunk(branch)) {
        end = "the cycles shrink to a point";
        return;
      }
      at = *next;
    }
    end = fmt::format("{} points", settings_.most_points);
  }

  BranchPoint described(const Stand& s) const {
    BranchPoint p = curve_.point(s.x);
    p.unstable = unstable(s.modes);
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

  /// Whether the parameter hardly moves while the period grows, and the cycle all but rests somewhere: the parameter
  /// approaches its limit as exp(-period), or 1/period^2. (In a canard explosion it hardly moves either.)
  bool stands_still(const Branch& branch) const {
    if (branch.points.size() < 2 || branch.points.back().period < 2 * branch.points.front().period) return false;
    const BranchPoint& a = branch.points[branch.points.size() - 2];
    const BranchPoint& b = branch.points.back();
    const double moved = std::abs(b.parameter - a.parameter) / (settings_.high - settings_.low);
    return b.slowest < 1e-3 && b.period > a.period && moved < 1e-4 * std::log(b.period / a.period);
  }

  static bool shrunk(const Branch& branch) {
    const std::size_t n = branch.points.size();
    return extent(branch.points[n - 1]) < extent(branch.points[n - 2]) &&
           extent(branch.points[n - 1]) < extent(branch.points.front());
  }

  /// Where `of` is zero between two stands, along the tangent of the first.
  std::optional<Stand> locate(const Stand& a, const Stand& b, const std::function<double(const Stand&)>& of) {
    double left = 0, right = step_, f_left = of(a), f_right = of(b);
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
      if (std::abs(f) < 1e-11) break;
      (f * f_left < 0 ? right : left) = ds;
      (f * f_left < 0 ? f_right : f_left) = f;
    }
    return best;
  }

  void special_between(const Stand& a, const Stand& b, Branch& branch) {
    const Index parameter = a.x.size() - 1;
    const auto add = [&](Bifurcation kind, const std::function<double(const Stand&)>& of) {
      if (const auto s = locate(a, b, of)) branch.special.push_back({kind, described(*s)});
    };
    const bool fold = a.tangent[parameter] * b.tangent[parameter] < 0;
    if (fold) add(Bifurcation::fold, [&](const Stand& s) { return s.tangent[parameter]; });
    const std::size_t before = unstable(a.modes), after = unstable(b.modes);
    const std::size_t crossed = before > after ? before - after : after - before;
    if (crossed == 0 || (fold && crossed == 1)) return;
    for (const auto kind : {Mode::complex, Mode::flip, Mode::real}) {
      if (crossed < 2 && kind == Mode::complex) continue;
      const double x = nearest(a.modes, kind), y = nearest(b.modes, kind);
      if (!std::isfinite(x) || !std::isfinite(y) || x * y >= 0) continue;
      const Bifurcation what = kind == Mode::complex ? (curve_.cycles() ? Bifurcation::torus : Bifurcation::hopf)
                               : kind == Mode::flip  ? Bifurcation::period_doubling
                                                     : Bifurcation::branch_point;
      add(what, [kind](const Stand& s) { return nearest(s.modes, kind); });
      return;
    }
  }

  Curve& curve_;
  ContinuationSettings settings_;
  double longest_, step_ = 0;
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
    if (!(settings.low < settings.high && settings.low <= start && start <= settings.high))
      throw Error(system.name(), fmt::format("{} = {} {}, but must lie in the range [{}, {}] that is followed.",
                                             field.name, start, field.unit.str(), settings.low, settings.high));
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
        if (special.kind == Bifurcation::hopf)
          if (auto branch = cycles_from(special.at)) branches.push_back(std::move(*branch));
    return branches;
  }

 private:
  Branch fixed_points() {
    FixedPoints curve(orbit_, s_);
    Follower follower(curve, settings_, std::numeric_limits<double>::infinity());
    VectorXd x(n_ + 1);
    x.head(n_) = vector(y_) / s_.scale;
    x[n_] = start_;
    const auto first = follower.correct(x, VectorXd::Unit(n_ + 1, n_), 0);
    if (!first)
      throw Failure(
          fmt::format("continuation of '{}': Newton's iteration finds no fixed point near the start. Begin where "
                      "the circuit rests.",
                      orbit_.system().name()));
    Branch back;
    Stand turned = *first;
    turned.tangent = -turned.tangent;
    if (turned.tangent[n_] > 0) turned.tangent = -turned.tangent;
    follower.follow(turned, back, back.end[1]);
    Branch branch;
    branch.points.assign(back.points.rbegin(), back.points.rend());
    branch.special.assign(back.special.rbegin(), back.special.rend());
    branch.end[0] = back.end[1];
    branch.points.push_back(follower.described(*first));
    Stand onward = *first;
    onward.tangent = -turned.tangent;
    follower.follow(onward, branch, branch.end[1]);
    return branch;
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
    Cycles curve(orbit_, s_, period);
    Follower follower(curve, settings_, settings_.longest_period * period);
    Stand at;
    at.x = VectorXd::Zero(n_ + 2);
    at.x.head(n_) = vector(hopf.y) / s_.scale;
    at.x[n_ + 1] = (hopf.parameter - s_.low) / s_.range;
    at.tangent = VectorXd::Zero(n_ + 2);
    at.tangent.head(n_) = pairs.vectors.col(pair).real().normalized();
    // The cut lies across the flow of the small cycle, on the line away from the fixed point.
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
    case Bifurcation::branch_point: return "branch point";
    case Bifurcation::hopf: return "Hopf";
    case Bifurcation::period_doubling: return "period doubling";
    case Bifurcation::torus: return "torus";
    case Bifurcation::homoclinic: return "homoclinic";
  }
  return "";
}

std::vector<Branch> continue_branches(const Problem& problem, const ContinuationSettings& settings) {
  return Continuation(problem, settings).run();
}

}  // namespace striate
