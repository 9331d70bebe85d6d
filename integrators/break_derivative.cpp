#include "integrators/break_derivative.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/dot.hpp"
#include "base/error.hpp"
#include "integrators/stepper.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {
namespace {

bool made_by_a_jump(const System<double>& system, const EventRecord& event) {
  return std::ranges::any_of(event.changes, [&](const Change& c) {
    return c.kind == Change::Kind::jump && c.moment.kind == Moment::Kind::fixed &&
           system.events()[system.event_of(c.elements[0])].cause == Cause::crossing;
  });
}

}  // namespace

BreakDerivative::BreakDerivative(Evaluation& evaluation, const Course& run, std::size_t i) {
  const Piece& before = run.pieces[i];
  const auto begins = run.pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1;
  const auto after =
      std::find_if(begins, run.pieces.end(), [](const Piece& piece) { return apart(piece.begin, piece.end); });
  if (!before.at_break || before.begin == before.end || after == run.pieces.end()) return;
  const System<double>& system = evaluation.system();
  const double t = before.end;
  auto gradients = system.time_break_gradients(evaluation.p(), t, evaluation.workspace());
  alone_ = std::erase_if(gradients,
                         [](const auto& g) { return std::ranges::all_of(g, [](double x) { return x == 0; }); }) == 0;
  if (gradients.empty()) return;
  when_ = time_text(t, system);
  const std::span<const double> y = begins->y;
  const double beyond = 16 * std::numeric_limits<double>::epsilon() * std::abs(t);
  evaluation.set_segment(after->begin, after->end);
  At<double> right = evaluation.at(t + beyond, y);
  const std::vector<double> u(right.u.begin(), right.u.end());
  evaluation.set_segment(before.begin, before.end);
  const At<double> left = evaluation.at(t - beyond, y);
  auto own = system.workspace();  // the evaluation's holds its parameters
  std::vector<double> size(y.size());
  const auto change = [&](const At<double>& from, const At<double>& to) {
    std::vector<double> difference(y.size()), rate(y.size());
    system.rhs(from, difference, own);
    system.rhs(to, rate, own);
    for (std::size_t k = 0; k < y.size(); ++k) {
      size[k] = std::max({size[k], std::abs(difference[k]), std::abs(rate[k])});
      difference[k] -= rate[k];
    }
    return difference;
  };
  const auto differ = [&](const std::vector<double>& x, const std::vector<double>& z) {
    for (std::size_t k = 0; k < x.size(); ++k)
      if (std::abs(x[k] - z[k]) > 1e-6 * std::max(std::abs(x[k]), std::abs(z[k])) + 1e-9 * size[k]) return true;
    return false;
  };
  // What the drive does at that time does not move.
  right.u = left.u;
  whole_ = change(left, right);
  const auto with_drive = change({left.t, y, left.p, u}, {right.t, y, left.p, u});
  drive_ = differ(whole_, with_drive);
  if (gradients.size() == 1 && alone_) {
    jumps_.push_back({std::move(gradients[0]), whole_});
    return;
  }
  // Each by itself: by parameters with which it alone has come already.
  const auto count = static_cast<Eigen::Index>(gradients.size());
  const auto parameters = static_cast<Eigen::Index>(left.p.size());
  Eigen::MatrixXd moments(count, parameters);
  for (Eigen::Index g = 0; g < count; ++g)
    moments.row(g) = Eigen::Map<const Eigen::RowVectorXd>(gradients[static_cast<std::size_t>(g)].data(), parameters);
  const Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> solver(moments);
  const double sooner = 1e-10 * std::max(std::abs(t), after->end - before.begin);
  std::vector<double> sum(y.size());
  for (Eigen::Index g = 0; g < count; ++g) {
    const Eigen::VectorXd along = solver.solve(Eigen::VectorXd::Unit(count, g));
    std::vector<double> p(left.p.begin(), left.p.end());
    for (std::size_t k = 0; k < p.size(); ++k) p[k] -= sooner * along[static_cast<Eigen::Index>(k)];
    jumps_.push_back({std::move(gradients[static_cast<std::size_t>(g)]), change(left, {left.t, y, p, left.u})});
    for (std::size_t k = 0; k < y.size(); ++k) sum[k] += jumps_.back().rate[k];
  }
  apart_ = solver.rank() == count && (!alone_ || !differ(sum, whole_));
  if (!alone_) {
    // The others come by the time alone: all are there when the moving ones, which have come, are left out of the
    // whole.
    std::vector<double> p(left.p.begin(), left.p.end());
    const Eigen::VectorXd along = solver.solve(Eigen::VectorXd::Ones(count));
    for (std::size_t k = 0; k < p.size(); ++k) p[k] += sooner * along[static_cast<Eigen::Index>(k)];
    const auto still = change(left, {right.t, y, p, left.u});
    for (std::size_t k = 0; k < y.size(); ++k) sum[k] += still[k];
    apart_ = apart_ && !differ(sum, whole_);
  }
}

void BreakDerivative::refuse() const {
  throw Error("derivative",
              fmt::format("at {} jumps coincide, of which parameters move one and not the other, and what "
                          "each of them changes is not known. Set their moments apart.",
                          when_));
}

void BreakDerivative::forward(std::span<double> dy, std::span<const double> dp) const {
  if (dp.empty() || jumps_.empty()) return;
  std::vector<double> dt;
  for (const Jump& jump : jumps_) dt.push_back(dot(jump.moment, dp));
  if (!alone_) dt.push_back(0);
  if (!apart_ || drive_) {
    const bool together = std::ranges::count(dt, dt.front()) == std::ssize(dt);
    if (!together || (drive_ && dt.front() != 0)) refuse();
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] += whole_[i] * dt.front();
    return;
  }
  for (std::size_t j = 0; j < jumps_.size(); ++j)
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] += jumps_[j].rate[i] * dt[j];
}

void BreakDerivative::backward(std::span<const double> lambda, std::span<double> pbar) const {
  if (!apart_ || drive_) refuse();
  for (const Jump& jump : jumps_) {
    const double tbar = dot(jump.rate, lambda);
    for (std::size_t i = 0; i < pbar.size(); ++i) pbar[i] += tbar * jump.moment[i];
  }
}

void require_known_moment(Evaluation& evaluation, const EventRecord& event, std::span<const double> dp) {
  const System<double>& system = evaluation.system();
  if (!made_by_a_jump(system, event)) return;
  for (const auto& gradient : system.time_break_gradients(evaluation.p(), event.t, evaluation.workspace()))
    if (dp.empty() ? std::ranges::any_of(gradient, [](double x) { return x != 0; }) : dot(gradient, dp) != 0)
      throw Error("derivative", fmt::format("at {} an event comes with a jump whose moment a parameter sets: how it "
                                            "moves with it is not known. Let the one come after the other.",
                                            time_text(event.t, system)));
}

bool moves_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp, double from) {
  if (dp.empty()) return false;
  const auto shifts = problem.system.time_break_shifts(evaluation.p(), dp, evaluation.workspace());
  return std::ranges::any_of(
      shifts, [&](const auto& shift) { return shift.first > from && shift.first < problem.t1 && shift.second != 0; });
}

void require_followed_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp) {
  if (problem.system.time_breaks(evaluation.p(), evaluation.workspace()).size() > most_time_breaks &&
      moves_breaks(problem, evaluation, dp, problem.t0))
    throw Error("derivative", fmt::format("'{}' jumps at more than {} times, which parameters set: so many are not "
                                          "stepped onto, and what follows from their change is not known.",
                                          problem.system.name(), most_time_breaks));
}

}  // namespace striate
