// How a filter is applied to one segment: a bitmap of candidates from its payload indexes, and the
// conditions that are left to be evaluated on each candidate. The caller decides between a scan of
// the candidates and a search in the graph that asks `passes` of what it meets.
//
//   FilterPlan plan = planFilter(program.root(), source, indexes);
//   if (plan.isComplete()) ...        // candidates() are exactly the matches
//   plan.passes(source, row)          // anyone's question about one row
//   plan.resolve(source)              // evaluates the rest: candidates() are exactly the matches
//   from then on
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "filter/held_rows.hpp"
#include "filter/payload_index.hpp"
#include "filter/program.hpp"
#include "filter/row_source.hpp"

namespace vicinal {

// How many rows match: bounds that hold, and a guess between them.
struct Cardinality {
  uint32_t min = 0;
  uint32_t expected = 0;
  uint32_t max = 0;
};

struct PlanOptions {
  // Conditions that an index would answer with more rows than this are left to be evaluated, where
  // rows are asked for one by one and few of them (a search in a graph). Everything is collected by
  // default.
  uint32_t maxCollected = UINT32_MAX;
};

class FilterPlan {
public:
  // Without conditions.
  static FilterPlan all(uint32_t rows) {
    FilterPlan plan;
    plan.rows_ = rows;
    plan.cardinality_ = {rows, rows, rows};
    return plan;
  }

  // null: every row is a candidate.
  const RowBitmap* candidates() const { return candidates_ ? &candidates_->rows() : nullptr; }
  uint32_t candidateCount() const { return cardinality_.max; }
  // Whether all candidates match.
  bool isComplete() const { return residual_.empty(); }
  const Cardinality& cardinality() const { return cardinality_; }

  bool passes(const RowSource& source, uint32_t row) const;
  // The same about a candidate.
  bool holds(const RowSource& source, uint32_t row) const;
  // For many calls of `passes`: candidates are found in one step from then on.
  void prepareForPasses();
  // Evaluates what is left on every candidate. CANCELLED where the source's work was stopped.
  Status resolve(const RowSource& source);

private:
  friend class FilterPlanner;

  std::optional<HeldRows> candidates_;
  // Must all hold. They point into the program.
  std::vector<const FilterNode*> residual_;
  uint32_t rows_ = 0;
  Cardinality cardinality_;
};

using PayloadIndexes = std::vector<std::shared_ptr<const PayloadIndex>>;

// What a complete plan costs at most, where indexes alone make it: in rows collected from them.
// Nothing where conditions would be left, or rows are not indexed. Takes a search in each index
// that is asked.
std::optional<uint64_t> rowsToPlan(const FilterNode& root, const RowSource& source,
                                   const PayloadIndexes& indexes);

// The program has to outlive the plan, which means nothing where the source's work was stopped.
FilterPlan planFilter(const FilterNode& root, const RowSource& source,
                      const PayloadIndexes& indexes, const PlanOptions& options = {});

} // namespace vicinal
