#include "integrators/lyapunov.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"
#include "integrators/after_number.hpp"
#include "integrators/evaluation.hpp"

namespace striate {
namespace {

constexpr int parts = 20;

/// A state and a direction, stepped together by RK4.
class Pair {
 public:
  Pair(const Problem& problem, double step, std::uint64_t seed)
      : evaluation_(problem),
        breaks_(breakpoints(problem)),
        h_(step),
        t_(problem.t0),
        y_(problem.y0),
        v_(evaluation_.size()) {
    if (y_.empty()) {
      y_.resize(v_.size());
      evaluation_.initial(t_, y_);
    }
    RandomStream random(seed, "lyapunov", 0);
    for (double& x : v_) x = random.normal();
    shorten();
    for (auto* buffers : {&ky_, &kv_})
      for (auto& k : *buffers) k.resize(v_.size());
    stage_.resize(v_.size());
    along_.resize(v_.size());
  }

  /// Moves over `duration` and returns the logarithm of the growth.
  double advance(double duration) {
    const auto steps = static_cast<std::size_t>(std::ceil(duration / h_ - 1e-9));
    const double begin = t_, h = duration / static_cast<double>(steps);
    double growth = 0;
    for (std::size_t i = 1; i <= steps; ++i) {
      const double end = begin + h * static_cast<double>(i);
      for (auto b = std::ranges::upper_bound(breaks_, t_); b != breaks_.end() && *b < end; ++b) step_to(*b);
      step_to(end);
      growth += shorten();
    }
    return growth;
  }

 private:
  double shorten() {
    double square = 0;
    for (const double x : v_) square += x * x;
    const double length = std::sqrt(square);
    if (!std::isfinite(length) || length == 0) fail(lost(length));
    for (double& x : v_) x /= length;
    return std::log(length);
  }

  [[noreturn]] static void fail(const std::string& what) {
    throw Failure(
        fmt::format("Lyapunov exponent: {}. The state blows up, or the step is too long for it. Take a smaller step, "
                    "or begin where the state stays bounded.",
                    what));
  }

  std::string lost(double length) const {
    const auto largest =
        std::ranges::max_element(y_, {}, [](double x) { return std::isnan(x) ? HUGE_VAL : std::abs(x); });
    const System<double>& system = evaluation_.system();
    return fmt::format("The direction that is carried along has the length {} at t = {:.6g}{}, where {} = {:.6g}",
                       length, t_, after_number(system.time_unit()),
                       system.states().element_name(static_cast<std::size_t>(largest - y_.begin())), *largest);
  }

  void step_to(double end) {
    const double h = end - t_;
    evaluation_.set_segment(t_, end);
    const double from[] = {0, 0.5, 0.5, 1}, weight[] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
    for (int i = 0; i < 4; ++i) {
      for (std::size_t e = 0; e < y_.size(); ++e) {
        stage_[e] = y_[e] + (i > 0 ? h * from[i] * ky_[i - 1][e] : 0);
        along_[e] = v_[e] + (i > 0 ? h * from[i] * kv_[i - 1][e] : 0);
      }
      if (!evaluation_.rhs(t_ + from[i] * h, stage_, ky_[i])) fail(evaluation_.non_finite());
      evaluation_.jvp(t_ + from[i] * h, stage_, along_, kv_[i]);
    }
    for (int i = 0; i < 4; ++i)
      for (std::size_t e = 0; e < y_.size(); ++e) {
        y_[e] += h * weight[i] * ky_[i][e];
        v_[e] += h * weight[i] * kv_[i][e];
      }
    t_ = end;
  }

  Evaluation evaluation_;
  std::vector<double> breaks_;
  double h_, t_;
  std::vector<double> y_, v_, stage_, along_, ky_[4], kv_[4];
};

}  // namespace

LyapunovExponent lyapunov_exponent(const Problem& problem, const LyapunovSettings& s) {
  const System<double>& system = problem.system;
  if (system.states().size() == 0) throw Error(system.name(), "has no states, so that nothing in it moves.");
  if (system.is_map() || system.guard_size() > 0)
    throw Error(system.name(), "a Lyapunov exponent is sought of flows without events.");
  if (!(s.duration > 0 && s.step > 0 && s.transient >= 0 && std::isfinite(s.duration + s.step + s.transient)))
    throw Error(system.name(),
                fmt::format("Lyapunov exponent: duration = {}, step = {} and transient = {}, but must be finite, the "
                            "first two above 0 and the last not below.",
                            s.duration, s.step, s.transient));
  Problem whole = problem;
  whole.t1 = problem.t0 + s.transient + s.duration;
  Pair pair(whole, s.step, s.seed);
  if (s.transient > 0) pair.advance(s.transient);
  LyapunovExponent result;
  double sum = 0, squares = 0;
  for (int part = 1; part <= parts; ++part) {
    const double rate = pair.advance(s.duration / parts) * parts / s.duration;
    sum += rate;
    squares += rate * rate;
    result.course.push_back(sum / part);
    if (s.watch) s.watch(static_cast<double>(part) / parts);
  }
  result.value = sum / parts;
  result.standard_error = std::sqrt(std::max(0.0, squares / parts - result.value * result.value) / (parts - 1));
  return result;
}

}  // namespace striate
