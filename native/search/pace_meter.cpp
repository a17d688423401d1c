#include "search/pace_meter.hpp"

#include <algorithm>
#include <chrono>

#include "graph/shortlist.hpp"
#include "search/median.hpp"
#include "search/vertex_scan.hpp"
#include "segment/calibration.hpp"

namespace vicinal {

namespace {

// Vertices of a scan; each scan takes others, so that no cache holds them.
constexpr uint32_t kScanned = 64 * 1024;

} // namespace

Status PaceMeter::step(const std::vector<const float*>& queries) {
  const size_t kind = steps_++ % kKinds;
  if (kind == 2) return codes_ ? gather(queries.front()) : Status::ok();
  for (size_t at = 0; at < queries.size(); at++) {
    float took = 0;
    VICINAL_TRY(timed(queries[at], took, [&](SpaceSearch& search) {
      return kind == 0 ? walkAmongAll(search) : walkAmongMatches(search);
    }));
    if (at >= queries.size() / 2) (kind == 0 ? plain_ : matched_).push_back(took);
  }
  return Status::ok();
}

template <typename Work>
Status PaceMeter::timed(const float* query, float& took, const Work& work) {
  SearchStats stats;
  SpaceSearch search(space_, query, Waiting::Allowed, stats, codes_);
  search.prepareQuery();
  const auto started = std::chrono::steady_clock::now();
  VICINAL_TRY(work(search));
  const std::chrono::duration<double, std::nano> ns = std::chrono::steady_clock::now() - started;
  took = stats.distances > 0 ? float(ns.count() / double(stats.distances)) : 0;
  return Status::ok();
}

Status PaceMeter::walkAmongAll(SpaceSearch& search) {
  SearchEnd end = SearchEnd::Complete;
  return search.lead(options_, AcceptAll{}, found_, end);
}

Status PaceMeter::walkAmongMatches(SpaceSearch& search) {
  unmet_.start(matches_.vertices.rows(), matches_.vertices.words());
  search.leadAccepted(options_, unmet_, AcceptAll{}, found_);
  return Status::ok();
}

Status PaceMeter::gather(const float* query) {
  const uint32_t vertices = matches_.vertices.rows();
  const uint32_t count = std::min(vertices, kScanned);
  const auto from = uint32_t(turns() * kScanned % (vertices - count + 1));
  const VertexSlice slice{from, from + count};
  RowBitmap rows(matches_.rows.rows());
  matches_.rows.forEach([&](uint32_t row) {
    const uint32_t vertex = space_.vertexOf(row);
    if (vertex >= slice.from && vertex < slice.to) rows.add(row);
  });
  const AcceptAll accept;
  float took = 0;
  VICINAL_TRY(timed(query, took, [&](SpaceSearch& search) {
    const CodeDistances distances{search, codes_->space().stride()};
    Shortlist nearest(kDeepest);
    return VertexScan(space_, distances, accept, nullptr, nearest).candidates(rows, slice);
  }));
  if (took > 0) gathered_.push_back(took);
  return Status::ok();
}

float PaceMeter::overPlain(std::vector<float> paces) const {
  if (paces.empty() || plain_.empty()) return 0;
  std::vector<float> all = plain_;
  const float plain = medianOf(all);
  return plain > 0 ? medianOf(paces) / plain : 0;
}

} // namespace vicinal
