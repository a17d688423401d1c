// The latest answers of a payload index. Callers repeat a few conditions (a tenant, a language,
// "not older than"). Collecting a set of most rows takes longer than the search that needs it. An
// answer is valid while the index covers the same number of rows.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "filter/program.hpp"
#include "filter/row_bitmap.hpp"

namespace vicinal {

// The rows that an index finds for a condition, among its covered rows.
struct IndexAnswer {
  // Rows that match.
  RowBitmap sure;
  // Number of rows in `sure`.
  uint32_t sureCount = 0;
  // Rows that may match; the evaluator decides. May include rows of `sure`.
  RowBitmap unsure;
  // Rows from here on are not indexed yet.
  uint32_t covered = 0;
};

// Usable from any thread.
class AnswerCache {
public:
  // Bounds of the answers that are kept: their number, and their bytes together.
  static constexpr size_t kMostAnswers = 16;
  static constexpr uint64_t kMostBytes = 4 << 20;

  // Null if the condition is not cached, or if the index covers more rows since.
  std::shared_ptr<const IndexAnswer> find(const FilterNode& leaf, uint32_t rows,
                                          uint32_t covered) const;
  void keep(const FilterNode& leaf, std::shared_ptr<const IndexAnswer> answer);
  uint64_t bytes() const;

private:
  struct Entry {
    // Without its path: the index has the same one.
    FilterNode leaf;
    std::shared_ptr<const IndexAnswer> answer;
  };

  mutable std::mutex mutex_;
  // Most recently used first.
  mutable std::list<Entry> entries_;
  uint64_t bytes_ = 0;
};

} // namespace vicinal
