#include "integrators/break_derivative.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "integrators/stepper.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

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
  const auto after = std::find_if(begins, run.pieces.end(), [](const Piece& piece) { return piece.begin < piece.end; });
  if (before.begin == before.end || after == run.pieces.end()) return;
  const System<double>& system = evaluation.system();
  const double t = before.end;
  auto gradients = system.time_break_gradients(evaluation.p(), t, evaluation.workspace());
  if (gradients.empty()) return;
  for (auto piece = begins; piece != after + 1; ++piece)
    if (piece->event && piece->begin == t && piece->event->t == t && made_by_a_jump(system, *piece->event))
      throw Error("derivative",
                  fmt::format("at {} a guard jumps where a parameter sets the moment: how the event moves "
                              "with it is not known. Let the guard rise.",
                              time_text(t, system)));
  // What the drive does at that time does not move.
  const std::span<const double> y = begins->y;
  evaluation.set_segment(after->begin, after->end);
  const double later = evaluation.at(t, y).t;
  evaluation.set_segment(before.begin, before.end);
  const At<double> at = evaluation.at(t, y);
  auto own = system.workspace();  // the evaluation's holds its parameters
  const auto change_to = [&](const At<double>& moved) {
    std::vector<double> change(y.size()), rate(y.size());
    system.rhs(at, change, own);
    system.rhs(moved, rate, own);
    for (std::size_t k = 0; k < y.size(); ++k) change[k] -= rate[k];
    return change;
  };
  const std::vector<double> whole = change_to({later, at.y, at.p, at.u});
  if (gradients.size() == 1) {
    jumps_.push_back({std::move(gradients[0]), whole});
    return;
  }
  // Each by itself: by parameters with which it alone has come already.
  std::vector<double> sum(y.size());
  bool apart = true;
  for (const auto& gradient : gradients) {
    for (const auto& other : gradients) apart = apart && (&other == &gradient || dot(gradient, other) == 0);
    std::vector<double> p(at.p.begin(), at.p.end());
    const double sooner = 1e-10 * std::max(std::abs(t), after->end - before.begin) / dot(gradient, gradient);
    for (std::size_t k = 0; k < p.size(); ++k) p[k] -= sooner * gradient[k];
    jumps_.push_back({gradient, change_to({at.t, at.y, p, at.u})});
    for (std::size_t k = 0; k < y.size(); ++k) sum[k] += jumps_.back().rate[k];
  }
  double size = 0, missing = 0;
  for (std::size_t k = 0; k < y.size(); ++k) {
    for (const Jump& jump : jumps_) size = std::max(size, std::abs(jump.rate[k]));
    missing = std::max(missing, std::abs(sum[k] - whole[k]));
  }
  if (!apart || missing > 1e-6 * size)
    throw Error("derivative", fmt::format("at {} several jumps coincide whose moments parameters set differently, and "
                                          "what each of them changes is not known. Set them apart.",
                                          time_text(t, system)));
}

void BreakDerivative::forward(std::span<double> dy, std::span<const double> dp) const {
  if (dp.empty()) return;
  for (const Jump& jump : jumps_) {
    const double dt = dot(jump.moment, dp);
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] += jump.rate[i] * dt;
  }
}

void BreakDerivative::backward(std::span<const double> lambda, std::span<double> pbar) const {
  for (const Jump& jump : jumps_) {
    const double tbar = dot(jump.rate, lambda);
    for (std::size_t i = 0; i < pbar.size(); ++i) pbar[i] += tbar * jump.moment[i];
  }
}

bool moves_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp) {
  if (dp.empty()) return false;
  const auto shifts = problem.system.time_break_shifts(evaluation.p(), dp, evaluation.workspace());
  return std::ranges::any_of(shifts, [&](const auto& shift) {
    return shift.first > problem.t0 && shift.first < problem.t1 && shift.second != 0;
  });
}

void require_followed_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp) {
  if (problem.system.time_breaks(evaluation.p(), evaluation.workspace()).size() > most_time_breaks &&
      moves_breaks(problem, evaluation, dp))
    throw Error("derivative", fmt::format("'{}' jumps at more than {} times, which parameters set: so many are not "
                                          "stepped onto, and what follows from their change is not known.",
                                          problem.system.name(), most_time_breaks));
}

}  // namespace striate
