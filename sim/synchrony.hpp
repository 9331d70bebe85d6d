#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace striate {

/// (1/N) sum exp(i m theta): Kuramoto's order parameter for m = 1, Daido's moments above; 0 for no phases.
std::complex<double> order_parameter(std::span<const double> theta, int moment = 1);

/// |order parameter| of the places no more than `reach` from each one, along a line or round a ring. A place whose
/// phase is NaN is left out; with no other place near its order is NaN.
std::vector<double> local_order(std::span<const double> theta, std::size_t reach, bool ring);

/// |sum_ij W_ij exp(i(theta_j - theta_i))| / sum_ij |W_ij|, of weights [post, pre].
/// @throws Error where W is not N x N; 0 where all weights are 0. Links of a phase that is NaN are left out.
double link_order(std::span<const double> theta, std::span<const double> weights);

/// Variance over time of the order within a community, averaged over communities (Shanahan 2010, Chaos 20:013108).
/// @param r [times, communities] @throws Error below two times
double metastability(std::span<const double> r, std::size_t communities);

/// Variance across communities of their order, averaged over time (Shanahan 2010). @throws Error below two communities
double chimera_index(std::span<const double> r, std::size_t communities);

/// |mean exp(i(a - b))| of two phases over samples or trials. @throws Error where their numbers differ or are 0
double phase_locking_value(std::span<const double> a, std::span<const double> b);

}  // namespace striate
