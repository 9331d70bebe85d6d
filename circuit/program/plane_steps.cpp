// Steps that run together, plane by plane.
#include <algorithm>

#include "base/parallel_pieces.hpp"
#include "circuit/program/steps.hpp"

namespace striate {
namespace {

template <class T>
class JoinedStep final : public Step<T> {
 public:
  JoinedStep(std::vector<std::unique_ptr<PlaneStep<T>>> parts, std::size_t planes)
      : parts_(std::move(parts)), planes_(planes) {
    std::size_t work = 0;
    for (const auto& part : parts_) {
      work += part->work();
      scratch_ = std::max(scratch_, part->plane_scratch());
    }
    parallel_ = work > parallel_threshold;
  }

  void run(const Frame<T>& frame) const override {
    parallel_pieces(planes_, parallel_, [&](std::size_t worker, std::size_t begin, std::size_t end) {
      for (std::size_t plane = begin; plane < end; ++plane)
        for (const auto& part : parts_)
          part->run_planes(frame, planes_, plane, plane + 1, frame.scratch + worker * scratch_);
    });
  }
  std::size_t scratch_size() const override { return parallel_workers(planes_, parallel_) * scratch_; }

 private:
  std::vector<std::unique_ptr<PlaneStep<T>>> parts_;
  std::size_t planes_, scratch_ = 0;
  bool parallel_;
};

bool overlap(const Access& a, const Access& b) {
  return a.place.space == b.place.space && a.place.group == b.place.group && a.place.offset < b.place.offset + b.size &&
         b.place.offset < a.place.offset + a.size;
}

/// Whether one step may run on a plane before another has run on all: what both touch, and one writes, they touch by
/// the same planes.
template <class T>
bool independent(const PlaneStep<T>& one, const PlaneStep<T>& other) {
  for (const Access& a : one.accesses())
    for (const Access& b : other.accesses()) {
      const bool same_planes = a.by_plane && b.by_plane && a.place.offset == b.place.offset && a.size == b.size;
      if ((a.written || b.written) && overlap(a, b) && !same_planes) return false;
    }
  return true;
}

}  // namespace

template <class T>
void join_planes(std::vector<std::unique_ptr<Step<T>>>& steps) {
  std::vector<std::unique_ptr<Step<T>>> joined;
  for (std::size_t first = 0, end = 0; first < steps.size(); first = end) {
    // Grows [start, end): a step that hands more than planes to a later one stays in front, if it has no planes of its
    // own.
    std::size_t planes = 0, start = first;
    std::vector<const PlaneStep<T>*> run;
    for (; end < steps.size(); ++end) {
      run.push_back(dynamic_cast<const PlaneStep<T>*>(steps[end].get()));
      const PlaneStep<T>* step = run.back();
      if (step == nullptr) break;
      const std::size_t common = planes > 0 ? planes : step->planes();
      const auto joins = [&](std::size_t i) {
        const PlaneStep<T>* other = run[i - first];
        return (common == 0 || other->falls_into(common)) && (other == step || independent(*other, *step));
      };
      std::size_t begin = end + 1;
      while (begin > start && joins(begin - 1)) --begin;
      const auto of_planes = [&](const PlaneStep<T>* other) { return other->planes() > 0; };
      if (begin > end || std::any_of(&run[start - first], &run[begin - first], of_planes)) break;
      start = begin;
      planes = common;
    }
    if (end == first) ++end;
    if (planes == 0 || end - start < 2) start = end;
    std::move(steps.begin() + static_cast<std::ptrdiff_t>(first), steps.begin() + static_cast<std::ptrdiff_t>(start),
              std::back_inserter(joined));
    if (start == end) continue;
    std::vector<std::unique_ptr<PlaneStep<T>>> parts;
    for (std::size_t i = start; i < end; ++i) parts.emplace_back(dynamic_cast<PlaneStep<T>*>(steps[i].release()));
    joined.push_back(std::make_unique<JoinedStep<T>>(std::move(parts), planes));
  }
  steps = std::move(joined);
}

template void join_planes(std::vector<std::unique_ptr<Step<float>>>&);
template void join_planes(std::vector<std::unique_ptr<Step<double>>>&);

}  // namespace striate
