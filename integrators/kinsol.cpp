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
  Shield shield;
};

int residual(N_Vector y, N_Vector out, void* data) {
  Call& call = *static_cast<Call*>(data);
  return call.shield.run([&] { return call.evaluation.rhs(call.t, values(y), values(out)); });
}

int product(N_Vector v, N_Vector jv, N_Vector y, sunbooleantype*, void* data) {
  Call& call = *static_cast<Call*>(data);
  return call.shield.run([&] {
    call.evaluation.jvp(call.t, values(y), values(v), values(jv));
    return true;
  });
}

struct Memory {
  explicit Memory(SUNContext context) : mem(KINCreate(context)) {
    if (!mem) throw std::bad_alloc();
    silence(Solver::kinsol, mem);
  }
  ~Memory() { KINFree(&mem); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void* mem;
};

}  // namespace

int newton_krylov(Evaluation& evaluation, double t, std::span<const double> relaxation, double tolerance,
                  int iterations, std::span<double> y) {
  const Context context = make_context();
  Call call{evaluation, t, {}};
  const Vector state = make_vector(y.size(), context.get()), scale(N_VClone(state.get())), one(N_VClone(state.get()));
  Memory memory(context.get());
  const LinearSolver linear(SUNLinSol_SPGMR(state.get(), SUN_PREC_NONE, 30, context.get()));
  require(KINSetUserData(memory.mem, &call), "KINSetUserData");
  require(KINInit(memory.mem, residual, state.get()), "KINInit");
  require(KINSetLinearSolver(memory.mem, linear.get(), nullptr), "KINSetLinearSolver");
  require(KINSetJacTimesVecFn(memory.mem, product), "KINSetJacTimesVecFn");
  require(KINSetEtaForm(memory.mem, KIN_ETACONSTANT), "KINSetEtaForm");
  require(KINSetEtaConstValue(memory.mem, 1e-2), "KINSetEtaConstValue");
  require(KINSetNumMaxIters(memory.mem, iterations), "KINSetNumMaxIters");
  // Rows scaled by their relaxation: fast and slow states weigh alike in GMRES.
  const auto [fastest, slowest] = std::minmax_element(relaxation.begin(), relaxation.end());
  require(KINSetFuncNormTol(memory.mem, tolerance * *fastest / *slowest), "KINSetFuncNormTol");
  require(KINSetScaledStepTol(memory.mem, 1e-15), "KINSetScaledStepTol");
  std::copy(y.begin(), y.end(), values(state.get()).begin());
  std::transform(relaxation.begin(), relaxation.end(), values(scale.get()).begin(),
                 [largest = *slowest](double r) { return r / largest; });
  N_VConst(1.0, one.get());
  const int code = KINSol(memory.mem, state.get(), KIN_LINESEARCH, one.get(), scale.get());
  call.shield.rethrow();
  std::copy_n(values(state.get()).begin(), y.size(), y.begin());
  return code;
}

}  // namespace striate
