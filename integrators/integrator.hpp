#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "integrators/problem.hpp"

namespace striate {

/// An integration method by name with its settings. docs/integrators.md says what each is for.
///
/// Adaptive: "bs32", "dp54" (explicit Runge-Kutta), "arkode_bs32", "arkode_dp54", "zonneveld43" (the same, ARKODE),
/// "adams", "bdf" (multistep, CVODES), "imex3", "imex4", "imex5" (additive Runge-Kutta, ARKODE). Fixed step: "euler",
/// "heun", "rk4", "exponential_euler". Fixed step, for noise: "euler_maruyama", "stochastic_heun", "milstein", "sra1"
/// (integrators/stochastic.hpp). For maps, which no other method takes: "iterate", with the circuit's own step.
/// Recommended: bs32 for rectified circuits, dp54 for smooth ones, bdf for stiff ones.
struct Method {
  /// Where spikes happen: at the times at which guards cross zero, or at the ends of the steps of a fixed-step method
  /// ("exact", too), with delays and holds rounded to steps: for large circuits.
  enum class Spikes { precise, grid };
  std::string name = "bs32";
  Spikes spikes = Spikes::precise;
  bool single = false;                    ///< grid: in single precision
  double rtol = 1e-5;                     ///< adaptive: relative tolerance per step
  double atol = 1e-6;                     ///< adaptive: absolute tolerance per step, in each state's own unit
  std::map<std::string, double> atol_of;  ///< by state name, where it differs from `atol`, in that state's unit
  double step = 0;                        ///< fixed step [time unit]; must be 0 for an adaptive method and for a map
  double max_step = 0;                    ///< adaptive: largest step [time unit]; 0: no bound
  bool max_norm = false;              ///< adaptive: control the worst unit instead of the root mean square over units
  std::vector<std::string> implicit;  ///< imex: the states whose rates are integrated implicitly
  std::uint64_t max_steps = 10'000'000;  ///< more accepted steps than this is a failure
};

/// All method names.
std::vector<std::string> method_names();

/// Work done since start (restored with a checkpoint).
struct Counters {
  std::uint64_t steps = 0;              ///< accepted
  std::uint64_t rejected = 0;           ///< error test or nonlinear solver failed
  std::uint64_t rhs = 0;                ///< evaluations of f
  std::uint64_t jvp = 0;                ///< Jacobian-vector products
  std::uint64_t linear_iterations = 0;  ///< Krylov iterations
  std::uint64_t events = 0;             ///< jumps applied
  std::uint64_t restarts = 0;           ///< after events, breakpoints and checkpoints
  bool operator==(const Counters&) const = default;
};

/// What happened at one instant, spikes or what comes of them, and the state on both sides.
struct EventRecord {
  double t = 0;
  std::vector<std::size_t> fired;  ///< spikes: indices into the guard vector, ascending; none for arrivals and releases
  /// `fired` in the order of the jumps: those of a round fire at once, and set off the next round.
  std::vector<std::vector<std::size_t>> rounds;
  bool by_drive = false;  ///< a jump of the drive took the guards over zero, at its breakpoint
  std::vector<double> before;
  std::vector<double> after;
  std::vector<double> held, held_after;  ///< the inputs that say who is refractory, on both sides
  std::vector<Change> changes;           ///< all that happened, in order
};

/// Everything that the rest of a run depends on, beside Problem and Method.
struct Checkpoint {
  std::string method;
  double t = 0;
  std::vector<double> y;
  std::vector<double> guard;        ///< the guards at t, before a jump of the drive there
  double segment_start = 0;         ///< fixed step: where the present run of equal steps began
  std::uint64_t segment_steps = 0;  ///< fixed step: steps since then
  Counters counters;
  std::vector<double> history;  ///< what delays still look back to
  std::vector<double> breaks;   ///< times to come at which a delayed jump arrives
  SpikesUnderWay spikes;
  std::vector<double> arrivals = {}, kept = {};  ///< grid: on their way, and waiting for the end of a hold
  std::vector<std::uint64_t> released = {};      ///< grid: by guard element, the step at whose end its hold ends
  double step = 0;                               ///< fixed step: its length
};

enum class Stop {
  step,    ///< an accepted step
  output,  ///< t() is the time asked for, but for rounding where an event is there
  event,   ///< t() is the time of event(): spikes, arrivals or releases; y() is the state after it
  end,     ///< t() is Problem::t1 and nothing is left to report
};

/// Told of the elements of an event (places in it, ascending; one that spikes k times stands k times) that spike at t.
using SpikeObserver = std::function<void(double t, std::size_t event, std::span<const std::uint32_t> ids)>;

class Engine;

/// Integrates one problem, stop by stop. Not copyable; one per thread.
class Integrator {
 public:
  /// @throws Error on a name or setting that the method does not know
  explicit Integrator(Method method);
  Integrator(Integrator&&) noexcept;
  Integrator& operator=(Integrator&&) noexcept;
  ~Integrator();

  /// Who is told of spikes on a grid while it advances (solve tells of precise ones, too); set before start.
  void observe(SpikeObserver observer);

  /// @throws Error on sizes, times or tolerances that do not fit the system
  void start(Problem problem);
  /// Continues from a checkpoint of the same problem and method, bit for bit as if it had not stopped.
  void start(Problem problem, const Checkpoint& checkpoint);

  /// Moves t() towards `until` [time unit, >= t()] and stops at the first of: the next accepted step, an event,
  /// `until`, the end. At t0 the output comes before the events of that time, with the initial state; everywhere else
  /// after them, with the state that they leave (also where rounding alone puts them after `until`).
  /// @throws Failure with the time, the states and the likely cause when the solver cannot go on
  Stop advance(double until);

  double t() const;
  std::span<const double> y() const;
  At<double> at() const;             ///< (t, y), the parameters and the inputs, until the next call
  const EventRecord& event() const;  ///< the last event
  /// out = the state at a time inside the last accepted step, to the method's order. @throws Error outside it
  void dense(double t, std::span<double> out);
  const Counters& counters() const;

  /// Fixed step: at t0 and after every step, event or end. Adaptive: where the method restarts, that is at t0, an
  /// event, a breakpoint of the drive, or one of Problem::checkpoints. @throws Error elsewhere
  Checkpoint save() const;

 private:
  Engine& started() const;
  std::unique_ptr<Method> method_;
  SpikeObserver observer_;
  std::unique_ptr<Engine> engine_;
};

/// Who is told what during solve. Any of them may be empty.
struct Observer {
  std::function<void(double t, std::span<const double> y)> sample;  ///< at exactly the output times
  std::function<void(const At<double>&)> inputs;            ///< before `sample`: the same state, and the inputs there
  std::function<void(const At<double>&)> step;              ///< at t0 and after every step, output and event
  std::function<void(const EventRecord&)> event;            ///< precise: at every instant with spikes
  std::function<void(const EventRecord&)> instant;          ///< at arrivals and releases, too
  std::function<void(const Checkpoint&)> checkpoint;        ///< at every one of Problem::checkpoints
  std::function<void(double t, const Counters&)> progress;  ///< after every accepted step and output
  SpikeObserver spikes = {};                                ///< at every spike, precise or not
};

/// The end of a run.
struct Solution {
  double t = 0;
  std::vector<double> y;
  Counters counters;
};

/// Integrates from t0 to t1. `output_times` ascend in [t0, t1].
/// @throws Error on unusable input, Failure when the integration could not go on
Solution solve(const Problem& problem, const Method& method, std::span<const double> output_times = {},
               const Observer& observer = {});
/// The rest of a run whose checkpoint was saved; output times at or before it are skipped.
Solution resume(const Problem& problem, const Method& method, const Checkpoint& checkpoint,
                std::span<const double> output_times = {}, const Observer& observer = {});

}  // namespace striate
