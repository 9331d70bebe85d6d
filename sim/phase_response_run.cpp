#include "sim/phase_response_run.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "sim/amount.hpp"
#include "sim/condition_runner.hpp"
#include "sim/output_file.hpp"
#include "sim/recording.hpp"
#include "sim/stimulus_drive.hpp"

namespace striate {
namespace {

/// The values of a response at the phases that were asked for, [samples + 1, states].
std::vector<double> at_samples(const Cycle& cycle, std::span<const double> values, std::size_t samples) {
  const std::size_t n = cycle.turns.size();
  std::vector<double> picked;
  std::size_t point = 0;
  for (std::size_t k = 0; k <= samples; ++k) {
    const double phase = static_cast<double>(k) / static_cast<double>(samples);
    while (cycle.phase[point] < phase - 1e-9) ++point;
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(point * n);
    picked.insert(picked.end(), row, row + static_cast<std::ptrdiff_t>(n));
  }
  return picked;
}

/// H at shifts k/samples of a period, the end included; the mean over evenly spaced phases.
std::vector<double> interaction(const Experiment& e, const System<double>& system, std::span<const double> y,
                                std::span<const double> z, std::size_t samples) {
  const System<double> coupling = compile<double>(coupling_circuit(e.circuit, *e.prc));
  auto workspace = coupling.workspace();
  std::vector<double> p = coupling.default_parameters();
  const std::vector<double> values = parameter_values(e, system, 0);
  for (const auto& f : coupling.parameters()) {
    const auto& from = system.parameters().at(f.name);
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(from.offset), f.size,
                p.begin() + static_cast<std::ptrdiff_t>(f.offset));
  }
  std::vector<double> u(coupling.inputs().size());
  if (system.inputs().size() > 0) {
    std::vector<double> shown(system.inputs().size());
    StimulusDrive(e, system, 0).evaluate(0, shown);
    for (const auto& f : system.inputs())
      std::copy_n(shown.begin() + static_cast<std::ptrdiff_t>(f.offset), f.size,
                  u.begin() + static_cast<std::ptrdiff_t>(coupling.inputs().at(f.name).offset));
  }
  const std::size_t n = system.states().size();
  const auto put = [&](const std::string& suffix, std::size_t point) {
    for (const auto& f : system.states())
      std::copy_n(y.begin() + static_cast<std::ptrdiff_t>(point % samples * n + f.offset), f.size,
                  u.begin() + static_cast<std::ptrdiff_t>(coupling.inputs().at(f.name + suffix).offset));
  };
  std::vector<double> g(coupling.observables().size());
  std::vector<double> h(samples + 1);
  for (std::size_t shift = 0; shift < samples; ++shift)
    for (std::size_t k = 0; k < samples; ++k) {
      put("", k);
      put("_j", k + shift);
      coupling.observe({0, {}, p, u}, g, workspace);
      for (const auto& f : coupling.observables()) {
        const Field& state = system.states().at(f.name.substr(std::string("coupling_").size()));
        for (std::size_t i = 0; i < state.size; ++i)
          h[shift] += z[k * n + state.offset + i] * g[f.offset + (f.size == 1 ? 0 : i)] / static_cast<double>(samples);
      }
    }
  h[samples] = h[0];
  return h;
}

struct Locked {
  double shift;
  bool stable;
};

double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

/// Where two units of this interaction keep their shift: zeros of the odd part, stable where it rises.
std::vector<Locked> locked_states(const std::vector<double>& odd) {
  const std::size_t n = odd.size() - 1;
  const double largest = largest_of(odd);
  std::vector<Locked> found;
  for (std::size_t k = 0; k < n; ++k) {
    const double a = odd[k], b = odd[k + 1];
    if (std::abs(a) <= 1e-12 * largest) {
      found.push_back({static_cast<double>(k) / static_cast<double>(n), odd[k + 1] > odd[(k + n - 1) % n]});
    } else if (std::abs(b) > 1e-12 * largest && a * b < 0) {
      found.push_back({(static_cast<double>(k) + a / (a - b)) / static_cast<double>(n), b > a});
    }
  }
  return found;
}

PhaseResponse response_of(const Experiment& e, const System<double>& system) try {
  const auto drive = std::make_shared<const StimulusDrive>(e, system, 0);
  return phase_response({system, parameter_values(e, system, 0), drive, {}, 0, 1, {}}, e.prc->cycle);
} catch (const Error& error) {
  throw_told(e, error);
} catch (const Failure& failure) {
  throw_told(e, failure);
}

}  // namespace

void run_phase_response(const Experiment& e, const RunOptions& options) {
  if (!e.prc)
    throw Error(e.path,
                "lacks [prc]: how long the circuit runs before it is on its cycle (transient), and where phase 0 "
                "is (origin).");
  if (e.condition_count() > 1)
    throw Error(e.path, "has several conditions, but a phase response is that of one circuit. Keep one value of each.");
  const int threads = use_threads(options);
  const OutputPlace output(options.output);
  require_free(output.path(), options.overwrite);
  require_apart(output.path(), e.path, e.resolved);
  const System<double> system = compile<double>(e.circuit);
  if (!e.prc->coupling.empty()) coupling_circuit(e.circuit, *e.prc);
  const PhaseResponse r = response_of(e, system);
  const std::size_t samples = e.prc->cycle.samples;
  const auto y = at_samples(r.cycle, r.cycle.y, samples);
  const auto z = at_samples(r.cycle, r.z, samples);
  const std::string time = e.circuit->time_unit.str();

  write_result(output.path(), e, {options.command, threads}, "phase_response", [&](H5File& file) {
    file.set_attribute("/", "period", r.cycle.period);
    file.set_attribute("/", "time_unit", time);
    file.set_attribute("/", "stable", std::int64_t{r.cycle.stable});
    file.set_attribute("/", "closing_error", r.cycle.residual);
    file.set_attribute("/", "normalisation_error", r.defect);
    std::vector<double> phase;
    for (std::size_t k = 0; k <= samples; ++k) phase.push_back(static_cast<double>(k) / static_cast<double>(samples));
    file.create_axis("/axes/phase", std::span<const double>(phase), {"1", "phase, in periods"});
    write_states(file, "cycle", system, "/axes/phase", y, "");
    write_states(file, "response", system, "/axes/phase", z, time);
    std::vector<double> multipliers;
    for (const auto& m : r.cycle.multipliers) multipliers.insert(multipliers.end(), {m.real(), m.imag()});
    file.create_axis("/axes/multiplier", r.cycle.multipliers.size());
    file.create_axis("/axes/part", std::vector<std::string>{"re", "im"});
    file.write("/multipliers", std::span<const double>(multipliers), {"/axes/multiplier", "/axes/part"},
               {"1", "Floquet multipliers"});
    const auto say = [&](const std::string& text) {
      if (!options.quiet) fmt::print("{}\n", text);
    };
    say(fmt::format("period {}{}, {}; the cycle closes to {:.1g}, Z.f = 1 to {:.1g}",
                    amount_text(r.cycle.period, e.circuit->time_unit, 8),
                    e.circuit->time_unit.dimensionless()
                        ? ""
                        : fmt::format(" ({:.6g} Hz)", 1 / (r.cycle.period * e.circuit->time_unit.to(Unit::parse("s")))),
                    r.cycle.stable ? "stable" : "unstable", r.cycle.residual, r.defect));
    if (!e.prc->coupling.empty()) {
      const auto h = interaction(e, system, y, z, samples);
      std::vector<double> odd;
      for (std::size_t k = 0; k <= samples; ++k) odd.push_back((h[k] - h[samples - k]) / 2);
      file.write("/interaction/H", std::span<const double>(h), {"/axes/phase"}, {"1", "interaction function"});
      file.write("/interaction/odd", std::span<const double>(odd), {"/axes/phase"}, {"1", "odd part"});
      std::vector<double> shifts, stable;
      const bool neutral = largest_of(odd) <= 1e-8 * largest_of(h);  // what is left of it is error
      if (neutral) say("two units lock nowhere: H is even, so that they keep any shift");
      for (const auto& state : neutral ? std::vector<Locked>{} : locked_states(odd)) {
        shifts.push_back(state.shift);
        stable.push_back(state.stable ? 1 : 0);
        say(fmt::format("two units lock {:.4g} periods apart: {}", state.shift, state.stable ? "stable" : "unstable"));
      }
      file.set_attribute("/interaction", "locked", shifts);
      file.set_attribute("/interaction", "locked_stable", stable);
    }
  });
}

}  // namespace striate
