// A sort that ends soon after it is told to, since std::sort of many values cannot be stopped.
#pragma once

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/work_meter.hpp"

namespace vicinal {

// Equal values stay in their order. False where the work was stopped; the values are then any.
// Runs that are short are sorted, then merged.
template <typename T, typename Before>
bool sortStoppably(std::vector<T>& values, WorkMeter& work, const Before& isBefore) {
  constexpr size_t kRun = 4096;
  constexpr uint64_t kUnitsPerSorted = 256;
  constexpr uint64_t kUnitsPerMerged = 32;
  const size_t count = values.size();
  const auto at = [&](std::vector<T>& of, size_t position) {
    return of.begin() + static_cast<ptrdiff_t>(std::min(position, count));
  };
  for (size_t from = 0; from < count; from += kRun) {
    if (!work.spend(std::min(kRun, count - from) * kUnitsPerSorted)) return false;
    std::stable_sort(at(values, from), at(values, from + kRun), isBefore);
  }
  std::vector<T> merged(count > kRun ? count : 0);
  for (size_t width = kRun; width < count; width *= 2) {
    auto into = merged.begin();
    for (size_t from = 0; from < count; from += 2 * width) {
      auto left = at(values, from), right = at(values, from + width);
      const auto middle = right, end = at(values, from + 2 * width);
      while (left != middle || right != end) {
        if (!work.spend(kUnitsPerMerged)) return false;
        const bool takesRight = left == middle || (right != end && isBefore(*right, *left));
        *into++ = std::move(takesRight ? *right++ : *left++);
      }
    }
    values.swap(merged);
  }
  return true;
}

} // namespace vicinal
