// Search within one segment.
//
// Without a filter: the graph for the linked vertices, an exact scan for the tail behind them.
// Where rows near the query are deleted, the live ones are sought as matches of a filter are that
// are far from it.
//
// With one, whichever is cheaper by estimate:
// - a scan of the rows that may match;
// - the graph by way of matches alone, where they are known beforehand and enough to hang together;
// - the graph by way of all vertices, of which those that don't match are never results.
// Selectivity alone decides nothing: where the matches are far from the query, a graph would walk
// through everything that is nearer, or find those first that it comes by. So before a walk among
// matches those about the query are looked at, and a walk among all is made anew for as many as it
// has seen to match. Each walk has a budget, what the scan would cost, and past it the scan is made
// after all. Either way nothing is lost but time.
#pragma once

#include <optional>

#include "graph/neighbor.hpp"
#include "search/parked_search.hpp"
#include "search/search.hpp"
#include "search/segment_scope.hpp"
#include "search/space_search.hpp"
#include "search/walk_plan.hpp"

namespace vicinal {

// What more is asked of a vertex than a filter says.
class VertexCondition {
public:
  virtual ~VertexCondition() = default;
  virtual bool holds(uint32_t vertex) = 0;
  // Of asking it, in distances.
  virtual double cost() const = 0;
};

class SegmentSearch {
public:
  // `wanted` nearest vertices are collected.
  SegmentSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                SearchStats& stats)
      : SegmentSearch(scope, request, wanted, stats, scope.segment.space(request.vector)) {}
  // The same of a space among the segment's own, which has all that the filter lets pass.
  SegmentSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                SearchStats& stats, const VectorSpace& space);

  // Before it runs.
  void require(VertexCondition& condition) { condition_ = &condition; }
  // The nearest visible vertices that match, nearest first.
  Status run(std::vector<Neighbor>& nearest);

  // What was planned, after the run (segment_report.cpp).
  SegmentReport report() const;
  // By estimate, how many distances of a walk the run took more than a walk among as many vertices
  // as match and no others.
  double costOfFilter() const;

private:
  SegmentReport reportOfCompared() const;
  struct Costs {
    double scan = 0;
    double walk = 0;
    // Of each distance of a walk, with what is asked of the vertex then.
    double perWalked = 1;
  };

  // Nothing where a scan is better.
  const std::optional<WalkPlan>& walkPlan() const;
  // Nothing where scans compare vectors.
  const std::optional<ScanPlan>& scanPlan() const;
  // What is planned promises no more than this.
  void promise();

  void takeNearest(std::vector<Neighbor>& found, std::vector<Neighbor>& nearest) const;
  Status runUnfiltered(std::vector<Neighbor>& nearest);
  Status runFiltered(std::vector<Neighbor>& nearest);

  // How those that are accepted are spread. `Evenly`: near the query are as many as elsewhere.
  // `Unevenly`: there may be fewer, and a walk has to go as far as it looks.
  enum class Spread : uint8_t { Evenly, Unevenly };
  // Among how many of the nearest the wanted ones are, but for chance.
  size_t amongFor(double share) const;
  // Whether a walk that is cancelled is left for the next run, if the request has a place for it:
  // one alone of each way to go (ParkedWalk::Way), or another would be taken for it.
  enum class Parking : uint8_t { No, Yes };
  ParkedWalk* parkedWalk(Parking parking) const;
  // Whether the run goes on in a walk of this kind.
  bool goesOn(ParkedWalk::Way way) const;
  // Of a run that goes on in a walk that was not the first; its counts go on, too.
  std::optional<WalkEnding> walkBefore();

  template <typename Accept>
  Status walk(const Accept& accept, uint64_t budget, std::vector<Neighbor>& found, bool& isComplete,
              Parking parking);
  // The same where this share of the vertices about the query is accepted. Without those wanted,
  // what it has found is not near.
  template <typename Accept>
  Status walkMost(const Accept& accept, double share, Spread spread, uint64_t budget,
                  std::vector<Neighbor>& found, WalkEnding& ending, Parking parking);
  // What is about the query: whether as many are accepted as was said, but for chance; which share
  // of them is; and which one is the nearest, for a walk to begin with.
  struct Around {
    bool isNear = false;
    double share = 0;
    size_t looked = 0;
    Neighbor nearest{};
  };
  // Looks at the nearest of all, as far as a short walk finds them.
  template <typename Accept> Status lookAround(const Accept& accept, double share, Around& around);
  // After a look around, which may show that the query has too few matches about it to walk to them
  // (there is no `acceptedPlan_` then), or so many that a walk may go by way of any.
  Status walkKnown(FilterPlan& plan, double share, std::vector<Neighbor>& found, bool& isComplete,
                   const char*& strategy);
  // Among these rows, and by way of them alone.
  Status walkAccepted(const RowBitmap& rows, Neighbor nearest, std::vector<Neighbor>& found,
                      bool& isComplete);
  void layOut(const RowBitmap& rows, Unmet& unmet) const;
  // By way of any, as many as let this share pass.
  Status walkPassing(const FilterPlan& plan, double share, Spread spread,
                     std::vector<Neighbor>& found, bool& isComplete);
  double widening(double share) const;
  // `isComplete`: what was found are the nearest of the linked; otherwise they are to be scanned.
  Status walkLinked(std::vector<Neighbor>& found, bool& isComplete);
  // Whether, in a space of a value's rows, the query is farther from those found than most that the
  // space was measured by. So large a share of its rows are matches.
  bool isFar(const std::vector<Neighbor>& found, double share) const;
  // Of such a query: farther, or not at all where a scan costs less.
  Status walkFarther(double live, std::vector<Neighbor>& found, bool& isComplete);
  // Among all of them, of which the live ones are kept: so many of those about the query.
  Status walkUpTo(double share, uint64_t budget, std::vector<Neighbor>& found, WalkEnding& ending,
                  Parking parking);
  // After a walk among all that found too few accepted: for as many as it has seen, again and
  // again, as long as that takes less than the scan.
  template <typename Accept>
  Status walkOn(WalkEnding ending, const Accept& accept, double scan, std::vector<Neighbor>& found,
                bool& isComplete);
  // Among the live ones alone.
  Status walkLive(std::vector<Neighbor>& found, bool& isComplete);
  double liveShare() const;
  // What a scan of all costs.
  double scanOfAll() const;
  // The nearest accepted of a range, of `candidates` (null: any) alone: by code where that will do,
  // exactly where the request wants that or there are no codes. `offered`: about how many, where
  // asking `accept` costs nothing.
  template <typename Accept>
  Status scan(const RowBitmap* candidates, VertexSlice slice, const Accept& accept, TopK& top,
              std::optional<size_t> offered = std::nullopt);
  // `isSure`: no other is among them but for what is promised; otherwise nothing was offered.
  template <typename Accept>
  Status scanByCode(const RowBitmap* candidates, VertexSlice slice, const Accept& accept, TopK& top,
                    uint32_t most, std::optional<size_t> offered, bool& isSure);
  // The same by vectors.
  template <typename Accept, typename Collector>
  Status scanExactly(const RowBitmap* candidates, VertexSlice slice, const Accept& accept,
                     Collector& nearest, uint32_t most);
  // To compare so many matches takes less than to prepare a query for codes, which would choose so
  // many of them.
  size_t mostCompared(size_t chosen = 0) const;
  // Whether they are so few that there is nothing to weigh.
  bool areFew(const FilterPlan& plan) const;
  Status compareAll(const FilterPlan& plan, std::vector<Neighbor>& nearest);
  // Those of the candidates that match.
  Status scanMatches(const FilterPlan& plan, VertexSlice slice, TopK& top);
  Costs estimate(const FilterPlan& plan, double matchShare) const;

  void note(const char* strategy);
  bool matches(const FilterPlan& plan, uint32_t vertex) const;
  // Whether its candidates are, and can be walked among.
  bool areMatchesKnown(const FilterPlan& plan) const;
  double sampledConditions(const FilterPlan& plan) const;
  Rescoring rescoringOf(const WalkPlan& plan) const {
    return isFiltered() ? amongMatches(plan.rescoring) : plan.rescoring;
  }
  // Of all there is to search. Rows that match may lack the vector.
  double shareOf(double matches) const {
    const uint32_t all = space_.isAmongOthers() ? vertices_ : scope_.view.rows;
    return std::min(1.0, matches / std::max(1u, all));
  }
  bool isFiltered() const { return scope_.filter != nullptr || condition_ != nullptr; }
  // Where scans end: the tail is left out where the request says so.
  uint32_t scanEnd() const {
    return request_.isIndexedOnly && !request_.isExact ? linked_ : vertices_;
  }

  const SegmentScope& scope_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  const size_t wanted_;
  SearchStats& stats_;
  // Read once: what is linked later is found by the scan of the tail.
  const uint32_t linked_;
  const uint32_t vertices_;
  SpaceSearch search_;
  // Worked out once they are asked for.
  mutable std::optional<std::optional<WalkPlan>> walkPlan_;
  mutable std::optional<std::optional<ScanPlan>> scanPlan_;
  // Where a filter's matches may be walked among; once the way is chosen, where they are.
  std::optional<WalkPlan> acceptedPlan_;
  VertexCondition* condition_ = nullptr;
  // For the report.
  const char* strategy_ = SegmentReport{}.strategy;
  // The same, whatever the space is.
  const char* noted_ = strategy_;
  bool comparesAll_ = false;
  Costs costs_;
  // That were paid, of both ways where one was given up.
  double spent_ = 0;
};

} // namespace vicinal
