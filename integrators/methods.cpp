#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "integrators/adaptive_runge_kutta.hpp"
#include "integrators/after_number.hpp"
#include "integrators/arkode.hpp"
#include "integrators/cvode.hpp"
#include "integrators/exponential_euler.hpp"
#include "integrators/iterate.hpp"
#include "integrators/runge_kutta.hpp"
#include "integrators/stepper.hpp"
#include "integrators/stochastic.hpp"

namespace striate {
namespace {

template <const Tableau& (*tableau)()>
std::unique_ptr<Stepper> runge_kutta(Evaluation& evaluation, const Method& method, double, double t1) {
  return std::make_unique<RungeKutta>(evaluation, method, t1, tableau());
}

template <const Tableau& (*tableau)()>
std::unique_ptr<Stepper> adaptive_runge_kutta(Evaluation& evaluation, const Method& method, double t0, double t1) {
  return std::make_unique<AdaptiveRungeKutta>(evaluation, method, t0, t1, tableau());
}

template <class Stepping>
std::unique_ptr<Stepper> stochastic(Evaluation& evaluation, const Method& method, double t0, double t1) {
  return std::make_unique<Stepping>(evaluation, method, t0, t1);
}

std::unique_ptr<Stepper> exponential_euler(Evaluation& evaluation, const Method& method, double, double t1) {
  return std::make_unique<ExponentialEuler>(evaluation, method, t1);
}

std::unique_ptr<Stepper> iterate(Evaluation& evaluation, const Method& method, double, double t1) {
  return std::make_unique<Iterate>(evaluation, method, t1);
}

const std::vector<MethodInfo>& all_methods() {
  using Kind = MethodInfo::Kind;
  static const std::vector<MethodInfo> methods = {
      {"bs32", Kind::adaptive, adaptive_runge_kutta<bs32_tableau>, 3},
      {"dp54", Kind::adaptive, adaptive_runge_kutta<dp54_tableau>, 4},
      {"arkode_bs32", Kind::adaptive, make_erk, 3},
      {"arkode_dp54", Kind::adaptive, make_erk, 4},
      {"zonneveld43", Kind::adaptive, make_erk, 3},
      {"adams", Kind::adaptive, make_cvode, 8},
      {"bdf", Kind::adaptive, make_cvode, 8},
      {"imex3", Kind::imex, make_imex},
      {"imex4", Kind::imex, make_imex},
      {"imex5", Kind::imex, make_imex},
      {"euler", Kind::fixed, runge_kutta<euler_tableau>, 1},
      {"heun", Kind::fixed, runge_kutta<heun_tableau>, 1},
      {"rk4", Kind::fixed, runge_kutta<rk4_tableau>, 3},
      {"exponential_euler", Kind::fixed, exponential_euler, 1},
      {"euler_maruyama", Kind::fixed, stochastic<EulerMaruyama>, 1, {{Calculus::ito, NoiseEntry::general}}},
      {"stochastic_heun", Kind::fixed, stochastic<StochasticHeun>, 1, {{Calculus::stratonovich, NoiseEntry::general}}},
      {"milstein", Kind::fixed, stochastic<Milstein>, 1, {{Calculus::ito, NoiseEntry::diagonal}}},
      {"sra1", Kind::fixed, stochastic<Sra1>, 1, {{std::nullopt, NoiseEntry::additive}}},
      {"iterate", Kind::map, iterate},
  };
  return methods;
}

}  // namespace

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const MethodInfo& info : all_methods()) names.push_back(info.name);
  return names;
}

const MethodInfo& method_info(const std::string& name) {
  for (const MethodInfo& info : all_methods()) {
    if (info.name == name) return info;
  }
  const std::string sentence = refused_table(name);
  if (!sentence.empty()) throw Error("method", sentence);
  throw Error("method", fmt::format("no method '{}'.{}", name, suggest_names(name, method_names())));
}

std::vector<double> absolute_tolerances(const Method& method, const Fields& states) {
  for (const auto& [name, value] : method.atol_of) {
    states.at(name);
    if (!(value > 0)) {
      throw Error(method.name, fmt::format("atol of {} = {}{}, but must be positive.", name, value,
                                           after_number(states.at(name).unit)));
    }
  }
  std::vector<double> tolerances(states.size(), method.atol);
  for (const Field& field : states) {
    const auto own = method.atol_of.find(field.name);
    if (own == method.atol_of.end()) continue;
    std::fill_n(tolerances.begin() + static_cast<std::ptrdiff_t>(field.offset), field.size, own->second);
  }
  return tolerances;
}

std::string time_text(double t, const System<double>& system) {
  if (std::isinf(t)) return t > 0 ? "infinite" : "minus infinite";
  return fmt::format("{}{}", t, after_number(system.time_unit()));
}

double smallest_step(double t, double t1) {
  return 4 * std::numeric_limits<double>::epsilon() * std::max(std::abs(t), 1e-3 * std::abs(t1 - t));
}

std::string step_too_small(double smallest, std::uint64_t rejected, const System<double>& system) {
  return fmt::format(
      "step below {} or too many rejections in a row, {} in all; the solution may blow up or change faster than t "
      "is resolved, or the rate jump at a time that is no breakpoint of the drive",
      time_text(smallest, system), rejected);
}

void fail(const std::string& method, double t, double t1, const Evaluation& evaluation, const std::string& what,
          std::span<const double> errors, std::span<const double> weights) {
  std::string text =
      fmt::format("{} stopped at t = {:.6g} of {}: {}.", method, t, time_text(t1, evaluation.system()), what);
  if (!errors.empty()) {
    std::vector<std::size_t> order(errors.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto size = [&](std::size_t i) {
      const double e = std::abs(errors[i] * weights[i]);
      return std::isnan(e) ? HUGE_VAL : e;
    };
    const std::size_t shown = std::min<std::size_t>(3, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                      [&](std::size_t a, std::size_t b) { return size(a) > size(b) || (size(a) == size(b) && a < b); });
    text += " Largest weighted errors:";
    for (std::size_t i = 0; i < shown; ++i) {
      text += fmt::format("{} {}", i ? "," : "", evaluation.system().states().element_name(order[i]));
    }
    text += ".";
  }
  if (!evaluation.non_finite().empty()) text += " " + evaluation.non_finite() + ".";
  throw Failure(text);
}

}  // namespace striate
