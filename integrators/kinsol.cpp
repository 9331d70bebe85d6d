#include "integrators/kinsol.hpp"

#include <kinsol/kinsol.h>
#include <sunlinsol/sunlinsol_spgmr.h>

#include <algorithm>
#include <cstdio>
#include <new>

#include "integrators/sundials_session.hpp"

namespace striate {
namespace {

struct Call {
  Evaluation& evaluation;
  double t;
  std::span<const double> relaxation;
  Shield shield;
};

int map(N_Vector y, N_Vector out, void* data) {
  Call& call = *static_cast<Call*>(data);
  return call.shield.run([&] {
    const auto state = values(y), g = values(out);
    if (!call.evaluation.rhs(call.t, state, g)) return false;
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = state[i] + call.relaxation[i] * g[i];
    return true;
  });
}

int residual(N_Vector y, N_Vector out, void* data) {
  Call& call = *static_cast<Call*>(data);
  return call.shield.run([&] { return call.evaluation.rhs(call.t, values(y), values(out)); });
}

int product(N_Vector v, N_Vector jv, N_Vector y, booleantype*, void* data) {
  Call& call = *static_cast<Call*>(data);
  return call.shield.run([&] {
    call.evaluation.jvp(call.t, values(y), values(v), values(jv));
    return true;
  });
}

void ignore(const char*, const char*, char*, void*) {}

struct Memory {
  explicit Memory(SUNContext context) : mem(KINCreate(context)) {
    if (!mem) throw std::bad_alloc();
    KINSetErrHandlerFn(mem, silent, nullptr);
    KINSetInfoHandlerFn(mem, ignore, nullptr);
  }
  ~Memory() { KINFree(&mem); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void* mem;
};

}  // namespace

Kinsol::Kinsol(Evaluation& evaluation, double t, std::span<const double> relaxation, double tolerance)
    : evaluation_(evaluation), t_(t), relaxation_(relaxation), tolerance_(tolerance) {}

int Kinsol::anderson(int depth, double damping, int iterations, std::span<double> y) {
  const Context context = make_context();
  Call call{evaluation_, t_, relaxation_, {}};
  const Vector state = make_vector(y.size(), context.get()), scale(N_VClone(state.get())), one(N_VClone(state.get()));
  Memory memory(context.get());
  KINSetUserData(memory.mem, &call);
  KINSetMAA(memory.mem, depth);
  if (depth > 0) {
    KINSetDampingAA(memory.mem, damping);
  }
  KINInit(memory.mem, map, state.get());
  KINSetFuncNormTol(memory.mem, tolerance_);
  KINSetNumMaxIters(memory.mem, iterations);
  std::copy(y.begin(), y.end(), values(state.get()).begin());
  // The update over its relaxation time is a rate, which is what the tolerance speaks of.
  std::transform(relaxation_.begin(), relaxation_.end(), values(scale.get()).begin(), [](double r) { return 1 / r; });
  N_VConst(1.0, one.get());
  const int code = KINSol(memory.mem, state.get(), KIN_FP, one.get(), scale.get());
  call.shield.rethrow();
  std::copy_n(values(state.get()).begin(), y.size(), y.begin());
  return code;
}

int Kinsol::newton(int iterations, std::span<double> y) {
  const Context context = make_context();
  Call call{evaluation_, t_, relaxation_, {}};
  const Vector state = make_vector(y.size(), context.get()), scale(N_VClone(state.get())), one(N_VClone(state.get()));
  Memory memory(context.get());
  const LinearSolver linear(SUNLinSol_SPGMR(state.get(), SUN_PREC_NONE, 30, context.get()));
  KINSetUserData(memory.mem, &call);
  KINInit(memory.mem, residual, state.get());
  KINSetLinearSolver(memory.mem, linear.get(), nullptr);
  KINSetJacTimesVecFn(memory.mem, product);
  KINSetEtaForm(memory.mem, KIN_ETACONSTANT);
  KINSetEtaConstValue(memory.mem, 1e-2);
  KINSetNumMaxIters(memory.mem, iterations);
  // Rows scaled by their relaxation: fast and slow states weigh alike in GMRES.
  const auto [fastest, slowest] = std::minmax_element(relaxation_.begin(), relaxation_.end());
  KINSetFuncNormTol(memory.mem, tolerance_ * *fastest / *slowest);
  KINSetScaledStepTol(memory.mem, 1e-15);
  std::copy(y.begin(), y.end(), values(state.get()).begin());
  std::transform(relaxation_.begin(), relaxation_.end(), values(scale.get()).begin(),
                 [&](double r) { return r / *slowest; });
  N_VConst(1.0, one.get());
  const int code = KINSol(memory.mem, state.get(), KIN_LINESEARCH, one.get(), scale.get());
  call.shield.rethrow();
  std::copy_n(values(state.get()).begin(), y.size(), y.begin());
  return code;
}

}  // namespace striate
