#include "integrators/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace striate {

template <class T>
void Rollout<T>::check(std::string_view who) const {
  const auto sized = [&](const char* what, std::size_t size, std::size_t wanted) {
    if (size == wanted) return;
    throw Error(who, fmt::format("{} has {} values, but '{}' has {}.", what, size, map.name(), wanted));
  };
  if (!map.is_map()) {
    throw Error(who, fmt::format("'{}' is a flow, but this goes through the steps of a map. Give it "
                                 "discretise(circuit), or take the adjoint of the flow.",
                                 map.name()));
  }
  sized("p", p.size(), map.parameters().size());
  if (!y0.empty()) sized("y0", y0.size(), map.states().size());
  if (map.inputs().size() > 0 && !input)
    throw Error(who, fmt::format("'{}' has inputs, but Rollout::input is empty.", map.name()));
  if (steps > 0 || y0.empty()) sized("input", input_at(0).size(), map.inputs().size());
}

template <class T>
void Rollout<T>::start(std::span<T> y, Workspace<T>& workspace) const {
  if (y0.empty())
    map.initial(p, input_at(0), y, workspace);
  else
    std::copy(y0.begin(), y0.end(), y.begin());
}

template <class T>
double Rollout<T>::sample(std::string_view who, const Loss<T>& loss, std::size_t n, std::span<const T> y,
                          std::span<T> ybar, std::span<T> pbar) const {
  const double value = loss(n, y, ybar, pbar);
  if (std::isfinite(value)) return value;
  const auto bad = std::ranges::find_if(y, [](T x) { return !std::isfinite(x); });
  const auto element = static_cast<std::size_t>(bad - y.begin());
  throw Failure(fmt::format("{}: the loss is {} at step {} of {} of '{}'.{}", who, value, n, steps, map.name(),
                            bad == y.end() ? std::string(" Every state is finite.")
                                           : fmt::format(" State {} = {}.", map.states().element_name(element), *bad)));
}

template struct Rollout<float>;
template struct Rollout<double>;

}  // namespace striate
