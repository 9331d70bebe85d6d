#pragma once

// What a System and a Workspace consist of; for compile.cpp, which makes it, and system.cpp, which runs it.

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "base/made_once.hpp"
#include "circuit/delay.hpp"
#include "circuit/program/function.hpp"
#include "circuit/program/synapse_function.hpp"
#include "circuit/system.hpp"

namespace striate {

/// What a System computes from (p, t, u, y) ...
enum class Source {
  initial,
  rhs,
  leak,
  observe,
  guard,
  jump,
  hold,
  source_rate,
  delay_source,
  past,
  tau,
  delay_weight,
  time_break,
  count_
};
/// ... and how: its value, or a product with its derivative towards those of (p, t, u, y) that a mask names.
/// Form::second is the vjp of the jvp towards y. Form::recorded is a value with its tape, Form::replayed the vjp that
/// reads it.
enum class Form { value, jvp, vjp, second, recorded, replayed, count_ };

constexpr std::size_t argument_count = 4;  ///< groups of arguments: 0 p | 1 t | 2 u | 3 y
constexpr auto part_count = static_cast<std::size_t>(Source::count_) * static_cast<std::size_t>(Form::count_)
                            << argument_count;

/// One function of a System; each has its own memory in a Workspace.
struct Part {
  Source source;
  Form form = Form::value;
  unsigned mask = 0;
  std::size_t index() const {
    const auto kind = static_cast<std::size_t>(source) * static_cast<std::size_t>(Form::count_);
    return (kind + static_cast<std::size_t>(form)) << argument_count | mask;
  }
};

template <class V>
unsigned mask_of(const V& v) {
  return (v.p.empty() ? 0U : 1U) | (v.t.empty() ? 0U : 2U) | (v.u.empty() ? 0U : 4U) | (v.y.empty() ? 0U : 8U);
}

template <class T>
struct Workspace<T>::Contents {
  std::array<std::shared_ptr<FunctionMemory<T>>, part_count> memory;
  std::vector<std::vector<SynapseMemory<T>>> synapses;  ///< [projection][expression]
  std::vector<T> changed;  ///< states an event may take, before they are picked; or their tangents or cotangents
  std::vector<T> after;    ///< [states] tangent or cotangent on the far side of a jump
  std::vector<std::vector<T>> spare;
  Held<T> held;
};

template <class T>
struct System<T>::Impl {
  explicit Impl(const Circuit& c) : Impl(c, with_supplied_delays(c, DelayedSums::supplied)) {}
  Impl(const Circuit& c, SuppliedDelays supplied);

  void find_time_breaks();
  void add(const DelayRule& rule);
  void add(const ProjectionRule& rule);

  struct Jump {
    std::size_t event, state_offset, size, offset;
    std::vector<std::size_t> guard_element;  ///< for each element of the state, the element of the guard that moves it
  };

  struct Result {
    Expr value;
    std::size_t offset;
  };

  std::vector<Result> results(Source source) const;
  /// The convolutions and contractions of states that the rate's vjp reads again, long sums all of them: what a tape
  /// holds, one after another.
  const std::vector<Expr>& taped() const;
  std::size_t tape_size() const;
  std::vector<ArgumentField> arguments() const;
  /// Memoised: what depends on p alone, on (p, u) alone, and, when a vector is multiplied, on (p, t, u, y) alone. The
  /// groups from 4 on are the directions of p, t, u, y (jvp), the cotangent of the results (vjp), or the direction of y
  /// and the cotangent (second).
  Function<T> make(Part part) const;

  const Function<T>& function(Part part) const {
    return functions[part.index()].get([&] { return make(part); });
  }

  void run(Part part, std::span<const T* const> in, std::span<T* const> out, Workspace<T>& workspace) const {
    const auto& f = function(part);
    auto& memory = workspace.contents().memory[part.index()];
    if (!memory) memory = f.make_memory();
    f.run(in, out, *memory, workspace.contents().held);
  }

  void value(Source source, const At<T>& at, T* out, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data()};
    T* const outputs[] = {out};
    run({source}, in, outputs, workspace);
  }

  void jvp(Source source, const At<T>& at, const Tangent<T>& v, T* out, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t,      at.u.data(), at.y.data(),
                           v.p.data(),  v.t.data(), v.u.data(),  v.y.data()};
    T* const outputs[] = {out};
    run({source, Form::jvp, mask_of(v)}, in, outputs, workspace);
  }

  void vjp(Source source, const At<T>& at, const T* lambda, const Cotangent<T>& bar, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data(), lambda};
    T* const outputs[] = {bar.p.data(), bar.t.data(), bar.u.data(), bar.y.data()};
    run({source, Form::vjp, mask_of(bar)}, in, outputs, workspace);
  }

  void recorded(const At<T>& at, T* out, T* tape, Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data()};
    T* const outputs[] = {out, tape};
    run({Source::rhs, Form::recorded}, in, outputs, workspace);
  }

  void replayed(const At<T>& at, const T* tape, const T* lambda, const Cotangent<T>& bar,
                Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data(), tape, lambda};
    T* const outputs[] = {bar.p.data(), bar.t.data(), bar.u.data(), bar.y.data()};
    run({Source::rhs, Form::replayed, mask_of(bar)}, in, outputs, workspace);
  }

  void second(Source source, const At<T>& at, const T* v, const T* lambda, const Cotangent<T>& bar,
              Workspace<T>& workspace) const {
    const T* const in[] = {at.p.data(), &at.t, at.u.data(), at.y.data(), v, lambda};
    T* const outputs[] = {bar.p.data(), bar.t.data(), bar.u.data(), bar.y.data()};
    run({source, Form::second, mask_of(bar)}, in, outputs, workspace);
  }

  /// Calls body(index of the state, index among the jumps) for every state that an event of `fired` moves.
  template <class JumpIterator, class Body>
  void for_moved(JumpIterator first, JumpIterator last, std::span<const std::size_t> fired, const Body& body) const {
    for (; first != last; ++first) {
      const Jump& jump = *first;
      const Event& event = events[jump.event];
      for (std::size_t i = 0; i < jump.size; ++i)
        if (std::find(fired.begin(), fired.end(), event.offset + jump.guard_element[i]) != fired.end())
          body(jump.state_offset + i, jump.offset + i);
    }
  }

  Circuit given;    ///< by the user
  Circuit circuit;  ///< with what the integrator supplies as inputs
  Fields states, parameters, inputs, observables;
  std::vector<Event> events;
  std::vector<Jump> jumps;
  std::vector<Projection> projections;
  std::vector<std::vector<std::unique_ptr<SynapseFunction<T>>>> synapse_functions;  ///< [projection][expression]
  std::vector<DelayRule> delay_rules;
  std::vector<AlgorithmChoice> delay_choices;
  std::vector<Delay> delays;
  std::size_t sources_size = 0, taus_size = 0, delay_weights_size = 0;
  std::size_t driven = 0;
  std::optional<NoiseForm> noise;
  std::size_t guard_size = 0;
  std::size_t jump_size = 0;
  struct TimeBreak {  ///< where a + b t has a zero; b in the shape of a
    Expr a, b;
    bool jump;  ///< or else a bend
  };
  std::vector<TimeBreak> time_breaks;
  std::size_t time_break_size = 0;  ///< elements of them all
  /// Which elements are those of jumps.
  std::vector<std::size_t> time_jumps() const;
  std::array<MadeOnce<Function<T>>, part_count> functions;
  MadeOnce<std::vector<Expr>> taped_values;
};

}  // namespace striate
