// The walks and scans of a segment's search, as templates over the accepted vertices.
#pragma once

#include <algorithm>
#include <cmath>

#include "search/segment_search.hpp"
#include "search/vertex_scan.hpp"

namespace vicinal {

// From this share on, most vertices count as accepted.
constexpr double kMost = 0.4;
// How much farther a walk among all must go if this share (most) is accepted. The last wanted ones
// are farther away, but walks miss fewer vertices well within their reach. Two thirds of the
// additional distance are enough.
constexpr double widenedFor(double share) { return 1 + (1 / share - 1) * 2 / 3; }
// The cost of a walk among matches in addition to its distances, in distances. More vectors are
// rescored, and the matches are laid out as bits.
constexpr double kBesidesAmong = 350;
// A scan of matches up to this cost, in distances, is always made, because it loses nothing.
constexpr double kSureScan = 750;
// Bounds of the look around before a walk among matches. It samples enough vertices to expect
// kMatchesAround matches, at most kMostAround, and looks closer if there seem to be few.
constexpr double kMatchesAround = 12;
constexpr double kMostAround = 64;
struct Look {
  // Distances for each sampled vertex.
  size_t distances;
  // Matches count as few if they are this many deviations below the expectation.
  double deviations;
};
constexpr Look kGlance{3, 1};
constexpr Look kCloseLook{10, 2.5};

template <typename Accept>
Status SegmentSearch::walk(const Accept& accept, uint64_t budget, std::vector<Neighbor>& found,
                           bool& isComplete, Parking parking) {
  SearchOptions options = walkPlan()->options;
  options.maxDistances = budget;
  options.cancel = scope_.cancel;
  options.parked = parkedWalk(parking);
  SearchEnd end = SearchEnd::Complete;
  VICINAL_TRY(search_.walk(options, rescoringOf(*walkPlan()), accept, found, end));
  isComplete = end == SearchEnd::Complete;
  return Status::ok();
}

template <typename Accept>
Status SegmentSearch::walkMost(const Accept& accept, double share, Spread spread, uint64_t budget,
                               std::vector<Neighbor>& found, WalkEnding& ending, Parking parking) {
  const size_t among = amongFor(share);
  SearchOptions options = walkPlan()->options;
  options.maxDistances = budget;
  options.cancel = scope_.cancel;
  if (options.stop.wanted > 0) {
    const size_t widened = share < kMost || spread == Spread::Unevenly
                               ? among
                               : static_cast<size_t>(wanted_ * widenedFor(share));
    options.stop.wanted = std::max(options.stop.wanted, widened);
  }
  // Widened so that the beam holds as many accepted vertices as one without a filter.
  options.ef =
      std::max(static_cast<uint32_t>(std::ceil(options.ef / share)), static_cast<uint32_t>(among));
  options.parked = parkedWalk(parking);
  SearchEnd end = SearchEnd::Complete;
  size_t accepted = 0;
  // The wanted ones are among the nearest of all, if codes are as precise as calibrated.
  VICINAL_TRY(search_.walkAll(options, walkPlan()->rescoring, among, accept, found, end, accepted));
  ending = {end == SearchEnd::Complete, accepted >= std::min<size_t>(wanted_, linked_), among,
            accepted};
  return Status::ok();
}

template <typename Accept>
Status SegmentSearch::walkOn(WalkEnding ending, const Accept& accept, double scan,
                             std::vector<Neighbor>& found, bool& isComplete) {
  // Even if none was found, the next one might have been a match.
  constexpr double kNearlyOne = 0.5;
  while (!isComplete && ending.looked > 0) {
    const double share = std::max(double(ending.accepted), kNearlyOne) / double(ending.looked);
    if (walkPlan()->distances / share > scan / 2) break;
    const size_t looked = ending.looked;
    if (request_.parked != nullptr) {
      request_.parked->before = ending;
      request_.parked->done = stats_;
    }
    VICINAL_TRY(
        walkMost(accept, share, Spread::Unevenly, uint64_t(scan), found, ending, Parking::Yes));
    isComplete = ending.hasWanted && ending.isComplete;
    // The walk looked no farther than before.
    if (ending.looked <= looked) break;
  }
  if (request_.parked != nullptr) request_.parked->before.reset();
  if (!isComplete) found.clear();
  return Status::ok();
}

template <typename Accept>
Status SegmentSearch::lookAround(const Accept& accept, double share, Around& looked) {
  thread_local std::vector<Neighbor> around;
  SearchOptions options;
  // Too short to be interrupted, since it would have to start again.
  options.ef = uint32_t(std::min(kMostAround, std::ceil(kMatchesAround / share)));
  looked = {};
  for (const Look& look : {kGlance, kCloseLook}) {
    options.maxDistances = uint64_t(kMostAround) + look.distances * options.ef;
    SearchEnd end = SearchEnd::Complete;
    VICINAL_TRY(search_.lead(options, AcceptAll{}, around, end));
    if (around.empty()) break;
    looked.nearest = around.front();
    const auto accepted = std::count_if(around.begin(), around.end(),
                                        [&](const Neighbor& each) { return accept(each.vertex); });
    const double expected = share * double(around.size());
    looked.looked = around.size();
    looked.share = double(accepted) / double(around.size());
    looked.isNear =
        double(accepted) >= std::max(1.0, expected - look.deviations * std::sqrt(expected));
    if (looked.isNear) break;
    options.ef = uint32_t(kMostAround);
  }
  return Status::ok();
}

template <typename Accept>
Status SegmentSearch::scan(const RowBitmap* candidates, VertexSlice slice, const Accept& accept,
                           TopK& top, std::optional<size_t> offered) {
  const bool reads = !offered && isFiltered() && request_.parked != nullptr;
  const uint32_t most = reads ? kMostRowsRead : kMostRowsScanned;
  VertexSlice exact = slice;
  const auto isFew = [&] {
    return candidates != nullptr && !space_.coldVectors() &&
           candidates->count() <= mostCompared(scanPlan()->rescoring.most);
  };
  if (scanPlan() && slice.from < linked_ && !isFew()) {
    const VertexSlice coded{slice.from, std::min(slice.to, linked_)};
    bool isSure = false;
    VICINAL_TRY(scanByCode(candidates, coded, accept, top, most, offered, isSure));
    if (isSure) {
      exact.from = coded.to;
      stats_.recall = std::min(stats_.recall, double(scanPlan()->recall));
    }
  }
  return exact.empty() ? Status::ok() : scanExactly(candidates, exact, accept, top, most);
}

template <typename Accept, typename Collector>
Status SegmentSearch::scanExactly(const RowBitmap* candidates, VertexSlice slice,
                                  const Accept& accept, Collector& nearest, uint32_t most) {
  const VectorDistances distances{search_, space_.space().rowBytes};
  VertexScan vertexScan(space_, distances, accept, scope_.cancel, nearest, most);
  return candidates ? vertexScan.candidates(*candidates, slice) : vertexScan.range(slice);
}

template <typename Accept>
Status SegmentSearch::scanByCode(const RowBitmap* candidates, VertexSlice slice,
                                 const Accept& accept, TopK& top, uint32_t most,
                                 std::optional<size_t> offered, bool& isSure) {
  const Rescoring& rescoring = scanPlan()->rescoring;
  ParkedSearch* const parked = request_.parked;
  auto before = parked != nullptr ? parked->takeScan(search_.codes()) : std::nullopt;
  if (before) {
    slice.from = before->from;
    stats_ = parked->done;
  }
  const size_t kept = std::min<size_t>(rescoring.most, slice.to - slice.from);
  Shortlist byCode = before ? std::move(before->kept) : Shortlist(kept, offered.value_or(SIZE_MAX));
  const CodeDistances distances{search_, space_.codeStride()};
  VertexScan vertexScan(space_, distances, accept, scope_.cancel, byCode, most);
  const Status status =
      candidates ? vertexScan.candidates(*candidates, slice) : vertexScan.range(slice);
  if (status.code() == Code::Cancelled && parked != nullptr && isFiltered()) {
    parked->done = stats_;
    parked->park({search_.codes(), std::move(byCode), vertexScan.next(), noted_});
  }
  VICINAL_TRY(status);
  std::vector<Neighbor> found;
  VICINAL_TRY(search_.rescore(rescoring, byCode, found));
  // Codes distinguish vertices far from the query less well. If all kept candidates were needed,
  // others may be among the nearest too.
  isSure = !search_.rescores() || std::isinf(rescoring.doubt) || found.size() < rescoring.most;
  if (!isSure) return Status::ok();
  for (const Neighbor& neighbor : found) top.offer(neighbor);
  return Status::ok();
}

} // namespace vicinal
