#include "integrators/sundials_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "integrators/stepper.hpp"

namespace striate {

Context make_context() {
  SUNContext context = nullptr;
  if (SUNContext_Create(nullptr, &context) != 0) throw std::bad_alloc();
  return Context(context);
}

void silent(int, const char*, const char*, char*, void*) {}

double smallest_step(double t0, double t1) { return 1e-14 * std::max({std::abs(t0), std::abs(t1), t1 - t0}); }

std::string describe_code(int code, double smallest, std::uint64_t rejected, const System<double>& system) {
  switch (code) {
    case -2: return "the tolerances ask for more than double precision holds";
    case -3:
      return fmt::format(
          "step below {} or too many rejections in a row, {} in all; the solution may blow up, or the rate jump at a "
          "time that "
          "is no breakpoint of the drive",
          time_text(smallest, system), rejected);
    case -4: return "the nonlinear solver did not converge at the smallest step";
    case -8:
    case -9:
    case -10:
    case -11: return "the rate is not finite however small the step";
    default: return fmt::format("SUNDIALS returned code {}", code);
  }
}

}  // namespace striate
