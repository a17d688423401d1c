// Search within one segment.
//
// Without a filter: a walk through the graph for linked vertices, and an exact scan of the tail. If
// many rows near the query are deleted, the live ones are searched for like the matches of a
// filter.
//
// With a filter, the cheapest way by estimate:
// - a scan of the rows that may match;
// - a graph walk among matches alone, if they are known beforehand and enough to be connected;
// - a graph walk among all vertices, where non-matches are passed but never returned. Selectivity
//   alone does not decide. If the matches are far from the query, a walk among all would visit
//   everything nearer first. A walk among matches would return those that it meets first. So before
//   a walk among matches, the vertices near the query are sampled. A walk among all that finds too
//   few matches is repeated for the share that it has seen. Each walk has a budget, the cost of the
//   scan; beyond it the scan is made. A wrong estimate costs only time.
#pragma once

#include <optional>

#include "graph/neighbor.hpp"
#include "search/parked_search.hpp"
#include "search/search.hpp"
#include "search/segment_scope.hpp"
#include "search/space_search.hpp"
#include "search/walk_plan.hpp"

namespace vicinal {

// A condition on vertices in addition to the filter.
class VertexCondition {
public:
  virtual ~VertexCondition() = default;
  virtual bool holds(uint32_t vertex) = 0;
  // Cost of one call of `holds`, in distances.
  virtual double cost() const = 0;
};

class SegmentSearch {
public:
  // Collects the `wanted` nearest vertices.
  SegmentSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                SearchStats& stats)
      : SegmentSearch(scope, request, wanted, stats, scope.segment.space(request.vector)) {}
  // The same in a space over some of the segment's vertices, which has every row that the filter
  // accepts.
  SegmentSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                SearchStats& stats, const VectorSpace& space);

  // Call before `run`.
  void require(VertexCondition& condition) { condition_ = &condition; }
  // The nearest visible vertices that match, nearest first.
  Status run(std::vector<Neighbor>& nearest);

  // The plan and its outcome; call after `run` (segment_report.cpp).
  SegmentReport report() const;
  // Estimates how many more distances the run took than a walk in a graph of the matches alone.
  double costOfFilter() const;

private:
  SegmentReport reportOfCompared() const;
  struct Costs {
    double scan = 0;
    double walk = 0;
    // Cost of each distance of a walk, including the conditions on its vertex.
    double perWalked = 1;
  };

  // Nothing if a scan is better.
  const std::optional<WalkPlan>& walkPlan() const;
  // Nothing if scans compare vectors.
  const std::optional<ScanPlan>& scanPlan() const;
  // Lowers the promised recall to the plan's.
  void promise();

  void takeNearest(std::vector<Neighbor>& found, std::vector<Neighbor>& nearest) const;
  Status runUnfiltered(std::vector<Neighbor>& nearest);
  Status runFiltered(std::vector<Neighbor>& nearest);

  // How accepted vertices are spread. `Evenly`: near the query as elsewhere. `Unevenly`: near the
  // query there may be fewer, so the walk must go as far as it was asked to look.
  enum class Spread : uint8_t { Evenly, Unevenly };
  // The number of nearest vertices that contain the wanted ones, except by chance.
  size_t amongFor(double share) const;
  // Whether a cancelled walk is parked, if the request has a place for it. Each run parks at most
  // one walk of each kind (ParkedWalk::Way), so that none is mistaken for another.
  enum class Parking : uint8_t { No, Yes };
  ParkedWalk* parkedWalk(Parking parking) const;
  // Whether the run resumes a walk of this kind.
  bool goesOn(ParkedWalk::Way way) const;
  // For a run that resumes a walk that was not the first. Its counts resume too.
  std::optional<WalkEnding> walkBefore();

  template <typename Accept>
  Status walk(const Accept& accept, uint64_t budget, std::vector<Neighbor>& found, bool& isComplete,
              Parking parking);
  // Like `walk`, if this share of the vertices near the query is accepted. Unless the wanted ones
  // are among those found, these are not the nearest.
  template <typename Accept>
  Status walkMost(const Accept& accept, double share, Spread spread, uint64_t budget,
                  std::vector<Neighbor>& found, WalkEnding& ending, Parking parking);
  // The surroundings of the query: whether about as many vertices are accepted as expected, their
  // share, and the nearest vertex, where a walk can start.
  struct Around {
    bool isNear = false;
    double share = 0;
    size_t looked = 0;
    Neighbor nearest{};
  };
  // Samples the nearest of all vertices by a short walk.
  template <typename Accept> Status lookAround(const Accept& accept, double share, Around& around);
  // Looks around first. If the query has too few matches nearby, there is no walk among matches
  // (`acceptedPlan_` is then empty). If it has very many, the walk may go through all vertices.
  Status walkKnown(FilterPlan& plan, double share, std::vector<Neighbor>& found, bool& isComplete,
                   const char*& strategy);
  // Walks among these rows alone.
  Status walkAccepted(const RowBitmap& rows, Neighbor nearest, std::vector<Neighbor>& found,
                      bool& isComplete);
  void layOut(const RowBitmap& rows, Unmet& unmet) const;
  // Walks through all vertices, if this share of them passes.
  Status walkPassing(const FilterPlan& plan, double share, Spread spread,
                     std::vector<Neighbor>& found, bool& isComplete);
  double widening(double share) const;
  // `isComplete`: `found` holds the nearest linked vertices; otherwise they must be scanned.
  Status walkLinked(std::vector<Neighbor>& found, bool& isComplete);
  // For value spaces: whether the query is farther from those found than most samples of the
  // calibration. `share` of its rows are matches.
  bool isFar(const std::vector<Neighbor>& found, double share) const;
  // Walks farther for such a query, or not at all if a scan costs less.
  Status walkFarther(double live, std::vector<Neighbor>& found, bool& isComplete);
  // Walks among all vertices and keeps the live ones, which are this share of those near the query.
  Status walkUpTo(double share, uint64_t budget, std::vector<Neighbor>& found, WalkEnding& ending,
                  Parking parking);
  // Repeats a walk among all that found too few accepted vertices, for the share that it saw, while
  // that costs less than the scan.
  template <typename Accept>
  Status walkOn(WalkEnding ending, const Accept& accept, double scan, std::vector<Neighbor>& found,
                bool& isComplete);
  // Walks among live vertices alone.
  Status walkLive(std::vector<Neighbor>& found, bool& isComplete);
  double liveShare() const;
  // Cost of scanning all vertices.
  double scanOfAll() const;
  // Offers the nearest accepted vertices of a range, limited to `candidates` (null: no limit). Uses
  // codes if they suffice, else vectors. `offered` is the expected number of candidates if `accept`
  // costs nothing.
  template <typename Accept>
  Status scan(const RowBitmap* candidates, VertexSlice slice, const Accept& accept, TopK& top,
              std::optional<size_t> offered = std::nullopt);
  // `isSure`: the nearest are found as promised; otherwise nothing was offered.
  template <typename Accept>
  Status scanByCode(const RowBitmap* candidates, VertexSlice slice, const Accept& accept, TopK& top,
                    uint32_t most, std::optional<size_t> offered, bool& isSure);
  // The same by vectors.
  template <typename Accept, typename Collector>
  Status scanExactly(const RowBitmap* candidates, VertexSlice slice, const Accept& accept,
                     Collector& nearest, uint32_t most);
  // Up to this many matches, comparing vectors takes less time than preparing a query for codes
  // that would choose `chosen` candidates.
  size_t mostCompared(size_t chosen = 0) const;
  // Whether the matches are so few that they are compared directly.
  bool areFew(const FilterPlan& plan) const;
  Status compareAll(const FilterPlan& plan, std::vector<Neighbor>& nearest);
  // Scans the candidates that match.
  Status scanMatches(const FilterPlan& plan, VertexSlice slice, TopK& top);
  Costs estimate(const FilterPlan& plan, double matchShare) const;

  void note(const char* strategy);
  bool matches(const FilterPlan& plan, uint32_t vertex) const;
  // Whether the matches are exactly the candidates, and a walk among them is possible.
  bool areMatchesKnown(const FilterPlan& plan) const;
  double sampledConditions(const FilterPlan& plan) const;
  Rescoring rescoringOf(const WalkPlan& plan) const {
    return isFiltered() ? amongMatches(plan.rescoring) : plan.rescoring;
  }
  // The share of the searched rows or vertices. Rows that match may lack the vector.
  double shareOf(double matches) const {
    const uint32_t all = space_.isAmongOthers() ? vertices_ : scope_.view.rows;
    return std::min(1.0, matches / std::max(1u, all));
  }
  bool isFiltered() const { return scope_.filter != nullptr || condition_ != nullptr; }
  // The end of scans: the tail is left out if the request says so.
  uint32_t scanEnd() const {
    return request_.isIndexedOnly && !request_.isExact ? linked_ : vertices_;
  }

  const SegmentScope& scope_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  const size_t wanted_;
  SearchStats& stats_;
  // Read once; vertices linked later are found by the scan of the tail.
  const uint32_t linked_;
  const uint32_t vertices_;
  SpaceSearch search_;
  // Computed at first use.
  mutable std::optional<std::optional<WalkPlan>> walkPlan_;
  mutable std::optional<std::optional<ScanPlan>> scanPlan_;
  // The plan of a walk among a filter's matches, kept only if that way is chosen.
  std::optional<WalkPlan> acceptedPlan_;
  VertexCondition* condition_ = nullptr;
  // For the report.
  const char* strategy_ = SegmentReport{}.strategy;
  // The same without the suffix for value spaces.
  const char* noted_ = strategy_;
  bool comparesAll_ = false;
  Costs costs_;
  // The costs of the ways that were taken, including one that was given up.
  double spent_ = 0;
};

} // namespace vicinal
