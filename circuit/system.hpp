#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "circuit/connectivity.hpp"
#include "circuit/shape.hpp"
#include "circuit/spike.hpp"
#include "circuit/supply.hpp"
#include "circuit/unit.hpp"

namespace striate {

/// One named variable inside a flat vector, stored row-major in the order of its axes.
struct Field {
  std::string name;
  std::string description;
  Unit unit;
  Shape shape;
  std::size_t offset = 0;
  std::size_t size = 1;
  Supply supply = Supply::drive;  ///< of an input
};

/// The named variables of one flat vector, in the order of their offsets.
class Fields {
 public:
  void add(Field field);
  const Field* find(std::string_view name) const;
  /// @throws Error naming the nearest known names
  const Field& at(std::string_view name) const;
  std::vector<std::string> names() const;
  std::size_t size() const { return size_; }  ///< length of the flat vector
  std::size_t count() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  const Field& operator[](std::size_t i) const { return fields_[i]; }
  /// "E[y=3, x=7]": the element of the flat vector at `index`, for messages.
  std::string element_name(std::size_t index) const;

 private:
  std::vector<Field> fields_;
  std::size_t size_ = 0;
};

/// A family of events: each element fires on the upward zero crossing of its guard, or where a source spikes, whose
/// guard is -1.
struct Event {
  std::string name;
  Shape shape;
  std::size_t offset = 0;  ///< into the guard vector
  std::size_t size = 1;
  Cause cause = Cause::crossing;
  bool steady = true;           ///< of a Poisson source: its rate depends on parameters alone
  bool resets = false;          ///< its guard reads a state that it moves: it must leave the guard below 0
  bool affine = false;          ///< its guard is of the first degree in states and the time, and reads no inputs
  bool holds = false;           ///< an element that fired does not fire again for System::hold_times
  bool keeps_arrivals = false;  ///< what arrives meanwhile at a held state is added at the end
  std::size_t held = 0;         ///< of one that holds states: its flags among the inputs, in its shape
  std::vector<std::size_t> held_states = {};  ///< indices into states(), which stand still where the flag is 1
};

/// Synapses that carry the spikes of an event to states. Element i of a variable over the axes of one side lies at its
/// field's offset + i.
struct Projection {
  /// A state that changes, and the expression (System::synapse_values) that says to what, or by how much.
  struct Change {
    std::size_t state;  ///< index into states()
    std::size_t expression;
    bool common;     ///< the expression has one value for all synapses
    bool of_states;  ///< it reads states
  };
  struct Back {
    std::size_t event;  ///< index into events(), over the axes of the targets
    std::vector<Change> changes;
  };
  std::string name;
  std::size_t event = 0;  ///< index into events()
  Population pre, post;
  Connectivity rule;
  std::uint64_t seed = 0;
  std::string purpose;                          ///< the name that connect() draws by
  std::shared_ptr<const Connections> synapses;  ///< drawn with the circuit, or null: then call connect()
  bool common_delay = true;                     ///< of expression 0, the delay
  std::vector<Change> arrivals;                 ///< what is added; read when the spike leaves, after its jump
  std::vector<Change> on_arrival;               ///< of states over the synapses
  std::vector<Back> back;
};

/// Synapses: for each the places of its ends in the whole variables, and its number: that of the first and on, or as
/// listed.
struct SynapseSpan {
  std::uint64_t first;
  std::span<const std::uint32_t> pre, post;
  std::span<const std::uint32_t> numbers = {};
  std::uint64_t number(std::size_t i) const { return numbers.empty() ? first + i : numbers[i]; }
};

/// A value of the circuit as it was some time ago: an input that the integrator supplies from the past of its source.
struct Delay {
  std::string name;
  std::size_t input = 0;   ///< into the inputs
  std::size_t size = 1;    ///< elements of the delayed value, each with its delay
  std::size_t inputs = 1;  ///< elements of the input: of a sum fewer
  std::size_t tau = 0;     ///< into the vector of delays; shared by delays that look back equally
  std::size_t source = 0;  ///< into the vector of sources
  std::size_t source_size = 1;
  /// Of the source, for each element of the delayed value; null: the same.
  std::shared_ptr<const std::vector<std::uint32_t>> element = nullptr;
  bool constant_past = false;  ///< before the start the source does not change
  /// Of a weighted sum: where its weights begin in the vector of weights (shared as taus are), and the element of the
  /// input that each element of the delayed value is added to; else null.
  std::size_t weights = 0;
  std::shared_ptr<const std::vector<std::uint32_t>> target = nullptr;
};

/// Where a System is evaluated. Every vector is in the units and the order of the System's fields.
template <class T>
struct At {
  T t;                   ///< in the circuit's time unit
  std::span<const T> y;  ///< states
  std::span<const T> p;  ///< parameters
  std::span<const T> u;  ///< inputs at time t
};

/// A direction in (y, p, u, t); an empty part is zero and costs nothing.
template <class T>
struct Tangent {
  std::span<const T> y, p = {}, u = {}, t = {};
};

/// Where the transposed product is added; a part left empty is not computed.
template <class T>
struct Cotangent {
  std::span<T> y, p = {}, u = {}, t = {};
};

/// Scratch memory and memoised intermediate results of one thread; made by System::workspace.
template <class T>
class Workspace {
 public:
  struct Contents;
  explicit Workspace(std::unique_ptr<Contents> contents);
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  ~Workspace();
  /// From now on these parameters do not change where they lie: what was made from them is not compared with them
  /// again.
  void hold(std::span<const T> p);
  Contents& contents() { return *contents_; }

 private:
  std::unique_ptr<Contents> contents_;
};

class Circuit;

/// How a linear operator of the circuit is computed, as chosen by the cost model or by the user.
struct AlgorithmChoice {
  std::string operation;  ///< the operation as the circuit text writes it
  std::string algorithm;  ///< "direct", "separable rank 1", "box", "fft", ...
  std::string reason;     ///< what the alternatives would have cost
};

/// A circuit made executable: const, and safe to use from any number of threads with a Workspace each.
///
/// f is the rate of a flow, or the state one step later of a map. Products (jvp, vjp, ...) are added to their outputs
/// and never negated. Subgraphs that depend on parameters alone are evaluated once per parameter set, those on
/// parameters and inputs once per input, those on (t, y, p, u) once per linearisation point; nothing allocates. Nothing
/// is checked either: every span has the size of its Fields, and where one may be left out, it is empty.
template <class T>
class System {
 public:
  struct Impl;
  explicit System(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  const std::string& name() const;
  const Circuit& circuit() const;  ///< as it was compiled
  Unit time_unit() const;
  bool is_map() const;
  double step() const;  ///< of a map: from one value to the next [time unit]
  const Fields& states() const;
  const Fields& parameters() const;
  /// Those that a drive fills come first, then those that the integrator supplies.
  const Fields& inputs() const;
  std::size_t driven() const;  ///< number of leading elements of the inputs that a drive fills
  const Fields& observables() const;
  const std::vector<Event>& events() const;
  std::size_t guard_size() const;
  std::size_t event_of(std::size_t guard_element) const;  ///< index into events()
  /// "spike[y=3, x=7]": the event and the element of the guard vector, for messages.
  std::string guard_name(std::size_t guard_element) const;

  struct NoiseForm {
    Calculus calculus;
    NoiseEntry entry;
  };
  const std::optional<NoiseForm>& noise() const;  ///< none without noise

  const std::vector<Delay>& delays() const;
  std::size_t sources_size() const;  ///< elements of all that is delayed, before it is
  std::size_t taus_size() const;
  std::size_t delay_weights_size() const;
  /// out [sources] = what is delayed, now
  void sources(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const;
  /// out [sources] = what is delayed, at the time t <= 0 since the start
  void past(T t, std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const;
  /// out [taus] = the delays [time unit]
  void taus(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const;
  /// out [delay_weights] = those of sums of delayed values
  void delay_weights(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const;

  Workspace<T> workspace() const;

  /// Default parameter values, in the order of parameters().
  std::vector<T> default_parameters() const;
  /// y0 [states]: the initial state, which may depend on parameters and inputs.
  void initial(std::span<const T> p, std::span<const T> u, std::span<T> y0, Workspace<T>& workspace) const;
  /// out += dy0/dp vp
  void initial_jvp(std::span<const T> p, std::span<const T> u, std::span<const T> vp, std::span<T> out,
                   Workspace<T>& workspace) const;
  /// pbar += (dy0/dp)' lambda
  void initial_vjp(std::span<const T> p, std::span<const T> u, std::span<const T> lambda, std::span<T> pbar,
                   Workspace<T>& workspace) const;

  /// ydot [states per time unit; of a map: states] = f(t, y, p, u)
  void rhs(const At<T>& at, std::span<T> ydot, Workspace<T>& workspace) const;
  /// out += f_y v.y + f_p v.p + f_u v.u + f_t v.t
  void jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const;
  /// bar.y += f_y' lambda, bar.p += f_p' lambda, bar.u += f_u' lambda, bar.t += f_t' lambda
  void vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar, Workspace<T>& workspace) const;
  /// Long sums in the rate, which cost more to compute than to keep: `rhs` with a tape [tape_size] writes them there,
  /// and `vjp` at the same place reads them. (Its last bits may differ from those without a tape.)
  std::size_t tape_size() const;
  void rhs(const At<T>& at, std::span<T> ydot, std::span<T> tape, Workspace<T>& workspace) const;
  void vjp(const At<T>& at, std::span<const T> lambda, std::span<const T> tape, const Cotangent<T>& bar,
           Workspace<T>& workspace) const;
  /// The gradient of lambda' f_y v with v and lambda held: bar.y, bar.p, bar.u and bar.t += its derivatives
  void second(const At<T>& at, std::span<const T> v, std::span<const T> lambda, const Cotangent<T>& bar,
              Workspace<T>& workspace) const;
  /// out = the derivative of each state's rate with respect to the same element of that state, through pointwise
  /// operations only (couplings held fixed): the rate that exponential schemes integrate exactly.
  void leak(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const;

  /// out = every observable; its products are like those of the rate. Circuit::with_definitions leaves out the
  /// observables that are not wanted.
  void observe(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const;
  void observe_jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const;
  void observe_vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar, Workspace<T>& workspace) const;

  /// g = every guard; an upward zero crossing of an element is an event. Its products are like those of the rate.
  void guard(const At<T>& at, std::span<T> g, Workspace<T>& workspace) const;
  void guard_jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const;
  void guard_vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar, Workspace<T>& workspace) const;

  /// y_after = the state after the guard elements named in `fired` (indices into the guard vector) have jumped together
  void jump(const At<T>& at, std::span<const std::size_t> fired, std::span<T> y_after, Workspace<T>& workspace) const;
  /// out += the derivative of y_after along v, and its transpose; for a state that does not jump it is the identity.
  void jump_jvp(const At<T>& at, std::span<const std::size_t> fired, const Tangent<T>& v, std::span<T> out,
                Workspace<T>& workspace) const;
  void jump_vjp(const At<T>& at, std::span<const std::size_t> fired, std::span<const T> lambda, const Cotangent<T>& bar,
                Workspace<T>& workspace) const;

  /// The times at which the circuit's own dependence on time jumps or bends, ascending: where it compares the time with
  /// what depends on parameters alone. [time unit]
  std::vector<double> time_breaks(std::span<const T> p, Workspace<T>& workspace) const;
  /// Those of them, unsorted, at which something may jump (not only bend), each with its derivative along vp.
  std::vector<std::pair<double, double>> time_break_shifts(std::span<const T> p, std::span<const T> vp,
                                                           Workspace<T>& workspace) const;
  /// dt/dp [parameters] of those that lie at t, but for rounding: the different ones.
  std::vector<std::vector<T>> time_break_gradients(std::span<const T> p, double t, Workspace<T>& workspace) const;

  /// out [guard] = how long each element is refractory after it fired [time unit]; 0 for events that do not hold
  void hold_times(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const;
  /// out [guard] += its derivative along vp; pbar += its transpose times lambda [guard]
  void hold_times_jvp(std::span<const T> p, std::span<const T> vp, std::span<T> out, Workspace<T>& workspace) const;
  void hold_times_vjp(std::span<const T> p, std::span<const T> lambda, std::span<T> pbar,
                      Workspace<T>& workspace) const;
  /// out [guard] = how often each element of a Poisson source spikes [per time unit]; 0 elsewhere. Reads t, p and u.
  void source_rates(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const;

  const std::vector<Projection>& projections() const;
  /// out = an expression of projections()[k] for each synapse of the span, or for all where it has one value: 0 the
  /// delay [time unit], others by Projection::Change [unit of the state]. y may be empty where it reads no states.
  void synapse_values(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                      std::span<const T> y, std::span<T> out, Workspace<T>& workspace) const;
  void synapse_jvp(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                   std::span<const T> y, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const;
  void synapse_vjp(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                   std::span<const T> y, std::span<const T> lambda, const Cotangent<T>& bar,
                   Workspace<T>& workspace) const;

  std::vector<AlgorithmChoice> algorithms() const;
  std::size_t workspace_bytes() const;    ///< that a rate takes
  std::size_t observation_bytes() const;  ///< that the observables take

 private:
  std::shared_ptr<const Impl> impl_;
};

extern template class System<float>;
extern template class System<double>;

}  // namespace striate
