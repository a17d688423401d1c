#include "search/fusion.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <mutex>

#include "base/stoppable_sort.hpp"

namespace vicinal {

namespace {

// The most bytes of payloads that are read within some microseconds.
constexpr uint64_t kMostReadBytes = 64 << 10;
// A look into the table of points, which is seldom in a cache.
constexpr uint64_t kUnitsPerHit = 64;

float shareOfPlace(size_t place, double k, double weight) {
  if (!(weight > 0)) return 0;
  const auto stretched = static_cast<float>(double(place + 1) / weight);
  const auto ranked = static_cast<float>(double(stretched) + k - 1);
  return static_cast<float>(1 / double(ranked));
}

// Scales scores from three deviations below their ranking's mean to three above it.
class Span {
public:
  explicit Span(const Ranking& hits) {
    if (hits.size() < 2) return;
    float mean = 0;
    float squares = 0;
    for (size_t at = 0; at < hits.size(); at++) {
      const float before = hits[at].score - mean;
      mean += before / static_cast<float>(at + 1);
      squares += before * (hits[at].score - mean);
    }
    const double deviation = std::sqrt(squares / static_cast<float>(hits.size() - 1));
    low_ = static_cast<float>(mean - kDeviations * deviation);
    high_ = static_cast<float>(mean + kDeviations * deviation);
  }

  float shareOf(float score) const {
    return low_ == high_ ? kMiddle : (score - low_) / (high_ - low_);
  }

private:
  static constexpr double kDeviations = 3;
  static constexpr float kMiddle = 0.5f;
  float low_ = 0;
  float high_ = 0;
};

// Finds hits by their points; each point keeps its first place.
class Points {
public:
  explicit Points(size_t most) {
    hits_.reserve(most);
    if (most > kMostCompared) slots_.assign(std::bit_ceil(2 * most + 1), kFree);
  }

  void add(const RankedHit& hit, float share) {
    const size_t known = placeOf(hit.id);
    if (known < hits_.size())
      hits_[known].score += share;
    else
      hits_.push_back({share, hit.row, hit.id});
  }

  Ranking take() { return std::move(hits_); }

private:
  static constexpr uint32_t kFree = UINT32_MAX;
  // Up to this number a linear search is faster than making a table.
  static constexpr size_t kMostCompared = 64;

  // The place of the point among the hits; a new point gets the next place.
  size_t placeOf(const PointId& id) {
    if (slots_.empty()) {
      size_t at = 0;
      while (at < hits_.size() && hits_[at].id != id) at++;
      return at;
    }
    size_t at = id.hash() & (slots_.size() - 1);
    while (slots_[at] != kFree && hits_[slots_[at]].id != id) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at] == kFree) slots_[at] = static_cast<uint32_t>(hits_.size());
    return slots_[at];
  }

  std::vector<uint32_t> slots_;
  Ranking hits_;
};

} // namespace

Ranking fuse(const std::vector<const Ranking*>& rankings, const FusionRequest& request,
             WorkMeter& work) {
  size_t most = 0;
  for (const Ranking* ranking : rankings) most += ranking->size();
  Points points(most);
  for (size_t at = 0; at < rankings.size(); at++) {
    const Ranking& ranking = *rankings[at];
    const double weight = request.weights.empty() ? 1 : request.weights[at];
    const Span span = request.isByScores ? Span(ranking) : Span({});
    for (size_t place = 0; place < ranking.size(); place++) {
      if (!work.spend(kUnitsPerHit)) return {};
      points.add(ranking[place], request.isByScores ? span.shareOf(ranking[place].score)
                                                    : shareOfPlace(place, request.k, weight));
    }
  }
  Ranking hits = points.take();
  const auto isBetter = [](const RankedHit& a, const RankedHit& b) { return a.score > b.score; };
  if (!sortStoppably(hits, work, isBetter)) return {};
  if (std::isfinite(request.threshold))
    std::erase_if(hits, [&](const RankedHit& hit) { return !(hit.score >= request.threshold); });
  hits.resize(std::min<size_t>(hits.size(), size_t(request.offset) + request.limit));
  hits.erase(hits.begin(),
             hits.begin() + std::min<ptrdiff_t>(request.offset, ptrdiff_t(hits.size())));
  return hits;
}

Status readFused(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                 const FusionRequest& request, const Ranking& hits, SearchResult& result,
                 Waiting waiting, WorkMeter& work) {
  std::vector<RowRef> rows;
  rows.reserve(hits.size());
  for (const RankedHit& hit : hits) rows.push_back(hit.row);
  std::shared_lock overlays(*snapshot.overlays, std::defer_lock);
  if (waiting == Waiting::Allowed)
    overlays.lock();
  else if (!overlays.try_lock() || (request.fields.payload && payloadBytes(rows) > kMostReadBytes))
    return Status(Code::Cancelled, "points are being written, or are large");
  VICINAL_TRY(readRows(rows.data(), rows.size(), request.fields, specs, result.rows, work));
  if (!result.scores.resize(hits.size())) return Status::outOfMemory("collecting scores");
  for (size_t at = 0; at < hits.size(); at++) result.scores[at] = hits[at].score;
  return Status::ok();
}

} // namespace vicinal
