#include "integrators/adjoint.hpp"

#include <cvodes/cvodes.h>
#include <fmt/format.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "integrators/break_derivative.hpp"
#include "integrators/course.hpp"
#include "integrators/cvodes_session.hpp"
#include "integrators/event_derivative.hpp"
#include "integrators/own_size.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {
namespace {

bool all_zero(std::span<const double> v) {
  return std::all_of(v.begin(), v.end(), [](double x) { return x == 0; });
}

/// One piece run forward once more, then the adjoint equation backwards along it. CVODES counts time from the end: on
/// an upstroke steps are far smaller than the spacing of doubles at t.
class Reversal {
 public:
  /// Runs from (begin, y) to end, where the adjoint will start.
  Reversal(Evaluation& evaluation, const Method& method, std::span<const double> state_size,
           std::span<const double> parameter_size, double begin, std::span<const double> y, double end,
           std::size_t stored)
      : evaluation_(evaluation),
        method_(method),
        state_size_(state_size),
        local_size_(state_size.begin(), state_size.end()),
        parameter_size_(parameter_size),
        end_(end),
        t_(end),
        session_(evaluation, method, begin, end, end) {
    session_.restart(begin, y, end);
    if (CVodeAdjInit(memory(), static_cast<long>(stored), CV_POLYNOMIAL) != CV_SUCCESS) throw std::bad_alloc();
    int checkpoints = 0;
    double reached = 0;
    session_.check(CVodeF(memory(), 0, session_.y(), &reached, CV_NORMAL, &checkpoints));
    // A state on its upstroke moves by its rate: its cotangent is as small there, and grows backwards as the rate
    // falls.
    std::vector<double> rate_at_end(evaluation.size());
    if (evaluation.rhs(end, values(session_.y()), rate_at_end))
      for (std::size_t i = 0; i < local_size_.size(); ++i)
        local_size_[i] = std::max(local_size_[i], std::abs(rate_at_end[i]) * (end - begin));
    lambda_ = make_vector(evaluation.size(), session_.context(), method.max_norm);
    lambda_atol_.reset(N_VClone(lambda_.get()));
    if (!evaluation.p().empty()) {
      quadrature_ = make_vector(evaluation.p().size(), session_.context(), method.max_norm);
      quadrature_atol_.reset(N_VClone(quadrature_.get()));
    }
    if (CVodeCreateB(memory(), session_.adams() ? CV_ADAMS : CV_BDF, &which_) != CV_SUCCESS) throw std::bad_alloc();
  }

  /// The state at the end; before `back_to`.
  std::span<const double> y() const { return values(session_.y()); }

  /// Carries lambda and pbar back to time t, from where they were last left, or from the end.
  void back_to(double t, std::span<double> lambda, std::span<double> pbar, Adjoint& result) {
    if (!apart(t, t_)) return;  // by more than rounding
    tolerances(lambda);
    std::copy(lambda.begin(), lambda.end(), values(lambda_.get()).begin());
    if (quadrature_) std::copy(pbar.begin(), pbar.end(), values(quadrature_.get()).begin());
    if (fresh_) {
      require(CVodeInitB(memory(), which_, rate, t_ - end_, lambda_.get()), "CVodeInitB");
      attach();
      if (quadrature_) CVodeQuadInitB(memory(), which_, integrand, quadrature_.get());
    } else {
      count(result);
      require(CVodeReInitB(memory(), which_, t_ - end_, lambda_.get()), "CVodeReInitB");
      if (quadrature_) CVodeQuadReInitB(memory(), which_, quadrature_.get());
    }
    fresh_ = false;
    require(CVodeSVtolerancesB(memory(), which_, method_.rtol, lambda_atol_.get()), "CVodeSVtolerancesB");
    if (quadrature_) {
      require(CVodeQuadSVtolerancesB(memory(), which_, method_.rtol, quadrature_atol_.get()), "CVodeQuadSVtolerancesB");
      require(CVodeSetQuadErrConB(memory(), which_, SUNTRUE), "CVodeSetQuadErrConB");
    }
    const int code = CVodeB(memory(), t - end_, CV_NORMAL);
    session_.shield().rethrow();
    if (code < 0) {
      fail("adjoint", t_, end_, evaluation_,
           "backwards, " +
               describe_code(code, smallest_step(t, end_), evaluation_.counters.rejected, evaluation_.system()));
    }
    double reached = 0;
    require(CVodeGetB(memory(), which_, &reached, lambda_.get()), "CVodeGetB");
    t_ = t;
    std::copy_n(values(lambda_.get()).begin(), lambda.size(), lambda.begin());
    if (!quadrature_) return;
    require(CVodeGetQuadB(memory(), which_, &reached, quadrature_.get()), "CVodeGetQuadB");
    std::copy_n(values(quadrature_.get()).begin(), pbar.size(), pbar.begin());
  }

  void finish(Adjoint& result) {
    if (!fresh_) count(result);
  }

 private:
  void* memory() const { return session_.memory(); }

  void attach() {
    require(CVodeSetUserDataB(memory(), which_, this), "CVodeSetUserDataB");
    if (session_.adams()) {
      nonlinear_.reset(SUNNonlinSol_FixedPoint(lambda_.get(), 0, session_.context()));
      require(CVodeSetNonlinearSolverB(memory(), which_, nonlinear_.get()), "CVodeSetNonlinearSolverB");
    } else {
      linear_.reset(SUNLinSol_SPGMR(lambda_.get(), SUN_PREC_NONE, 0, session_.context()));
      require(CVodeSetLinearSolverB(memory(), which_, linear_.get(), nullptr), "CVodeSetLinearSolverB");
      require(CVodeSetJacTimesB(memory(), which_, nullptr, product), "CVodeSetJacTimesB");
    }
    require(CVodeSetMaxNumStepsB(memory(), which_, -1), "CVodeSetMaxNumStepsB");
    if (method_.max_step > 0) require(CVodeSetMaxStepB(memory(), which_, method_.max_step), "CVodeSetMaxStepB");
  }

  /// What the loss would change if any one state changed by its own size, times rtol, in the unit of each cotangent.
  void tolerances(std::span<const double> lambda) {
    double change = 0;
    for (std::size_t i = 0; i < lambda.size(); ++i) change = std::max(change, std::abs(lambda[i]) * state_size_[i]);
    const auto atol = values(lambda_atol_.get());
    for (std::size_t i = 0; i < lambda.size(); ++i) atol[i] = method_.rtol * change / local_size_[i];
    if (!quadrature_) return;
    const auto quadrature_atol = values(quadrature_atol_.get());
    for (std::size_t i = 0; i < quadrature_atol.size(); ++i)
      quadrature_atol[i] = method_.rtol * change / parameter_size_[i];
  }

  void count(Adjoint& result) {
    long steps = 0;
    CVodeGetNumSteps(CVodeGetAdjCVodeBmem(memory(), which_), &steps);
    result.backward_steps += static_cast<std::uint64_t>(steps);
    result.vjp += std::exchange(vjp_, 0);
  }

  void transposed(double t, N_Vector y, N_Vector lambda, const Cotangent<double>& out) {
    ++vjp_;
    for (const auto part : {out.y, out.p}) std::fill(part.begin(), part.end(), 0.0);
    evaluation_.system().vjp(evaluation_.at(t, values(y)), values(lambda), out, evaluation_.workspace());
    for (const auto part : {out.y, out.p})
      for (double& x : part) x = -x;
  }

  static int rate(sunrealtype t, N_Vector y, N_Vector lambda, N_Vector out, void* self) {
    auto& me = *static_cast<Reversal*>(self);
    return me.session_.shield().run([&] {
      me.transposed(me.end_ + t, y, lambda, {values(out)});
      return true;
    });
  }
  static int integrand(sunrealtype t, N_Vector y, N_Vector lambda, N_Vector out, void* self) {
    auto& me = *static_cast<Reversal*>(self);
    return me.session_.shield().run([&] {
      me.transposed(me.end_ + t, y, lambda, {{}, values(out)});
      return true;
    });
  }
  static int product(N_Vector v, N_Vector out, sunrealtype t, N_Vector y, N_Vector, N_Vector, void* self, N_Vector) {
    return rate(t, y, v, out, self);
  }

  Evaluation& evaluation_;
  const Method& method_;
  std::span<const double> state_size_;
  std::vector<double> local_size_;  // of those that shoot up at the end, what they move there
  std::span<const double> parameter_size_;
  double end_, t_;
  std::uint64_t vjp_ = 0;
  bool fresh_ = true;
  int which_ = 0;
  CvodesSession session_;  // owns the context of all that follows
  Vector lambda_, lambda_atol_, quadrature_, quadrature_atol_;
  NonlinearSolver nonlinear_;
  LinearSolver linear_;
};

}  // namespace

Adjoint adjoint(const Problem& problem, const Method& method, std::span<const double> times, const Loss<double>& loss,
                std::size_t memory_bytes, const SpikeLoss& spike_loss) {
  if (!problem.system.delays().empty())
    throw Error("adjoint", fmt::format("'{}' has delays, whose adjoint CVODES lacks. Take forward sensitivities, or "
                                       "back-propagation through the steps of discretise(circuit).",
                                       problem.system.name()));
  require_cvodes("adjoint", problem.system, method);
  const Course run = course(problem, method, times);
  Evaluation evaluation(problem, {Supply::held});
  std::vector<double> generic(evaluation.p().size());
  for (std::size_t i = 0; i < generic.size(); ++i) generic[i] = 1 + std::sin(static_cast<double>(i));
  require_followed_breaks(problem, evaluation, generic);
  const std::size_t states = evaluation.size();
  const std::size_t most = memory_bytes / std::max<std::size_t>(1, states * sizeof(double));
  if (most < 10) {
    throw Error("adjoint", fmt::format("memory_bytes = {}, but must hold ten states of {} bytes. Give more memory.",
                                       memory_bytes, states * sizeof(double)));
  }
  const auto state_size = own_size(evaluation.system().states(), run);
  const auto parameter_size = own_size(evaluation.system().parameters(), evaluation.p());

  Adjoint result;
  result.forward = run.counters;
  result.pieces = run.pieces.size();
  result.spikes = run.spikes;
  result.silent = run.silent;
  const auto wiring = SpikeTraffic::wire(problem.system);
  SpikeTraces traces;
  for (const SpikeTime& spike : run.spikes) {
    double tbar = 0;
    if (spike_loss) result.gradient.loss += spike_loss(spike, tbar);
    if (tbar != 0) traces.of[spike.spike].time = tbar;
  }
  result.gradient.p.resize(evaluation.p().size());
  result.gradient.y0.resize(states);
  std::span<double> lambda = result.gradient.y0, pbar = result.gradient.p;
  const auto add_loss = [&](std::size_t n) {
    const double value = loss(n, run.samples[n], lambda, pbar);
    if (!std::isfinite(value)) {
      throw Failure(fmt::format("adjoint: the loss of '{}' is {} at sample {}, t = {}.", problem.system.name(), value,
                                n, time_text(times[n], problem.system)));
    }
    result.gradient.loss += value;
  };

  for (auto piece = run.pieces.rbegin(); piece != run.pieces.rend(); ++piece) {
    evaluation.set_segment(piece->begin, segment_end(run, *piece));
    const auto set_held = [&] { std::ranges::copy(piece->held, evaluation.supplied(Supply::held).begin()); };
    set_held();
    if (piece != run.pieces.rbegin() && !all_zero(lambda))
      BreakDerivative(evaluation, run, static_cast<std::size_t>(run.pieces.rend() - piece) - 1).backward(lambda, pbar);
    std::optional<Reversal> reversal;
    const auto run_to = [&](double end) {
      reversal.emplace(evaluation, method, state_size, parameter_size, piece->begin, piece->y, end,
                       std::min<std::size_t>(most, piece->steps + piece->steps / 4 + 100));
    };
    if (piece->event && !(all_zero(lambda) && traces.of.empty())) {
      require_known_moment(evaluation, *piece->event, {});
      if (apart(piece->begin, piece->end)) run_to(piece->end);
      EventDerivative(evaluation, wiring, *piece->event, reversal ? reversal->y() : piece->y)
          .backward(lambda, pbar, traces);
      set_held();
    }
    auto sample = piece->samples.rbegin();
    const auto time_of = [&](std::size_t n) { return std::max(times[n], piece->begin); };
    double from = piece->end;
    const auto add_samples_at = [&](double t) {
      while (sample != piece->samples.rend() && time_of(*sample) == t) add_loss(*sample++);
    };
    add_samples_at(from);
    while (all_zero(lambda) && sample != piece->samples.rend()) {
      from = time_of(*sample);
      add_samples_at(from);
    }
    if (all_zero(lambda) || !apart(piece->begin, from)) {
      while (sample != piece->samples.rend()) add_loss(*sample++);
      continue;
    }
    if (!reversal || from < piece->end) run_to(from);
    while (sample != piece->samples.rend() && time_of(*sample) > piece->begin) {
      const double t = time_of(*sample);
      reversal->back_to(t, lambda, pbar, result);
      add_samples_at(t);
    }
    reversal->back_to(piece->begin, lambda, pbar, result);
    reversal->finish(result);
    add_samples_at(piece->begin);
  }
  if (problem.y0.empty()) {
    const At<double> at = evaluation.at(problem.t0, run.pieces.front().y);
    evaluation.system().initial_vjp(at.p, at.u, lambda, pbar, evaluation.workspace());
  }
  return result;
}

}  // namespace striate
