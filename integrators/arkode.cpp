#include "integrators/arkode.hpp"

#include <arkode/arkode_arkstep.h>
#include <arkode/arkode_erkstep.h>
#include <fmt/format.h>
#include <sunlinsol/sunlinsol_spgmr.h>

#include <algorithm>
#include <cctype>
#include <new>

#include "base/error.hpp"
#include "integrators/sundials_session.hpp"

namespace striate {
namespace {

/// What ERKStep and ARKStep share: vectors, tolerances, dense output, failures.
class Arkode : public Stepper {
 public:
  Arkode(Evaluation& evaluation, const Method& method, double t1, bool quartic)
      : evaluation_(evaluation),
        name_(method.name),
        t1_(t1),
        quartic_(quartic),
        context_(make_context()),
        y_(make_vector(evaluation.size(), context_.get(), method.max_norm)),
        out_(N_VCloneEmpty(y_.get())),
        atol_(N_VClone(y_.get())),
        correction_(quartic ? evaluation.size() : 0) {
    const auto tolerances = absolute_tolerances(method, evaluation.system().states());
    std::copy(tolerances.begin(), tolerances.end(), values(atol_.get()).begin());
  }

  std::span<const double> y() const override { return values(y_.get()); }

  void restart(double t, std::span<const double> y, double end, double, std::uint64_t) override {
    count();
    rejected_before_ = evaluation_.counters.rejected;
    linear_before_ = evaluation_.counters.linear_iterations;
    std::copy(y.begin(), y.end(), values(y_.get()).begin());
    fresh_ = true;
    t_ = t;
    end_ = end;
    reinitialise(t);
  }

  double step() override {
    previous_t_ = t_;
    double reached = t_;
    const int code = evolve(&reached);
    fresh_ = false;
    have_correction_ = false;
    shield_.rethrow();
    if (code < 0) {
      count();
      Vector errors(N_VClone(y_.get())), weights(N_VClone(y_.get()));
      const std::string what =
          describe_code(code, smallest_step(t_, t1_), evaluation_.counters.rejected, evaluation_.system());
      if ((code == ARK_ERR_FAILURE || code == ARK_CONV_FAILURE) && local_errors(errors.get(), weights.get())) {
        fail(name_, t_, t1_, evaluation_, what, values(errors.get()), values(weights.get()));
      }
      fail(name_, t_, t1_, evaluation_, what);
    }
    t_ = code == ARK_TSTOP_RETURN ? end_ : reached;
    return t_;
  }

  /// The cubic of ARKODE; for order 5 a quartic that also has the rate at a third of the step, found once per step.
  void dense(double t, std::span<double> out) override {
    derivative(t, 0, out);
    if (!quartic_) return;
    const double h = t_ - previous_t_;
    if (!have_correction_) {
      const double third = previous_t_ + h / 3;
      std::vector<double> state(out.size()), slope(out.size());
      derivative(third, 0, state);
      derivative(third, 1, slope);
      if (!evaluation_.rhs(third, state, correction_)) fail(name_, third, t1_, evaluation_, "the rate is not finite");
      // d/ds of s^2 (1 - s)^2 at s = 1/3 is 4/27.
      for (std::size_t i = 0; i < slope.size(); ++i) correction_[i] = (correction_[i] - slope[i]) * h * (27.0 / 4);
      have_correction_ = true;
    }
    const double s = (t - previous_t_) / h;
    const double bump = s * s * (1 - s) * (1 - s);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += bump * correction_[i];
  }

  void count() override {
    if (fresh_) return;
    long rejected = 0, iterations = 0;
    work(&rejected, &iterations);
    evaluation_.counters.rejected = rejected_before_ + static_cast<std::uint64_t>(rejected);
    evaluation_.counters.linear_iterations = linear_before_ + static_cast<std::uint64_t>(iterations);
  }

 protected:
  virtual void reinitialise(double t) = 0;
  virtual int evolve(double* reached) = 0;
  virtual int interpolate(double t, int order, N_Vector out) = 0;
  virtual bool local_errors(N_Vector errors, N_Vector weights) = 0;
  virtual void work(long* rejected, long* iterations) = 0;

  Evaluation& evaluation_;
  std::string name_;
  double t1_, t_ = 0, previous_t_ = 0, end_ = 0;
  bool quartic_;
  Shield shield_;
  Context context_;  // outlives what was made in it
  Vector y_, out_, atol_;

 private:
  void derivative(double t, int order, std::span<double> out) {
    N_VSetArrayPointer(out.data(), out_.get());
    if (interpolate(t, order, out_.get()) != 0) throw Error(name_, "dense output was asked for outside the last step.");
  }

  std::vector<double> correction_;
  bool have_correction_ = false, fresh_ = true;
  std::uint64_t rejected_before_ = 0, linear_before_ = 0;
};

struct ErkDeleter {
  void operator()(void* memory) const { ERKStepFree(&memory); }
};

class Erk : public Arkode {
 public:
  Erk(Evaluation& evaluation, const Method& method, double t0, double t1)
      : Arkode(evaluation, method, t1, method.name == "arkode_dp54"),
        mem_(ERKStepCreate(rhs, t0, y_.get(), context_.get())) {
    if (!mem_.get()) throw std::bad_alloc();
    silence(Solver::erk, mem_.get());
    require(ERKStepSetUserData(mem_.get(), this), "ERKStepSetUserData");
    require(ERKStepSVtolerances(mem_.get(), method.rtol, atol_.get()), "ERKStepSVtolerances");
    require(ERKStepSetTableNum(mem_.get(), method.name == "arkode_bs32"   ? ARKODE_BOGACKI_SHAMPINE_4_2_3
                                           : method.name == "zonneveld43" ? ARKODE_ZONNEVELD_5_3_4
                                                                          : ARKODE_DORMAND_PRINCE_7_4_5),
            "ERKStepSetTableNum");
    require(ERKStepSetInterpolantDegree(mem_.get(), 3), "ERKStepSetInterpolantDegree");
    require(ERKStepSetMaxHnilWarns(mem_.get(), -1), "ERKStepSetMaxHnilWarns");
    if (method.max_step > 0) require(ERKStepSetMaxStep(mem_.get(), method.max_step), "ERKStepSetMaxStep");
  }

 private:
  static int rhs(sunrealtype t, N_Vector y, N_Vector ydot, void* self) {
    auto& me = *static_cast<Erk*>(self);
    return me.shield_.run([&] { return me.evaluation_.rhs(t, values(y), values(ydot)); });
  }
  void reinitialise(double t) override {
    require(ERKStepReInit(mem_.get(), rhs, t, y_.get()), "ERKStepReInit");
    require(ERKStepSetStopTime(mem_.get(), end_), "ERKStepSetStopTime");
  }
  int evolve(double* reached) override {
    require(ERKStepSetMinStep(mem_.get(), smallest_step(t_, t1_)), "ERKStepSetMinStep");
    return ERKStepEvolve(mem_.get(), end_, y_.get(), reached, ARK_ONE_STEP);
  }
  int interpolate(double t, int order, N_Vector out) override { return ERKStepGetDky(mem_.get(), t, order, out); }
  bool local_errors(N_Vector errors, N_Vector weights) override {
    return ERKStepGetEstLocalErrors(mem_.get(), errors) == 0 && ERKStepGetErrWeights(mem_.get(), weights) == 0;
  }
  void work(long* rejected, long*) override { ERKStepGetNumErrTestFails(mem_.get(), rejected); }

  std::unique_ptr<void, ErkDeleter> mem_;
};

struct ImexDeleter {
  void operator()(void* memory) const { ARKStepFree(&memory); }
};

class Imex : public Arkode {
 public:
  Imex(Evaluation& evaluation, const Method& method, double t0, double t1)
      : Arkode(evaluation, method, t1, method.name == "imex5"),
        is_implicit_(evaluation.size(), 0),
        rate_(evaluation.size()),
        rate_y_(evaluation.size()),
        mem_(ARKStepCreate(explicit_rhs, implicit_rhs, t0, y_.get(), context_.get())) {
    if (!mem_.get()) throw std::bad_alloc();
    for (const std::string& name : method.implicit) {
      const Field& field = evaluation.system().states().at(name);
      std::fill_n(is_implicit_.begin() + static_cast<std::ptrdiff_t>(field.offset), field.size, 1);
    }
    silence(Solver::ark, mem_.get());
    require(ARKStepSetUserData(mem_.get(), this), "ARKStepSetUserData");
    require(ARKStepSVtolerances(mem_.get(), method.rtol, atol_.get()), "ARKStepSVtolerances");
    const bool third = method.name == "imex3", fourth = method.name == "imex4";
    require(ARKStepSetTableNum(mem_.get(),
                               third    ? ARKODE_ARK324L2SA_DIRK_4_2_3
                               : fourth ? ARKODE_ARK436L2SA_DIRK_6_3_4
                                        : ARKODE_ARK548L2SA_DIRK_8_4_5,
                               third    ? ARKODE_ARK324L2SA_ERK_4_2_3
                               : fourth ? ARKODE_ARK436L2SA_ERK_6_3_4
                                        : ARKODE_ARK548L2SA_ERK_8_4_5),
            "ARKStepSetTableNum");
    linear_.reset(SUNLinSol_SPGMR(y_.get(), SUN_PREC_NONE, 0, context_.get()));
    require(ARKStepSetLinearSolver(mem_.get(), linear_.get(), nullptr), "ARKStepSetLinearSolver");
    require(ARKStepSetJacTimes(mem_.get(), nullptr, jvp), "ARKStepSetJacTimes");
    require(ARKStepSetInterpolantDegree(mem_.get(), 3), "ARKStepSetInterpolantDegree");
    require(ARKStepSetMaxHnilWarns(mem_.get(), -1), "ARKStepSetMaxHnilWarns");
    if (method.max_step > 0) require(ARKStepSetMaxStep(mem_.get(), method.max_step), "ARKStepSetMaxStep");
  }

 private:
  /// ydot = the rows of one part; the whole rate is computed once when both parts are asked for at one point.
  bool part(double t, std::span<const double> y, std::span<double> ydot, char wanted) {
    if (!have_rate_ || t != rate_t_ || !std::equal(y.begin(), y.end(), rate_y_.begin())) {
      have_rate_ = evaluation_.rhs(t, y, rate_);
      rate_t_ = t;
      std::copy(y.begin(), y.end(), rate_y_.begin());
      if (!have_rate_) return false;
    }
    for (std::size_t i = 0; i < ydot.size(); ++i) ydot[i] = is_implicit_[i] == wanted ? rate_[i] : 0.0;
    return true;
  }
  static int explicit_rhs(sunrealtype t, N_Vector y, N_Vector ydot, void* self) {
    auto& me = *static_cast<Imex*>(self);
    return me.shield_.run([&] { return me.part(t, values(y), values(ydot), 0); });
  }
  static int implicit_rhs(sunrealtype t, N_Vector y, N_Vector ydot, void* self) {
    auto& me = *static_cast<Imex*>(self);
    return me.shield_.run([&] { return me.part(t, values(y), values(ydot), 1); });
  }
  static int jvp(N_Vector v, N_Vector jv, sunrealtype t, N_Vector y, N_Vector, void* self, N_Vector) {
    auto& me = *static_cast<Imex*>(self);
    return me.shield_.run([&] {
      const auto out = values(jv);
      me.evaluation_.jvp(t, values(y), values(v), out);
      for (std::size_t i = 0; i < out.size(); ++i) {
        if (!me.is_implicit_[i]) out[i] = 0;
      }
      return true;
    });
  }
  void reinitialise(double t) override {
    have_rate_ = false;
    require(ARKStepReInit(mem_.get(), explicit_rhs, implicit_rhs, t, y_.get()), "ARKStepReInit");
    require(ARKStepSetStopTime(mem_.get(), end_), "ARKStepSetStopTime");
  }
  int evolve(double* reached) override {
    require(ARKStepSetMinStep(mem_.get(), smallest_step(t_, t1_)), "ARKStepSetMinStep");
    return ARKStepEvolve(mem_.get(), end_, y_.get(), reached, ARK_ONE_STEP);
  }
  int interpolate(double t, int order, N_Vector out) override { return ARKStepGetDky(mem_.get(), t, order, out); }
  bool local_errors(N_Vector errors, N_Vector weights) override {
    return ARKStepGetEstLocalErrors(mem_.get(), errors) == 0 && ARKStepGetErrWeights(mem_.get(), weights) == 0;
  }
  void work(long* rejected, long* iterations) override {
    long failed = 0;
    ARKStepGetNumErrTestFails(mem_.get(), rejected);
    ARKStepGetNumNonlinSolvConvFails(mem_.get(), &failed);
    ARKStepGetNumLinIters(mem_.get(), iterations);
    *rejected += failed;
  }

  std::vector<char> is_implicit_;
  std::vector<double> rate_, rate_y_;
  double rate_t_ = 0;
  bool have_rate_ = false;
  LinearSolver linear_;
  std::unique_ptr<void, ImexDeleter> mem_;
};

}  // namespace

std::unique_ptr<Stepper> make_erk(Evaluation& evaluation, const Method& method, double t0, double t1) {
  return std::make_unique<Erk>(evaluation, method, t0, t1);
}

std::unique_ptr<Stepper> make_imex(Evaluation& evaluation, const Method& method, double t0, double t1) {
  return std::make_unique<Imex>(evaluation, method, t0, t1);
}

std::string refused_table(const std::string& name) {
  std::string key = name;
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (key.starts_with("arkode_")) key.erase(0, 7);
  for (const char* unsound : {"heun_euler", "ark324l2sa_erk", "ark436l2sa_erk", "ark437l2sa_erk", "ark548l2sa_erk",
                              "ark548l2sab_erk", "sayfy_aburub", "verner_8_5_6", "fehlberg_13_7_8"}) {
    if (!key.starts_with(unsound)) continue;
    return fmt::format(
        "'{}' is refused: the ERKStep of SUNDIALS 6.4 reuses its last stage wrongly and may lose the order of this "
        "table. "
        "Use zonneveld43, arkode_bs32 or arkode_dp54.",
        name);
  }
  return {};
}

}  // namespace striate
