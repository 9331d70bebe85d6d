#include "integrators/sundials_session.hpp"

#include <arkode/arkode_arkstep.h>
#include <arkode/arkode_erkstep.h>
#include <cvodes/cvodes.h>
#include <fmt/format.h>
#include <kinsol/kinsol.h>
#include <sundials/sundials_config.h>

#include <new>

#include "base/error.hpp"
#include "integrators/stepper.hpp"

namespace striate {

Context make_context() {
  SUNContext context = nullptr;
#if SUNDIALS_VERSION_MAJOR < 7
  if (SUNContext_Create(nullptr, &context) != 0) throw std::bad_alloc();
#else
  if (SUNContext_Create(SUN_COMM_NULL, &context) != 0) throw std::bad_alloc();
  SUNContext_ClearErrHandlers(context);
#endif
  return Context(context);
}

void require(int code, const char* call) {
  if (code < 0) throw Failure(fmt::format("{} of SUNDIALS failed with code {}: does the memory suffice?", call, code));
}

#if SUNDIALS_VERSION_MAJOR < 7
void silence(Solver solver, void* memory) {
  const auto silent = [](int, const char*, const char*, char*, void*) {};
  switch (solver) {
    case Solver::cvodes: CVodeSetErrHandlerFn(memory, silent, nullptr); break;
    case Solver::erk: ERKStepSetErrHandlerFn(memory, silent, nullptr); break;
    case Solver::ark: ARKStepSetErrHandlerFn(memory, silent, nullptr); break;
    case Solver::kinsol:
      KINSetErrHandlerFn(memory, silent, nullptr);
      KINSetInfoHandlerFn(
          memory, [](const char*, const char*, char*, void*) {}, nullptr);
  }
}
#else  // the context is silent
void silence(Solver, void*) {}
#endif

std::string describe_code(int code, double smallest, std::uint64_t rejected, const System<double>& system) {
  switch (code) {
    case -2: return "the tolerances ask for more than double precision holds";
    case -3: return step_too_small(smallest, rejected, system);
    case -4: return "the nonlinear solver did not converge at the smallest step";
    case -8:
    case -9:
    case -10:
    case -11: return "the rate is not finite however small the step";
    default: return fmt::format("SUNDIALS returned code {}", code);
  }
}

}  // namespace striate
