#include "integrators/fixed_step.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/hermite.hpp"

namespace striate {

FixedStep::FixedStep(Evaluation& evaluation, const Method& method, double step, double t1)
    : evaluation_(evaluation),
      name_(method.name),
      step_(step),
      t1_(t1),
      y_(evaluation.size()),
      previous_y_(evaluation.size()),
      rate_(evaluation.size()),
      previous_rate_(evaluation.size()) {}

void FixedStep::rhs(double t, std::span<const double> y, std::span<double> ydot) {
  if (!evaluation_.rhs(t, y, ydot))
    fail(name_, t, t1_, evaluation_, "a value is not finite: the step is too large, or the solution blows up");
}

void FixedStep::restart(double t, std::span<const double> y, double end, double begin, std::uint64_t steps) {
  t_ = previous_t_ = t;
  end_ = end;
  begin_ = begin;
  n_ = steps;
  std::copy(y.begin(), y.end(), y_.begin());
  have_rate_ = false;
}

double FixedStep::step() {
  double next = begin_ + static_cast<double>(n_ + 1) * step_;
  // A last step shorter than a millionth of the others is merged into the one before it.
  if (next > end_ - 1e-6 * step_) next = end_;
  enter(n_, next);
  if (!have_rate_) rhs(t_, y_, rate_);
  have_rate_ = false;
  std::swap(previous_y_, y_);
  std::swap(previous_rate_, rate_);
  previous_t_ = t_;
  t_ = next;
  ++n_;
  increment(previous_t_, t_ - previous_t_, previous_y_, previous_rate_, y_);
  return t_;
}

void FixedStep::dense(double t, std::span<double> out) {
  if (!have_rate_) {
    rhs(t_, y_, rate_);
    have_rate_ = true;
  }
  hermite(previous_t_, previous_y_, previous_rate_, t_, y_, rate_, t, out);
}

}  // namespace striate
