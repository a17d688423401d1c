#include "search/pace_meter.hpp"

#include <algorithm>
#include <chrono>

#include "search/median.hpp"
#include "search/vertex_scan.hpp"
#include "segment/calibration.hpp"

namespace vicinal {

namespace {

// Vertices of a scan; of many others each time, so that no cache has them.
constexpr uint32_t kScanned = 64 * 1024;

class Stopwatch {
public:
  float nanosecondsFor(double distances) const {
    const std::chrono::duration<double, std::nano> took =
        std::chrono::steady_clock::now() - started_;
    return distances > 0 ? float(took.count() / distances) : 0;
  }

private:
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

} // namespace

Status PaceMeter::step(const std::vector<const float*>& queries) {
  const size_t kind = steps_++ % kKinds;
  if (kind == 2) return codes_ ? gather(queries.front()) : Status::ok();
  for (size_t at = 0; at < queries.size(); at++) {
    float took = 0;
    if (kind == 0)
      VICINAL_TRY(walkAmongAll(queries[at], took));
    else
      walkAmongMatches(queries[at], took);
    if (at >= queries.size() / 2) (kind == 0 ? plain_ : matched_).push_back(took);
  }
  return Status::ok();
}

Status PaceMeter::walkAmongAll(const float* query, float& took) {
  SearchStats stats;
  SpaceSearch search(space_, query, Waiting::Allowed, stats, codes_);
  search.prepareQuery();
  thread_local std::vector<Neighbor> found;
  SearchEnd end = SearchEnd::Complete;
  const Stopwatch watch;
  VICINAL_TRY(search.lead(options_, AcceptAll{}, found, end));
  took = watch.nanosecondsFor(double(stats.distances));
  return Status::ok();
}

void PaceMeter::walkAmongMatches(const float* query, float& took) {
  SearchStats stats;
  SpaceSearch search(space_, query, Waiting::Allowed, stats, codes_);
  search.prepareQuery();
  thread_local std::vector<Neighbor> found;
  thread_local Unmet unmet;
  const Stopwatch watch;
  unmet.start(matches_.vertices.rows(), matches_.vertices.words());
  const SearchReport report = search.leadAccepted(options_, unmet, AcceptAll{}, found);
  took = watch.nanosecondsFor(double(report.distances));
}

Status PaceMeter::gather(const float* query) {
  SearchStats stats;
  SpaceSearch search(space_, query, Waiting::Allowed, stats, codes_);
  search.prepareQuery();
  const CodeDistances distances{search, codes_->space().stride()};
  Shortlist nearest(kDeepest);
  const AcceptAll accept;
  VertexScan scan(space_, distances, accept, nullptr, nearest);
  const uint32_t vertices = matches_.vertices.rows();
  const uint32_t count = std::min(vertices, kScanned);
  const auto from = uint32_t(turns() * kScanned % (vertices - count + 1));
  const VertexSlice slice{from, from + count};
  RowBitmap rows(matches_.rows.rows());
  matches_.rows.forEach([&](uint32_t row) {
    const uint32_t vertex = space_.vertexOf(row);
    if (vertex >= slice.from && vertex < slice.to) rows.add(row);
  });
  const Stopwatch watch;
  VICINAL_TRY(scan.candidates(rows, slice));
  if (stats.distances > 0) gathered_.push_back(watch.nanosecondsFor(double(stats.distances)));
  return Status::ok();
}

float PaceMeter::overPlain(std::vector<float> paces) const {
  if (paces.empty() || plain_.empty()) return 0;
  std::vector<float> all = plain_;
  const float plain = medianOf(all);
  return plain > 0 ? medianOf(paces) / plain : 0;
}

} // namespace vicinal
