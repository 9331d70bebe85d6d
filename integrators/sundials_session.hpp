#pragma once

#include <sundials/sundials_context.h>
#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_nonlinearsolver.h>

#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "integrators/evaluation.hpp"
#include "integrators/nvector.hpp"

namespace striate {

struct ContextDeleter {
  void operator()(SUNContext c) const { SUNContext_Free(&c); }
};
using Context = std::unique_ptr<std::remove_pointer_t<SUNContext>, ContextDeleter>;
Context make_context();

struct LinearSolverDeleter {
  void operator()(_generic_SUNLinearSolver* s) const { SUNLinSolFree(s); }
};
using LinearSolver = std::unique_ptr<_generic_SUNLinearSolver, LinearSolverDeleter>;

struct NonlinearSolverDeleter {
  void operator()(_generic_SUNNonlinearSolver* s) const { SUNNonlinSolFree(s); }
};
using NonlinearSolver = std::unique_ptr<_generic_SUNNonlinearSolver, NonlinearSolverDeleter>;

/// A C callback must not let an exception through the frames of SUNDIALS: it is kept here and rethrown after.
class Shield {
 public:
  /// body() says whether the values can be used; the result is what SUNDIALS wants: 0, 1 try a smaller step, -1 stop.
  template <class Body>
  int run(const Body& body) noexcept {
    try {
      return body() ? 0 : 1;
    } catch (...) {
      error_ = std::current_exception();
      return -1;
    }
  }
  void rethrow() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  std::exception_ptr error_;
};

/// What a return code of CVODES or ARKODE (they share their numbers) means for the user.
std::string describe_code(int code, double smallest_step, std::uint64_t rejected, const System<double>& system);

/// @throws Failure naming the call for a code below 0
void require(int code, const char* call);

enum class Solver { cvodes, erk, ark, kinsol };
/// Swallows what a solver would print on stderr; every code is turned into a Failure instead.
void silence(Solver solver, void* memory);

}  // namespace striate
