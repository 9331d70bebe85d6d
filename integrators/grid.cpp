#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/printed.hpp"
#include "base/random.hpp"
#include "circuit/circuit.hpp"
#include "circuit/compile.hpp"
#include "circuit/grid_map.hpp"
#include "circuit/kernels/normals.hpp"
#include "circuit/kernels/table.hpp"
#include "circuit/noise.hpp"
#include "integrators/deliveries.hpp"
#include "integrators/engine.hpp"
#include "integrators/stepper.hpp"
#include "integrators/synapse_rules.hpp"

namespace striate {
namespace {

/// Spikes of independent Poisson sources in one step: exact numbers by inversion.
class PoissonSource {
 public:
  PoissonSource(std::uint64_t seed, const Event& event)
      : key_(seed, "poisson " + event.name), none_(event.size, 1.0), mean_(event.size, 0.0) {}

  /// @param mean  spikes a step of each element
  void set(std::span<const double> mean) {
    if (std::equal(mean.begin(), mean.end(), mean_.begin())) return;
    mean_.assign(mean.begin(), mean.end());
    for (std::size_t i = 0; i < mean_.size(); ++i) none_[i] = std::exp(-mean_[i]);
  }

  /// Appends each element that spikes, as often as it does.
  void draw(std::uint64_t step, std::vector<std::uint32_t>& ids) const {
    for (std::size_t i = 0; i < none_.size(); i += 4) {
      const auto words = key_.bits({step, i / 4, 0, 0});
      for (std::size_t k = 0; k < 4 && i + k < none_.size(); ++k) {
        const double u = (static_cast<double>(words[k] >> 12) + 0.5) * 0x1p-52;
        if (u < none_[i + k]) continue;
        double p = none_[i + k], below = p;
        for (std::uint32_t n = 1; below <= u && p > 0; ++n) {
          p *= mean_[i + k] / n;
          below += p;
          ids.push_back(static_cast<std::uint32_t>(i + k));
        }
      }
    }
  }

 private:
  RandomKey key_;
  std::vector<double> none_, mean_;  ///< by element: the probability of no spike, spikes a step
};

/// Every state steps at once; spikes, delays and holds lie on the grid of times t0 + n step. In each step: elements
/// whose hold ends are released, sources spike, the states move and receive what arrives at the end of the step, guards
/// that have crossed zero fire and jump, and their spikes leave with the time of the step's end. Rules of synapses
/// apply after the arrivals and, backwards, after the jumps. States that only rules change stand in y_ and next_ alike.
template <class T>
class Grid final : public Engine {
 public:
  Grid(const Method& method, Problem given, SpikeObserver observer)
      : method_(method),
        problem_(std::move(given)),
        system_(problem_.system),
        observer_(std::move(observer)),
        workspace_(system_.workspace()),
        p_(problem_.p.empty() ? system_.default_parameters() : problem_.p),
        u_(system_.driven()) {
    validate();
    for (const auto& noise : system_.circuit()->noises) noise_.resize(noise_.size() + noise.variable.shape().size());
    noise_key_ = RandomKey(problem_.seed, "noise on a grid").bits({0, 0, 0, 0})[0];
    inputs_.resize(u_.size() + noise_.size());
    read_inputs(problem_.t0);
    read_trains();
    make_synapses();
    make_map();
    start();
  }

  void continue_from(const Checkpoint& from) override {
    if (from.method != name() || from.y.size() != y_.size() || from.guard.size() != guard_.size() ||
        from.arrivals.size() != ring_.values.size() || from.released.size() != release_.size() ||
        from.kept.size() != kept_.size() || from.step != method_.step)
      throw Error("checkpoint",
                  fmt::format("was saved by '{}' of another circuit, method or step than this run's '{}'.", from.method,
                              name()));
    std::copy(from.y.begin(), from.y.end(), y_.begin());
    std::copy(from.guard.begin(), from.guard.end(), guard_.begin());
    std::copy(from.arrivals.begin(), from.arrivals.end(), ring_.values.begin());
    std::copy(from.kept.begin(), from.kept.end(), kept_.begin());
    release_ = from.released;
    step_ = from.segment_steps;
    const std::size_t n = deliveries_.size();
    std::vector<std::vector<SentSpike>> waiting(n + rules_.size());
    for (std::size_t i = 0; i + 2 < from.history.size(); i += 3)
      waiting.at(static_cast<std::size_t>(from.history[i]))
          .push_back(
              {static_cast<std::uint64_t>(from.history[i + 2]), static_cast<std::uint32_t>(from.history[i + 1])});
    for (std::size_t k = 0; k < n; ++k) deliveries_[k].restore(waiting[k], step_);
    for (std::size_t r = 0; r < rules_.size(); ++r) rules_[r].second.restore(waiting[n + r], step_);
    next_ = y_;
    counters_ = from.counters;
    for (auto& bucket : bucket_) bucket.clear();
    for (std::size_t i = 0; i < release_.size(); ++i) {
      if (release_[i] <= step_) continue;
      held_[i] = T(1);
      bucket_of(release_[i]).push_back(static_cast<std::uint32_t>(i));
    }
    t_ = time_of(step_);
    publish();
  }

  Stop advance(double until) override {
    if (!(until >= t_))
      throw Error(where(), fmt::format("asked to advance to {}, but t = {} already.", time_text(until, system_),
                                       time_text(t_, system_)));
    if (t_ >= problem_.t1) return Stop::end;
    if (until == t_) return Stop::output;
    const std::uint64_t last = step_at("output", until);
    constexpr std::uint64_t most_at_once = 256;  // then progress is told
    const std::uint64_t stop = std::min(last, step_ + most_at_once);
    while (step_ < stop) step();
    require_finite();
    t_ = step_ == last ? until : time_of(step_);
    publish();
    return step_ == last ? Stop::output : Stop::step;
  }

  double t() const override { return t_; }
  std::span<const double> y() const override {
    if constexpr (std::is_same_v<T, double>)
      return y_;
    else
      return published_;
  }
  At<double> at() override {
    read_inputs(t_);
    return {t_, y(), p_, inputs_of_system()};
  }
  const EventRecord& event() const override { return no_event_; }
  void dense(double t, std::span<double> out) override {
    if (t != t_)
      throw Error(where(),
                  fmt::format("asked for the state at {}, between two points of the grid.", time_text(t, system_)));
    std::copy(y_.begin(), y_.end(), out.begin());
  }
  const Counters& counters() override { return counters_; }

  Checkpoint save() const override {
    Checkpoint c;
    c.method = name();
    c.t = t_;
    c.y.assign(y_.begin(), y_.end());
    c.guard.assign(guard_.begin(), guard_.end());
    c.segment_start = problem_.t0;
    c.segment_steps = step_;
    c.counters = counters_;
    c.arrivals.assign(ring_.values.begin(), ring_.values.end());
    c.kept.assign(kept_.begin(), kept_.end());
    c.released = release_;
    c.step = method_.step;
    // Spikes that wait: for which projection or, after these, whose rules; their source, and their step.
    const auto note = [&](std::size_t of, const std::vector<SentSpike>& waiting) {
      for (const auto& sent : waiting)
        c.history.insert(c.history.end(),
                         {static_cast<double>(of), static_cast<double>(sent.source), static_cast<double>(sent.step)});
    };
    for (std::size_t k = 0; k < deliveries_.size(); ++k) note(k, deliveries_[k].waiting(step_));
    for (std::size_t r = 0; r < rules_.size(); ++r) note(deliveries_.size() + r, rules_[r].second.waiting(step_));
    return c;
  }

 private:
  std::string where() const { return fmt::format("{} with {} on a grid", system_.name(), method_.name); }
  std::string name() const { return fmt::format("grid {} {}", method_.name, method_.single ? "single" : "double"); }
  double time_of(std::uint64_t step) const { return problem_.t0 + static_cast<double>(step) * method_.step; }

  /// A little after the begin of the step that follows: what jumps there has jumped, whatever the rounding.
  double inside(std::uint64_t step) const { return time_of(step) + 1e-6 * method_.step; }

  /// The number of the step that ends at t.
  std::uint64_t step_at(std::string_view what, double t) const {
    const double steps = std::round((t - problem_.t0) / method_.step);
    if (std::abs(t - (problem_.t0 + steps * method_.step)) > 1e-6 * method_.step)
      throw Error(where(), fmt::format("{} at {}, but the grid has points every {} from {} on. Move it onto the grid.",
                                       what, time_text(t, system_), time_text(method_.step, system_), problem_.t0));
    return static_cast<std::uint64_t>(steps);
  }

  void validate() const {
    const auto refuse = [&](const std::string& what) { throw Error(where(), what); };
    if (system_.is_map()) refuse("is a map, which the method iterate steps.");
    check_noise(where(), system_.circuit(), scheme_named(method_.name));
    if (!system_.delays().empty())
      refuse("has delayed states, which the grid does not supply. Leave spikes = \"grid\" out.");
    require_fitting(problem_);
    require_trains(problem_);
    if (!(std::isfinite(problem_.t0) && std::isfinite(problem_.t1) && problem_.t1 > problem_.t0))
      refuse(fmt::format("t1 = {}, but must be later than t0 = {}.", time_text(problem_.t1, system_),
                         time_text(problem_.t0, system_)));
    step_at("end", problem_.t1);
    for (double c : problem_.checkpoints) step_at("checkpoint", c);
  }

  /// Recorded spikes up to t1 belong to the steps that end nearest to them; the first step has those of its first half
  /// too.
  void read_trains() {
    trains_.resize(system_.events().size());
    const double tiny = 1e-6 * method_.step;
    for (const auto& given : problem_.trains) {
      const auto& events = system_.events();
      const auto event = std::find_if(events.begin(), events.end(), [&](const Event& e) {
        return e.name == given.source && e.cause == Cause::train;
      });
      auto& train = trains_[static_cast<std::size_t>(event - events.begin())];
      for (std::size_t i = 0; i < given.t.size(); ++i) {
        if (given.t[i] < problem_.t0 || given.t[i] > problem_.t1 + tiny) continue;
        const double step = std::max(1.0, std::round((given.t[i] - problem_.t0) / method_.step));
        train.emplace_back(static_cast<std::uint64_t>(std::min(step, 1e18)), given.element[i]);
      }
      std::sort(train.begin(), train.end());
    }
  }

  void make_synapses() {
    const std::size_t states = system_.circuit()->states.size();
    arriving_.assign(states, false);
    for (const auto& projection : system_.projections())
      for (const auto& a : projection.arrivals) arriving_[a.state] = true;
    std::vector<std::size_t> offset(states);
    for (std::size_t i = 0; i < states; ++i) {
      if (!arriving_[i]) continue;
      offset[i] = ring_.slot_size;
      ring_.slot_size += system_.states()[i].size;
    }
    std::size_t longest = 0;
    for (std::size_t k = 0; k < system_.projections().size(); ++k) {
      deliveries_.emplace_back(system_, k, p_, method_.step, offset, parts_);
      longest = std::max(longest, deliveries_.back().longest());
      const Projection& about = system_.projections()[k];
      if (deliveries_.back().reads_states() || !about.on_arrival.empty() || !about.back.empty()) in_own_precision();
      if (!about.on_arrival.empty() || !about.back.empty())
        rules_.emplace_back(k, SynapseRules<T>(system_, *own_, k, p_, method_.step));
    }
    ring_.mask = std::bit_ceil(longest + 1) - 1;
    ring_.values.resize((ring_.mask + 1) * ring_.slot_size);
  }

  /// The System that synapses are computed by.
  void in_own_precision() {
    if (own_) return;
    if constexpr (std::is_same_v<T, double>)
      own_.emplace(system_);
    else
      own_.emplace(compile<T>(system_.circuit()));
    own_workspace_.emplace(own_->workspace());
  }

  void make_map() {
    map_ = std::make_unique<GridMap<T>>(with_supplied_noise(system_.circuit()), system_.states(), system_.events(),
                                        arriving_, scheme_named(method_.name), method_.step);
    parameters_.assign(p_.begin(), p_.end());
    kept_.resize(map_->kept_size());
    next_kept_.resize(kept_.size());
    const std::size_t guards = system_.guard_size();
    guard_.assign(guards, T(-1));
    next_guard_.assign(guards, T(-1));
    held_.assign(guards, T(0));
    release_.assign(guards, 0);
    last_fired_.assign(guards, 0);
    in_a_row_.assign(guards, 0);
    std::vector<double> hold(guards);
    system_.hold_times(p_, hold, workspace_);
    std::uint64_t longest = 0;
    for (const Event& event : system_.events())
      for (std::size_t i = event.offset; i < event.offset + event.size; ++i) {
        const double steps = std::round(hold[i] / method_.step);
        if (!(steps >= 0 && steps < 1e9))
          throw Error(where(), fmt::format("event '{}' holds for {}, but a hold is not negative and of less than 1e9 "
                                           "steps.",
                                           event.name, time_text(printed(hold[i]), system_)));
        hold_steps_.push_back(static_cast<std::uint32_t>(steps));
        longest = std::max<std::uint64_t>(longest, hold_steps_.back());
      }
    bucket_.resize(longest + 1);
    fired_.resize(system_.events().size());
    for (std::size_t e = 0; e < system_.events().size(); ++e) {
      const Event& event = system_.events()[e];
      checked_.push_back(!event.resets);
      resetting_.insert(resetting_.end(), event.size, event.resets);
      sources_.emplace_back(problem_.seed, event);
      rates_constant_ = rates_constant_ && event.steady;
    }
    rates_.resize(guards);
  }

  void start() {
    std::vector<double> y0 = problem_.y0;
    if (y0.empty()) {
      y0.resize(system_.states().size());
      system_.initial(p_, u_, y0, workspace_);
    }
    for (std::size_t i = 0; i < y0.size(); ++i) {
      if (std::isfinite(y0[i])) continue;
      throw Error(where(), fmt::format("initial {} = {}, but must be finite.", system_.states().element_name(i),
                                       printed(y0[i])));
    }
    y_.assign(y0.begin(), y0.end());
    next_ = y_;
    std::vector<double> guard(guard_.size());
    system_.guard({problem_.t0, y0, p_, inputs_of_system()}, guard, workspace_);
    std::copy(guard.begin(), guard.end(), guard_.begin());
    t_ = problem_.t0;
    publish();
    find_rates();
  }

  void require_finite() const {
    const auto bad = std::find_if(y_.begin(), y_.end(), [](T x) { return !std::isfinite(x); });
    if (bad == y_.end()) return;
    throw Failure(fmt::format("{}: {} = {} at t = {}. The step is too large, or the solution blows up.", where(),
                              system_.states().element_name(static_cast<std::size_t>(bad - y_.begin())), printed(*bad),
                              time_text(time_of(step_), system_)));
  }

  void publish() {
    if constexpr (!std::is_same_v<T, double>) published_.assign(y_.begin(), y_.end());
  }

  /// The inputs at t.
  void read_inputs(double t) {
    if (u_.empty()) return;
    problem_.drive->evaluate(t, u_);
    std::copy(u_.begin(), u_.end(), inputs_.begin());
  }

  /// Increments of Brownian paths over the step that ends as number `step`, / step.
  void draw_noise(std::uint64_t step) {
    constexpr std::size_t chunk = 1024;  // whole groups of normals
    const std::span<double> drawn(noise_);
    parallel_for((drawn.size() + chunk - 1) / chunk, drawn.size() >= 16 * chunk, [&](std::size_t c) {
      fill_normals(noise_key_, {static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32), 0},
                   static_cast<std::uint32_t>(c * (chunk / normals_in_group)),
                   drawn.subspan(c * chunk, std::min(chunk, drawn.size() - c * chunk)));
    });
    const double size = 1 / std::sqrt(method_.step);
    for (std::size_t i = 0; i < drawn.size(); ++i) inputs_[u_.size() + i] = static_cast<T>(size * drawn[i]);
  }

  /// Inputs as the System has them: nothing is held.
  std::span<const double> inputs_of_system() {
    all_inputs_.assign(system_.inputs().size(), 0.0);
    std::copy(u_.begin(), u_.end(), all_inputs_.begin());
    return all_inputs_;
  }

  std::vector<std::uint32_t>& bucket_of(std::uint64_t step) { return bucket_[step % bucket_.size()]; }

  void step() {
    const std::uint64_t now = step_ + 1;
    const double begin = time_of(step_);
    if (!u_.empty()) read_inputs(inside(step_));
    draw_noise(now);
    auto& released = bucket_of(now);
    for (const std::uint32_t i : released)
      if (release_[i] == now) held_[i] = T(0.5);
    typename GridMap<T>::Arguments at{parameters_.data(), static_cast<T>(begin), inputs_.data(), y_.data(),
                                      ring_.slot(now),    held_.data(),          kept_.data()};
    for (std::size_t e = 0; e < fired_.size(); ++e) {
      fired_[e].clear();
      if (system_.events()[e].cause != Cause::crossing) spike_sources(e, at);
    }
    gather_arrivals(now);
    map_->step(at, next_.data(), next_kept_.data(), next_guard_.data());
    y_.swap(next_);
    kept_.swap(next_kept_);
    guard_.swap(next_guard_);
    for (const std::uint32_t i : released) {
      if (release_[i] != now) continue;
      held_[i] = T(0);
      if (resetting_[i]) next_guard_[i] = T(-1);  // above its threshold by now, it fires at once
    }
    released.clear();
    at.y = y_.data();
    at.t = static_cast<T>(time_of(now));
    step_ = now;
    for (auto& [k, rules] : rules_) rules.arrive(now, parameters_, y_, next_);
    for (std::size_t e = 0; e < fired_.size(); ++e) {
      const Event& event = system_.events()[e];
      if (event.cause == Cause::crossing) cross(e, at);
      const auto& ids = fired_[e];
      if (ids.empty()) continue;
      counters_.events += ids.size();
      if (observer_) observer_(time_of(now), e, ids);
    }
    deliver();
    for (auto& [k, rules] : rules_) {
      rules.send(fired_[system_.projections()[k].event], now);
      for (std::size_t e = 0; e < fired_.size(); ++e) rules.back(e, fired_[e], parameters_, y_, next_);
    }
    ++counters_.steps;
    ++counters_.rhs;
  }

  /// The spikes of a source in the step that begins; jumps act at once.
  void spike_sources(std::size_t e, const typename GridMap<T>::Arguments& at) {
    const Event& event = system_.events()[e];
    auto& ids = fired_[e];
    if (event.cause == Cause::poisson) {
      if (!rates_constant_) find_rates();
      sources_[e].set(std::span(rates_).subspan(event.offset, event.size));
      sources_[e].draw(step_ + 1, ids);
    } else {
      const auto& train = trains_[e];
      for (auto at_step = std::lower_bound(train.begin(), train.end(), std::pair(step_ + 1, std::uint32_t{0}));
           at_step != train.end() && at_step->first == step_ + 1; ++at_step)
        ids.push_back(at_step->second);
    }
    if (map_->jumps_by_parameters(e)) return map_->jump(e, ids, at, held_.data(), y_.data());
    // An element that spikes k times jumps k times, together with the others that spike as often.
    round_ = ids;
    while (!round_.empty()) {
      again_.clear();
      std::size_t kept = 0;
      for (std::size_t i = 0; i < round_.size(); ++i) {
        if (i > 0 && round_[i] == round_[i - 1])
          again_.push_back(round_[i]);
        else
          once_.resize(std::max(once_.size(), kept + 1)), once_[kept++] = round_[i];
      }
      map_->jump(e, std::span(once_).first(kept), at, held_.data(), y_.data());
      round_.swap(again_);
    }
  }

  /// Spikes a step of every source, by its rate in the middle of the step that follows.
  void find_rates() {
    constexpr double most = 500;  // beyond, the probability of none is lost in rounding
    const double middle = time_of(step_) + 0.5 * method_.step;
    system_.source_rates({middle, std::span<const double>(), p_, inputs_of_system()}, rates_, workspace_);
    for (double& rate : rates_) rate *= method_.step;
    for (const Event& event : system_.events()) {
      if (event.cause != Cause::poisson) continue;
      for (std::size_t i = 0; i < event.size; ++i) {
        const double mean = rates_[event.offset + i];
        if (mean >= 0 && mean <= most) continue;
        const std::string what = fmt::format(
            "the rate of {}[{}] = {} [1/{}] at t = {}, but {}", event.name, i, mean / method_.step,
            system_.time_unit().str(), time_text(middle, system_),
            mean > most ? fmt::format("a source spikes at most {} times a step. Take a smaller step, or let one spike "
                                      "stand for many.",
                                      most)
            : std::isnan(mean) ? "must be a number."
                               : "must not be negative.");
        if (rates_constant_) throw Error(where(), what);
        throw Failure(fmt::format("{}: {}", where(), what));
      }
    }
  }

  /// The elements of an event that have crossed zero in the last step.
  void cross(std::size_t e, const typename GridMap<T>::Arguments& at) {
    const Event& event = system_.events()[e];
    auto& ids = fired_[e];
    find_crossings(event, ids);
    if (ids.empty()) return;
    std::size_t kept = 0;
    for (const std::uint32_t i : ids) {
      const std::size_t g = event.offset + i;
      if (!(guard_[g] >= T(0))) fail_at(i, event);
      if (held_[g] > T(0)) continue;
      ids[kept++] = i;
      if (event.resets) guard_[g] = T(-1);
      in_a_row_[g] = last_fired_[g] + 1 == step_ ? in_a_row_[g] + 1 : 0;
      last_fired_[g] = step_;
      if (in_a_row_[g] == 1000)
        throw Failure(
            fmt::format("{}: {}[{}] spikes without pause: at every one of 1000 steps up to t = {}. Its drive may "
                        "be too strong; give it a hold, or a smaller step.",
                        where(), event.name, i, time_text(time_of(step_), system_)));
      if (!event.holds || hold_steps_[g] == 0) continue;
      held_[g] = T(1);
      release_[g] = step_ + hold_steps_[g];
      bucket_of(release_[g]).push_back(static_cast<std::uint32_t>(g));
    }
    ids.resize(kept);
    map_->jump(e, ids, at, nullptr, y_.data());
    if (!checked_[e] && kept > 0) check_reset(e);
  }

  /// Each thread looks through the guards that it has computed.
  void find_crossings(const Event& event, std::vector<std::uint32_t>& ids) {
    crossed_.resize(std::max(crossed_.size(), event.size));
    found_.resize(parts_);
    const std::size_t parts = event.size >= 4 * worth_threads ? parts_ : 1;
    const auto begin = [&](std::size_t part) { return part * event.size / parts; };
    parallel_for(parts, parts > 1, [&](std::size_t part) {
      const std::size_t first = begin(part), guard = event.offset + first;
      found_[part] = kernels_.spikes.crossings(next_guard_.data() + guard, guard_.data() + guard,
                                               begin(part + 1) - first, crossed_.data() + first);
    });
    for (std::size_t part = 0; part < parts; ++part)
      for (std::size_t i = 0; i < found_[part]; ++i)
        ids.push_back(static_cast<std::uint32_t>(begin(part) + crossed_[begin(part) + i]));
  }

  /// A guard that its jump leaves above zero crosses it again at the end of a hold, and without one at every step.
  void check_reset(std::size_t e) {
    const Event& event = system_.events()[e];
    const std::vector<double> y(y_.begin(), y_.end());
    std::vector<double> guard(guard_.size());
    system_.guard({time_of(step_), y, p_, inputs_of_system()}, guard, workspace_);
    for (const std::uint32_t i : fired_[e]) {
      const double after = guard[event.offset + i];
      if (after < 0 || (after >= 0 && event.holds && hold_steps_[event.offset + i] > 0)) continue;
      throw Failure(fmt::format("{}: the guard of {}[{}] is still {} after its jump at t = {}. {}", where(), event.name,
                                i, printed(after), time_text(time_of(step_), system_),
                                std::isnan(after) ? "The jump gives no number: check the root, logarithm or "
                                                    "division in it."
                                                  : "The reset must lie below the threshold."));
    }
    checked_[e] = true;
  }

  [[noreturn]] void fail_at(std::uint32_t i, const Event& event) const {
    std::string state = "a state";
    for (std::size_t k = 0; k < y_.size(); ++k) {
      if (std::isfinite(y_[k])) continue;
      state = fmt::format("{} = {}", system_.states().element_name(k), printed(y_[k]));
      break;
    }
    throw Failure(
        fmt::format("{}: the guard of {}[{}] is not a number at t = {}, where {}. The step is too large, or the "
                    "solution blows up.",
                    where(), event.name, i, time_text(time_of(step_), system_), state));
  }

  /// Empties the slot of the last step, and adds to this step's what has waited for it: each part of the targets on a
  /// thread of its own, which keeps it in its cache.
  void gather_arrivals(std::uint64_t now) {
    const bool waits = std::any_of(deliveries_.begin(), deliveries_.end(), [](const auto& d) { return d.waits(); });
    const std::size_t parts = waits || ring_.slot_size >= 4 * worth_threads ? parts_ : 1;
    parallel_for(parts, parts > 1, [&](std::size_t part) {
      for (std::size_t i = 0; i < arriving_.size(); ++i) {
        if (!arriving_[i]) continue;
        const std::size_t size = system_.states()[i].size, begin = part * size / parts, end = (part + 1) * size / parts;
        std::fill_n(ring_.slot(now - 1) + map_->arrival_offset(i) + begin, end - begin, T(0));
      }
      for (auto& projection : deliveries_)
        if (projection.waits()) projection.deliver_due(part, now, ring_.slot(now));
    });
  }

  /// Sends the spikes of the step: what does not wait is added to the slots to come. Every thread walks all spikes in
  /// their order, for targets of its own: so the sums do not depend on their number.
  void deliver() {
    std::uint64_t synapses = 0;
    for (std::size_t k = 0; k < deliveries_.size(); ++k) {
      auto& projection = deliveries_[k];
      const auto& ids = spikes_of(k);
      if (projection.reads_states() && !ids.empty())
        projection.read_states(*own_, ids, parameters_, y_, *own_workspace_);
      if (projection.waits())
        projection.send(ids, step_);
      else
        synapses += projection.count(ids);
    }
    if (synapses == 0) return;
    const std::size_t parts = synapses >= worth_threads ? parts_ : 1;
    parallel_for(parts, parts > 1, [&](std::size_t part) {
      for (std::size_t k = 0; k < deliveries_.size(); ++k) {
        const auto& projection = deliveries_[k];
        const std::size_t targets = projection.targets();
        if (!projection.waits())
          projection.deliver(spikes_of(k), step_, ring_, part * targets / parts, (part + 1) * targets / parts);
      }
    });
  }
  const std::vector<std::uint32_t>& spikes_of(std::size_t projection) const {
    return fired_[system_.projections()[projection].event];
  }

  static constexpr std::uint64_t worth_threads = 4096;  ///< elements, or synapses, of one pass

  Method method_;
  Problem problem_;
  const System<double>& system_;
  SpikeObserver observer_;
  Workspace<double> workspace_;
  std::vector<double> p_, u_, all_inputs_;
  const KernelTable<T>& kernels_ = kernels<T>();

  std::vector<bool> arriving_;  ///< by state
  std::optional<System<T>> own_;
  std::optional<Workspace<T>> own_workspace_;
  std::vector<Deliveries<T>> deliveries_;
  std::size_t parts_ = omp_in_parallel() ? 1 : static_cast<std::size_t>(omp_get_max_threads());  ///< of the targets
  std::vector<std::pair<std::size_t, SynapseRules<T>>> rules_;  ///< of projections by number
  ArrivalRing<T> ring_;
  std::unique_ptr<GridMap<T>> map_;
  AlignedVector<T> parameters_, inputs_;
  std::vector<double> noise_;
  std::uint64_t noise_key_ = 0;

  std::uint64_t step_ = 0;
  double t_ = 0;
  AlignedVector<T> y_, next_, kept_, next_kept_, guard_, next_guard_, held_;
  std::vector<double> published_;  ///< y_ in double precision
  std::vector<std::uint32_t> hold_steps_;
  std::vector<std::uint64_t> release_;              ///< by guard element, the step at whose end its hold ends
  std::vector<std::vector<std::uint32_t>> bucket_;  ///< guard elements by that step
  std::vector<std::vector<std::uint32_t>> fired_;   ///< by event, in this step
  std::vector<std::uint32_t> round_, again_, once_, crossed_;
  std::vector<std::size_t> found_;  ///< by part, in crossed_
  std::vector<std::uint64_t> last_fired_, in_a_row_;
  std::vector<bool> resetting_;  ///< [guard] its event resets it
  std::vector<bool> checked_;    ///< by event: its jump was seen to take the guard below zero
  std::vector<PoissonSource> sources_;
  std::vector<std::vector<std::pair<std::uint64_t, std::uint32_t>>> trains_;  ///< by event: step, place
  std::vector<double> rates_;
  bool rates_constant_ = true;
  Counters counters_;
  EventRecord no_event_;
};

}  // namespace

std::unique_ptr<Engine> make_grid(const Method& method, Problem problem, SpikeObserver observer) {
  if (method.single) return std::make_unique<Grid<float>>(method, std::move(problem), std::move(observer));
  return std::make_unique<Grid<double>>(method, std::move(problem), std::move(observer));
}

}  // namespace striate
