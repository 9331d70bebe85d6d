#include "circuit/system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "circuit/borrowed_memory.hpp"
#include "circuit/compiled_system.hpp"

namespace striate {

void Fields::add(Field field) {
  field.size = field.shape.size();
  field.offset = size_;
  size_ += field.size;
  fields_.push_back(std::move(field));
}

const Field* Fields::find(std::string_view name) const {
  for (const auto& field : fields_)
    if (field.name == name) return &field;
  return nullptr;
}

const Field& Fields::at(std::string_view name) const {
  if (const Field* field = find(name)) return *field;
  throw Error(fmt::format("no variable '{}'.{}", name, suggest_names(name, names())));
}

std::vector<std::string> Fields::names() const {
  std::vector<std::string> names;
  for (const auto& field : fields_) names.push_back(field.name);
  return names;
}

std::string Fields::element_name(std::size_t index) const {
  for (const auto& field : fields_) {
    if (index >= field.offset && index < field.offset + field.size)
      return field.name + field.shape.element(index - field.offset);
  }
  return fmt::format("element {}", index);
}

template <class T>
void Workspace<T>::hold(std::span<const T> p) {
  contents_->held = {p.data(), contents_->held.number + 1};
}

template <class T>
std::vector<T> borrow(Workspace<T>& workspace, std::size_t size) {
  auto& spare = workspace.contents().spare;
  std::vector<T> memory;
  // The smallest that holds so many, or else the largest, which grows: a state never takes the memory of a long tape.
  const auto best = std::ranges::min_element(
      spare, {}, [size](const std::vector<T>& m) { return m.capacity() >= size ? m.capacity() : ~m.capacity(); });
  if (best != spare.end()) {
    memory = std::move(*best);
    spare.erase(best);
  }
  memory.resize(size);
  return memory;
}

template <class T>
void give_back(Workspace<T>& workspace, std::vector<T>&& memory) {
  workspace.contents().spare.push_back(std::move(memory));
}

template std::vector<float> borrow(Workspace<float>&, std::size_t);
template std::vector<double> borrow(Workspace<double>&, std::size_t);
template void give_back(Workspace<float>&, std::vector<float>&&);
template void give_back(Workspace<double>&, std::vector<double>&&);

template <class T>
Workspace<T>::Workspace(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
template <class T>
Workspace<T>::Workspace(Workspace&&) noexcept = default;
template <class T>
Workspace<T>& Workspace<T>::operator=(Workspace&&) noexcept = default;
template <class T>
Workspace<T>::~Workspace() = default;

template <class T>
const std::string& System<T>::name() const {
  return impl_->circuit->name;
}
template <class T>
const Circuit& System<T>::circuit() const {
  return impl_->given;
}
template <class T>
Unit System<T>::time_unit() const {
  return impl_->circuit->time_unit;
}
template <class T>
bool System<T>::is_map() const {
  return impl_->circuit.is_map();
}
template <class T>
double System<T>::step() const {
  return impl_->circuit->step;
}
template <class T>
const Fields& System<T>::states() const {
  return impl_->states;
}
template <class T>
const Fields& System<T>::parameters() const {
  return impl_->parameters;
}
template <class T>
const Fields& System<T>::inputs() const {
  return impl_->inputs;
}
template <class T>
std::size_t System<T>::driven() const {
  return impl_->driven;
}
template <class T>
const Fields& System<T>::observables() const {
  return impl_->observables;
}
template <class T>
const std::vector<Event>& System<T>::events() const {
  return impl_->events;
}
template <class T>
const std::optional<typename System<T>::NoiseForm>& System<T>::noise() const {
  return impl_->noise;
}
template <class T>
const std::vector<Delay>& System<T>::delays() const {
  return impl_->delays;
}
template <class T>
std::size_t System<T>::sources_size() const {
  return impl_->sources_size;
}
template <class T>
std::size_t System<T>::taus_size() const {
  return impl_->taus_size;
}
template <class T>
void System<T>::sources(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::delay_source, at, out.data(), workspace);
}
template <class T>
void System<T>::past(T t, std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::past, {t, {}, p, {}}, out.data(), workspace);
}
template <class T>
void System<T>::taus(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::tau, {T(0), {}, p, {}}, out.data(), workspace);
}
template <class T>
std::size_t System<T>::delay_weights_size() const {
  return impl_->delay_weights_size;
}
template <class T>
void System<T>::delay_weights(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::delay_weight, {T(0), {}, p, {}}, out.data(), workspace);
}
template <class T>
std::size_t System<T>::guard_size() const {
  return impl_->guard_size;
}
template <class T>
std::size_t System<T>::event_of(std::size_t guard_element) const {
  const auto holds = [&](const Event& e) { return guard_element >= e.offset && guard_element < e.offset + e.size; };
  return static_cast<std::size_t>(std::ranges::find_if(impl_->events, holds) - impl_->events.begin());
}
template <class T>
std::string System<T>::guard_name(std::size_t guard_element) const {
  const Event& event = impl_->events[event_of(guard_element)];
  return event.name + event.shape.element(guard_element - event.offset);
}

template <class T>
Workspace<T> System<T>::workspace() const {
  auto contents = std::make_unique<typename Workspace<T>::Contents>();
  contents->changed.resize(impl_->jump_size);
  if (!impl_->events.empty()) contents->after.resize(impl_->states.size());
  for (const auto& functions : impl_->synapse_functions) contents->synapses.emplace_back(functions.size());
  return Workspace<T>(std::move(contents));
}

template <class T>
std::vector<T> System<T>::default_parameters() const {
  std::vector<T> p;
  for (const auto& parameter : impl_->circuit->parameters)
    for (const double value : parameter.value) p.push_back(static_cast<T>(value));
  return p;
}

template <class T>
void System<T>::initial(std::span<const T> p, std::span<const T> u, std::span<T> y0, Workspace<T>& workspace) const {
  impl_->value(Source::initial, {T(0), {}, p, u}, y0.data(), workspace);
}
template <class T>
void System<T>::initial_jvp(std::span<const T> p, std::span<const T> u, std::span<const T> vp, std::span<T> out,
                            Workspace<T>& workspace) const {
  impl_->jvp(Source::initial, {T(0), {}, p, u}, {{}, vp}, out.data(), workspace);
}
template <class T>
void System<T>::initial_vjp(std::span<const T> p, std::span<const T> u, std::span<const T> lambda, std::span<T> pbar,
                            Workspace<T>& workspace) const {
  impl_->vjp(Source::initial, {T(0), {}, p, u}, lambda.data(), {{}, pbar}, workspace);
}

template <class T>
void System<T>::leak(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::leak, at, out.data(), workspace);
}

template <class T>
void System<T>::rhs(const At<T>& at, std::span<T> ydot, Workspace<T>& workspace) const {
  impl_->value(Source::rhs, at, ydot.data(), workspace);
}
template <class T>
void System<T>::jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const {
  impl_->jvp(Source::rhs, at, v, out.data(), workspace);
}
template <class T>
void System<T>::vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar,
                    Workspace<T>& workspace) const {
  impl_->vjp(Source::rhs, at, lambda.data(), bar, workspace);
}

template <class T>
std::size_t System<T>::tape_size() const {
  return impl_->tape_size();
}
template <class T>
void System<T>::rhs(const At<T>& at, std::span<T> ydot, std::span<T> tape, Workspace<T>& workspace) const {
  impl_->recorded(at, ydot.data(), tape.data(), workspace);
}
template <class T>
void System<T>::vjp(const At<T>& at, std::span<const T> lambda, std::span<const T> tape, const Cotangent<T>& bar,
                    Workspace<T>& workspace) const {
  impl_->replayed(at, tape.data(), lambda.data(), bar, workspace);
}

template <class T>
void System<T>::second(const At<T>& at, std::span<const T> v, std::span<const T> lambda, const Cotangent<T>& bar,
                       Workspace<T>& workspace) const {
  impl_->second(Source::rhs, at, v.data(), lambda.data(), bar, workspace);
}

template <class T>
void System<T>::observe(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  impl_->value(Source::observe, at, out.data(), workspace);
}
template <class T>
void System<T>::observe_jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const {
  impl_->jvp(Source::observe, at, v, out.data(), workspace);
}
template <class T>
void System<T>::observe_vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar,
                            Workspace<T>& workspace) const {
  impl_->vjp(Source::observe, at, lambda.data(), bar, workspace);
}

template <class T>
void System<T>::guard(const At<T>& at, std::span<T> g, Workspace<T>& workspace) const {
  impl_->value(Source::guard, at, g.data(), workspace);
}
template <class T>
void System<T>::guard_jvp(const At<T>& at, const Tangent<T>& v, std::span<T> out, Workspace<T>& workspace) const {
  impl_->jvp(Source::guard, at, v, out.data(), workspace);
}
template <class T>
void System<T>::guard_vjp(const At<T>& at, std::span<const T> lambda, const Cotangent<T>& bar,
                          Workspace<T>& workspace) const {
  impl_->vjp(Source::guard, at, lambda.data(), bar, workspace);
}

template <class T>
void System<T>::jump(const At<T>& at, std::span<const std::size_t> fired, std::span<T> y_after,
                     Workspace<T>& workspace) const {
  auto& changed = workspace.contents().changed;
  impl_->value(Source::jump, at, changed.data(), workspace);
  std::copy(at.y.begin(), at.y.end(), y_after.begin());
  impl_->for_moved(impl_->jumps.begin(), impl_->jumps.end(), fired,
                   [&](std::size_t state, std::size_t jump) { y_after[state] = changed[jump]; });
}

template <class T>
void System<T>::jump_jvp(const At<T>& at, std::span<const std::size_t> fired, const Tangent<T>& v, std::span<T> out,
                         Workspace<T>& workspace) const {
  auto& changed = workspace.contents().changed;
  auto& after = workspace.contents().after;
  std::fill(changed.begin(), changed.end(), T(0));
  impl_->jvp(Source::jump, at, v, changed.data(), workspace);
  std::fill(after.begin(), after.end(), T(0));
  std::copy(v.y.begin(), v.y.end(), after.begin());
  impl_->for_moved(impl_->jumps.begin(), impl_->jumps.end(), fired,
                   [&](std::size_t state, std::size_t jump) { after[state] = changed[jump]; });
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += after[i];
}

template <class T>
void System<T>::jump_vjp(const At<T>& at, std::span<const std::size_t> fired, std::span<const T> lambda,
                         const Cotangent<T>& bar, Workspace<T>& workspace) const {
  auto& changed = workspace.contents().changed;
  auto& after = workspace.contents().after;
  std::fill(changed.begin(), changed.end(), T(0));
  std::copy(lambda.begin(), lambda.end(), after.begin());
  // Backwards: where two events move one state the later rule had the word, and it takes all of the cotangent.
  impl_->for_moved(impl_->jumps.rbegin(), impl_->jumps.rend(), fired,
                   [&](std::size_t state, std::size_t jump) { changed[jump] = std::exchange(after[state], T(0)); });
  impl_->vjp(Source::jump, at, changed.data(), bar, workspace);
  for (std::size_t i = 0; i < bar.y.size(); ++i) bar.y[i] += after[i];
}

template <class T>
std::vector<double> System<T>::time_breaks(std::span<const T> p, Workspace<T>& workspace) const {
  const std::size_t n = impl_->time_break_size;
  if (n == 0) return {};
  std::vector<T> values(2 * n);
  impl_->value(Source::time_break, {T(0), {}, p, {}}, values.data(), workspace);
  std::vector<double> times;
  for (std::size_t i = 0; i < n; ++i)
    if (const double t = -static_cast<double>(values[i]) / static_cast<double>(values[n + i]); std::isfinite(t))
      times.push_back(t);
  std::ranges::sort(times);
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

template <class T>
std::vector<std::pair<double, double>> System<T>::time_break_shifts(std::span<const T> p, std::span<const T> vp,
                                                                    Workspace<T>& workspace) const {
  const std::size_t n = impl_->time_break_size;
  std::vector<T> values(2 * n), change(2 * n);
  std::vector<std::pair<double, double>> shifts;
  if (n == 0) return shifts;
  const At<T> at{T(0), {}, p, {}};
  impl_->value(Source::time_break, at, values.data(), workspace);
  impl_->jvp(Source::time_break, at, {{}, vp}, change.data(), workspace);
  for (const std::size_t i : impl_->time_jumps()) {
    const T t = -values[i] / values[n + i];
    if (std::isfinite(t)) shifts.emplace_back(t, -(change[i] + t * change[n + i]) / values[n + i]);
  }
  return shifts;
}

template <class T>
std::vector<std::vector<T>> System<T>::time_break_gradients(std::span<const T> p, double t,
                                                            Workspace<T>& workspace) const {
  const std::size_t n = impl_->time_break_size;
  std::vector<T> values(2 * n), lambda(2 * n);
  std::vector<std::vector<T>> gradients;
  if (n == 0) return gradients;
  const At<T> at{T(0), {}, p, {}};
  impl_->value(Source::time_break, at, values.data(), workspace);
  for (std::size_t i = 0; i < n; ++i) {
    const double at_zero = -static_cast<double>(values[i]) / static_cast<double>(values[n + i]);
    if (!(std::abs(at_zero - t) <= 16 * std::numeric_limits<double>::epsilon() * std::abs(t))) continue;
    lambda[i] = -1 / values[n + i];
    lambda[n + i] = static_cast<T>(t) * lambda[i];
    std::vector<T> gradient(p.size());
    impl_->vjp(Source::time_break, at, lambda.data(), {{}, gradient}, workspace);
    lambda[i] = lambda[n + i] = 0;
    T largest = 0;
    for (const T g : gradient) largest = std::max(largest, std::abs(g));
    const T rounding = 1000 * std::numeric_limits<T>::epsilon() * largest;
    for (T& g : gradient)
      if (std::abs(g) <= rounding) g = 0;
    const bool known = std::ranges::any_of(gradients, [&](const std::vector<T>& other) {
      return std::ranges::equal(gradient, other, [&](T x, T y) { return std::abs(x - y) <= rounding; });
    });
    if (!known) gradients.push_back(std::move(gradient));
  }
  return gradients;
}

template <class T>
void System<T>::hold_times(std::span<const T> p, std::span<T> out, Workspace<T>& workspace) const {
  std::fill(out.begin(), out.end(), T(0));
  impl_->value(Source::hold, {T(0), {}, p, {}}, out.data(), workspace);
}
template <class T>
void System<T>::hold_times_jvp(std::span<const T> p, std::span<const T> vp, std::span<T> out,
                               Workspace<T>& workspace) const {
  impl_->jvp(Source::hold, {T(0), {}, p, {}}, {{}, vp}, out.data(), workspace);
}
template <class T>
void System<T>::hold_times_vjp(std::span<const T> p, std::span<const T> lambda, std::span<T> pbar,
                               Workspace<T>& workspace) const {
  impl_->vjp(Source::hold, {T(0), {}, p, {}}, lambda.data(), {{}, pbar}, workspace);
}
template <class T>
void System<T>::source_rates(const At<T>& at, std::span<T> out, Workspace<T>& workspace) const {
  std::fill(out.begin(), out.end(), T(0));
  impl_->value(Source::source_rate, at, out.data(), workspace);
}

template <class T>
const std::vector<Projection>& System<T>::projections() const {
  return impl_->projections;
}
template <class T>
void System<T>::synapse_values(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                               std::span<const T> y, std::span<T> out, Workspace<T>& workspace) const {
  impl_->synapse_functions[k][expression]->value(synapses, p, y, out, workspace.contents().synapses[k][expression]);
}
template <class T>
void System<T>::synapse_jvp(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                            std::span<const T> y, const Tangent<T>& v, std::span<T> out,
                            Workspace<T>& workspace) const {
  impl_->synapse_functions[k][expression]->jvp(synapses, p, y, v.p, v.y, out,
                                               workspace.contents().synapses[k][expression]);
}
template <class T>
void System<T>::synapse_vjp(std::size_t k, std::size_t expression, const SynapseSpan& synapses, std::span<const T> p,
                            std::span<const T> y, std::span<const T> lambda, const Cotangent<T>& bar,
                            Workspace<T>& workspace) const {
  impl_->synapse_functions[k][expression]->vjp(synapses, p, y, lambda, bar.p, bar.y,
                                               workspace.contents().synapses[k][expression]);
}

template <class T>
std::vector<AlgorithmChoice> System<T>::algorithms() const {
  auto choices = impl_->delay_choices;
  const auto& of_rates = impl_->function({Source::rhs}).algorithms();
  choices.insert(choices.end(), of_rates.begin(), of_rates.end());
  return choices;
}
template <class T>
std::size_t System<T>::workspace_bytes() const {
  return impl_->function({Source::rhs}).memory_bytes();
}
template <class T>
std::size_t System<T>::observation_bytes() const {
  return impl_->observables.size() > 0 ? impl_->function({Source::observe}).memory_bytes() : 0;
}

template class Workspace<float>;
template class Workspace<double>;
template class System<float>;
template class System<double>;

}  // namespace striate
