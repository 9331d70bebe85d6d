#pragma once

#include "integrators/stepper.hpp"

namespace striate {

/// ARKODE's ERKStep: "zonneveld43" (Zonneveld 1963), and by "arkode_bs32" and "arkode_dp54" the pairs of bs32 and dp54.
std::unique_ptr<Stepper> make_erk(Evaluation& evaluation, const Method& method, double t0, double t1);

/// ARKODE's ARKStep with the additive pairs of Kennedy & Carpenter (2003), doi:10.1016/S0168-9274(02)00138-1: "imex3",
/// "imex4", "imex5". The rates of the states in Method::implicit are implicit (Newton, matrix-free GMRES, exact J v of
/// those rows), the others explicit.
std::unique_ptr<Stepper> make_imex(Evaluation& evaluation, const Method& method, double t0, double t1);

/// Why a table of SUNDIALS that goes by this name is not offered; empty when it is none of those.
///
/// ERKStep of SUNDIALS before 6.7 takes any table whose last abscissa is 1 for first-same-as-last (upstream issue 311),
/// and some tables lose their order by it.
std::string refused_table(const std::string& name);

}  // namespace striate
