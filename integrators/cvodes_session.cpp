#include "integrators/cvodes_session.hpp"

#include <cvodes/cvodes.h>
#include <fmt/format.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"

namespace striate {

void CvodesSession::MemoryDeleter::operator()(void* memory) const { CVodeFree(&memory); }

CvodesSession::CvodesSession(Evaluation& evaluation, const Method& method, double t0, double t1, double origin)
    : evaluation_(evaluation),
      name_(method.name),
      t1_(t1),
      origin_(origin),
      context_(make_context()),
      y_(make_vector(evaluation.size(), context_.get(), method.max_norm)),
      mem_(CVodeCreate(method.name == "adams" ? CV_ADAMS : CV_BDF, context_.get())) {
  if (!mem_) throw std::bad_alloc();
  silence(Solver::cvodes, mem_.get());
  require(CVodeInit(mem_.get(), rhs, t0 - origin, y_.get()), "CVodeInit");
  require(CVodeSetUserData(mem_.get(), this), "CVodeSetUserData");
  Vector atol(N_VClone(y_.get()));
  const auto tolerances = absolute_tolerances(method, evaluation.system().states());
  std::copy(tolerances.begin(), tolerances.end(), values(atol.get()).begin());
  require(CVodeSVtolerances(mem_.get(), method.rtol, atol.get()), "CVodeSVtolerances");
  if (method.name == "adams") {
    nonlinear_.reset(SUNNonlinSol_FixedPoint(y_.get(), 0, context_.get()));
    require(CVodeSetNonlinearSolver(mem_.get(), nonlinear_.get()), "CVodeSetNonlinearSolver");
  } else {
    linear_.reset(SUNLinSol_SPGMR(y_.get(), SUN_PREC_NONE, 0, context_.get()));
    require(CVodeSetLinearSolver(mem_.get(), linear_.get(), nullptr), "CVodeSetLinearSolver");
    require(CVodeSetJacTimes(mem_.get(), nullptr, jvp), "CVodeSetJacTimes");
  }
  require(CVodeSetMaxNumSteps(mem_.get(), -1), "CVodeSetMaxNumSteps");
  require(CVodeSetMaxHnilWarns(mem_.get(), -1), "CVodeSetMaxHnilWarns");
  if (method.max_step > 0) require(CVodeSetMaxStep(mem_.get(), method.max_step), "CVodeSetMaxStep");
}

void CvodesSession::restart(double t, std::span<const double> y, double end) {
  count();
  rejected_before_ = evaluation_.counters.rejected;
  linear_before_ = evaluation_.counters.linear_iterations;
  std::copy(y.begin(), y.end(), values(y_.get()).begin());
  require(CVodeReInit(mem_.get(), t - origin_, y_.get()), "CVodeReInit");
  require(CVodeSetStopTime(mem_.get(), end - origin_), "CVodeSetStopTime");
  bound_step(t);
  fresh_ = true;
}

double CvodesSession::smallest(double t) const { return smallest_step(t - origin_, t1_ - origin_); }

void CvodesSession::bound_step(double t) { require(CVodeSetMinStep(mem_.get(), smallest(t)), "CVodeSetMinStep"); }

void CvodesSession::check(int code) {
  fresh_ = false;
  shield_.rethrow();
  if (code >= 0) return;
  count();
  Vector errors(N_VClone(y_.get())), weights(N_VClone(y_.get()));
  double t = 0;
  CVodeGetCurrentTime(mem_.get(), &t);
  t += origin_;
  const bool have =
      CVodeGetEstLocalErrors(mem_.get(), errors.get()) == 0 && CVodeGetErrWeights(mem_.get(), weights.get()) == 0;
  const std::string what = describe_code(code, smallest(t), evaluation_.counters.rejected, evaluation_.system());
  if (have && (code == CV_ERR_FAILURE || code == CV_CONV_FAILURE))
    fail(name_, t, t1_, evaluation_, what, values(errors.get()), values(weights.get()));
  fail(name_, t, t1_, evaluation_, what);
}

void CvodesSession::count() {
  if (fresh_) return;
  long rejected = 0, failed = 0, iterations = 0;
  CVodeGetNumErrTestFails(mem_.get(), &rejected);
  CVodeGetNumStepSolveFails(mem_.get(), &failed);
  if (linear_) CVodeGetNumLinIters(mem_.get(), &iterations);
  evaluation_.counters.rejected = rejected_before_ + static_cast<std::uint64_t>(rejected + failed);
  evaluation_.counters.linear_iterations = linear_before_ + static_cast<std::uint64_t>(iterations);
}

int CvodesSession::rhs(sunrealtype t, N_Vector y, N_Vector ydot, void* self) {
  auto& me = *static_cast<CvodesSession*>(self);
  return me.shield_.run([&] { return me.evaluation_.rhs(me.origin_ + t, values(y), values(ydot)); });
}

int CvodesSession::jvp(N_Vector v, N_Vector jv, sunrealtype t, N_Vector y, N_Vector, void* self, N_Vector) {
  auto& me = *static_cast<CvodesSession*>(self);
  return me.shield_.run([&] {
    me.evaluation_.jvp(me.origin_ + t, values(y), values(v), values(jv));
    return true;
  });
}

void require_cvodes(const std::string& what, const System<double>& system, const Method& method) {
  if (system.is_map()) {
    throw Error(what, fmt::format("'{}' is a map, but this differentiates a flow. Its derivative is bptt, or that of a "
                                  "fixed point.",
                                  system.name()));
  }
  const MethodInfo& info = method_info(method.name);
  if (method.name == "adams" || method.name == "bdf") return;
  throw Error(what,
              fmt::format("method = '{}', but only 'adams' and 'bdf' (for stiff circuits) can do this. {}", method.name,
                          info.fixed() ? "The exact derivative of a fixed-step run is bptt of discretise(circuit)."
                                       : "Take one of them."));
}

}  // namespace striate
