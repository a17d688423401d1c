#include "search/value_search.hpp"

#include <algorithm>

#include "filter/evaluator.hpp"
#include "search/matching_rows.hpp"
#include "search/parked_search.hpp"

namespace vicinal {

namespace {

// If more than this share of the value's rows had their payload changed in place, the value's graph
// is not used.
constexpr uint32_t kOverlaidShare = 8;
// If fewer than this share of its rows are live, it would mostly find dead ones.
constexpr double kLeastLive = 0.5;

bool isOneKeyword(const FilterNode& node) {
  const MatchValues& values = node.values;
  return node.op == FilterOp::Match && values.texts.size() == 1 && values.integers.empty() &&
         !values.hasBool();
}

// Keywords of a filter beyond this number are ignored.
constexpr size_t kMostKeywords = 8;

// Collects keywords that every match must have.
void addKeywords(const FilterNode& node, std::vector<const FilterNode*>& keywords) {
  if (isOneKeyword(node) && keywords.size() < kMostKeywords) keywords.push_back(&node);
  if (node.op == FilterOp::All)
    for (const FilterNode& child : node.children) addKeywords(child, keywords);
}

bool isAlone(const FilterNode& root) {
  return root.op == FilterOp::All ? root.children.size() == 1 && isAlone(root.children[0])
                                  : isOneKeyword(root);
}

} // namespace

ValueSearch::ValueSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                         SearchStats& stats)
    : scope_(scope), request_(request), space_(scope.segment.space(request.vector)),
      wanted_(wanted), stats_(stats) {}

// With Dot, it is unknown whether a query is far from all vectors of a graph; walks would then find
// less than they promise. So Dot has no value graphs.
bool ValueSearch::mayHaveGraphs() const {
  const VectorSpec& spec = space_.spec();
  if (spec.metric == Metric::Dot) return false;
  // Indexed-only requests use the vector's own graph.
  return !request_.isExact && !request_.isIndexedOnly && request_.recall < 1 && spec.payloadM > 0 &&
         !spec.isMulti && spec.memory != Placement::Cold && spec.graphMemory != Placement::Cold &&
         spec.codeMemory != Placement::Cold && !space_.coldVectors();
}

std::vector<ValueSearch::Asked> ValueSearch::valuesAsked() const {
  std::vector<Asked> values;
  std::vector<const FilterNode*> keywords;
  if (scope_.filter != nullptr) addKeywords(*scope_.filter, keywords);
  if (keywords.empty() || !mayHaveGraphs()) return values;
  const uint32_t overlaid = scope_.segment.payloads().overlaidRows();
  const auto indexes = scope_.segment.indexes();
  for (const FilterNode* const keyword : keywords)
    for (const auto& index : *indexes) {
      uint32_t rows = 0;
      if (!index->hasGraphs() || !(index->path() == keyword->path) ||
          !index->canAnswer(*keyword, scope_.view.rows, rows, scope_.rows.work()) ||
          rows < ValueSpaces::kLeastRows || overlaid > rows / kOverlaidShare)
        continue;
      values.push_back({{request_.vector, index->field(), keyword->values.texts[0]},
                        rows,
                        isAlone(*scope_.filter)});
    }
  std::sort(values.begin(), values.end(),
            [](const Asked& a, const Asked& b) { return a.rows < b.rows; });
  return values;
}

void ValueSearch::choose(const std::vector<Asked>& values) {
  for (const Asked& value : values) {
    auto space = scope_.segment.valueSpaces().find(
        value.key, scope_.segment.deletedRows(),
        [&](uint32_t row) { return scope_.segment.deletedAt(row) != 0; });
    if (!space || space->liveVertices() < space->vertices() * kLeastLive ||
        (among_ && among_->vertices() <= space->vertices()))
      continue;
    among_ = std::move(space);
    key_ = value.key;
    isAlone_ = value.isAlone;
  }
}

Status ValueSearch::run(std::vector<Neighbor>& nearest) {
  const std::vector<Asked> values = valuesAsked();
  choose(values);
  if (request_.parked != nullptr) request_.parked->keep(among_);
  if (among_) {
    VICINAL_TRY(runAmong(nearest));
  } else {
    search_.emplace(scope_, request_, wanted_, stats_);
    VICINAL_TRY(search_->run(nearest));
  }
  noteSpared(values);
  return Status::ok();
}

Status ValueSearch::runAmong(std::vector<Neighbor>& nearest) {
  RowBitmap overlaid(scope_.view.rows);
  scope_.rows.overlaidRows(overlaid);
  // Changed rows of other values are handled separately.
  bool hasChanged = false;
  among_->forEachVertex(overlaid, [&](uint32_t) { hasChanged = true; });
  if (isAlone_ && !hasChanged) {
    stats_.matches += among_->vertices();
    unfiltered_.emplace(scope_, nullptr);
  }
  search_.emplace(unfiltered_ ? *unfiltered_ : scope_, request_, wanted_, stats_, *among_);
  VICINAL_TRY(search_->run(nearest));
  for (Neighbor& neighbor : nearest) neighbor.vertex = among_->vertexInOther(neighbor.vertex);
  return addOverlaid(overlaid, nearest);
}

// Adds rows that match since their payload was changed and had another value before.
Status ValueSearch::addOverlaid(const RowBitmap& overlaid, std::vector<Neighbor>& nearest) {
  std::vector<uint32_t> vertices;
  overlaid.forEach([&](uint32_t row) {
    if (!scope_.rows.work().spend(kUnitsPerRow)) return;
    const uint32_t vertex = space_.vertexOf(row);
    if (vertex != kNoVertex && among_->vertexOf(row) == kNoVertex && scope_.view.isVisible(row) &&
        matches(*scope_.filter, scope_.rows, row))
      vertices.push_back(vertex);
  });
  VICINAL_TRY(scope_.rows.work().status());
  if (vertices.empty()) return Status::ok();
  std::vector<float> distances(vertices.size());
  SpaceSearch search(space_, request_.query.data(), scope_.waiting, stats_);
  VICINAL_TRY(search.score(vertices, distances.data()));
  for (size_t at = 0; at < vertices.size(); at++) nearest.push_back({distances[at], vertices[at]});
  std::sort(nearest.begin(), nearest.end(), isNearer);
  if (nearest.size() > wanted_) nearest.resize(wanted_);
  return Status::ok();
}

void ValueSearch::noteSpared(const std::vector<Asked>& values) {
  if (values.empty()) return;
  const Asked& fewest = values.front();
  if (among_ && key_ == fewest.key) return;
  const double spared = search_->costOfFilter();
  const bool isDue =
      scope_.segment.valueSpaces().note(fewest.key, fewest.rows, spared, space_.vertices());
  stats_.hasDueGraph = stats_.hasDueGraph || isDue;
}

} // namespace vicinal
