#pragma once

#include <vector>

#include "circuit/expr.hpp"
#include "circuit/system.hpp"

namespace striate {

/// The same values in the forms that steps execute:
/// - a convolution becomes one-dimensional passes where its kernel separates and that is cheapest; otherwise a
///   canonical two-dimensional one, in [batch, channel, y, x] order, with its algorithm named;
/// - the gradients of one kernel from several places are one convolution of pairs (x, g, x, g, ...), whose spectra are
///   summed before they are transformed back;
/// - contractions are canonical ([shared, m, k] x [shared, k, n]); reductions run over neighbouring axes.
/// `choices` receives one entry per convolution. @throws Error where an algorithm is asked for that cannot serve
std::vector<Expr> lower(const std::vector<Expr>& roots, std::size_t bytes_per_value,
                        std::vector<AlgorithmChoice>& choices);

/// Whether a lowered node is a sum of outer products of vectors: arguments a_0, b_0, a_1, b_1, ...
bool is_outer_product(const Expr& lowered);

/// A kernel as a sum of products of one-dimensional factors.
struct SeparableTerm {
  std::vector<Expr> factors;  ///< one over each offset axis asked for
  Expr rest;                  ///< over the kernel's other axes, or a scalar
};

/// The kernel as a sum of at most `most` such products; empty when it does not separate.
std::vector<SeparableTerm> separate(const Expr& kernel, const std::vector<std::string>& offset_axes, std::size_t most);

/// A constant line kernel that is one weight over a centred window.
struct BoxForm {
  bool is_box = false;
  std::size_t taps = 0;  ///< after trimming zeros symmetrically
  std::size_t trim = 0;  ///< zeros removed at each side
  double weight = 0;
};
BoxForm box_form(const std::vector<double>& taps);

}  // namespace striate
