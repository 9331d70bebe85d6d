#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace striate {

/// How the learning rate runs over the updates of a training, as a factor of its base value.
struct Schedule {
  enum class Kind { constant, cosine, steps } kind = Kind::constant;
  std::size_t warmup = 0;    ///< updates over which the rate rises linearly from 0
  double last = 0;           ///< cosine: the factor at the end
  std::size_t interval = 1;  ///< steps: updates between two reductions
  double factor = 0.1;       ///< steps: of each reduction

  /// The factor of update number `update` (0, 1, ...) out of `total`.
  double at(std::size_t update, std::size_t total) const;
};

/// Scales a gradient down to the norm `limit` if it is longer. @returns its norm before
double clip_norm(std::span<double> gradient, double limit);

/// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2, with the decay scaled by the
/// rate, as PyTorch has it).
class Adam {
 public:
  struct Settings {
    double beta1 = 0.9, beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
    bool decoupled = false;  ///< AdamW: the weights decay beside the update; else the decay is part of the gradient
  };
  Adam(Settings settings, std::size_t parameters);

  /// Moves p against the gradient.
  void update(std::span<double> p, std::span<const double> gradient, double rate);

  /// All that the next update depends on besides its arguments.
  struct State {
    std::vector<double> first, second;  ///< moments [parameters]
    std::uint64_t updates = 0;
  };
  State state;

 private:
  Settings settings_;
};

/// Limited-memory BFGS with a line search under the strong Wolfe conditions (Nocedal & Wright 2006,
/// algorithms 7.4, 7.5, 3.5 and 3.6), for smooth objectives without noise.
class Lbfgs {
 public:
  /// value and, in `gradient`, derivatives at x
  using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

  explicit Lbfgs(std::size_t memory = 10) : memory_(memory) {}

  /// One iteration from x, whose value and gradient are given and kept up to date. A search that finds no lower value
  /// is made once more along the gradient. @returns whether it moved; if not, the descent has ended
  bool update(std::vector<double>& x, double& value, std::vector<double>& gradient, const Objective& objective);

  /// By how much the last search that found nothing lower should have done so: the depth of the parabola with the slope
  /// at its start through its first trial. Within the rounding of the value at a minimum, far above it at a kink.
  double promised = 0;

  /// All that the next iteration depends on besides its arguments: the last steps and changes of the gradient.
  std::vector<std::pair<std::vector<double>, std::vector<double>>> pairs;

 private:
  bool search(std::vector<double>& x, double& value, std::vector<double>& gradient, const Objective& objective);
  std::vector<double> direction(std::span<const double> gradient) const;
  std::size_t memory_;
};

}  // namespace striate
