// Turns a caller's list, which may be as long as a request allows, into a set.
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/work_meter.hpp"

namespace vicinal {

// Sorts the values and removes duplicates. False if the work was stopped; the values are then in
// any state. Short runs are sorted and then merged, because one large sort could not be stopped.
template <typename T> bool makeSet(std::vector<T>& values, WorkMeter& work) {
  constexpr size_t kRun = 4096;
  constexpr uint64_t kUnitsPerSorted = 256;
  constexpr uint64_t kUnitsPerMerged = 32;
  const size_t count = values.size();
  const auto at = [&](std::vector<T>& of, size_t position) {
    return of.begin() + static_cast<ptrdiff_t>(std::min(position, count));
  };
  for (size_t from = 0; from < count; from += kRun) {
    if (!work.spend(std::min(kRun, count - from) * kUnitsPerSorted)) return false;
    std::sort(at(values, from), at(values, from + kRun));
  }
  std::vector<T> merged(count > kRun ? count : 0);
  for (size_t width = kRun; width < count; width *= 2) {
    auto into = merged.begin();
    for (size_t from = 0; from < count; from += 2 * width) {
      auto left = at(values, from), right = at(values, from + width);
      const auto middle = right, end = at(values, from + 2 * width);
      while (left != middle || right != end) {
        if (!work.spend(kUnitsPerMerged)) return false;
        const bool takesRight = left == middle || (right != end && *right < *left);
        *into++ = std::move(takesRight ? *right++ : *left++);
      }
    }
    values.swap(merged);
  }
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return true;
}

} // namespace vicinal
