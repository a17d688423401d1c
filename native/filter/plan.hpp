// The plan of a filter for one segment: a bitmap of candidates from the payload indexes, and the
// conditions that remain to be evaluated. The caller decides between scanning the candidates and
// walking the graph, where `passes` is called for each vertex.
//
//   FilterPlan plan = planFilter(program.root(), source, indexes);
//   if (plan.isComplete()) ...        // candidates() are exactly the matches
//   plan.passes(source, row)          // whether one row matches
//   plan.resolve(source)              // evaluates the rest; candidates() are then exact
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "filter/held_rows.hpp"
#include "filter/payload_index.hpp"
#include "filter/program.hpp"
#include "filter/row_source.hpp"

namespace vicinal {

// The number of matching rows: reliable bounds, and an estimate between them.
struct Cardinality {
  uint32_t min = 0;
  uint32_t expected = 0;
  uint32_t max = 0;
};

struct PlanOptions {
  // A condition for which an index would return more rows than this is evaluated row by row
  // instead. Useful for graph walks, which ask about few rows. By default everything is collected.
  uint32_t maxCollected = UINT32_MAX;
};

class FilterPlan {
public:
  // A plan without conditions.
  static FilterPlan all(uint32_t rows) {
    FilterPlan plan;
    plan.rows_ = rows;
    plan.cardinality_ = {rows, rows, rows};
    return plan;
  }

  // Null: every row is a candidate.
  const RowBitmap* candidates() const { return candidates_ ? &candidates_->rows() : nullptr; }
  uint32_t candidateCount() const { return cardinality_.max; }
  // Whether all candidates match.
  bool isComplete() const { return residual_.empty(); }
  const Cardinality& cardinality() const { return cardinality_; }

  bool passes(const RowSource& source, uint32_t row) const;
  // Like `passes`, for a row that is a candidate.
  bool holds(const RowSource& source, uint32_t row) const;
  // Call before many calls of `passes`: makes the lookup of candidates constant-time.
  void prepareForPasses();
  // Evaluates the remaining conditions on every candidate. CANCELLED if the source's work was
  // stopped.
  Status resolve(const RowSource& source);

private:
  friend class FilterPlanner;

  std::optional<HeldRows> candidates_;
  // Conditions that must all hold. They point into the program.
  std::vector<const FilterNode*> residual_;
  uint32_t rows_ = 0;
  Cardinality cardinality_;
};

using PayloadIndexes = std::vector<std::shared_ptr<const PayloadIndex>>;

// An upper bound of the cost of a complete plan from indexes alone, in collected rows. None if
// conditions would remain or rows are not indexed. The call makes one lookup in each index it uses.
std::optional<uint64_t> rowsToPlan(const FilterNode& root, const RowSource& source,
                                   const PayloadIndexes& indexes);

// The program must outlive the plan. The plan is meaningless if the source's work was stopped.
FilterPlan planFilter(const FilterNode& root, const RowSource& source,
                      const PayloadIndexes& indexes, const PlanOptions& options = {});

} // namespace vicinal
