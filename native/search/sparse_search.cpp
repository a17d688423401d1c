#include "search/sparse_search.hpp"

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>

#include "search/answer.hpp"
#include "search/example_walk.hpp"
#include "search/posting_walk.hpp"
#include "search/segment_scope.hpp"
#include "search/sparse_hits.hpp"
#include "search/sparse_rarity.hpp"
#include "text/bm25.hpp"

namespace vicinal {

namespace {

// Scoring a row from its own vector costs about as much as reading this many postings.
constexpr double kScoredRow = 8;
// Fixed cost of a search, in postings.
constexpr double kFixedPostings = 4096;
// The most index lookups of an estimate; more would cost as much as the search.
constexpr size_t kMostLookedUp = 2048;
// Cost of looking at a row.
constexpr uint64_t kUnitsPerSparseRow = 64;

// The query with its weights applied.
struct Weighed {
  std::vector<float> values;
  std::optional<SparseExamples> examples;
  // A view of the values.
  SparseVector query;
};

float weigh(float value, float rarity) {
  // An infinite weight times 0 would be NaN.
  return std::clamp(value * rarity, -FLT_MAX, FLT_MAX);
}

FoundPostings postingsIn(const Snapshot& snapshot, size_t at, const SparseRequest& request) {
  return {snapshot.segment(at).sparse(request.vector), request.indices.data(),
          request.indices.size(), snapshot.count()};
}

// Multiplies each value of the examples by the IDF of its index.
template <typename RaritiesOf>
Status weighExamples(SparseExamples& examples, const RaritiesOf& raritiesOfAll) {
  std::vector<uint32_t> indices = examples.indices;
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  std::vector<float> rarities;
  VICINAL_TRY(raritiesOfAll(indices, rarities));
  for (size_t i = 0; i < examples.values.size(); i++) {
    const auto at = std::lower_bound(indices.begin(), indices.end(), examples.indices[i]);
    examples.values[i] = weigh(examples.values[i], rarities[size_t(at - indices.begin())]);
  }
  return Status::ok();
}

// Weighs the query or the examples.
Status weighAll(const Snapshot& snapshot, const SparseRequest& request, const CancelFlag* cancel,
                Waiting waiting, Weighed& weighed) {
  weighed.values = request.values;
  weighed.examples = request.examples;
  weighed.query = {request.indices.data(), weighed.values.data(), request.query().count};
  if (!request.hasIdf) return Status::ok();
  std::optional<FilterProgram> corpus;
  VICINAL_TRY(decodeFilter(request.corpus, snapshot.vectorsNamed(), snapshot, cancel, corpus));
  const auto raritiesOfAll = [&](const auto& indices, auto& rarities) {
    return raritiesOf(snapshot, request.vector, corpus ? &corpus->root() : nullptr, indices,
                      request.found, cancel, waiting, rarities);
  };
  if (weighed.examples) return weighExamples(*weighed.examples, raritiesOfAll);
  std::vector<float> rarities;
  VICINAL_TRY(raritiesOfAll(request.indices, rarities));
  for (size_t i = 0; i < weighed.values.size(); i++)
    weighed.values[i] = weigh(weighed.values[i], rarities[i]);
  return Status::ok();
}

// Rows that are hits unless better ones come; they are scored once all have been seen. `bound()` is
// a lower bound for as many of them as are wanted. One object per thread at a time.
class WaitingRows {
public:
  explicit WaitingRows(size_t wanted) : wanted_(wanted) { clear(); }

  float bound() const { return least_.size() < wanted_ ? -INFINITY : least_.front(); }

  // True if there are so many that they should be scored now.
  bool add(const PostingCandidate& candidate) {
    rows_.push_back(candidate);
    if (least_.size() == wanted_) {
      if (candidate.lower <= least_.front()) return rows_.size() >= kMostWaiting;
      std::pop_heap(least_.begin(), least_.end(), std::greater<>());
      least_.pop_back();
    }
    least_.push_back(candidate.lower);
    std::push_heap(least_.begin(), least_.end(), std::greater<>());
    return rows_.size() >= kMostWaiting;
  }

  const std::vector<PostingCandidate>& sorted() {
    const float least = bound();
    std::erase_if(rows_, [&](const PostingCandidate& each) { return each.upper < least; });
    std::sort(rows_.begin(), rows_.end(),
              [](const auto& a, const auto& b) { return a.upper > b.upper; });
    return rows_;
  }

  void clear() {
    rows_.clear();
    least_.clear();
  }

private:
  static constexpr size_t kMostWaiting = 4096;
  struct Scratch {
    std::vector<PostingCandidate> rows;
    std::vector<float> least;
  };
  static Scratch& scratch() {
    static thread_local Scratch scratch;
    return scratch;
  }

  const size_t wanted_;
  std::vector<PostingCandidate>& rows_ = scratch().rows;
  // Lower bounds of the best rows, in a heap with the least on top.
  std::vector<float>& least_ = scratch().least;
};

class SparseSegmentSearch {
public:
  // `found` has the query's postings in the segment; null for examples.
  SparseSegmentSearch(const SegmentScope& scope, const SparseRequest& request,
                      const Weighed& weighed, const FoundPostings* found, SparseHits& hits)
      : scope_(scope), request_(request), found_(found), query_(weighed.query),
        examples_(weighed.examples ? &*weighed.examples : nullptr),
        space_(scope.segment.sparse(request.vector)), hits_(hits),
        hasDeleted_(scope.segment.deletedRows() > 0), waiting_(hits.wanted()),
        report_(scope.report()) {
    report_.recall = 1;
    if (examples_ == nullptr) return;
    distances_.assign(examples_->count, -0.0f);
    unlike_ = -examples_->distanceOf(distances_.data(), 1);
  }

  Status run() {
    if (examples_ == nullptr) {
      std::vector<PostingWalk> walks;
      walks.reserve(found_->runs->size());
      for (size_t run = 0; run < found_->runs->size(); run++)
        walks.emplace_back(*(*found_->runs)[run], found_->of(run), query_, scope_.rows.work());
      return runBy(*found_->runs, walks);
    }
    const auto runs = space_.runs();
    std::vector<ExampleWalk> walks;
    walks.reserve(runs->size());
    for (const auto& run : *runs) walks.emplace_back(*run, *examples_, scope_.rows.work());
    return runBy(*runs, walks);
  }

  const SegmentReport& report() const { return report_; }

private:
  template <typename Walk> Status runBy(const PostingRuns& runs, std::vector<Walk>& walks) {
    report_.linked = std::min(scope_.view.rows, SparseSpace::indexedRows(runs));
    double postings = 0;
    for (const Walk& walk : walks) postings += double(walk.postings());
    report_.plannedDistances = postings;
    if (scope_.filter != nullptr) {
      plan_ = scope_.planned();
      report_.matches = plan_->candidateCount();
      const double perRow = kScoredRow * (examples_ != nullptr ? examples_->count : 1);
      report_.scanCost = report_.matches * perRow;
      report_.walkCost = postings + double(scope_.view.rows - report_.linked) * perRow;
      if (report_.matches == 0) return Status::ok();
      if (plan_->candidates() != nullptr && report_.scanCost < report_.walkCost)
        return scanCandidates();
      plan_->prepareForPasses();
    }
    for (Walk& walk : walks) VICINAL_TRY(visit(walk));
    report_.tail = scope_.view.rows - report_.linked;
    report_.strategy = walks.empty() ? "scan" : report_.tail > 0 ? "postings+tail" : "postings";
    report_.bytes += report_.visited * kSparseEntryBytes;
    VICINAL_TRY(scanTail());
    return examples_ != nullptr ? addUnlike() : Status::ok();
  }

  Status visit(PostingWalk& walk) {
    const bool mayWait = scope_.filter == nullptr && request_.exclude.empty();
    const auto bound = [&] { return std::max(hits_.bound(), waiting_.bound()); };
    const auto take = [&](const PostingCandidate& candidate) {
      if (!mayWait)
        score(candidate.row);
      else if (isVisible(candidate.row) && waiting_.add(candidate))
        scoreWaiting();
    };
    const auto order = mayWait ? PostingWalk::Order::Rows : PostingWalk::Order::Best;
    VICINAL_TRY(walk.run(scope_.view.rows, order, bound, take));
    scoreWaiting();
    report_.visited += walk.visited();
    return Status::ok();
  }

  Status visit(ExampleWalk& walk) {
    if (!touched_) touched_.emplace(scope_.view.rows);
    report_.visited += walk.postings();
    return walk.run(scope_.view.rows, [&](uint32_t row, const float* distances) {
      touched_->add(row);
      if (!isCandidate(row)) return;
      report_.distances += examples_->count;
      offer(row, -examples_->distanceOf(distances, 1));
    });
  }

  // Offers indexed rows that share no index with any example.
  Status addUnlike() {
    if (report_.linked == 0 || unlike_ < hits_.bound()) return Status::ok();
    if (touched_) touched_->makeDense();
    return forSome(report_.linked, [&](uint32_t row) {
      if ((touched_ && touched_->contains(row)) || !space_.has(row)) return;
      if (isCandidate(row)) offer(row, unlike_);
    });
  }

  // Visits the rows below `end` that may match.
  template <typename Visit> Status forSome(uint32_t end, const Visit& visit) {
    WorkMeter& work = scope_.rows.work();
    const auto look = [&](uint32_t row) {
      if (work.spend(kUnitsPerSparseRow) && row < end) visit(row);
    };
    if (plan_ && plan_->candidates() != nullptr)
      plan_->candidates()->forEach(look);
    else
      for (uint32_t row = 0; row < end && !work.isStopped(); row++) look(row);
    return work.status();
  }

  Status scanTail() {
    for (uint32_t row = report_.linked; row < scope_.view.rows; row++) {
      if (!scope_.rows.work().spend(kUnitsPerSparseRow)) break;
      score(row);
    }
    return scope_.rows.work().status();
  }

  Status scanCandidates() {
    report_.strategy = "scan of matches";
    return forSome(scope_.view.rows, [&](uint32_t row) { score(row); });
  }

  bool isVisible(uint32_t row) const {
    return hasDeleted_ ? scope_.view.isVisible(row) : row < scope_.view.rows;
  }

  // Checks only conditions that a bitmap can decide.
  bool isCandidate(uint32_t row) const {
    if (!isVisible(row)) return false;
    return !plan_ || !plan_->isComplete() || plan_->passes(scope_.rows, row);
  }

  // Best first, so that the others need not be scored.
  void scoreWaiting() {
    const std::vector<PostingCandidate>& rows = waiting_.sorted();
    for (const PostingCandidate& each : rows) space_.prefetch(each.row);
    for (const PostingCandidate& each : rows) {
      space_.prefetchVector(each.row);
      scope_.segment.prefetchId(each.row);
    }
    for (const PostingCandidate& each : rows) {
      if (each.upper < hits_.bound()) break;
      score(each.row);
    }
    waiting_.clear();
  }

  void score(uint32_t row) {
    if (!isCandidate(row)) return;
    const SparseVector vector = space_.vector(row);
    const uint64_t compared = examples_ != nullptr
                                  ? examples_->values.size() + vector.count * examples_->count
                                  : query_.count + vector.count;
    if (!scope_.rows.work().spend(compared)) return;
    report_.distances += examples_ != nullptr ? examples_->count : 1;
    report_.bytes += vector.count * kSparseEntryBytes;
    float product = 0;
    if (examples_ != nullptr ? !scoreByExamples(vector, product)
                             : !dotSparse(query_, vector, product))
      return;
    offer(row, product);
  }

  bool scoreByExamples(const SparseVector& vector, float& score) {
    if (!vector.isPresent()) return false;
    for (uint32_t at = 0; at < examples_->count; at++) {
      float product = 0;
      dotSparse(examples_->vector(at), vector, product);
      distances_[at] = -product;
    }
    score = -examples_->distanceOf(distances_.data(), 1);
    return true;
  }

  // Conditions on the payload's text are evaluated last.
  void offer(uint32_t row, float score) {
    if (score < hits_.bound()) return;
    if (plan_ && !plan_->isComplete() && !plan_->passes(scope_.rows, row)) return;
    const PointId id = scope_.segment.id(row);
    if (std::find(request_.exclude.begin(), request_.exclude.end(), id) == request_.exclude.end())
      hits_.offer({score, {&scope_.segment, row}, id});
  }

  const SegmentScope& scope_;
  const SparseRequest& request_;
  const FoundPostings* const found_;
  const SparseVector& query_;
  const SparseExamples* const examples_;
  const SparseSpace& space_;
  SparseHits& hits_;
  // If no row was ever deleted, all rows of postings are visible.
  const bool hasDeleted_;
  std::optional<FilterPlan> plan_;
  WaitingRows waiting_;
  SegmentReport report_;
  // For examples: the distances of one row, the score of a row without shared indices, and the rows
  // with shared ones.
  std::vector<float> distances_;
  float unlike_ = 0;
  std::optional<RowBitmap> touched_;
};

void addUp(const SegmentReport& report, SearchStats& stats) {
  stats.visited += report.visited;
  stats.distances += report.distances;
  stats.bytes += report.bytes;
  stats.matches += report.matches;
  stats.note(report.strategy);
}

// Chooses the requested page, best first.
Status choose(const Snapshot& snapshot, const SparseRequest& request, const FilterNode* filter,
              const CancelFlag* cancel, SearchResult& result, Waiting waiting,
              std::vector<RankedHit>& page) {
  Weighed weighed;
  VICINAL_TRY(weighAll(snapshot, request, cancel, waiting, weighed));

  const bool hasQuery = request.examples || weighed.query.count > 0;
  const size_t wanted =
      request.limit == 0 || !hasQuery ? 0 : size_t(request.limit) + request.offset;
  SparseHits hits(wanted, request.hasThreshold ? request.threshold : -INFINITY);
  for (size_t at = 0; at < snapshot.count() && wanted > 0; at++) {
    const auto started = std::chrono::steady_clock::now();
    const SegmentScope scope(snapshot, at, filter, cancel, waiting);
    std::optional<FoundPostings> sought;
    if (!request.examples && request.found.empty())
      sought.emplace(postingsIn(snapshot, at, request));
    const FoundPostings* const found =
        request.examples ? nullptr : (sought ? &*sought : &request.found[at]);
    SparseSegmentSearch inSegment(scope, request, weighed, found, hits);
    VICINAL_TRY(inSegment.run());
    VICINAL_TRY(scope.rows.work().status());
    addUp(inSegment.report(), result.stats);
    if (!request.reports()) continue;
    result.segments.push_back(inSegment.report());
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - started;
    result.segments.back().payloadBytes = scope.rows.payloadBytes();
    result.segments.back().tookUs = took.count();
  }
  page = hits.take();
  keepPage(request, page);
  return Status::ok();
}

} // namespace

void takeTextApart(SparseRequest& request) {
  if (request.analyzer == nullptr) return;
  const std::vector<TokenWeight> tokens = weighTokens(*request.analyzer, request.text, nullptr);
  request.analyzer.reset();
  request.indices.reserve(tokens.size());
  request.values.reserve(tokens.size());
  for (const TokenWeight& token : tokens) {
    request.indices.push_back(token.id);
    request.values.push_back(token.weight);
  }
}

Status searchSparse(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                    const SparseRequest& request, const CancelFlag* cancel, SearchResult& result,
                    Waiting waiting) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, cancel, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  std::vector<RankedHit> found;
  VICINAL_TRY(choose(snapshot, request, filter, cancel, result, waiting, found));
  const auto score = [](const RankedHit& hit) { return hit.score; };
  return readAnswer(snapshot, specs, filter, request, found, score, result, cancel, waiting);
}

Status rank(const Snapshot& snapshot, const SparseRequest& request, const CancelFlag* cancel,
            SearchResult& result, std::vector<RankedHit>& hits, Waiting waiting) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, cancel, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  return choose(snapshot, request, filter, cancel, result, waiting, hits);
}

double estimatePostings(const Snapshot& snapshot, SparseRequest& request) {
  if (request.examples || request.corpus) return INFINITY;
  size_t runs = 0;
  for (size_t at = 0; at < snapshot.count(); at++)
    runs += snapshot.segment(at).sparse(request.vector).runs()->size();
  if (runs * request.indices.size() > kMostLookedUp) return INFINITY;
  request.found.reserve(snapshot.count());
  for (size_t at = 0; at < snapshot.count(); at++)
    request.found.push_back(postingsIn(snapshot, at, request));
  double postings = kFixedPostings;
  for (size_t at = 0; at < snapshot.count(); at++) {
    for (const PostingRun::List& list : request.found[at].lists) postings += list.count;
    const uint32_t indexed =
        std::min(snapshot.rows(at), SparseSpace::indexedRows(*request.found[at].runs));
    // With IDF, every row of the tail is compared with the whole query.
    const double perRow = kScoredRow + (request.hasIdf ? double(request.indices.size()) : 0);
    postings += (snapshot.rows(at) - indexed) * perRow;
  }
  return postings;
}

} // namespace vicinal
