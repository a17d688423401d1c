// Bounds of the native boundary. They are wider than the product's limits (src/core/limits.ts),
// which callers check first. They keep sizes computable for any input.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal::binding {

constexpr uint64_t kMostSafeInteger = (uint64_t(1) << 53) - 1;
// Vectors of a table, which may still have dropped ones.
constexpr uint32_t kMostVectors = 128;
constexpr uint32_t kMostDimensions = 65'536;
constexpr uint32_t kMostM = 512;
constexpr uint32_t kMostEf = 1 << 20;
constexpr uint32_t kMostResults = UINT32_MAX;
constexpr uint32_t kMostBatchRows = 1 << 24;
constexpr uint32_t kMostMeasured = 1 << 12;
constexpr uint32_t kMostExamples = 1 << 13;
constexpr uint32_t kMostQueryEntries = 1 << 20;
constexpr size_t kMostQueryTextBytes = 1 << 20;
constexpr uint32_t kMostExampleEntries = 1 << 24;
constexpr uint32_t kMostFused = 1 << 10;
constexpr uint32_t kMostExcluded = 1 << 16;
constexpr double kMostOversampling = 1 << 16;
// Longer than any time that the JavaScript thread should be held.
constexpr double kMostInlineUs = 10'000;
// The search must not run on the calling thread.
constexpr double kNeverInline = -1;
// Time for searches on the JavaScript thread in one turn of the event loop (MOST_INLINE_US in
// src/native/inline-share.ts).
constexpr double kTurnUs = 200;
constexpr size_t kMostNameBytes = 1024;
constexpr size_t kMostPathBytes = 4096;
constexpr uint64_t kLeastSegmentBytes = 1 << 16;
constexpr uint64_t kMostSegmentBytes = uint64_t(1) << 36;

} // namespace vicinal::binding
