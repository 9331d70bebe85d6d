#include "integrators/bptt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/error.hpp"
#include "circuit/borrowed_memory.hpp"
#include "integrators/binomial.hpp"

namespace striate {
namespace {

template <class T>
class Sweep {
 public:
  Sweep(const Rollout<T>& rollout, const Loss<T>& loss, Workspace<T>& workspace, std::size_t memory_bytes)
      : rollout_(rollout),
        map_(rollout.map),
        loss_(loss),
        workspace_(workspace),
        size_(map_.states().size()),
        tape_size_(map_.tape_size()) {
    rollout.check("bptt");
    const std::size_t bytes = std::max<std::size_t>(1, size_ * sizeof(T)), tape_bytes = tape_size_ * sizeof(T);
    if (memory_bytes < tape_bytes || (memory_bytes - tape_bytes) / bytes < beside + 1) {
      throw Error("bptt",
                  fmt::format("memory_bytes = {}, but '{}' needs at least {}: five states of {} bytes{}. Give more "
                              "memory.",
                              memory_bytes, map_.name(), (beside + 1) * bytes + tape_bytes, bytes,
                              tape_bytes > 0 ? fmt::format(", and {} of a step's sums", tape_bytes) : ""));
    }
    slots_ = std::min((memory_bytes - tape_bytes) / bytes - beside, std::max<std::size_t>(1, rollout.steps - 1));
    const std::size_t left = std::min(most_tape_bytes, memory_bytes - (slots_ + beside) * bytes);
    const std::size_t tapes = tape_bytes > 0 ? std::max<std::size_t>(1, left / tape_bytes) : rollout.steps;
    first_taped_ = rollout.steps - std::min(tapes, rollout.steps);
    tapes_ = borrow(workspace, std::min(tapes, rollout.steps) * tape_size_);
    for (auto& buffer : scratch_) buffer = borrow(workspace, size_);
    lambda_ = borrow(workspace, size_);
    before_ = borrow(workspace, size_);
    std::ranges::fill(lambda_, T(0));
    result_.gradient.p.resize(map_.parameters().size());
    result_.stored = slots_;
    result_.bytes = (slots_ + beside) * size_ * sizeof(T) + tapes_.size() * sizeof(T);
    workspace.hold(rollout.p);
  }

  ~Sweep() {
    workspace_.hold({});
    for (auto& kept : kept_) give_back(workspace_, std::move(kept.y));
    for (auto* buffer : {&tapes_, &scratch_[0], &scratch_[1], &lambda_, &before_})
      give_back(workspace_, std::move(*buffer));
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  BackPropagation<T> run() {
    keep(0);
    std::vector<T>& start = kept_.back().y;
    rollout_.start(start, workspace_);
    const std::size_t steps = rollout_.steps;
    if (steps == 0) add_loss(0, start);
    for (std::size_t end = steps; end > 0; --end) {
      const std::vector<T>& y = state_before(end);
      if (end == steps) add_loss(steps, advance(end - 1, y, scratch_[&y == &scratch_[0]]));
      step_back(end - 1, y);
      if (end - 1 > 0 && kept_.back().n == end - 1) {
        give_back(workspace_, std::move(kept_.back().y));
        kept_.pop_back();
      }
    }
    if (rollout_.y0.empty())
      map_.initial_vjp(rollout_.p, rollout_.input_at(0), lambda_, result_.gradient.p, workspace_);
    result_.gradient.y0 = lambda_;
    result_.recomputed = advances_ - steps;
    return std::move(result_);
  }

 private:
  static constexpr std::size_t beside = 4;  // two states on the way, two cotangents
  static constexpr std::size_t most_tape_bytes = std::size_t{1} << 28;

  struct Kept {
    std::size_t n;
    std::vector<T> y;
  };

  const std::vector<T>& advance(std::size_t n, const std::vector<T>& y, std::vector<T>& next) {
    ++advances_;
    if (n >= first_taped_)
      map_.rhs(rollout_.at(n, y), next, tape(n), workspace_);
    else
      map_.rhs(rollout_.at(n, y), next, workspace_);
    return next;
  }

  /// The first place serves the earlier steps too: they are stepped back through when its own step has been.
  std::span<T> tape(std::size_t n) {
    return {tapes_.data() + (n > first_taped_ ? n - first_taped_ : 0) * tape_size_, tape_size_};
  }

  void keep(std::size_t n) { kept_.push_back({n, borrow(workspace_, size_)}); }

  /// y[end - 1], from the last state that is kept; keeps others on the way as the schedule has it.
  const std::vector<T>& state_before(std::size_t end) {
    const std::vector<T>* y = &kept_.back().y;
    std::size_t n = kept_.back().n;
    while (end - n > 1) {
      const std::size_t target = n + binomial_split(end - n, slots_ + 1 - kept_.size());
      for (; n + 1 < target; ++n) y = &advance(n, *y, scratch_[y == &scratch_[0]]);
      if (target + 1 < end) {
        keep(target);
        y = &advance(n, *y, kept_.back().y);
      } else {
        y = &advance(n, *y, scratch_[y == &scratch_[0]]);
      }
      n = target;
    }
    return *y;
  }

  void add_loss(std::size_t n, const std::vector<T>& y) {
    result_.gradient.loss += rollout_.sample("bptt", loss_, n, y, lambda_, result_.gradient.p);
  }

  void step_back(std::size_t n, const std::vector<T>& y) {
    std::fill(before_.begin(), before_.end(), T(0));
    const At<T> at = rollout_.at(n, y);
    if (n < first_taped_) map_.rhs(at, scratch_[&y == &scratch_[0]], tape(n), workspace_);
    map_.vjp(at, lambda_, tape(n), {before_, result_.gradient.p}, workspace_);
    std::swap(lambda_, before_);
    add_loss(n, y);
  }

  const Rollout<T>& rollout_;
  const System<T>& map_;
  const Loss<T>& loss_;
  Workspace<T>& workspace_;
  std::size_t size_, tape_size_, slots_ = 0;
  std::size_t first_taped_ = 0;  // the steps from there on keep their tapes
  std::uint64_t advances_ = 0;
  std::deque<Kept> kept_;  // growing at its end moves no other
  std::vector<T> tapes_, scratch_[2];
  std::vector<T> lambda_, before_;
  BackPropagation<T> result_;
};

}  // namespace

template <class T>
BackPropagation<T> bptt(const Rollout<T>& rollout, const Loss<T>& loss, Workspace<T>& workspace,
                        std::size_t memory_bytes) {
  return Sweep<T>(rollout, loss, workspace, memory_bytes).run();
}

template BackPropagation<float> bptt(const Rollout<float>&, const Loss<float>&, Workspace<float>&, std::size_t);
template BackPropagation<double> bptt(const Rollout<double>&, const Loss<double>&, Workspace<double>&, std::size_t);

}  // namespace striate
