#include "integrators/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "integrators/history.hpp"
#include "integrators/non_finite.hpp"

namespace striate {
namespace {

AlignedVector<double> parameters_of(const Problem& problem) {
  require_fitting(problem);
  if (!problem.p.empty()) return {problem.p.begin(), problem.p.end()};
  const auto p = problem.system.default_parameters();
  return {p.begin(), p.end()};
}

bool all_finite(std::span<const double> x) {
  // x - x is 0 or NaN: a sum that the compiler can vectorise lane by lane.
  double lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= x.size(); i += 8) {
    for (std::size_t k = 0; k < 8; ++k) lanes[k] += x[i + k] - x[i + k];
  }
  for (; i < x.size(); ++i) lanes[0] += x[i] - x[i];
  for (double lane : lanes) {
    if (lane != 0) return false;
  }
  return true;
}

}  // namespace

Evaluation::Evaluation(const Problem& problem, std::initializer_list<Supply> supplies)
    : system_(problem.system),
      p_(parameters_of(problem)),
      drive_(problem.drive),
      workspace_(system_.workspace()),
      u_(system_.inputs().size()),
      input_rates_(u_.size()),
      driven_(system_.driven()),
      seed_(problem.seed),
      size_(system_.states().size()),
      guards_(system_.guard_size()),
      breaks_(!system_.time_breaks(p_, workspace_).empty()),
      begin_(problem.t0),
      end_(problem.t1) {
  workspace_.hold(p_);
  for (const Field& input : system_.inputs()) {
    if (input.supply == Supply::drive || std::find(supplies.begin(), supplies.end(), input.supply) != supplies.end())
      continue;
    const char* what = input.supply == Supply::noise     ? "noise"
                       : input.supply == Supply::delayed ? "delays"
                                                         : "refractory states";
    throw Error(system_.name(),
                fmt::format("has {}, but this computation is of circuits without. Integrate it in time, or "
                            "take the circuit without.",
                            what));
  }
}

std::pair<std::size_t, std::size_t> Evaluation::range(Supply supply) const {
  std::size_t begin = 0, end = 0;
  for (const Field& input : system_.inputs()) {
    if (input.supply < supply) begin += input.size;
    if (input.supply == supply) end += input.size;
  }
  return {begin, begin + end};
}

void Evaluation::set_segment(double begin, double end) {
  begin_ = begin;
  // A few roundings short of the end, so that a drive that recomputes its breakpoints still answers from the left.
  end_ = std::max(begin, end - 8 * std::numeric_limits<double>::epsilon() * std::max(std::abs(begin), std::abs(end)));
}

void Evaluation::drive_to(double t) {
  if (!drive_ || driven_ == 0 || t == driven_to_) return;
  drive_->evaluate(t, std::span(u_).first(driven_));
  driven_to_ = t;
}

void Evaluation::drive_within_segment(double t) {
  drive_to(drive_ && drive_->stepwise() ? begin_ : std::clamp(t, begin_, end_));
}

double Evaluation::inside(double t) const {
  const double first = begin_ + 8 * std::numeric_limits<double>::epsilon() * std::max(std::abs(begin_), std::abs(end_));
  return first < end_ ? std::clamp(t, first, end_) : t;
}

At<double> Evaluation::at(double t, std::span<const double> y) {
  drive_within_segment(t);
  const double when = inside(t);
  if (history_) {
    if (when != looked_back_from_ || history_->version() != version_ || history_->has_zero()) history_->fill(when, u_);
    looked_back_from_ = when;
    version_ = history_->version();
    if (history_->has_zero()) {
      // A source may read what is not delayed itself, which is known one pass later.
      do system_.sources({breaks_ ? when : t, y, p_, u_}, sources_, workspace_);
      while (history_->fill_undelayed(sources_, u_));
      history_->add_undelayed(sources_, u_);
    }
  }
  return {breaks_ ? when : t, y, p_, u_};
}

void Evaluation::attach(const History& history) {
  history_ = &history;
  sources_.resize(history.size());
}

void Evaluation::sources(double t, std::span<const double> y, std::span<double> out) {
  if (history_->sums_only()) {
    drive_within_segment(t);
    system_.sources({breaks_ ? inside(t) : t, y, p_, u_}, out, workspace_);
    return;
  }
  system_.sources(at(t, y), out, workspace_);
}

std::span<const double> Evaluation::input_rates(double t) {
  if (drive_ && driven_ > 0) drive_->rates(std::clamp(t, begin_, end_), std::span(input_rates_).first(driven_));
  return input_rates_;
}

void Evaluation::rate(double t, std::span<const double> y, std::span<double> ydot) {
  ++counters.rhs;
  system_.rhs(at(t, y), ydot, workspace_);
}

bool Evaluation::rhs(double t, std::span<const double> y, std::span<double> ydot) {
  rate(t, y, ydot);
  return finite(t, y, ydot);
}

bool Evaluation::finite(double t, std::span<const double> y, std::span<const double> ydot) {
  if (all_finite(ydot)) return true;
  non_finite_ = told_of_non_finite(system_, t, y, ydot);
  return false;
}

void Evaluation::jvp(double t, std::span<const double> y, std::span<const double> v, std::span<double> out) {
  ++counters.jvp;
  std::fill(out.begin(), out.end(), 0.0);
  system_.jvp(at(t, y), {v}, out, workspace_);
}

void Evaluation::leak(double t, std::span<const double> y, std::span<double> out) {
  system_.leak(at(t, y), out, workspace_);
}

void Evaluation::guard(double t, std::span<const double> y, std::span<double> out) {
  system_.guard(at(t, y), out, workspace_);
}

void Evaluation::jump(double t, std::span<const double> y, std::span<const std::size_t> fired,
                      std::span<double> after) {
  system_.jump(at(t, y), fired, after, workspace_);
}

void Evaluation::initial(double t, std::span<double> y0) {
  drive_to(t);
  system_.initial(p_, u_, y0, workspace_);
}

}  // namespace striate
