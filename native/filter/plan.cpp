#include "filter/plan.hpp"

#include <algorithm>

#include "filter/evaluator.hpp"

namespace vicinal {

namespace {

// An index that misses more rows than both of these bounds is not used. Evaluating the missing rows
// would cost more than the index saves.
constexpr uint32_t kFewUncovered = 1024;
constexpr uint32_t kUncoveredShare = 4;
// Evaluating a condition on one row costs as much as collecting this many rows from an index.
constexpr uint64_t kCollectedPerEvaluated = 32;
// Walking over the bits of this many rows costs as much as collecting one row.
constexpr uint32_t kRowsPerCollected = 256;
// Cost of looking at a condition, and the rows of a bitmap that one unit pays for.
constexpr uint64_t kUnitsPerNode = 64;
constexpr uint32_t kRowsPerUnit = 64;
// Cost of looking up an id.
constexpr uint64_t kUnitsPerId = 64;

} // namespace

class FilterPlanner {
public:
  FilterPlanner(const RowSource& source, const PayloadIndexes& indexes, const PlanOptions& options)
      : source_(source), work_(source.work()), indexes_(indexes), options_(options),
        rows_(source.rows()), overlaid_(rows_) {
    source.overlaidRows(overlaid_);
  }

  FilterPlan plan(const FilterNode& root) {
    FilterPlan plan;
    plan.rows_ = rows_;
    std::vector<Priced> priced;
    split(root, priced, plan.residual_);
    std::sort(priced.begin(), priced.end(),
              [](const Priced& a, const Priced& b) { return a.price.rows < b.price.rows; });
    for (const Priced& condition : priced) {
      // The candidates are counted each time.
      if (!work_.spend(rows_ / kRowsPerUnit + kUnitsPerNode)) break;
      const uint64_t rows = condition.price.rows;
      const uint64_t evaluations = plan.candidates_ ? plan.candidates_->count() : rows_;
      if (rows > options_.maxCollected || rows > evaluations * kCollectedPerEvaluated) {
        plan.residual_.push_back(condition.node);
      } else if (plan.candidates_) {
        plan.candidates_->own().intersect(collect(condition).rows());
      } else {
        plan.candidates_ = collect(condition);
      }
    }
    const uint32_t max = plan.candidates_ ? plan.candidates_->count() : rows_;
    // Half of the rows are assumed to match conditions that no index estimates.
    plan.cardinality_ =
        plan.isComplete() ? Cardinality{max, max, max} : Cardinality{0, max / 2, max};
    return plan;
  }

  std::optional<uint64_t> rowsToPlan(const FilterNode& root) const {
    if (!overlaid_.isEmpty()) return std::nullopt;
    return rowsOf(root);
  }

private:
  // Cost of collecting the rows of a condition.
  struct Price {
    // The most rows to walk over.
    uint64_t rows;
    // For a condition on one field: the index that collects its rows.
    const PayloadIndex* index = nullptr;
  };
  struct Priced {
    const FilterNode* node;
    Price price;
  };

  // Each intermediate set also counts with the cost of its bits.
  std::optional<uint64_t> rowsOf(const FilterNode& node) const {
    if (!work_.spend(kUnitsPerNode)) return std::nullopt;
    switch (node.op) {
    case FilterOp::All:
    case FilterOp::Any:
    case FilterOp::Not: {
      uint64_t sum = 0;
      for (const FilterNode& child : node.children) {
        const auto rows = rowsOf(child);
        if (!rows) return std::nullopt;
        sum += *rows;
      }
      return sum + rows_ / kRowsPerCollected;
    }
    case FilterOp::HasId: return node.ids.size() + rows_ / kRowsPerCollected;
    case FilterOp::AtLeast:
    case FilterOp::HasVector:
    case FilterOp::Slice:
    case FilterOp::Nested: return std::nullopt;
    default: {
      const std::optional<Price> best = priceOfLeaf(node);
      if (!best || best->index->covered() < rows_) return std::nullopt;
      return best->rows + best->index->unsureRows(node, work_) * kCollectedPerEvaluated +
             rows_ / kRowsPerCollected;
    }
    }
  }

  // Splits conditions that must all hold into those that indexes can answer and the others.
  void split(const FilterNode& node, std::vector<Priced>& priced,
             std::vector<const FilterNode*>& others) const {
    if (node.op == FilterOp::All) {
      for (const FilterNode& child : node.children) split(child, priced, others);
    } else if (const auto price = priceOf(node)) {
      priced.push_back({&node, *price});
    } else {
      others.push_back(&node);
    }
  }

  // The price of `collect`; none if it cannot collect the node.
  std::optional<Price> priceOf(const FilterNode& node) const {
    if (!work_.spend(kUnitsPerNode)) return std::nullopt;
    switch (node.op) {
    case FilterOp::All: {
      std::optional<Price> least;
      for (const FilterNode& child : node.children)
        if (const auto price = priceOf(child))
          least = Price{std::min(least ? least->rows : UINT64_MAX, price->rows)};
      return least;
    }
    case FilterOp::Any: return priceOfEach(node);
    case FilterOp::AtLeast: return node.minimum == 0 ? std::optional<Price>() : priceOfEach(node);
    case FilterOp::Not:
      return priceOf(node.children[0]) ? std::optional(Price{rows_}) : std::nullopt;
    case FilterOp::HasId: {
      RowBitmap none(rows_);
      return source_.locate(nullptr, 0, none) ? std::optional(Price{node.ids.size()})
                                              : std::nullopt;
    }
    case FilterOp::HasVector:
    case FilterOp::Slice:
    case FilterOp::Nested: return std::nullopt;
    default: return priceOfLeaf(node);
    }
  }

  std::optional<Price> priceOfEach(const FilterNode& node) const {
    uint64_t sum = 0;
    for (const FilterNode& child : node.children) {
      const auto price = priceOf(child);
      if (!price) return std::nullopt;
      sum += price->rows;
    }
    return Price{sum};
  }

  // Chooses the index that answers the condition with the fewest rows, counting the rows that it
  // does not cover.
  std::optional<Price> priceOfLeaf(const FilterNode& leaf) const {
    std::optional<Price> best;
    for (const auto& index : indexes_) {
      const uint32_t uncovered = rows_ - std::min(rows_, index->covered());
      uint32_t estimate = 0;
      if (!(index->path() == leaf.path)) continue;
      if (uncovered > kFewUncovered && uncovered > rows_ / kUncoveredShare) continue;
      if (!index->canAnswer(leaf, rows_, estimate, work_)) continue;
      const uint64_t all = uint64_t(estimate) + uncovered + overlaid_.count();
      if (!best || all < best->rows) best = Price{all, index.get()};
    }
    return best;
  }

  HeldRows collect(const Priced& condition) const {
    const PayloadIndex* const index = condition.price.index;
    return index != nullptr ? collectBy(*index, *condition.node) : collect(*condition.node);
  }

  // Collects exactly the rows that match a condition; the condition must have a price.
  HeldRows collect(const FilterNode& node) const {
    if (!work_.spend(rows_ / kRowsPerUnit + kUnitsPerNode)) return RowBitmap(rows_);
    switch (node.op) {
    case FilterOp::All: return collectAll(node);
    case FilterOp::Any: return collectAny(node);
    case FilterOp::AtLeast: {
      // A row that matches enough conditions matches at least one of them.
      RowBitmap rows = collectAny(node);
      rows.filter([&](uint32_t row) { return matches(node, source_, row); });
      return rows;
    }
    case FilterOp::Not: {
      HeldRows rows = collect(node.children[0]);
      rows.own().complement();
      return rows;
    }
    case FilterOp::HasId: {
      RowBitmap rows(rows_);
      locate(node.ids, rows);
      return rows;
    }
    default: return collectLeaf(node);
    }
  }

  void locate(const std::vector<IdWords>& ids, RowBitmap& rows) const {
    constexpr size_t kMostAtOnce = 4096;
    for (size_t from = 0; from < ids.size(); from += kMostAtOnce) {
      const size_t count = std::min(kMostAtOnce, ids.size() - from);
      if (!work_.spend(count * kUnitsPerId)) return;
      RowBitmap some(rows_);
      source_.locate(ids.data() + from, count, some);
      rows.unite(some);
    }
  }

  RowBitmap collectAny(const FilterNode& node) const {
    RowBitmap rows(rows_);
    for (const FilterNode& child : node.children) rows.unite(collect(child).rows());
    return rows;
  }

  HeldRows collectAll(const FilterNode& node) const {
    std::vector<Priced> priced;
    std::vector<const FilterNode*> others;
    split(node, priced, others);
    std::optional<HeldRows> rows;
    for (const Priced& condition : priced) {
      if (rows)
        rows->own().intersect(collect(condition).rows());
      else
        rows = collect(condition);
    }
    const auto holds = [&](uint32_t row) {
      return std::all_of(others.begin(), others.end(),
                         [&](auto* other) { return matches(*other, source_, row); });
    };
    if (!others.empty()) rows->own().filter(holds);
    return std::move(*rows);
  }

  HeldRows collectLeaf(const FilterNode& leaf) const {
    if (const auto price = priceOfLeaf(leaf)) return collectBy(*price->index, leaf);
    // A condition on a field has a price only if an index answers it. Should the index be gone, all
    // rows are evaluated.
    RowBitmap all = RowBitmap::all(rows_);
    all.filter([&](uint32_t row) { return matches(leaf, source_, row); });
    return all;
  }

  // The index's rows, corrected: rows that the index is unsure of, does not cover or knows with an
  // older payload are evaluated.
  HeldRows collectBy(const PayloadIndex& index, const FilterNode& leaf) const {
    const std::shared_ptr<const IndexAnswer> answer = index.answer(leaf, rows_, work_);
    RowBitmap unsure = answer->unsure;
    unsure.subtract(answer->sure);
    unsure.unite(overlaid_);
    unsure.addRange(answer->covered, rows_);
    HeldRows found(answer);
    if (unsure.isEmpty()) return found;
    RowBitmap& sure = found.own();
    sure.subtract(overlaid_);
    unsure.filter([&](uint32_t row) { return matches(leaf, source_, row); });
    sure.unite(unsure);
    return found;
  }

  const RowSource& source_;
  WorkMeter& work_;
  const PayloadIndexes& indexes_;
  const PlanOptions& options_;
  const uint32_t rows_;
  RowBitmap overlaid_;
};

bool FilterPlan::passes(const RowSource& source, uint32_t row) const {
  return (!candidates_ || candidates_->rows().contains(row)) && holds(source, row);
}

bool FilterPlan::holds(const RowSource& source, uint32_t row) const {
  return std::all_of(residual_.begin(), residual_.end(),
                     [&](const FilterNode* node) { return matches(*node, source, row); });
}

void FilterPlan::prepareForPasses() {
  if (candidates_ && !candidates_->rows().isDense()) candidates_->own().makeDense();
}

Status FilterPlan::resolve(const RowSource& source) {
  if (residual_.empty()) return Status::ok();
  if (!candidates_) candidates_.emplace(RowBitmap::all(rows_));
  candidates_->own().filter([&](uint32_t row) { return holds(source, row); });
  VICINAL_TRY(source.work().status());
  residual_.clear();
  const uint32_t count = candidates_->count();
  cardinality_ = {count, count, count};
  return Status::ok();
}

std::optional<uint64_t> rowsToPlan(const FilterNode& root, const RowSource& source,
                                   const PayloadIndexes& indexes) {
  return FilterPlanner(source, indexes, {}).rowsToPlan(root);
}

FilterPlan planFilter(const FilterNode& root, const RowSource& source,
                      const PayloadIndexes& indexes, const PlanOptions& options) {
  return FilterPlanner(source, indexes, options).plan(root);
}

} // namespace vicinal
