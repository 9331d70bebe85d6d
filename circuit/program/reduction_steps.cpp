// Steps of sums, maxima and pooling.
#include <algorithm>

#include "circuit/program/node_steps.hpp"

namespace striate {
namespace {

/// Sum or maximum over neighbouring axes.
template <class T>
class ReduceStep final : public Step<T> {
 public:
  ReduceStep(const Expr& node, const std::vector<Place>& operands, const Place& result)
      : in_(operands[0]), out_(result), maximum_(node->op == Op::max_over) {
    const Shape& shape = node->args[0].shape();
    lines_ = line_view(shape, node->names.front());
    lines_.inner = line_view(shape, node->names.back()).inner;
    lines_.n = shape.size() / lines_.outer / lines_.inner;
    parallel_ = shape.size() >= parallel_threshold;
  }

  void run(const Frame<T>& frame) const override {
    if (maximum_)
      line_max(frame.read(in_), frame.write(out_), lines_, parallel_);
    else if (lines_.outer == 1 && lines_.inner == 1)
      *frame.write(out_) = striate::sum(frame.read(in_), lines_.n, parallel_);
    else
      line_sum(frame.read(in_), frame.write(out_), lines_, parallel_);
  }

 private:
  Place in_, out_;
  bool maximum_;
  Lines lines_;
  bool parallel_ = false;
};

/// Maxima over windows along up to any number of axes, and the linear maps that pick values where those maxima lie.
template <class T>
class MaxPoolStep final : public Step<T> {
 public:
  MaxPoolStep(const Expr& node, const std::vector<Place>& operands, const Place& result)
      : operands_(operands),
        out_(result),
        op_(node->op),
        transposed_(op_ == Op::maxpool_select && node->ints[2] != 0),
        big_size_(node->args[0].shape().size()) {
    const Shape& big = node->args[0].shape();
    const Shape& small = op_ == Op::maxpool ? node.shape() : (transposed_ ? node->args[1].shape() : node.shape());
    const auto window = static_cast<std::size_t>(node->ints[0]), stride = static_cast<std::size_t>(node->ints[1]);
    cells_ = {0};
    for (std::size_t a = 0; a < big.rank(); ++a) {
      const bool pooled = std::find(node->names.begin(), node->names.end(), big[a].name) != node->names.end();
      axes_.push_back({small[a].size, (pooled ? stride : 1) * big.stride(a)});
      if (!pooled) continue;
      std::vector<std::size_t> wider;
      for (const std::size_t cell : cells_)
        for (std::size_t i = 0; i < window; ++i) wider.push_back(cell + i * big.stride(a));
      cells_ = std::move(wider);
    }
  }

  void run(const Frame<T>& frame) const override {
    const T* x = frame.read(operands_[0]);
    const T* from = op_ == Op::maxpool ? x : frame.read(operands_[1]);
    T* out = frame.write(out_);
    if (transposed_) std::fill_n(out, big_size_, T(0));
    std::size_t i = 0;
    each_window(0, 0, [&](std::size_t corner) {
      const std::size_t at = place_of_maximum(x, corner);
      if (transposed_)
        out[at] += from[i++];
      else
        out[i++] = from[at];
    });
  }

 private:
  struct PooledAxis {
    std::size_t windows, stride;  ///< from one window's corner to the next
  };

  template <class Visit>
  void each_window(std::size_t axis, std::size_t corner, const Visit& visit) const {
    if (axis == axes_.size()) return visit(corner);
    for (std::size_t i = 0; i < axes_[axis].windows; ++i) each_window(axis + 1, corner + i * axes_[axis].stride, visit);
  }

  /// The first largest element of a window.
  std::size_t place_of_maximum(const T* x, std::size_t corner) const {
    std::size_t best = corner;
    for (const std::size_t cell : cells_)
      if (x[corner + cell] > x[best]) best = corner + cell;
    return best;
  }

  std::vector<Place> operands_;
  Place out_;
  Op op_;
  bool transposed_;
  std::size_t big_size_;
  std::vector<PooledAxis> axes_;    ///< of the operand
  std::vector<std::size_t> cells_;  ///< of a window, from its corner
};

}  // namespace

template <class T>
std::unique_ptr<Step<T>> reduction_step(const Expr& node, const std::vector<Place>& operands, const Place& result) {
  if (node->op == Op::sum || node->op == Op::max_over) return std::make_unique<ReduceStep<T>>(node, operands, result);
  return std::make_unique<MaxPoolStep<T>>(node, operands, result);
}
template std::unique_ptr<Step<float>> reduction_step(const Expr&, const std::vector<Place>&, const Place&);
template std::unique_ptr<Step<double>> reduction_step(const Expr&, const std::vector<Place>&, const Place&);

}  // namespace striate
