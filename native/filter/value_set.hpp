// Turns a caller's list, which may be as long as a request allows, into a set.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/stoppable_sort.hpp"

namespace vicinal {

// Sorts, and leaves each value once. False where the work was stopped; the values are then any.
template <typename T> bool makeSet(std::vector<T>& values, WorkMeter& work) {
  if (!sortStoppably(values, work, std::less<>())) return false;
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return true;
}

} // namespace vicinal
