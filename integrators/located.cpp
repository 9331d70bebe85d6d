#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "base/printed.hpp"
#include "integrators/engine.hpp"
#include "integrators/history.hpp"
#include "integrators/root.hpp"
#include "integrators/spike_traffic.hpp"
#include "integrators/stepper.hpp"

namespace striate {
namespace {

/// Locates events inside the steps of a Stepper.
struct Located final : Engine {
  Located(const Method& method, Problem given)
      : method_(method), info_(method_info(method.name)), problem_(std::move(given)) {
    validate();
    evaluation_.emplace(problem_, std::initializer_list<Supply>{Supply::noise, Supply::delayed, Supply::held});
    if (problem_.y0.empty()) {
      problem_.y0.resize(problem_.system.states().size());
      evaluation_->initial(problem_.t0, problem_.y0);
    }
    for (std::size_t i = 0; i < problem_.y0.size(); ++i) {
      if (std::isfinite(problem_.y0[i])) continue;
      throw Error(problem_.system.name(),
                  fmt::format("initial {} = {}, but must be finite.", problem_.system.states().element_name(i),
                              printed(problem_.y0[i])));
    }
    if (!problem_.system.delays().empty()) remember();
    stepper_ = info_.make(*evaluation_, method_, problem_.t0, problem_.t1);
    const std::size_t guards = evaluation_->guards();
    guard_.resize(guards);
    guard_end_.resize(guards);
    guard_probe_.resize(guards);
    candidate_.resize(guards);
    crowd_.resize(guards);
    for (const Event& event : problem_.system.events()) {
      affine_.insert(affine_.end(), event.size, event.affine);
      all_affine_ = all_affine_ && event.affine;
    }
    tiny_ = 64 * std::numeric_limits<double>::epsilon() * std::max(std::abs(problem_.t0), std::abs(problem_.t1));
    segment_begin_ = problem_.t0;
    stops_ = problem_.checkpoints;
    // A map reads its inputs at its own times alone; what changes between them is no stop.
    std::ranges::copy_if(breakpoints(problem_), std::back_inserter(stops_),
                         [&](double t) { return info_.kind != MethodInfo::Kind::map || on_grid(t); });
    stops_.push_back(problem_.t1);
    std::sort(stops_.begin(), stops_.end());
    const std::vector<double> jumps = stops_;
    add_breaks(problem_.t0);
    if (history_)
      for (const double t : history_->past_breaks()) add_breaks(problem_.t0 + t);
    for (const double t : jumps) add_breaks(t);
    y_ = problem_.y0;
    t_ = step_begin_ = step_end_ = problem_.t0;
    evaluation_->set_segment(problem_.t0, problem_.t1);
    traffic_.emplace(*evaluation_, problem_);
    if (guards > 0) evaluation_->guard(t_, y_, guard_end_);
  }

  void validate() const {
    const System<double>& system = problem_.system;
    const auto refuse = [&](const std::string& what) { throw Error(system.name(), what); };
    const bool map = info_.kind == MethodInfo::Kind::map;
    if (system.is_map() && !map)
      refuse(fmt::format("is a map, but '{}' integrates flows. Use the method iterate.", method_.name));
    if (map && !system.is_map())
      refuse("is a flow, but iterate steps maps. Use another method, or discretise the circuit first.");
    require_fitting(problem_);
    check_noise();
    if (!(std::isfinite(problem_.t0) && std::isfinite(problem_.t1) && problem_.t1 > problem_.t0)) {
      refuse(fmt::format("t1 = {}, but must be later than t0 = {}.", time_text(problem_.t1, system),
                         time_text(problem_.t0, system)));
    }
    for (double c : problem_.checkpoints) {
      if (c > problem_.t0 && c <= problem_.t1) continue;
      refuse(
          fmt::format("checkpoint at {}, but must lie in ({}, {}].", time_text(c, system), problem_.t0, problem_.t1));
    }
    if (!map) return;
    const auto whole = [&](const char* what, double t) {
      if (on_grid(t)) return;
      refuse(fmt::format("{} = {}, but must lie a whole number of the map's steps of {} after t0 = {}.", what,
                         time_text(t, system), time_text(system.step(), system), time_text(problem_.t0, system)));
    };
    whole("t1", problem_.t1);
    for (double c : problem_.checkpoints) whole("checkpoint", c);
  }

  /// Begins the history of a circuit with delays.
  void remember() {
    if (info_.history == 0)
      throw Error(
          problem_.system.name(),
          problem_.system.is_map()
              ? "is a map with delays, which no method takes. Write what it remembers as states."
              : fmt::format("has delays, but '{}' takes none. Use dp54, bs32, adams or bdf, or a fixed-step method.",
                            method_.name));
    history_.emplace(problem_.system, evaluation_->p(), problem_.t0, info_.history, info_.fixed() ? method_.step : 0);
    if (history_->has_zero() && method_.name == "bdf")
      throw Error(
          problem_.system.name(),
          fmt::format("{} is zero, and bdf would miss its derivative. Write the undelayed value as it stands, or "
                      "use adams.",
                      history_->name_of(0)));
    evaluation_->attach(*history_);
    sources_.resize(history_->size());
    const double longest = history_->smallest() * (1 - 1e-12), steps = (problem_.t1 - problem_.t0) / longest;
    if (steps > static_cast<double>(method_.max_steps))
      throw Error(problem_.system.name(),
                  fmt::format("{} = {}, but no step is longer than the shortest delay, which makes {:.3g} steps of at "
                              "most {}. Round it to zero, or shorten the run.",
                              history_->name_of(history_->smallest()), time_text(history_->smallest(), problem_.system),
                              steps, method_.max_steps));
    if (!info_.fixed() && std::isfinite(longest))
      method_.max_step = method_.max_step > 0 ? std::min(method_.max_step, longest) : longest;
  }

  /// A jump of the solution or of one of its derivatives at t comes back a delay later, one derivative higher: as often
  /// as the method would notice. Only what a few delays bring is worth a stop; the others are left to the error test.
  void add_breaks(double t) {
    constexpr std::size_t most = 256;
    if (!history_ || info_.stochastic) return;
    std::vector<double> arriving{t};
    std::size_t added = 0;
    for (int order = 0; order <= info_.history && order <= 5; ++order) {
      std::vector<double> next;
      for (const double from : arriving)
        for (const double tau : history_->distinct()) next.push_back(from + tau);
      std::sort(next.begin(), next.end());
      std::erase_if(next, [&](double x) { return x <= problem_.t0 + tiny_ || x >= problem_.t1 - tiny_; });
      next.erase(std::unique(next.begin(), next.end(), [&](double a, double b) { return b - a <= tiny_; }), next.end());
      added += next.size();
      if (added > most) return;
      for (const double x : next) {
        const auto at = std::lower_bound(stops_.begin(), stops_.end(), x - tiny_);
        if (at == stops_.end() || *at > x + tiny_) stops_.insert(at, x);
      }
      arriving = std::move(next);
    }
  }

  void check_noise() const {
    const System<double>& system = problem_.system;
    const auto& noise = system.noise();
    if (!noise) return;
    if (!info_.stochastic)
      throw Error(system.name(), fmt::format("has noise, but '{}' integrates without. Use {}.", method_.name,
                                             noise->entry == NoiseEntry::additive        ? "sra1"
                                             : noise->calculus == Calculus::stratonovich ? "stochastic_heun"
                                             : noise->entry == NoiseEntry::diagonal      ? "euler_maruyama or milstein"
                                                                                         : "euler_maruyama"));
    if (noise->entry == NoiseEntry::additive) return;
    if (noise->entry > info_.stochastic->most)
      throw Error(
          system.name(),
          fmt::format(
              "has noise {}, but '{}' needs {}. Use {}.",
              noise->entry == NoiseEntry::diagonal
                  ? "whose size depends on its state"
                  : "that drives several elements, or by a size that depends on others",
              method_.name,
              info_.stochastic->most == NoiseEntry::additive
                  ? "additive noise"
                  : "each element of the noise to drive one element of one state, by a size that depends on no other",
              noise->calculus == Calculus::ito ? "euler_maruyama" : "stochastic_heun"));
    if (info_.stochastic->calculus != noise->calculus)
      throw Error(system.name(),
                  fmt::format("has {0} noise whose size depends on the state, but '{1}' converges to the "
                              "other calculus. Use {2}.",
                              noise->calculus == Calculus::ito ? "Ito" : "Stratonovich", method_.name,
                              noise->calculus == Calculus::ito ? "euler_maruyama" : "stochastic_heun"));
  }

  /// Whether t is one of the map's times, but for rounding.
  bool on_grid(double t) const {
    const double steps = (t - problem_.t0) / problem_.system.step();
    return std::abs(steps - std::round(steps)) < 1e-6;
  }

  void continue_from(const Checkpoint& checkpoint) override {
    if (checkpoint.method != method_.name) {
      throw Error("checkpoint",
                  fmt::format("was saved by '{}', but the method is '{}'.", checkpoint.method, method_.name));
    }
    if (info_.fixed() && checkpoint.step != method_.step)
      throw Error("checkpoint",
                  fmt::format("was saved with steps of {}, but the step is {}.",
                              time_text(checkpoint.step, problem_.system), time_text(method_.step, problem_.system)));
    if (checkpoint.y.size() != y_.size() || checkpoint.guard.size() != guard_end_.size()) {
      throw Error("checkpoint", "belongs to another circuit: the number of states or guards differs.");
    }
    t_ = step_begin_ = step_end_ = checkpoint.t;
    y_ = checkpoint.y;
    guard_end_ = checkpoint.guard;
    segment_begin_ = checkpoint.segment_start;
    segment_steps_ = checkpoint.segment_steps;
    evaluation_->counters = checkpoint.counters;
    traffic_->continue_from(checkpoint.spikes);
    if (!history_) return;
    history_->load(checkpoint.history);
    stops_ = checkpoint.breaks;
  }

  /// Whether a release, a source's spike or an arrival is to come by t.
  bool due_by(double t) const { return traffic_->next() <= t + tiny_; }

  bool restart_due() const { return restart_ || step_end_ == segment_end_; }

  /// Starts the segment from t_ to the next stop. Returns false when the drive's jump at t_ makes an event.
  bool restart() {
    const bool first = t_ == problem_.t0, resumed = restart_ && segment_steps_ > 0;
    if (!resumed) {
      segment_begin_ = t_;
      segment_steps_ = 0;
    }
    // Stops within rounding of t_ are behind us.
    double begin = segment_begin_;
    auto next = stops_.begin();
    while (next != stops_.end() && *next <= t_ + tiny_) begin = std::max(begin, *next++);
    const bool at_stop = next != stops_.begin() && *std::prev(next) >= t_ - tiny_;
    segment_end_ = next == stops_.end() ? problem_.t1 : *next;
    evaluation_->set_segment(begin, segment_end_);
    traffic_->look_ahead(t_, segment_end_);
    restart_ = false;
    due_ = due_by(t_);
    if (due_) {
      step_begin_ = step_end_ = event_t_ = t_;
      pending_ = true;
      return false;
    }
    segment_end_ = std::min(segment_end_, traffic_->next());
    if (!guard_.empty()) {
      guard_ = guard_end_;
      evaluation_->guard(t_, y_, guard_end_);
      for (std::size_t i = 0; i < guard_.size(); ++i)
        if (just_fired(i, t_)) guard_[i] = std::max(guard_[i], 0.0);
      if ((!after_jump_ || at_stop) && crossing()) {
        step_begin_ = step_end_ = event_t_ = t_;
        pending_ = by_drive_ = true;
      } else {  // what a jump left a rounding below zero crosses in the step to come
        for (std::size_t i = 0; i < guard_.size(); ++i)
          if (crosses(i, guard_, guard_end_)) guard_end_[i] = guard_[i];
      }
    }
    after_jump_ = false;
    if (pending_) return false;
    if (!first && !resumed) ++evaluation_->counters.restarts;
    if (history_ && !resumed) {
      evaluation_->sources(t_, y_, sources_);
      history_->restart(sources_);
    }
    stepper_->restart(t_, y_, segment_end_, segment_begin_, segment_steps_);
    return true;
  }

  /// Whether element i has fired within rounding of t and nothing it did moves its guard: crossing again is rounding.
  bool just_fired(std::size_t i, double t) const { return t - crowd_[i].last <= tiny_ && !resetting(i); }

  /// The events of the last step, but for those that rounding repeats.
  void search_step() {
    pending_ = search(step_begin_, guard_, step_end_, guard_end_);
    const auto repeats = [&] {
      for (std::size_t i = 0; i < guard_.size(); ++i)
        if (candidate_[i] && just_fired(i, event_t_)) return true;
      return false;
    };
    while (pending_ && repeats()) {
      guard_at(event_t_, guard_probe_);
      bool repeated = false;
      for (std::size_t i = 0; i < guard_.size(); ++i) {
        if (!candidate_[i] || (guard_probe_[i] < 0 && event_t_ < step_end_)) continue;
        if (!just_fired(i, event_t_)) return;
        repeated = true;
        guard_[i] = 0;
      }
      if (!repeated) return;
      const double from = event_t_ + tiny_;
      pending_ = false;
      if (from >= step_end_) return;
      std::vector<double> begin(guard_.size());
      guard_at(from, begin);
      search(from, begin, step_end_, guard_end_);
    }
  }

  /// Whether element i goes upwards over zero from g to h.
  bool crosses(std::size_t i, std::span<const double> g, std::span<const double> h) const {
    return g[i] < 0 && h[i] >= 0 && !traffic_->refractory(i);
  }

  bool crossing() const {
    for (std::size_t i = 0; i < guard_.size(); ++i)
      if (crosses(i, guard_, guard_end_)) return true;
    return false;
  }

  /// Finds the first events in [a, b] of the last step, given the guards at its ends. A guard that rises and falls
  /// again inside is found as a maximum of the polynomial through five of its values, and believed when its own value
  /// there is not negative. Where a guard strays from this polynomial, halves are searched.
  bool search(double a, const std::vector<double>& ga, double b, const std::vector<double>& gb, int halvings = 20) {
    const std::size_t n = guard_.size();
    bool doubtful = false;
    for (std::size_t i = 0; i < n; ++i)
      doubtful = doubtful || ((ga[i] < 0 || gb[i] >= 0 || !affine_[i]) && !traffic_->refractory(i));
    if (!doubtful) return false;
    inside_.resize(3 * n);
    for (std::size_t k = 0; k < 3; ++k)
      guard_at(a + 0.25 * static_cast<double>(k + 1) * (b - a), std::span(inside_).subspan(k * n, n));
    const auto values = [&](std::size_t i) {
      return std::array{ga[i], inside_[i], inside_[n + i], inside_[2 * n + i], gb[i]};
    };
    const double middle = a + 0.5 * (b - a);
    if (halvings > 0 && b - a > tiny_ && strays(a, b, values)) {
      const std::vector<double> gm(inside_.data() + n, inside_.data() + 2 * n);
      return search(a, ga, middle, gm, halvings - 1) || search(middle, gm, b, gb, halvings - 1);
    }
    candidate_.assign(n, false);
    double end = b;
    for (std::size_t i = 0; i < n; ++i) {
      if (!(ga[i] < 0) || traffic_->refractory(i)) continue;
      candidate_[i] = gb[i] >= 0;
      if (const auto top = interior_maximum(values(i))) {
        const double t = a + *top * (b - a);
        guard_at(t, guard_probe_);
        if (guard_probe_[i] >= 0) {
          candidate_[i] = true;
          end = std::min(end, t);
        }
      }
      pending_ = pending_ || candidate_[i];
    }
    if (pending_) event_t_ = locate(a, ga, end, end == b ? &gb : nullptr);
    // A guard that begins and ends at or above zero may have been below it between, as after a jump onto its threshold:
    // its return is an event too, if nothing comes before it.
    for (std::size_t i = 0; i < n; ++i) {
      if (ga[i] < 0 || gb[i] < 0 || traffic_->refractory(i)) continue;
      auto below = values(i);
      for (double& g : below) g = -g;
      const auto dip = interior_maximum(below);
      if (!dip) continue;
      const auto at = [&](double t) {
        guard_at(t, guard_probe_);
        return guard_probe_[i];
      };
      const double deepest = a + *dip * (b - a), depth = at(deepest);
      if (!(depth < 0)) continue;
      const double t = first_zero(deepest, depth, b, gb[i], at);
      if (pending_ && event_t_ < t) continue;
      if (!pending_ || t < event_t_) candidate_.assign(n, false);
      candidate_[i] = pending_ = true;
      event_t_ = t;
    }
    return pending_;
  }

  /// A path of noise is no line: the last step is taken once more, up to where the line between its ends crosses, and
  /// is an event there if the path is over zero too; if not, it crosses later.
  void end_step_at_crossing() {
    stepper_->dense(step_begin_, probe_);
    const double end = std::min(step_end_, std::max(event_t_, step_begin_ + 1e-6 * method_.step));
    stepper_->restart(step_begin_, probe_, end, segment_begin_, segment_steps_);
    event_t_ = step_end_ = stepper_->step();
    evaluation_->guard(step_end_, stepper_->y(), guard_end_);
    pending_ = false;
    for (std::size_t i = 0; i < guard_.size(); ++i) {
      candidate_[i] = crosses(i, guard_, guard_end_) || (candidate_[i] && guard_end_[i] >= 0);
      pending_ = pending_ || candidate_[i];
    }
    goes_on_ = step_end_ < segment_end_;
  }

  void take_step() {
    if (restart_due() && !restart()) return;
    if (goes_on_) stepper_->restart(step_end_, y_, segment_end_, segment_begin_, segment_steps_);
    goes_on_ = false;
    step_begin_ = step_end_;
    std::swap(guard_, guard_end_);
    try {
      step_end_ = stepper_->step();
    } catch (const Failure&) {
      if (guard_.empty() || !crosses_at_once()) throw;
      return;
    }
    ++segment_steps_;
    if (++evaluation_->counters.steps > method_.max_steps) {
      const std::uint64_t restarts = evaluation_->counters.restarts;
      fail(method_.name, step_end_, problem_.t1, *evaluation_,
           restarts > method_.max_steps / 4
               ? fmt::format("more than {} steps, begun anew {} times by spikes, arrivals or breakpoints. Let sources "
                             "spike less often, or one spike stand for many",
                             method_.max_steps, restarts)
               : fmt::format("more than {} steps. Loosen the tolerances, or take a stiff method such as bdf",
                             method_.max_steps));
    }
    if (!guard_.empty()) {
      evaluation_->guard(step_end_, stepper_->y(), guard_end_);
      search_step();
      if (pending_ && info_.stochastic && event_t_ < step_end_) end_step_at_crossing();
    }
    if (!history_) return;
    probe_.resize(y_.size());
    history_->append(pending_ ? event_t_ : step_end_, [&](double t, std::span<double> out) {
      read(t, probe_);
      evaluation_->sources(t, probe_, out);
    });
  }

  /// Where a method has given up, a state may be on its upstroke over a threshold, faster than the time is resolved:
  /// whether a thousand of the smallest steps along the rate take it there. Then it crosses now.
  bool crosses_at_once() {
    const double h = smallest_step(t_, problem_.t1);
    std::vector<double> y = y_, rate(y.size()), guard = guard_;
    probe_.resize(y.size());
    const auto after = [&](double s) {
      for (std::size_t i = 0; i < y.size(); ++i) probe_[i] = y[i] + s * rate[i];
      evaluation_->guard(t_, probe_, guard_end_);
      return highest(guard_end_);
    };
    for (int step = 0; step < 1000; ++step) {
      if (!evaluation_->rhs(t_, y, rate)) return false;
      after(h);
      for (std::size_t i = 0; i < guard_.size(); ++i) candidate_[i] = crosses(i, guard, guard_end_);
      if (std::find(candidate_.begin(), candidate_.end(), true) != candidate_.end()) {
        double end = h;  // not far beyond: an overshoot by many powers of ten would drown the threshold in rounding
        while (after(0.5 * end) >= 0) end *= 0.5;
        after(first_zero(0, highest(guard), end, after(end), after));
        y_ = probe_;
        step_end_ = event_t_ = t_;
        return pending_ = true;
      }
      y = probe_;
      guard = guard_end_;
    }
    return false;
  }

  /// Of the guards that cross.
  double highest(const std::vector<double>& g) const {
    double top = -HUGE_VAL;
    for (std::size_t i = 0; i < g.size(); ++i)
      if (candidate_[i]) top = std::max(top, g[i]);
    return top;
  }

  /// The guards at a time inside the last step.
  void guard_at(double t, std::span<double> out) {
    probe_.resize(y_.size());
    stepper_->dense(t, probe_);
    evaluation_->guard(t, probe_, out);
  }

  /// Whether a guard that is not affine leaves the polynomial through its five `values` on [a, b].
  template <class Values>
  bool strays(double a, double b, const Values& values) {
    if (all_affine_) return false;
    // Places that have no common measure with the quarters: no oscillation repeats itself at all of them.
    for (const double s : {0.1127016653792583, 0.3819660112501051, 0.8660254037844386}) {
      guard_at(a + s * (b - a), guard_probe_);
      for (std::size_t i = 0; i < guard_.size(); ++i) {
        if (affine_[i] || traffic_->refractory(i)) continue;
        const auto g = values(i);
        double largest = std::abs(guard_probe_[i]);
        for (const double x : g) largest = std::max(largest, std::abs(x));
        if (std::abs(guard_probe_[i] - quartic(g, s)) > 0.01 * largest) return true;
      }
    }
    return false;
  }

  /// The first time after a, up to `end`, at which a candidate has reached zero, given the guards at a and, where they
  /// are known, at `end`.
  double locate(double a, const std::vector<double>& ga, double end, const std::vector<double>* at_end) {
    const auto at = [&](double t) {
      guard_at(t, guard_probe_);
      return highest(guard_probe_);
    };
    return first_zero(a, highest(ga), end, at_end ? highest(*at_end) : at(end), at);
  }

  void read(double t, std::span<double> out) {
    if (t == step_end_) {
      const auto y = stepper_->y();
      std::copy(y.begin(), y.end(), out.begin());
    } else {
      stepper_->dense(t, out);
    }
  }

  void fire() {
    pending_ = false;
    event_ = {};
    event_.t = event_t_;
    event_.before = y_;
    if (step_begin_ < step_end_) read(event_t_, event_.before);
    y_ = event_.before;
    const auto held = evaluation_->supplied(Supply::held);
    event_.held.assign(held.begin(), held.end());
    event_.by_drive = std::exchange(by_drive_, false);
    std::vector<std::size_t> fired;
    Moment moment{due_ || event_.by_drive ? Moment::Kind::fixed : Moment::Kind::zero};
    if (due_) {
      guard_probe_ = guard_end_;
      traffic_->release(event_t_ + tiny_, y_, event_.changes);
      const Moment freed = let_go();
      for (std::size_t source = 0; source < problem_.system.events().size(); ++source)
        for (int round = 0; !(fired = traffic_->spiking(source, event_t_ + tiny_)).empty(); ++round) {
          if (round == most_at_once) no_progress();
          jump(fired, moment);
        }
      moment = arrive();
      if (freed.kind == Moment::Kind::follows) moment = freed;
      fired = pushed();
    } else {
      evaluation_->guard(event_t_, y_, guard_probe_);
      for (std::size_t i = 0; i < guard_.size(); ++i) {
        // At the step's end the accepted guard decides, which a dense output there could miss by a rounding.
        const bool there = guard_probe_[i] >= 0 || (event_t_ == step_end_ && guard_end_[i] >= 0);
        const bool candidate =
            event_.by_drive ? crosses(i, guard_, guard_end_) : candidate_[i] || crosses(i, guard_, guard_probe_);
        if (there && candidate) fired.push_back(i);
      }
    }
    // A jump may push other guards over zero; they fire at the same time, after it.
    for (int round = 0; !fired.empty(); ++round) {
      if (round == most_at_once) {
        fail(method_.name, event_t_, problem_.t1, *evaluation_,
             fmt::format("more than {} events set each other off at one time, {} among them. Lower what they add, or "
                         "hold them",
                         most_at_once, element_name(fired.front())));
      }
      const std::size_t jumped = event_.changes.size();
      jump(fired, moment);
      const Moment pushing = arrive();
      moment = pushing.kind == Moment::Kind::fixed ? Moment{Moment::Kind::follows, jumped} : pushing;
      fired = pushed();
    }
    event_.after = y_;
    const auto held_after = evaluation_->supplied(Supply::held);
    event_.held_after.assign(held_after.begin(), held_after.end());
    std::sort(event_.fired.begin(), event_.fired.end());
    crowded_ = event_t_ - last_event_t_ <= tiny_ ? crowded_ + 1 : 0;
    last_event_t_ = event_t_;
    if (crowded_ == most_at_once) no_progress();
    t_ = step_begin_ = step_end_ = event_t_;
    segment_steps_ = 0;
    restart_ = after_jump_ = true;
    segment_begin_ = t_;
    add_breaks(t_);
    due_ = false;
  }

  [[noreturn]] void no_progress() {
    fail(method_.name, event_t_, problem_.t1, *evaluation_,
         fmt::format("{} events without progress in time. A jump may set off its own guard, or a source spike faster "
                     "than time goes on",
                     most_at_once));
  }

  /// Events that happen at once jump one after the other, in the order of the circuit.
  void jump(const std::vector<std::size_t>& fired, Moment moment) {
    event_.fired.insert(event_.fired.end(), fired.begin(), fired.end());
    event_.rounds.push_back(fired);
    for (auto first = fired.begin(); first != fired.end();) {
      const Event& event = problem_.system.events()[problem_.system.event_of(*first)];
      const auto last = std::lower_bound(first, fired.end(), event.offset + event.size);
      jump_together({first, last}, moment);
      first = last;
    }
  }

  /// Elements of one event jump together, and their spikes leave.
  void jump_together(const std::vector<std::size_t>& fired, Moment moment) {
    event_.after = y_;
    std::vector<double> guard_after(guard_.size());
    evaluation_->jump(event_t_, y_, fired, event_.after);
    y_ = event_.after;
    evaluation_->guard(event_t_, y_, guard_after);
    for (const std::size_t i : fired) {
      guard_probe_[i] = guard_after[i];
      if (guard_after[i] < 0 || !resetting(i)) continue;
      if (std::isnan(guard_after[i]))
        fail(method_.name, event_t_, problem_.t1, *evaluation_,
             fmt::format("The jump of {} gives no number. Check the root, logarithm or division in it",
                         element_name(i)));
      if (traffic_->holds(i) || (guard_after[i] == 0 && !guard_rises(i))) continue;
      fail(method_.name, event_t_, problem_.t1, *evaluation_,
           fmt::format("After its jump {} is {}its threshold, and has none to cross: it would have to spike again at "
                       "once. Lower the reset, or give the event a hold, at whose end it spikes",
                       element_name(i),
                       guard_after[i] > 0 ? fmt::format("still {:.6g} above ", guard_after[i]) : "on "));
    }
    for (const std::size_t i : fired) require_pause(i, moment.kind == Moment::Kind::zero);
    evaluation_->counters.events += fired.size();
    Change change{Change::Kind::jump, moment};
    change.elements = fired;
    event_.changes.push_back(std::move(change));
    traffic_->send(event_t_, y_, event_.changes);
  }

  /// An element whose spikes would take the run for ever is a mistake, and so is one that comes to rest on its
  /// threshold after ever shorter flights: what follows the last that can be told apart would pass through it.
  void require_pause(std::size_t i, bool crossed) {
    constexpr std::uint32_t counted = 1000;
    constexpr double share = 1e-5;  // of the run
    auto& [count, since, last] = crowd_[i];
    if (crossed && event_t_ > last && event_t_ - last <= tiny_)
      fail(method_.name, event_t_, problem_.t1, *evaluation_,
           fmt::format("{} fires ever faster and comes to rest on its threshold. Let the jump take it further away, or "
                       "hold it",
                       element_name(i)));
    last = event_t_;
    if (count++ == 0) since = event_t_;
    if (count < counted) return;
    if (event_t_ == since) return;  // others look after what happens at one time
    if (event_t_ - since < share * (problem_.t1 - problem_.t0))
      fail(method_.name, event_t_, problem_.t1, *evaluation_,
           fmt::format("{} spikes without pause: {} times since t = {}. Its drive or rate may be too strong; give a "
                       "neuron a hold",
                       element_name(i), counted, time_text(since, problem_.system)));
    count = 0;
  }

  /// Everything that arrives now. Returns the moment of what it pushes over zero: that of the change which did it.
  Moment arrive() {
    Moment moment;
    std::vector<double> guard(guard_.size());
    while (traffic_->arrive(event_t_ + tiny_, y_, event_.changes)) {
      if (guard.empty() || moment.kind == Moment::Kind::follows) continue;
      evaluation_->guard(event_t_, y_, guard);
      for (std::size_t i = 0; i < guard.size(); ++i)
        if (crosses(i, guard_probe_, guard)) moment = {Moment::Kind::follows, event_.changes.size() - 1};
    }
    return moment;
  }

  /// Whether guard element i goes up from here, along the flow.
  bool guard_rises(std::size_t i) {
    std::vector<double> ydot(y_.size()), rate(guard_.size());
    evaluation_->rate(event_t_, y_, ydot);
    const double along_time = 1;
    problem_.system.guard_jvp(evaluation_->at(event_t_, y_), {ydot, {}, {}, std::span(&along_time, 1)}, rate,
                              evaluation_->workspace());
    return rate[i] > 0;
  }

  /// An element that is released above the threshold below which its reset lies crosses it now. Which release did that.
  Moment let_go() {
    Moment moment;
    if (event_.changes.empty()) return moment;
    std::vector<double> guard(guard_.size());
    evaluation_->guard(event_t_, y_, guard);
    for (std::size_t c = 0; c < event_.changes.size(); ++c)
      for (const std::size_t i : event_.changes[c].elements) {
        if (!resetting(i)) continue;
        guard_probe_[i] = -1;
        if (moment.kind == Moment::Kind::fixed && guard[i] >= 0) moment = {Moment::Kind::follows, c};
      }
    return moment;
  }

  bool resetting(std::size_t guard_element) const {
    return problem_.system.events()[problem_.system.event_of(guard_element)].resets;
  }

  /// The guards that all since the last look has pushed over zero.
  std::vector<std::size_t> pushed() {
    std::vector<std::size_t> fired;
    if (guard_.empty()) return fired;
    evaluation_->guard(event_t_, y_, guard_end_);
    for (std::size_t i = 0; i < guard_end_.size(); ++i)
      if (crosses(i, guard_probe_, guard_end_)) fired.push_back(i);
    guard_probe_ = guard_end_;
    return fired;
  }

  std::string element_name(std::size_t guard_element) const {
    return fmt::format("'{}'", problem_.system.guard_name(guard_element));
  }

  Stop advance(double until) override {
    if (!(until >= t_ - tiny_)) {
      throw Error(method_.name, fmt::format("asked to advance to {}, but t = {} already.",
                                            time_text(until, problem_.system), time_text(t_, problem_.system)));
    }
    const bool more_now = pending_ ? event_t_ <= t_ : t_ == step_end_ && restart_due() && due_by(t_);
    if (t_ >= problem_.t1 - tiny_ && !pending_ && !more_now) {
      t_ = problem_.t1;
      return Stop::end;
    }
    if (until <= t_ && (!more_now || t_ == problem_.t0)) return Stop::output;
    if (!pending_ && t_ == step_end_) take_step();
    const double next = pending_ ? event_t_ : step_end_;
    const bool eventful = pending_ || (next == segment_end_ && due_by(next));
    if (t_ < next && (until < next - tiny_ || (until <= next && !eventful))) {
      t_ = until;
      read(t_, y_);
      return Stop::output;
    }
    if (pending_) {
      fire();
      return Stop::event;
    }
    t_ = step_end_;
    read(t_, y_);
    return Stop::step;
  }

  double t() const override { return t_; }
  std::span<const double> y() const override { return y_; }
  At<double> at() override { return evaluation_->at(t_, y_); }
  const EventRecord& event() const override { return event_; }

  void dense(double t, std::span<double> out) override {
    if (t == t_) {
      std::copy(y_.begin(), y_.end(), out.begin());
      return;
    }
    if (!(t >= step_begin_ && t <= step_end_)) {
      throw Error(method_.name,
                  fmt::format("dense output at {}, but the last step is [{}, {}].", t, step_begin_, step_end_));
    }
    read(t, out);
  }

  const Counters& counters() override {
    stepper_->count();
    return evaluation_->counters;
  }

  Checkpoint save() const override {
    if (t_ != step_end_ || !(restart_due() || info_.fixed())) {
      throw Error(method_.name,
                  fmt::format("cannot save at t = {}: an adaptive method is saved where it restarts. List the time in "
                              "Problem::checkpoints.",
                              time_text(t_, problem_.system)));
    }
    stepper_->count();
    const bool fresh = restart_due() && !(restart_ && segment_steps_ > 0);
    // An event that is located at t but not yet applied is found again on resuming.
    return {method_.name,
            t_,
            y_,
            pending_ ? guard_ : guard_end_,
            fresh ? t_ : segment_begin_,
            fresh ? 0 : segment_steps_,
            evaluation_->counters,
            history_ ? history_->save() : std::vector<double>(),
            history_ ? stops_ : std::vector<double>(),
            traffic_->under_way(),
            {},
            {},
            {},
            method_.step};
  }

  static constexpr int most_at_once = 1000;

  Method method_;
  const MethodInfo& info_;
  Problem problem_;
  std::optional<Evaluation> evaluation_;
  std::optional<History> history_;  // of a circuit with delays
  std::vector<double> sources_;
  std::optional<SpikeTraffic> traffic_;
  std::unique_ptr<Stepper> stepper_;
  std::vector<double> stops_;  // breakpoints, checkpoints, t1
  double tiny_ = 0;

  double t_ = 0;  // where the user stands, in the last step [step_begin_, step_end_]
  std::vector<double> y_;
  double step_begin_ = 0, step_end_ = 0;
  double segment_begin_ = 0, segment_end_ = 0;
  std::uint64_t segment_steps_ = 0;
  bool restart_ = true, after_jump_ = false;
  bool goes_on_ = false;  // from the end of a step that was cut at a crossing

  std::vector<double> guard_, guard_end_, guard_probe_, probe_;  // at the step's begin, its end, in between
  std::vector<bool> candidate_;                                  // guards that cross in the last step
  std::vector<bool> affine_;                                     // Event::affine, by guard
  bool all_affine_ = true;
  std::vector<double> inside_;  // guards at the quarters of the stretch searched
  bool pending_ = false, due_ = false, by_drive_ = false;
  double event_t_ = 0, last_event_t_ = -HUGE_VAL;
  int crowded_ = 0;
  struct Crowd {
    std::uint32_t count = 0;  ///< of spikes
    double since = 0, last = -HUGE_VAL;
  };
  std::vector<Crowd> crowd_;  // by guard element
  EventRecord event_;
};

}  // namespace

std::unique_ptr<Engine> make_located(const Method& method, Problem problem) {
  return std::make_unique<Located>(method, std::move(problem));
}

}  // namespace striate
