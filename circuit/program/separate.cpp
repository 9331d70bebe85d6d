#include <algorithm>
#include <cmath>
#include <optional>

#include "base/svd.hpp"
#include "circuit/program/function.hpp"
#include "circuit/program/lower.hpp"

namespace striate {
namespace {

constexpr int no_class = -1;     // a scalar
constexpr int mixed_class = -2;  // depends on several offset axes

/// Splits kernels of a conv into factors. Offset axis i is class i; all other axes together are the last class.
class Separator {
 public:
  Separator(std::vector<std::string> axes, std::size_t most) : axes_(std::move(axes)), most_(most) {}

  using Terms =
      std::optional<std::vector<std::vector<Expr>>>;  // per term one factor a class; a missing one counts as 1

  Terms terms(const Expr& e, int depth = 0) const {
    if (depth > 200) return std::nullopt;
    const int kind = class_of(e);
    if (kind != mixed_class) return single(e, kind);
    switch (e->op) {
      case Op::add:
      case Op::sub: {
        // Stops at the first side that does not separate: parts that a kernel repeats would be tried exponentially
        // often.
        Terms left = terms(e->args[0], depth + 1);
        if (!left) return left;
        Terms right = terms(e->args[1], depth + 1);
        return joined(std::move(left), e->op == Op::add ? right : scaled(right, Expr(-1.0)));
      }
      case Op::neg: return scaled(terms(e->args[0], depth + 1), Expr(-1.0));
      case Op::mul: {
        const Terms left = terms(e->args[0], depth + 1);
        return left ? product(left, terms(e->args[1], depth + 1)) : left;
      }
      case Op::div: {
        const int divisor = class_of(e->args[1]);
        if (divisor == mixed_class) return is_constant_graph(e) ? numerical(e) : std::nullopt;
        return product(terms(e->args[0], depth + 1), single(Expr(1.0) / e->args[1], divisor));
      }
      case Op::convert:
        return scaled(terms(e->args[0], depth + 1),
                      quantity(e->args[0].unit().to(e.unit()), e.unit() / e->args[0].unit()));
      case Op::broadcast: return terms(e->args[0], depth + 1);
      default: return is_constant_graph(e) ? numerical(e) : std::nullopt;
    }
  }

 private:
  int class_of(const Expr& e) const {
    int found = no_class;
    for (const auto& axis : e.shape()) {
      const auto at = std::find(axes_.begin(), axes_.end(), axis.name) - axes_.begin();
      const int kind = static_cast<int>(at);
      if (found == no_class) found = kind;
      if (found != kind) return mixed_class;
    }
    return found;
  }

  std::vector<std::vector<Expr>> single(const Expr& e, int kind) const {
    std::vector<Expr> factors(axes_.size() + 1);
    factors[kind == no_class ? axes_.size() : static_cast<std::size_t>(kind)] = e;
    return {factors};
  }

  Terms joined(Terms a, const Terms& b) const {
    if (!a || !b || a->size() + b->size() > most_) return std::nullopt;
    a->insert(a->end(), b->begin(), b->end());
    return a;
  }

  static Terms scaled(Terms a, const Expr& scale) {
    if (!a) return a;
    for (auto& term : *a) term.back() = term.back() ? term.back() * scale : scale;
    return a;
  }

  Terms product(const Terms& a, const Terms& b) const {
    if (!a || !b || a->size() * b->size() > most_) return std::nullopt;
    std::vector<std::vector<Expr>> result;
    for (const auto& x : *a) {
      for (const auto& y : *b) {
        std::vector<Expr> factors(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) factors[i] = !x[i] ? y[i] : (!y[i] ? x[i] : x[i] * y[i]);
        result.push_back(std::move(factors));
      }
    }
    return result;
  }

  /// Low rank of given numbers over two offset axes.
  Terms numerical(const Expr& e) const {
    if (e.shape().rank() != 2 || class_of(e) != mixed_class) return std::nullopt;
    const auto values = constant_value(e);
    const auto rows = static_cast<Eigen::Index>(e.shape()[0].size);
    const auto columns = static_cast<Eigen::Index>(e.shape()[1].size);
    if (rows > 512 || columns > 512) return std::nullopt;
    using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Matrix matrix = Eigen::Map<const Matrix>(values.data(), rows, columns);
    if (!matrix.allFinite()) return std::nullopt;
    const auto [u, singular, v] = svd(matrix);
    std::size_t rank = 0;
    while (rank < static_cast<std::size_t>(singular.size()) &&
           singular[static_cast<Eigen::Index>(rank)] > 1e-15 * singular[0])
      ++rank;
    if (rank == 0 || rank > most_) return std::nullopt;
    std::vector<std::vector<Expr>> result;
    for (std::size_t r = 0; r < rank; ++r) {
      const auto column = static_cast<Eigen::Index>(r);
      std::vector<Expr> factors(axes_.size() + 1);
      for (std::size_t side = 0; side < 2; ++side) {
        const Eigen::VectorXd factor = (side == 0 ? u : v).col(column);
        const Axis& axis = e.shape()[side];
        const auto at = static_cast<std::size_t>(std::find(axes_.begin(), axes_.end(), axis.name) - axes_.begin());
        if (at == axes_.size()) return std::nullopt;
        factors[at] = array({factor.begin(), factor.end()}, Shape{axis});
      }
      factors.back() = quantity(singular[column], e.unit());
      result.push_back(std::move(factors));
    }
    return result;
  }

  std::vector<std::string> axes_;
  std::size_t most_;
};

}  // namespace

std::vector<SeparableTerm> separate(const Expr& kernel, const std::vector<std::string>& offset_axes, std::size_t most) {
  const auto terms = Separator(offset_axes, most).terms(kernel);
  if (!terms) return {};
  std::vector<SeparableTerm> result;
  for (const auto& factors : *terms) {
    SeparableTerm term;
    for (std::size_t i = 0; i < offset_axes.size(); ++i) {
      const Shape line{kernel.shape()[*kernel.shape().find(offset_axes[i])]};
      term.factors.push_back(broadcast_to(factors[i] ? factors[i] : Expr(1.0), line));
    }
    term.rest = factors.back() ? factors.back() : Expr(1.0);
    result.push_back(std::move(term));
  }
  return result;
}

BoxForm box_form(const std::vector<double>& taps) {
  BoxForm form;
  while (2 * form.trim + 2 < taps.size() && taps[form.trim] == 0 && taps[taps.size() - 1 - form.trim] == 0 &&
         taps.size() % 2 == 1)
    ++form.trim;
  form.taps = taps.size() - 2 * form.trim;
  form.weight = taps[form.trim];
  form.is_box = std::all_of(taps.begin() + static_cast<std::ptrdiff_t>(form.trim),
                            taps.end() - static_cast<std::ptrdiff_t>(form.trim),
                            [&](double w) { return std::abs(w - form.weight) <= 1e-16 * std::abs(form.weight); });
  return form;
}

}  // namespace striate
