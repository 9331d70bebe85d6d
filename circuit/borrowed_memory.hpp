#pragma once

#include <cstddef>
#include <vector>

#include "circuit/system.hpp"

namespace striate {

/// Memory of a workspace for many states at once, given back to it for the next caller: the pages of a few tens of MiB
/// that are asked of the system anew for every gradient cost as much as its arithmetic. What it holds at first is not
/// told.
template <class T>
std::vector<T> borrow(Workspace<T>& workspace, std::size_t size);

template <class T>
void give_back(Workspace<T>& workspace, std::vector<T>&& memory);

}  // namespace striate
