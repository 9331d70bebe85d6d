#include "integrators/leading_eigenvalue.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.hpp"
#include "integrators/eigenpairs.hpp"
#include "integrators/root_polynomial.hpp"

namespace striate {
namespace {

using Eigen::Index;
using Product = std::function<void(std::span<const double>, std::span<double>)>;

/// A matrix without the rows and columns that were taken out.
class Core {
 public:
  Core(std::size_t size, const Product& product) : product_(product), in_(size), out_(size), kept_(size) {
    for (std::size_t i = 0; i < size; ++i) kept_[i] = i;
  }

  Index size() const { return static_cast<Index>(kept_.size()); }

  void multiply(const double* v, double* out) {
    std::fill(in_.begin(), in_.end(), 0.0);
    for (std::size_t i = 0; i < kept_.size(); ++i) in_[kept_[i]] = v[i];
    product_(in_, out_);
    for (std::size_t i = 0; i < kept_.size(); ++i) out[i] = out_[kept_[i]];
  }

  /// Takes out the elements that nothing else drives, then those that only these drove, and so on while it pays or
  /// costs little.
  /// Returns the largest of their eigenvalues. Two vectors drawn at random tell an element's own rate from a sum over
  /// others.
  double peel(RandomStream& random) {
    constexpr int most_passes = 200;
    double largest = -std::numeric_limits<double>::infinity();
    std::vector<double> v[2], own[2];
    std::size_t before = 0, taken = kept_.size();
    for (int passes = 0; taken > 0 && !kept_.empty() && (passes < most_passes || 10 * taken > before); ++passes) {
      before = kept_.size();
      for (int k = 0; k < 2; ++k) {
        v[k].resize(before);
        own[k].resize(before);
        for (double& x : v[k]) x = random.uniform(0.5, 1.5) * (random.uniform() < 0.5 ? -1 : 1);
        multiply(v[k].data(), own[k].data());
        for (std::size_t i = 0; i < before; ++i) own[k][i] /= v[k][i];
      }
      std::size_t left = 0;
      for (std::size_t i = 0; i < before; ++i) {
        if (std::abs(own[0][i] - own[1][i]) <= 1e-13 * (std::abs(own[0][i]) + std::abs(own[1][i])))
          largest = std::max(largest, own[0][i]);
        else
          kept_[left++] = kept_[i];
      }
      kept_.resize(left);
      taken = before - left;
    }
    return largest;
  }

 private:
  const Product& product_;
  std::vector<double> in_, out_;
  std::vector<std::size_t> kept_;
};

Index leading(const Eigen::VectorXcd& values) {
  Index best = 0;
  for (Index i = 1; i < values.size(); ++i) {
    const auto a = values[i], b = values[best];
    if (a.real() > b.real() || (a.real() == b.real() && a.imag() > b.imag())) best = i;
  }
  return best;
}

LeadingEigenvalue dense(Core& core) {
  const Index n = core.size();
  Eigen::MatrixXd a(n, n);
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(n, n);
  for (Index j = 0; j < n; ++j) core.multiply(identity.col(j).data(), a.col(j).data());
  const auto [values, right, found] = eigenpairs(a);
  if (!found) return {};
  const Index best = leading(values);
  LeadingEigenvalue result;
  result.value = values[best];
  const double rounding = 1e-14 * a.norm();  // of the QR algorithm: some roundings of the norm
  // To first order an eigenvalue moves by the change of the matrix over the cosine between its left and right vectors.
  const Eigen::MatrixXcd left = right.inverse();
  const Eigen::VectorXd reach = rounding * left.rowwise().norm().cwiseProduct(right.colwise().norm().transpose());
  result.residual = std::isfinite(reach[best]) ? reach[best] : std::numeric_limits<double>::infinity();
  if (reach.allFinite()) result.bound = (values.real() + reach).maxCoeff();
  return result;
}

/// What became of a Gaussian vector: exp(log_length) times `direction` is P(A) of it, P monic with these roots.
struct Filtered {
  Eigen::VectorXd direction;
  double log_length = 0;
  std::vector<std::complex<double>> roots;
};

/// A direction = basis H: `h` has one row more than columns.
struct Krylov {
  Eigen::MatrixXd basis, h;
};

Krylov arnoldi(Core& core, const Eigen::VectorXd& direction, Index steps) {
  Krylov k{Eigen::MatrixXd(core.size(), steps + 1), Eigen::MatrixXd::Zero(steps + 1, steps)};
  k.basis.col(0) = direction;
  for (Index m = 1; m <= steps; ++m) {
    auto next = k.basis.col(m);
    core.multiply(k.basis.col(m - 1).data(), next.data());
    const double before = next.norm();
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Giraud et al. 2005)
      const Eigen::VectorXd overlap = k.basis.leftCols(m).transpose() * next;
      next.noalias() -= k.basis.leftCols(m) * overlap;
      k.h.col(m - 1).head(m) += overlap;
    }
    k.h(m, m - 1) = next.norm();
    const double rounding = 1e-13 * before;
    if (k.h(m, m - 1) <= rounding) {  // an invariant subspace
      next.normalize();
      k.h(m, m - 1) = rounding;
      k.h.conservativeResize(m + 1, m);
      return k;
    }
    next /= k.h(m, m - 1);
  }
  return k;
}

/// The largest real part that an eigenvalue may have, beyond a chance of one in a million; roots are known to
/// `rounding`.
double bound_of(const Filtered& v, double rounding) {
  const auto proven = [&](double s) {
    return v.log_length - log_smallest_right_of(s - rounding, v.roots) <= std::log(1e-6);
  };
  if (!proven(0)) return std::numeric_limits<double>::infinity();
  double yes = 0;
  double no = -std::numeric_limits<double>::infinity();
  for (const auto& root : v.roots) no = std::max(no, root.real());
  for (int i = 0; i < 8; ++i) {
    const double s = 0.5 * (yes + no);
    (proven(s) ? yes : no) = s;
  }
  return yes;
}

Filtered drawn(Index size, RandomStream& random) {
  Filtered v{Eigen::VectorXd(size), 0, {}};
  for (double& x : v.direction) x = random.normal();
  v.log_length = std::log(v.direction.norm());
  v.direction.normalize();
  return v;
}

LeadingEigenvalue iterate(Core& core, RandomStream& random) {
  constexpr Index most_products = 3000;
  Filtered v = drawn(core.size(), random);
  LeadingEigenvalue result;
  result.value = -std::numeric_limits<double>::infinity();
  bool proving = true;  // otherwise following an eigenvalue that seems to grow
  Index steps = 30;
  for (Index products = 0; products < most_products;) {
    const Krylov k = arnoldi(core, v.direction, steps);
    const Index m = k.h.cols();
    products += m;
    const Eigen::MatrixXd h = k.h.topRows(m);
    const auto [values, vectors, found] = eigenpairs(h);
    if (!found) return result;
    const Index best = leading(values);
    const Eigen::VectorXcd vector = vectors.col(best);
    const double growth = values[best].real();
    const double residual = k.h(m, m - 1) * std::abs(vector[m - 1]) / vector.norm();
    if (!proving || growth > result.value.real()) {
      result.value = values[best];
      result.residual = residual;
    }
    const double rounding = 1e-12 * h.norm();
    if (residual <= (std::abs(growth) <= rounding ? rounding : 1e-2 * growth)) return result;

    if (growth >= 0) {
      proving = false;
      v.direction = k.basis.leftCols(m) * (vector.real() + vector.imag());
      v.direction.normalize();
    } else if (!proving) {
      proving = true;
      v = drawn(core.size(), random);
    } else {  // what the polynomial leaves that has all Ritz values as roots
      v.direction = k.basis.col(m);
      v.roots.insert(v.roots.end(), values.begin(), values.end());
      for (Index j = 0; j < m; ++j) v.log_length += std::log(k.h(j + 1, j));
      result.bound = bound_of(v, rounding);
      if (result.bound < 0) return result;
    }
    steps = std::min<Index>(60, steps + 10);
  }
  return result;
}

}  // namespace

LeadingEigenvalue leading_eigenvalue(std::size_t size, const Product& product) {
  RandomStream random(0, "leading eigenvalue", 0);
  Core core(size, product);
  const double peeled = core.peel(random);
  LeadingEigenvalue result{peeled, 0, peeled};
  if (core.size() > 0) {
    const LeadingEigenvalue rest = core.size() <= 200 ? dense(core) : iterate(core, random);
    if (rest.value.real() > peeled) {
      result.value = {rest.value.real(), std::abs(rest.value.imag())};
      result.residual = rest.residual;
    }
    result.bound = std::max(peeled, rest.bound);
  }
  return result;
}

}  // namespace striate
