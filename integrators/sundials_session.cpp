#include "integrators/sundials_session.hpp"

#include <fmt/format.h>

#include <new>

#include "base/error.hpp"
#include "integrators/stepper.hpp"

namespace striate {

Context make_context() {
  SUNContext context = nullptr;
  if (SUNContext_Create(nullptr, &context) != 0) throw std::bad_alloc();
  return Context(context);
}

void require(int code, const char* call) {
  if (code < 0) throw Failure(fmt::format("{} of SUNDIALS failed with code {}: does the memory suffice?", call, code));
}

void silent(int, const char*, const char*, char*, void*) {}

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
