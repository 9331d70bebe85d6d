#include "integrators/event_derivative.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/stepper.hpp"

namespace striate {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(std::span<double> to, double factor, std::span<const double> v) {
  for (std::size_t i = 0; i < v.size(); ++i) to[i] += factor * v[i];
}

bool any(std::span<const double> v) {
  return std::any_of(v.begin(), v.end(), [](double x) { return x != 0; });
}

std::string guard_name(const System<double>& system, std::size_t element) {
  for (const Event& event : system.events())
    if (element >= event.offset && element < event.offset + event.size)
      return event.size == 1 ? event.name : fmt::format("{} [{}]", event.name, element - event.offset);
  return {};
}

}  // namespace

EventDerivative::EventDerivative(Evaluation& evaluation, const EventRecord& event)
    : evaluation_(evaluation),
      t_(event.t),
      y_(event.before),
      fixed_(event.by_drive),
      input_rates_(evaluation.system().inputs().size()) {
  const auto& first = event.rounds.front();
  if (fixed_ || first.size() == 1) {
    add(first, !fixed_);
  } else {
    for (const std::size_t k : first) add({k}, true);
    std::vector<double> together(y_.size());
    evaluation_.jump(t_, event.before, first, together);
    if (together != y_ || event.rounds.size() > 1) {
      throw Error("derivative",
                  fmt::format("'{}' and '{}' fire at the same instant, {}, and what follows depends on their order: "
                              "there is no derivative there. Start the states a little apart.",
                              guard_name(evaluation_.system(), first[0]), guard_name(evaluation_.system(), first[1]),
                              time_text(t_, evaluation_.system())));
    }
  }
  for (std::size_t round = 1; round < event.rounds.size(); ++round) add(event.rounds[round], false);
}

void EventDerivative::rate(std::span<const double> y, std::vector<double>& out) {
  out.resize(y.size());
  if (!evaluation_.rhs(t_, y, out)) throw Failure("derivative: " + evaluation_.non_finite() + ".");
}

void EventDerivative::add(std::vector<std::size_t> fired, bool timed) {
  const System<double>& system = evaluation_.system();
  Jump jump{std::move(fired), timed, y_, std::vector<double>(y_.size()), {}, {}, {}, {}, 0};
  evaluation_.jump(t_, y_, jump.fired, jump.after);
  if (!fixed_) {
    rate(jump.before, jump.rate_before);
    rate(jump.after, jump.rate_after);
    // Whether the jump depends on the inputs: along a direction that no structure cancels.
    std::vector<double> generic(y_.size()), ubar(input_rates_.size());
    for (std::size_t i = 0; i < generic.size(); ++i) generic[i] = 1 + std::sin(static_cast<double>(i));
    if (!ubar.empty())
      system.jump_vjp(evaluation_.at(t_, y_), jump.fired, generic, {{}, {}, ubar}, evaluation_.workspace());
    if (any(ubar)) std::ranges::copy(evaluation_.input_rates(t_), input_rates_.begin());
  }
  if (timed) {
    std::vector<double> one(system.guard_size()), guard_u(input_rates_.size()), guard_t(1);
    jump.guard_y.resize(y_.size());
    jump.guard_p.resize(evaluation_.p().size());
    one[jump.fired[0]] = 1;
    system.guard_vjp(evaluation_.at(t_, y_), one, {jump.guard_y, jump.guard_p, guard_u, guard_t},
                     evaluation_.workspace());
    if (any(guard_u)) std::ranges::copy(evaluation_.input_rates(t_), input_rates_.begin());
    double size = std::abs(guard_t[0]);
    for (std::size_t i = 0; i < y_.size(); ++i) size += std::abs(jump.guard_y[i] * jump.rate_before[i]);
    jump.slope = guard_t[0] + dot(jump.guard_y, jump.rate_before) + dot(guard_u, input_rates_);
    if (!(jump.slope > 1e-12 * size)) {
      throw Failure(
          fmt::format("derivative: the guard of '{}' only grazes zero at {} (slope {:.3g}): its moment, and the loss "
                      "with it, has no "
                      "finite derivative there.",
                      guard_name(system, jump.fired[0]), time_text(t_, system), jump.slope));
    }
  }
  y_ = jump.after;
  jumps_.push_back(std::move(jump));
}

void EventDerivative::forward(std::span<double> dy, std::span<const double> dp) {
  std::vector<double> v(dy.size()), vu(input_rates_.size()), vt(1);
  double dtau = 0;
  for (const Jump& jump : jumps_) {
    if (jump.timed) dtau = -(dot(jump.guard_y, dy) + dot(dp, jump.guard_p)) / jump.slope;
    std::copy(dy.begin(), dy.end(), v.begin());
    add_scaled(v, dtau, jump.rate_before);
    for (std::size_t i = 0; i < vu.size(); ++i) vu[i] = dtau * input_rates_[i];
    vt[0] = dtau;
    std::fill(dy.begin(), dy.end(), 0.0);
    evaluation_.system().jump_jvp(evaluation_.at(t_, jump.before), jump.fired, {v, dp, vu, vt}, dy,
                                  evaluation_.workspace());
    add_scaled(dy, -dtau, jump.rate_after);
  }
}

void EventDerivative::backward(std::span<double> lambda, std::span<double> pbar) {
  std::vector<double> before(lambda.size()), ubar(input_rates_.size()), tbar(1);
  double dtau = 0;  // cotangent of the moment
  for (auto jump = jumps_.rbegin(); jump != jumps_.rend(); ++jump) {
    std::fill(before.begin(), before.end(), 0.0);
    std::fill(ubar.begin(), ubar.end(), 0.0);
    tbar[0] = 0;
    evaluation_.system().jump_vjp(evaluation_.at(t_, jump->before), jump->fired, lambda, {before, pbar, ubar, tbar},
                                  evaluation_.workspace());
    if (!fixed_)
      dtau += dot(jump->rate_before, before) - dot(jump->rate_after, lambda) + dot(input_rates_, ubar) + tbar[0];
    if (jump->timed) {
      add_scaled(before, -dtau / jump->slope, jump->guard_y);
      add_scaled(pbar, -dtau / jump->slope, jump->guard_p);
      dtau = 0;
    }
    std::copy(before.begin(), before.end(), lambda.begin());
  }
}

}  // namespace striate
