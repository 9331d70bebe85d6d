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
    parallel_ = shape.size() > parallel_threshold;
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
        big_(node->args[0].shape()),
        small_(op_ == Op::maxpool ? node.shape() : (transposed_ ? node->args[1].shape() : node.shape())),
        window_(static_cast<std::size_t>(node->ints[0])),
        stride_(static_cast<std::size_t>(node->ints[1])) {
    for (const auto& axis : big_)
      pooled_.push_back(std::find(node->names.begin(), node->names.end(), axis.name) != node->names.end());
  }

  void run(const Frame<T>& frame) const override {
    const T* x = frame.read(operands_[0]);
    T* out = frame.write(out_);
    if (transposed_) std::fill_n(out, big_.size(), T(0));
    for (std::size_t i = 0; i < small_.size(); ++i) {
      const std::size_t at = place_of_maximum(x, i);
      if (op_ == Op::maxpool)
        out[i] = x[at];
      else if (transposed_)
        out[at] += frame.read(operands_[1])[i];
      else
        out[i] = frame.read(operands_[1])[at];
    }
  }

 private:
  /// The first largest element of window i.
  std::size_t place_of_maximum(const T* x, std::size_t i) const {
    std::size_t corner = 0;
    std::size_t cells = 1;
    for (std::size_t a = big_.rank(), rest = i; a-- > 0;) {
      corner += rest % small_[a].size * (pooled_[a] ? stride_ : 1) * big_.stride(a);
      rest /= small_[a].size;
      if (pooled_[a]) cells *= window_;
    }
    std::size_t best = corner;
    for (std::size_t cell = 1; cell < cells; ++cell) {
      std::size_t at = corner;
      for (std::size_t a = big_.rank(), rest = cell; a-- > 0;) {
        if (!pooled_[a]) continue;
        at += rest % window_ * big_.stride(a);
        rest /= window_;
      }
      if (x[at] > x[best]) best = at;
    }
    return best;
  }

  std::vector<Place> operands_;
  Place out_;
  Op op_;
  bool transposed_;
  Shape big_, small_;
  std::vector<bool> pooled_;
  std::size_t window_, stride_;
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
