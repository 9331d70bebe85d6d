#include "integrators/sensitivities.hpp"

#include <cvodes/cvodes.h>
#include <fmt/format.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/tangents.hpp"
#include "integrators/after_number.hpp"
#include "integrators/break_derivative.hpp"
#include "integrators/course.hpp"
#include "integrators/cvodes_session.hpp"
#include "integrators/event_derivative.hpp"
#include "integrators/own_size.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {
namespace {

using Rows = std::vector<std::vector<double>>;  // [direction][states]

void check(const System<double>& system, std::span<const Direction> directions) {
  const auto sized = [&](const char* what, std::size_t size, std::size_t wanted) {
    if (size == 0 || size == wanted) return;
    throw Error("sensitivities",
                fmt::format("a direction's {} has {} values, but '{}' has {}.", what, size, system.name(), wanted));
  };
  for (const Direction& d : directions) {
    sized("p", d.p.size(), system.parameters().size());
    sized("y0", d.y0.size(), system.states().size());
  }
}

/// How far along the direction the farthest of its elements changes by its own size.
double reach(const Direction& d, std::span<const double> state_size, std::span<const double> parameter_size) {
  double largest = 0;
  for (std::size_t i = 0; i < d.p.size(); ++i) largest = std::max(largest, std::abs(d.p[i]) / parameter_size[i]);
  for (std::size_t i = 0; i < d.y0.size(); ++i) largest = std::max(largest, std::abs(d.y0[i]) / state_size[i]);
  return largest > 0 ? 1 / largest : 1;
}

/// The sensitivities carried along one piece.
class Carry {
 public:
  Carry(Evaluation& evaluation, const Method& method, std::span<const Direction> directions,
        std::span<const double> reach, const Piece& piece, Rows& s)
      : evaluation_(evaluation),
        directions_(directions),
        s_(s),
        t_(piece.begin),
        session_(evaluation, method, piece.begin, piece.end) {
    session_.restart(piece.begin, piece.y, piece.end);
    const auto count = static_cast<int>(directions.size());
    if (count == 0) return;
    const auto tolerances = absolute_tolerances(method, evaluation.system().states());
    for (std::size_t k = 0; k < directions.size(); ++k) {
      rows_.emplace_back(N_VClone(session_.y()));
      std::copy(s[k].begin(), s[k].end(), values(rows_.back().get()).begin());
      atol_.emplace_back(N_VClone(session_.y()));
      for (std::size_t i = 0; i < tolerances.size(); ++i) values(atol_.back().get())[i] = tolerances[i] / reach[k];
      row_pointers_.push_back(rows_.back().get());
      atol_pointers_.push_back(atol_.back().get());
    }
    // CVodeSensInit keeps the pointer of this moment for `rates`; the session's own callbacks have theirs back after.
    require(CVodeSetUserData(session_.memory(), this), "CVodeSetUserData");
    require(CVodeSensInit(session_.memory(), count, CV_STAGGERED, rates, row_pointers_.data()), "CVodeSensInit");
    require(CVodeSetUserData(session_.memory(), &session_), "CVodeSetUserData");
    require(CVodeSensSVtolerances(session_.memory(), method.rtol, atol_pointers_.data()), "CVodeSensSVtolerances");
    require(CVodeSetSensErrCon(session_.memory(), SUNTRUE), "CVodeSetSensErrCon");
    if (session_.adams()) {
      nonlinear_.reset(SUNNonlinSol_FixedPointSens(count, session_.y(), 0, session_.context()));
      require(CVodeSetNonlinearSolverSensStg(session_.memory(), nonlinear_.get()), "CVodeSetNonlinearSolverSensStg");
    }
  }

  /// CVODE does not go to times that rounding alone sets apart.
  void to(double t) {
    if (!apart(t_, t)) return;
    t_ = t;
    double reached = 0;
    session_.check(CVode(session_.memory(), t, session_.y(), &reached, CV_NORMAL));
    if (directions_.empty()) return;
    require(CVodeGetSens(session_.memory(), &reached, row_pointers_.data()), "CVodeGetSens");
    for (std::size_t k = 0; k < s_.size(); ++k)
      std::copy_n(values(row_pointers_[k]).begin(), s_[k].size(), s_[k].begin());
  }

  std::span<const double> y() const { return values(session_.y()); }

 private:
  static int rates(int count, sunrealtype t, N_Vector y, N_Vector, N_Vector* s, N_Vector* out, void* self, N_Vector,
                   N_Vector) {
    auto& me = *static_cast<Carry*>(self);
    return me.session_.shield().run([&] {
      const At<double> at = me.evaluation_.at(t, values(y));
      for (int k = 0; k < count; ++k) {
        ++me.evaluation_.counters.jvp;
        N_VConst(0.0, out[k]);
        me.evaluation_.system().jvp(at, {values(s[k]), me.directions_[static_cast<std::size_t>(k)].p}, values(out[k]),
                                    me.evaluation_.workspace());
      }
      return true;
    });
  }

  Evaluation& evaluation_;
  std::span<const Direction> directions_;
  Rows& s_;
  double t_;
  CvodesSession session_;
  std::vector<Vector> rows_, atol_;
  std::vector<N_Vector> row_pointers_, atol_pointers_;
  NonlinearSolver nonlinear_;
};

/// By a delay, a state that does not start where its past ends has a derivative that jumps a delay later.
void require_joined_past(const System<double>& system, std::span<const double> past, std::span<const double> y0) {
  for (const State& s : system.circuit()->states) {
    if (!s.history) continue;
    const Field& f = system.states().at(s.variable->name);
    for (std::size_t i = f.offset; i < f.offset + f.size; ++i)
      if (std::abs(y0[i] - past[i]) > 1e-9 * std::max(std::abs(y0[i]), std::abs(past[i])))
        throw Error("sensitivities",
                    fmt::format("{0} starts at {1:g}{3}, but its past ends at {2:g}{3}: the derivative by a delay then "
                                "jumps a delay later, which is not followed. Start where the past ends, or take "
                                "back-propagation through the steps of discretise(circuit).",
                                system.states().element_name(i), y0[i], past[i], after_number(f.unit)));
  }
}

/// Of a circuit with delays: its states and their derivatives as the states of one circuit, by any method.
Sensitivities through_delays(const Problem& problem, const Method& method, std::span<const Direction> directions,
                             std::span<const double> times) {
  const System<double>& system = problem.system;
  const std::size_t n = system.states().size();
  std::vector<std::vector<double>> along;
  for (const Direction& d : directions) along.push_back(d.p);
  Problem extended = problem;
  extended.system = compile<double>(with_tangents(system.circuit(), along));
  Evaluation evaluation(problem, {Supply::delayed});
  for (const Direction& d : directions)
    if (moves_breaks(problem, evaluation, d.p, -std::numeric_limits<double>::infinity()))  // of the past, too
      throw Error("sensitivities",
                  fmt::format("'{}' has delays, and jumps at a time that a parameter of this direction "
                              "sets: what follows from that is not known. Make the jump an input's, "
                              "or its flank a steep slope.",
                              system.name()));
  std::vector<double> y0 = problem.y0;
  if (y0.empty()) {
    y0.resize(n);
    evaluation.initial(problem.t0, y0);
  }
  extended.y0 = y0;
  for (const Direction& d : directions) {
    std::vector<double> s(n);
    std::ranges::copy(d.y0, s.begin());
    const At<double> at = evaluation.at(problem.t0, y0);
    if (problem.y0.empty() && !d.p.empty()) system.initial_jvp(at.p, at.u, d.p, s, evaluation.workspace());
    extended.y0.insert(extended.y0.end(), s.begin(), s.end());
  }
  // The last state may say whether the run has begun: where a delay moves.
  if (!problem.y0.empty() && extended.system.states().size() > n * (1 + directions.size())) {
    std::vector<double> past(n);
    evaluation.initial(problem.t0, past);
    require_joined_past(system, past, y0);
  }
  extended.y0.resize(extended.system.states().size(), 1);

  Sensitivities result;
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) {
    result.y.emplace_back(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(n));
    auto& row = result.s.emplace_back();
    for (std::size_t k = 1; k <= directions.size(); ++k) {
      const auto s = y.subspan(k * n, n);
      row.emplace_back(s.begin(), s.end());
    }
  };
  result.counters = solve(extended, method, times, observer).counters;
  return result;
}

}  // namespace

std::vector<Direction> unit_directions(const System<double>& system, std::span<const std::string> names) {
  std::vector<Direction> directions;
  for (const std::string& name : names) {
    const Field* parameter = system.parameters().find(name);
    const Field* state = system.states().find(name);
    if (!parameter && !state) {
      auto known = system.parameters().names();
      const auto states = system.states().names();
      known.insert(known.end(), states.begin(), states.end());
      throw Error("sensitivities", fmt::format("no parameter or state '{}'.{}", name, suggest_names(name, known)));
    }
    const Field& field = parameter ? *parameter : *state;
    for (std::size_t i = 0; i < field.size; ++i) {
      std::vector<double> unit((parameter ? system.parameters() : system.states()).size());
      unit[field.offset + i] = 1;
      directions.push_back(parameter ? Direction{std::move(unit), {}} : Direction{{}, std::move(unit)});
    }
  }
  return directions;
}

Sensitivities sensitivities(const Problem& problem, const Method& method, std::span<const Direction> directions,
                            std::span<const double> times) {
  check(problem.system, directions);
  if (!problem.system.delays().empty()) return through_delays(problem, method, directions, times);
  require_cvodes("sensitivities", problem.system, method);
  const Course run = course(problem, method, times);
  Evaluation evaluation(problem, {Supply::held});
  for (const Direction& d : directions) require_followed_breaks(problem, evaluation, d.p);
  const System<double>& system = evaluation.system();
  const auto state_size = own_size(system.states(), run);
  const auto parameter_size = own_size(system.parameters(), evaluation.p());

  Rows s(directions.size(), std::vector<double>(evaluation.size()));
  std::vector<double> reaches;
  for (std::size_t k = 0; k < directions.size(); ++k) {
    const Direction& d = directions[k];
    std::copy(d.y0.begin(), d.y0.end(), s[k].begin());
    if (problem.y0.empty() && !d.p.empty()) {
      const At<double> at = evaluation.at(problem.t0, run.pieces.front().y);
      system.initial_jvp(at.p, at.u, d.p, s[k], evaluation.workspace());
    }
    reaches.push_back(reach(d, state_size, parameter_size));
  }

  Sensitivities result;
  result.counters = run.counters;
  result.spikes = run.spikes;
  result.silent = run.silent;
  const auto wiring = SpikeTraffic::wire(system);
  std::vector<SpikeTraces> traces(directions.size());
  result.y.resize(times.size());
  result.s.resize(times.size());
  const auto store = [&](std::size_t sample, std::span<const double> y) {
    result.y[sample].assign(y.begin(), y.end());
    result.s[sample] = s;
  };
  for (const Piece& piece : run.pieces) {
    evaluation.set_segment(piece.begin, segment_end(run, piece));
    std::ranges::copy(piece.held, evaluation.supplied(Supply::held).begin());
    auto sample = piece.samples.begin();
    for (; sample != piece.samples.end() && times[*sample] <= piece.begin; ++sample) store(*sample, piece.y);
    std::vector<double> before = piece.y;
    if (apart(piece.begin, piece.end)) {
      Carry carry(evaluation, method, directions, reaches, piece, s);
      for (; sample != piece.samples.end(); ++sample) {
        carry.to(times[*sample]);
        store(*sample, carry.y());
      }
      carry.to(piece.end);
      before.assign(carry.y().begin(), carry.y().end());
    }
    if (&piece != &run.pieces.back()) {
      const BreakDerivative moment(evaluation, run, static_cast<std::size_t>(&piece - run.pieces.data()));
      for (std::size_t k = 0; k < directions.size(); ++k) moment.forward(s[k], directions[k].p);
    }
    for (; sample != piece.samples.end(); ++sample) store(*sample, piece.y);
    if (!piece.event) continue;
    for (const Direction& d : directions)
      if (!d.p.empty()) require_known_moment(evaluation, *piece.event, d.p);
    EventDerivative derivative(evaluation, wiring, *piece.event, before);
    for (std::size_t k = 0; k < directions.size(); ++k) derivative.forward(s[k], directions[k].p, traces[k]);
  }
  for (const SpikeTime& spike : run.spikes) {
    auto& row = result.spike_times.emplace_back();
    for (SpikeTraces& t : traces) row.push_back(t.of[spike.spike].time);
  }
  return result;
}

}  // namespace striate
