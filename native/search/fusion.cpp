#include "search/fusion.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace vicinal {

namespace {

// Of payloads: what is read in some microseconds.
constexpr uint64_t kMostReadBytes = 64 << 10;

struct IdHash {
  size_t operator()(const PointId& id) const { return id.hash(); }
};

float shareOf(size_t place, double k, double weight) {
  if (!(weight > 0)) return 0;
  const auto stretched = static_cast<float>(double(place + 1) / weight);
  const auto ranked = static_cast<float>(double(stretched) + k - 1);
  return static_cast<float>(1 / double(ranked));
}

} // namespace

std::vector<FusedHit> fuseRanks(const std::vector<const SearchResult*>& rankings,
                                const FusionRequest& request) {
  std::vector<FusedHit> hits;
  std::unordered_map<PointId, size_t, IdHash> places;
  for (size_t ranking = 0; ranking < rankings.size(); ranking++) {
    const RowBlock& rows = rankings[ranking]->rows;
    const double weight = request.weights.empty() ? 1 : request.weights[ranking];
    for (size_t place = 0; place < rows.count; place++) {
      PointId id;
      if (!decodePointId(&rows.ids[place * kIdWords], id)) continue;
      const float share = shareOf(place, request.k, weight);
      const auto [known, isNew] = places.try_emplace(id, hits.size());
      if (isNew)
        hits.push_back({id, rows.seqs[place], share});
      else
        hits[known->second].score += share;
    }
  }
  std::stable_sort(hits.begin(), hits.end(),
                   [](const FusedHit& a, const FusedHit& b) { return a.score > b.score; });
  std::erase_if(hits, [&](const FusedHit& hit) { return hit.score < request.threshold; });
  hits.resize(std::min<size_t>(hits.size(), size_t(request.offset) + request.limit));
  hits.erase(hits.begin(),
             hits.begin() + std::min<ptrdiff_t>(request.offset, ptrdiff_t(hits.size())));
  return hits;
}

Status readFused(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                 const FusionRequest& request, const std::vector<FusedHit>& hits,
                 const std::vector<RowRef>& rows, SearchResult& result) {
  std::vector<RowRef> present;
  std::vector<size_t> positions;
  for (size_t at = 0; at < rows.size(); at++) {
    if (!rows[at].found()) continue;
    present.push_back(rows[at]);
    positions.push_back(at);
  }
  std::shared_lock overlays(*snapshot.overlays, std::try_to_lock);
  if (!overlays.owns_lock() || (request.fields.payload && payloadBytes(present) > kMostReadBytes))
    return Status(Code::Cancelled, "points are being written, or are large");
  VICINAL_TRY(readRows(present.data(), present.size(), request.fields, specs, result.rows));
  if (!result.scores.resize(present.size()))
    return Status(Code::Overloaded, "out of memory while collecting scores");
  for (size_t at = 0; at < positions.size(); at++) {
    const FusedHit& hit = hits[positions[at]];
    result.scores[at] = hit.score;
    result.rows.seqs[at] = hit.seq;
  }
  return Status::ok();
}

} // namespace vicinal
