#include "integrators/nvector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>

#include "base/error.hpp"
#include "integrators/blocks.hpp"

namespace striate {
namespace {

using Index = std::size_t;

Index length(N_Vector v) { return static_cast<Index>(NV_LENGTH_S(v)); }

template <class Body>
void each(N_Vector v, const Body& body) {
  for_blocks(length(v), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) body(i);
  });
}

template <class Term, class Join>
double reduce(Index size, double start, const Term& term, const Join& join) {
  return reduce_blocks(
      size, start, [&](Index begin, Index end) { return reduce_lanes(begin, end, start, term, join); }, join);
}

template <class Term>
double sum(Index size, const Term& term) {
  return reduce(size, 0.0, term, std::plus<double>());
}

template <class Term>
double maximum(Index size, const Term& term) {
  return reduce(size, 0.0, term, larger);
}

void linear_sum(sunrealtype a, N_Vector x, sunrealtype b, N_Vector y, N_Vector z) {
  const double *xd = NV_DATA_S(x), *yd = NV_DATA_S(y);
  double* zd = NV_DATA_S(z);
  if (a == 1) {
    each(z, [=](Index i) { zd[i] = xd[i] + b * yd[i]; });
  } else if (b == 1) {
    each(z, [=](Index i) { zd[i] = a * xd[i] + yd[i]; });
  } else {
    each(z, [=](Index i) { zd[i] = a * xd[i] + b * yd[i]; });
  }
}

void constant(sunrealtype c, N_Vector z) {
  double* zd = NV_DATA_S(z);
  each(z, [=](Index i) { zd[i] = c; });
}

void product(N_Vector x, N_Vector y, N_Vector z) {
  const double *xd = NV_DATA_S(x), *yd = NV_DATA_S(y);
  double* zd = NV_DATA_S(z);
  each(z, [=](Index i) { zd[i] = xd[i] * yd[i]; });
}

void divide(N_Vector x, N_Vector y, N_Vector z) {
  const double *xd = NV_DATA_S(x), *yd = NV_DATA_S(y);
  double* zd = NV_DATA_S(z);
  each(z, [=](Index i) { zd[i] = xd[i] / yd[i]; });
}

void scale(sunrealtype c, N_Vector x, N_Vector z) {
  const double* xd = NV_DATA_S(x);
  double* zd = NV_DATA_S(z);
  if (c == 1) {
    if (xd != zd) each(z, [=](Index i) { zd[i] = xd[i]; });
  } else {
    each(z, [=](Index i) { zd[i] = c * xd[i]; });
  }
}

void absolute(N_Vector x, N_Vector z) {
  const double* xd = NV_DATA_S(x);
  double* zd = NV_DATA_S(z);
  each(z, [=](Index i) { zd[i] = std::abs(xd[i]); });
}

void inverse(N_Vector x, N_Vector z) {
  const double* xd = NV_DATA_S(x);
  double* zd = NV_DATA_S(z);
  each(z, [=](Index i) { zd[i] = 1 / xd[i]; });
}

void add_constant(N_Vector x, sunrealtype b, N_Vector z) {
  const double* xd = NV_DATA_S(x);
  double* zd = NV_DATA_S(z);
  each(z, [=](Index i) { zd[i] = xd[i] + b; });
}

sunrealtype dot(N_Vector x, N_Vector y) {
  const double *xd = NV_DATA_S(x), *yd = NV_DATA_S(y);
  return sum(length(x), [=](Index i) { return xd[i] * yd[i]; });
}

sunrealtype max_norm(N_Vector x) {
  const double* xd = NV_DATA_S(x);
  return maximum(length(x), [=](Index i) { return std::abs(xd[i]); });
}

sunrealtype weighted_square_sum(N_Vector x, N_Vector w) {
  const double *xd = NV_DATA_S(x), *wd = NV_DATA_S(w);
  return sum(length(x), [=](Index i) {
    const double v = xd[i] * wd[i];
    return v * v;
  });
}

sunrealtype wrms_norm(N_Vector x, N_Vector w) {
  return std::sqrt(weighted_square_sum(x, w) / static_cast<double>(length(x)));
}

sunrealtype wl2_norm(N_Vector x, N_Vector w) { return std::sqrt(weighted_square_sum(x, w)); }

sunrealtype weighted_max_norm(N_Vector x, N_Vector w) {
  const double *xd = NV_DATA_S(x), *wd = NV_DATA_S(w);
  return maximum(length(x), [=](Index i) { return std::abs(xd[i] * wd[i]); });
}

sunrealtype minimum(N_Vector x) {
  const double* xd = NV_DATA_S(x);
  return reduce(
      length(x), xd[0], [=](Index i) { return xd[i]; }, [](double a, double b) { return b < a ? b : a; });
}

sunrealtype l1_norm(N_Vector x) {
  const double* xd = NV_DATA_S(x);
  return sum(length(x), [=](Index i) { return std::abs(xd[i]); });
}

int linear_combination(int count, sunrealtype* c, N_Vector* x, N_Vector z) {
  double* zd = NV_DATA_S(z);
  for_blocks(length(z), [&](Index begin, Index end) {
    // z may be x[0], the only alias that SUNDIALS allows, so the first term is scaled in place.
    const double* first = NV_DATA_S(x[0]);
    const double c0 = c[0];
    for (Index i = begin; i < end; ++i) zd[i] = c0 * first[i];
    int j = 1;
    for (; j + 1 < count; j += 2) {
      const double *a = NV_DATA_S(x[j]), *b = NV_DATA_S(x[j + 1]);
      const double ca = c[j], cb = c[j + 1];
      for (Index i = begin; i < end; ++i) zd[i] += ca * a[i] + cb * b[i];
    }
    if (j < count) {
      const double* a = NV_DATA_S(x[j]);
      const double ca = c[j];
      for (Index i = begin; i < end; ++i) zd[i] += ca * a[i];
    }
  });
  return 0;
}

int scale_add_multi(int count, sunrealtype* a, N_Vector x, N_Vector* y, N_Vector* z) {
  const double* xd = NV_DATA_S(x);
  for_blocks(length(x), [&](Index begin, Index end) {
    for (int j = 0; j < count; ++j) {
      const double* yd = NV_DATA_S(y[j]);
      double* zd = NV_DATA_S(z[j]);
      const double aj = a[j];
      for (Index i = begin; i < end; ++i) zd[i] = aj * xd[i] + yd[i];
    }
  });
  return 0;
}

int dot_multi(int count, N_Vector x, N_Vector* y, sunrealtype* out) {
  for (int j = 0; j < count; ++j) out[j] = dot(x, y[j]);
  return 0;
}

/// A clone whose values begin on a cache line; the serial vector frees them with free().
N_Vector clone(N_Vector model) {
  N_Vector v = N_VCloneEmpty(model);
  if (!v) return nullptr;
  constexpr Index line = 64 / sizeof(sunrealtype);
  NV_DATA_S(v) =
      static_cast<sunrealtype*>(std::aligned_alloc(64, (length(model) + line - 1) / line * line * sizeof(sunrealtype)));
  NV_OWN_DATA_S(v) = SUNTRUE;
  if (NV_DATA_S(v)) return v;
  N_VDestroy(v);
  return nullptr;
}

}  // namespace

Vector make_vector(std::size_t size, SUNContext context, bool use_max_norm) {
  if (size > static_cast<std::size_t>(std::numeric_limits<sunindextype>::max()))
    throw Failure(fmt::format("{} states are more than this build of SUNDIALS can number.", size));
  const Vector model(N_VNewEmpty_Serial(static_cast<sunindextype>(size), context));
  if (!model) throw std::bad_alloc();
  model->ops->nvclone = clone;
  Vector v(N_VClone(model.get()));
  if (!v) throw std::bad_alloc();
  auto* ops = v->ops;
  ops->nvlinearsum = linear_sum;
  ops->nvconst = constant;
  ops->nvprod = product;
  ops->nvdiv = divide;
  ops->nvscale = scale;
  ops->nvabs = absolute;
  ops->nvinv = inverse;
  ops->nvaddconst = add_constant;
  ops->nvdotprod = ops->nvdotprodlocal = dot;
  ops->nvmaxnorm = ops->nvmaxnormlocal = max_norm;
  ops->nvwrmsnorm = use_max_norm ? weighted_max_norm : wrms_norm;
  ops->nvwsqrsumlocal = weighted_square_sum;
  ops->nvwl2norm = wl2_norm;
  ops->nvmin = ops->nvminlocal = minimum;
  ops->nvl1norm = ops->nvl1normlocal = l1_norm;
  ops->nvlinearcombination = linear_combination;
  ops->nvscaleaddmulti = scale_add_multi;
  ops->nvdotprodmulti = ops->nvdotprodmultilocal = dot_multi;
  constant(0, v.get());
  return v;
}

}  // namespace striate
