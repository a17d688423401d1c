// The last answers of a payload index. Callers ask the same few conditions over and over (a tenant,
// a language, "not older than"), and a set of most rows takes longer to collect than the search it
// is for. An answer holds as long as the index knows as many rows.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "filter/program.hpp"
#include "filter/row_bitmap.hpp"

namespace vicinal {

// The rows an index finds for a condition, among the rows below its coverage.
struct IndexAnswer {
  // These match.
  RowBitmap sure;
  // How many they are.
  uint32_t sureCount = 0;
  // These may; the evaluator decides. May have rows of `sure`.
  RowBitmap unsure;
  // Rows from here on are not indexed yet.
  uint32_t covered = 0;
};

// From any thread.
class AnswerCache {
public:
  // Answers kept, and bytes of them.
  static constexpr size_t kMostAnswers = 16;
  static constexpr uint64_t kMostBytes = 4 << 20;

  // Null where the condition was not asked lately, or the index knows more rows since.
  std::shared_ptr<const IndexAnswer> find(const FilterNode& leaf, uint32_t rows,
                                          uint32_t covered) const;
  void keep(const FilterNode& leaf, std::shared_ptr<const IndexAnswer> answer);
  uint64_t bytes() const;

private:
  struct Entry {
    // Without its path, which is the index's.
    FilterNode leaf;
    std::shared_ptr<const IndexAnswer> answer;
  };

  mutable std::mutex mutex_;
  // The last asked first.
  mutable std::list<Entry> entries_;
  uint64_t bytes_ = 0;
};

} // namespace vicinal
