#include "integrators/cvode.hpp"

#include <cvodes/cvodes.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "integrators/sundials_session.hpp"

namespace striate {
namespace {

struct MemoryDeleter {
  void operator()(void* memory) const { CVodeFree(&memory); }
};

class Cvode : public Stepper {
 public:
  Cvode(Evaluation& evaluation, const Method& method, double t0, double t1)
      : evaluation_(evaluation),
        name_(method.name),
        t1_(t1),
        smallest_(smallest_step(t0, t1)),
        context_(make_context()),
        y_(make_vector(evaluation.size(), context_.get(), method.max_norm)),
        out_(N_VCloneEmpty(y_.get())),
        mem_(CVodeCreate(method.name == "adams" ? CV_ADAMS : CV_BDF, context_.get())) {
    if (!mem_ || !out_) throw std::bad_alloc();
    CVodeSetErrHandlerFn(mem_.get(), silent, nullptr);
    CVodeInit(mem_.get(), rhs, t0, y_.get());
    CVodeSetUserData(mem_.get(), this);
    Vector atol(N_VClone(y_.get()));
    const auto tolerances = absolute_tolerances(method, evaluation.system().states());
    std::copy(tolerances.begin(), tolerances.end(), values(atol.get()).begin());
    CVodeSVtolerances(mem_.get(), method.rtol, atol.get());
    if (method.name == "adams") {
      nonlinear_.reset(SUNNonlinSol_FixedPoint(y_.get(), 0, context_.get()));
      CVodeSetNonlinearSolver(mem_.get(), nonlinear_.get());
    } else {
      linear_.reset(SUNLinSol_SPGMR(y_.get(), SUN_PREC_NONE, 0, context_.get()));
      CVodeSetLinearSolver(mem_.get(), linear_.get(), nullptr);
      CVodeSetJacTimes(mem_.get(), nullptr, jvp);
    }
    CVodeSetMaxHnilWarns(mem_.get(), -1);
    CVodeSetMinStep(mem_.get(), smallest_);
    if (method.max_step > 0) CVodeSetMaxStep(mem_.get(), method.max_step);
  }

  void restart(double t, std::span<const double> y, double end, double, std::uint64_t) override {
    count();
    rejected_before_ = evaluation_.counters.rejected;
    linear_before_ = evaluation_.counters.linear_iterations;
    std::copy(y.begin(), y.end(), values(y_.get()).begin());
    CVodeReInit(mem_.get(), t, y_.get());
    CVodeSetStopTime(mem_.get(), end);
    t_ = t;
    end_ = end;
    fresh_ = true;
  }

  double step() override {
    const int code = CVode(mem_.get(), end_, y_.get(), &t_, CV_ONE_STEP);
    fresh_ = false;
    shield_.rethrow();
    if (code < 0) {
      count();
      Vector errors(N_VClone(y_.get())), weights(N_VClone(y_.get()));
      CVodeGetCurrentTime(mem_.get(), &t_);
      const bool have =
          CVodeGetEstLocalErrors(mem_.get(), errors.get()) == 0 && CVodeGetErrWeights(mem_.get(), weights.get()) == 0;
      const std::string what = describe_code(code, smallest_, evaluation_.counters.rejected, evaluation_.system());
      if (have && (code == CV_ERR_FAILURE || code == CV_CONV_FAILURE))
        fail(name_, t_, t1_, evaluation_, what, values(errors.get()), values(weights.get()));
      fail(name_, t_, t1_, evaluation_, what);
    }
    return code == CV_TSTOP_RETURN ? end_ : t_;
  }

  std::span<const double> y() const override { return values(y_.get()); }

  void dense(double t, std::span<double> out) override {
    N_VSetArrayPointer(out.data(), out_.get());
    if (CVodeGetDky(mem_.get(), t, 0, out_.get()) != 0) {
      throw Error(name_, "dense output was asked for outside the last step.");
    }
  }

  void count() override {
    if (fresh_) return;
    long rejected = 0, failed = 0, iterations = 0;
    CVodeGetNumErrTestFails(mem_.get(), &rejected);
    CVodeGetNumStepSolveFails(mem_.get(), &failed);
    if (linear_) CVodeGetNumLinIters(mem_.get(), &iterations);
    evaluation_.counters.rejected = rejected_before_ + static_cast<std::uint64_t>(rejected + failed);
    evaluation_.counters.linear_iterations = linear_before_ + static_cast<std::uint64_t>(iterations);
  }

 private:
  static int rhs(realtype t, N_Vector y, N_Vector ydot, void* self) {
    auto& me = *static_cast<Cvode*>(self);
    return me.shield_.run([&] { return me.evaluation_.rhs(t, values(y), values(ydot)); });
  }
  static int jvp(N_Vector v, N_Vector jv, realtype t, N_Vector y, N_Vector, void* self, N_Vector) {
    auto& me = *static_cast<Cvode*>(self);
    return me.shield_.run([&] {
      me.evaluation_.jvp(t, values(y), values(v), values(jv));
      return true;
    });
  }

  Evaluation& evaluation_;
  std::string name_;
  double t1_, smallest_, t_ = 0, end_ = 0;
  bool fresh_ = true;
  std::uint64_t rejected_before_ = 0, linear_before_ = 0;
  Shield shield_;
  Context context_;  // outlives what was made in it
  Vector y_, out_;
  NonlinearSolver nonlinear_;
  LinearSolver linear_;
  std::unique_ptr<void, MemoryDeleter> mem_;
};

}  // namespace

std::unique_ptr<Stepper> make_cvode(Evaluation& evaluation, const Method& method, double t0, double t1) {
  return std::make_unique<Cvode>(evaluation, method, t0, t1);
}

}  // namespace striate
