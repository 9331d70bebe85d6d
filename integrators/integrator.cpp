#include "integrators/integrator.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "circuit/discretise.hpp"
#include "integrators/engine.hpp"
#include "integrators/stepper.hpp"

namespace striate {
namespace {

void check(const Method& method) {
  const auto refuse = [&](const std::string& what) { throw Error("method '" + method.name + "'", what); };
  const auto require_step = [&](const char* what) {
    if (method.step > 0 && std::isfinite(method.step)) return;
    refuse(method.step == 0 ? fmt::format("step is missing (step = 0). Give {}.", what)
                            : fmt::format("step = {}, but must be positive and finite. Give {}.", method.step, what));
  };
  if (method.spikes == Method::Spikes::grid) {
    scheme_named(method.name);
    require_step("the step of the grid");
    return;
  }
  if (method.name == "exact") refuse("solves circuits on a grid of times. Set spikes = \"grid\".");
  if (method.single) refuse("single precision is for spikes on a grid. Set spikes = \"grid\".");
  const MethodInfo& info = method_info(method.name);
  using Kind = MethodInfo::Kind;
  if (info.kind == Kind::map) {
    if (method.step != 0)
      refuse(fmt::format("step = {}, but a map has a step of its own. Leave the method's step out.", method.step));
  } else if (info.kind == Kind::fixed) {
    require_step("the step of this fixed-step method");
  } else {
    if (method.step != 0) {
      refuse(
          fmt::format("step = {}, but this method adapts its step. Leave it out: the tolerances set it.", method.step));
    }
    if (!(method.rtol > 0 && method.rtol < 1))
      refuse(fmt::format("rtol = {}, but must lie between 0 and 1.", method.rtol));
    if (!(method.atol > 0)) refuse(fmt::format("atol = {}, but must be positive.", method.atol));
    if (!(method.max_step >= 0)) refuse(fmt::format("max_step = {}, but must not be negative.", method.max_step));
  }
  if (info.kind == Kind::imex && method.implicit.empty())
    refuse("implicit is empty. Name the states whose rates are fast.");
  if (info.kind != Kind::imex && !method.implicit.empty())
    refuse("implicit is set, but only imex3, imex4 and imex5 split the rate.");
}

}  // namespace

Integrator::Integrator(Method method) {
  check(method);
  method_ = std::make_unique<Method>(std::move(method));
}
Integrator::Integrator(Integrator&&) noexcept = default;
Integrator& Integrator::operator=(Integrator&&) noexcept = default;
Integrator::~Integrator() = default;

void Integrator::observe(SpikeObserver observer) { observer_ = std::move(observer); }

void Integrator::start(Problem problem) {
  engine_ = method_->spikes == Method::Spikes::grid ? make_grid(*method_, std::move(problem), observer_)
                                                    : make_located(*method_, std::move(problem));
}

void Integrator::start(Problem problem, const Checkpoint& checkpoint) {
  start(std::move(problem));
  engine_->continue_from(checkpoint);
}

Engine& Integrator::started() const {
  if (!engine_) throw Error(method_->name, "start was not called.");
  return *engine_;
}

Stop Integrator::advance(double until) { return started().advance(until); }
double Integrator::t() const { return started().t(); }
std::span<const double> Integrator::y() const { return started().y(); }
At<double> Integrator::at() const { return started().at(); }
const EventRecord& Integrator::event() const { return started().event(); }
void Integrator::dense(double t, std::span<double> out) { started().dense(t, out); }
const Counters& Integrator::counters() const { return started().counters(); }
Checkpoint Integrator::save() const { return started().save(); }

}  // namespace striate
