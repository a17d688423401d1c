#include "search/pace_meter.hpp"

#include <algorithm>
#include <chrono>

#include "search/vertex_scan.hpp"
#include "segment/calibration.hpp"

namespace vicinal {

namespace {

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

float medianOf(std::vector<float> values) {
  const auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace

Status PaceMeter::turn(const std::vector<const float*>& queries) {
  const size_t half = queries.size() / 2;
  float took = 0;
  for (size_t at = 0; at < half; at++) {
    VICINAL_TRY(walkAmongAll(queries[at], took));
    if (at >= half / 2) plain_.push_back(took);
  }
  // Others, since of the same all that is compared would be in the caches.
  for (size_t at = half; at < queries.size(); at++) {
    walkAmongMatches(queries[at], took);
    if (at >= half + half / 2) matched_.push_back(took);
  }
  return codes_ ? gather(queries.front()) : Status::ok();
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
  const Stopwatch watch;
  VICINAL_TRY(scan.candidates(matches_.rows, {0, matches_.vertices.rows()}));
  gathered_.push_back(watch.nanosecondsFor(double(stats.distances)));
  return Status::ok();
}

float PaceMeter::overPlain(const std::vector<float>& paces) const {
  if (paces.empty() || plain_.empty()) return 0;
  const float plain = medianOf(plain_);
  return plain > 0 ? medianOf(paces) / plain : 0;
}

} // namespace vicinal
