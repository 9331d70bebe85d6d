#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "circuit/circuit.hpp"

namespace striate {

template <class Items, class Name>
std::vector<std::string> names_of(const Items& items, const Name& name) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(name(item));
  return names;
}

/// The item of that name. @throws Error naming the nearest ones
template <class Items, class Name>
const auto& find_named(const std::string& where, std::string_view kind, std::string_view wanted, const Items& items,
                       const Name& name) {
  for (const auto& item : items)
    if (name(item) == wanted) return item;
  throw Error(where, fmt::format("no {} '{}'.{}", kind, wanted, suggest_names(wanted, names_of(items, name))));
}

constexpr auto variable_name = [](const auto& item) { return item.variable->name; };
constexpr auto plain_name = [](const auto& item) { return item.name; };
constexpr auto axis_name = [](const AxisDeclaration& a) { return a.axis.name; };

}  // namespace striate
