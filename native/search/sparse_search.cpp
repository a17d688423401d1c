#include "search/sparse_search.hpp"

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cmath>
#include <optional>

#include "search/posting_walk.hpp"
#include "search/segment_rows.hpp"
#include "search/sparse_hits.hpp"

namespace vicinal {

namespace {

// Scoring a row from its own vector costs about as much as reading so many postings.
constexpr double kScoredRow = 8;
// Of indices in runs: beyond, to ask what a search costs would cost as much.
constexpr size_t kMostLookedUp = 2048;
constexpr uint32_t kRowsBetweenChecks = 512;

Status cancelled() { return Status(Code::Cancelled, "the search was cancelled"); }

// How many live vectors have each of the query's indices.
Status countIndices(const Snapshot& snapshot, const SparseRequest& request,
                    const CancelFlag* cancel, Waiting waiting, std::vector<double>& counts) {
  const SparseVector query = request.query();
  counts.assign(query.count, 0);
  std::vector<uint32_t> dead(query.count);
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SparseSpace& space = snapshot.segment(at).sparse(request.vector);
    const auto runs = space.runs();
    for (const auto& run : *runs)
      for (uint32_t i = 0; i < query.count; i++) counts[i] += run->find(query.indices[i]).count;
    for (uint32_t row = SparseSpace::indexedRows(*runs); row < snapshot.rows(at); row++) {
      if (row % kRowsBetweenChecks == 0 && cancel != nullptr && cancel->isCancelled())
        return cancelled();
      const SparseVector vector = space.vector(row);
      uint32_t from = 0;
      for (uint32_t i = 0; i < query.count && from < vector.count; i++) {
        while (from < vector.count && vector.indices[from] < query.indices[i]) from++;
        counts[i] += from < vector.count && vector.indices[from] == query.indices[i] ? 1 : 0;
      }
    }
    if (!space.countDead(query.indices, query.count, waiting == Waiting::Allowed, dead.data()))
      return Status(Code::Cancelled, "dead rows are yet to be counted");
    for (uint32_t i = 0; i < query.count; i++) counts[i] -= dead[i];
  }
  return Status::ok();
}

// The query with each value times ln(1 + (n - df + 0.5) / (df + 0.5)), where df of the n live
// vectors have the index.
Status weigh(const Snapshot& snapshot, const SparseRequest& request, const CancelFlag* cancel,
             Waiting waiting, std::vector<float>& weights) {
  weights = request.values;
  if (!request.hasIdf) return Status::ok();
  std::vector<double> counts;
  VICINAL_TRY(countIndices(snapshot, request, cancel, waiting, counts));
  double live = 0;
  for (size_t at = 0; at < snapshot.count(); at++)
    live += double(snapshot.segment(at).sparse(request.vector).live());
  for (size_t i = 0; i < weights.size(); i++) {
    const double df = std::clamp(counts[i], 0.0, live);
    const auto rarity = static_cast<float>(std::log(1 + (live - df + 0.5) / (df + 0.5)));
    // An infinite weight times a value of 0 would be no number.
    weights[i] = std::clamp(weights[i] * rarity, -FLT_MAX, FLT_MAX);
  }
  return Status::ok();
}

class SparseSegmentSearch {
public:
  SparseSegmentSearch(const Snapshot& snapshot, size_t at, const SparseRequest& request,
                      const SparseVector& query, const CancelFlag* cancel, SparseHits& hits)
      : segment_(snapshot.segment(at)), view_(snapshot, at), rows_(view_, snapshot),
        request_(request), query_(query), space_(segment_.sparse(request.vector)), cancel_(cancel),
        hits_(hits) {
    report_.segment = segment_.number();
    report_.points = segment_.liveRows();
    report_.recall = 1;
  }

  Status run(const FilterNode* filter) {
    const auto runs = space_.runs();
    report_.linked = std::min(view_.rows, SparseSpace::indexedRows(*runs));
    std::vector<PostingWalk> walks;
    double postings = 0;
    for (const auto& run : *runs) {
      walks.emplace_back(*run, query_);
      postings += double(walks.back().postings());
    }
    report_.plannedDistances = postings;
    if (filter != nullptr) {
      const auto indexes = segment_.indexes();
      plan_ = planFilter(*filter, rows_, *indexes);
      report_.matches = plan_->candidateCount();
      report_.scanCost = report_.matches * kScoredRow;
      report_.walkCost = postings + double(view_.rows - report_.linked) * kScoredRow;
      if (report_.matches == 0) return Status::ok();
      if (plan_->candidates() != nullptr && report_.scanCost < report_.walkCost)
        return scanCandidates();
      plan_->prepareForPasses();
    }
    for (PostingWalk& walk : walks) {
      VICINAL_TRY(walk.run(
          view_.rows, cancel_, [&] { return hits_.bound(); }, [&](uint32_t row) { score(row); }));
      report_.visited += walk.visited();
    }
    report_.tail = view_.rows - report_.linked;
    report_.strategy = walks.empty() ? "scan" : report_.tail > 0 ? "postings+tail" : "postings";
    report_.bytes += report_.visited * kSparseEntryBytes;
    return scanTail();
  }

  const SegmentReport& report() const { return report_; }

private:
  Status scanTail() {
    for (uint32_t row = report_.linked; row < view_.rows; row++) {
      if (row % kRowsBetweenChecks == 0 && isCancelled()) return cancelled();
      score(row);
    }
    return Status::ok();
  }

  Status scanCandidates() {
    report_.strategy = "scan of matches";
    uint32_t looked = 0;
    bool isStopped = false;
    plan_->candidates()->forEach([&](uint32_t row) {
      if (looked++ % kRowsBetweenChecks == 0) isStopped = isStopped || isCancelled();
      if (!isStopped) score(row);
    });
    return isStopped ? cancelled() : Status::ok();
  }

  void score(uint32_t row) {
    if (!view_.isVisible(row)) return;
    // What a bitmap tells is asked first, what the payload's text tells last.
    const bool isFiltered = plan_.has_value();
    if (isFiltered && plan_->isComplete() && !plan_->passes(rows_, row)) return;
    const SparseVector vector = space_.vector(row);
    float product = 0;
    report_.distances++;
    report_.bytes += vector.count * kSparseEntryBytes;
    if (!dotSparse(query_, vector, product) || product < hits_.bound()) return;
    if (isFiltered && !plan_->isComplete() && !plan_->passes(rows_, row)) return;
    const PointId id = segment_.id(row);
    if (std::find(request_.exclude.begin(), request_.exclude.end(), id) == request_.exclude.end())
      hits_.offer({product, {&segment_, row}, id});
  }

  bool isCancelled() const { return cancel_ != nullptr && cancel_->isCancelled(); }

  Segment& segment_;
  const SegmentView view_;
  const SegmentRows rows_;
  const SparseRequest& request_;
  const SparseVector& query_;
  const SparseSpace& space_;
  const CancelFlag* const cancel_;
  SparseHits& hits_;
  std::optional<FilterPlan> plan_;
  SegmentReport report_;
};

void addUp(const SegmentReport& report, SearchStats& stats) {
  stats.visited += report.visited;
  stats.distances += report.distances;
  stats.bytes += report.bytes;
  stats.matches += report.matches;
  stats.note(report.strategy);
}

} // namespace

Status searchSparse(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                    const SparseRequest& request, const CancelFlag* cancel, SearchResult& result,
                    Waiting waiting) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  std::vector<float> weights;
  VICINAL_TRY(weigh(snapshot, request, cancel, waiting, weights));
  const SparseVector query{request.indices.data(), weights.data(), request.query().count};
  const size_t wanted = request.limit == 0 ? 0 : size_t(request.limit) + request.offset;
  SparseHits hits(wanted, request.hasThreshold ? request.threshold : -INFINITY);
  for (size_t at = 0; at < snapshot.count() && wanted > 0 && query.count > 0; at++) {
    const auto started = std::chrono::steady_clock::now();
    SparseSegmentSearch inSegment(snapshot, at, request, query, cancel, hits);
    VICINAL_TRY(inSegment.run(filter));
    addUp(inSegment.report(), result.stats);
    if (!request.explains) continue;
    result.segments.push_back(inSegment.report());
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - started;
    result.segments.back().tookUs = took.count();
  }
  std::vector<SparseHit> found = hits.take();
  found.erase(found.begin(),
              found.begin() + ptrdiff_t(std::min<size_t>(found.size(), request.offset)));
  std::vector<RowRef> rows;
  for (const SparseHit& hit : found) rows.push_back(hit.row);
  const auto drop = [&](size_t position) { found.erase(found.begin() + ptrdiff_t(position)); };
  VICINAL_TRY(
      readMatching(snapshot, filter, rows, request.fields, specs, result.rows, drop, waiting));
  if (!result.scores.resize(found.size()))
    return Status(Code::Overloaded, "out of memory while collecting scores");
  for (size_t at = 0; at < found.size(); at++) result.scores[at] = found[at].score;
  return Status::ok();
}

double estimatePostings(const Snapshot& snapshot, const SparseRequest& request) {
  double postings = 1;
  size_t lookedUp = 0;
  for (size_t at = 0; at < snapshot.count(); at++) {
    const auto runs = snapshot.segment(at).sparse(request.vector).runs();
    lookedUp += runs->size() * request.indices.size();
    if (lookedUp > kMostLookedUp) return INFINITY;
    for (const auto& run : *runs)
      for (const uint32_t index : request.indices) postings += run->find(index).count;
    const uint32_t indexed = std::min(snapshot.rows(at), SparseSpace::indexedRows(*runs));
    // With IDF, every row behind the runs is compared with the whole query.
    const double perRow = kScoredRow + (request.hasIdf ? double(request.indices.size()) : 0);
    postings += (snapshot.rows(at) - indexed) * perRow;
  }
  return postings;
}

} // namespace vicinal
