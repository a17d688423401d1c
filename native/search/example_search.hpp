// Search within one segment by a score of several examples.
//
// What recall costs is known of neighbours of one vector (calibration.hpp). Most scores of several
// lead to such:
// - Sums, and the weighted ones of relevance feedback, of dot products are the dot product with one
//   vector, and of squared distances the squared distance to one.
// - The best by the greatest similarity to those that are liked are, of the points that are nearer
//   to one of them than to any disliked, the nearest to each.
// - Where enough points are on the right side of every pair, the best by discovery are, of them,
//   the nearest to the target, and by context any of them.
// So they are sought by searches for neighbours, with the condition, and what those find is scored.
// The vector of a sum may lie far from all others, where a walk loses more than the calibration
// knows of: it is walked to by ever wider beams until the wider one finds nothing better. Where
// searches don't find enough, and for all other scores, all that matches is scored. A request
// that names a width is walked by the score itself.
#pragma once

#include "search/segment_search.hpp"

namespace vicinal {

class ExampleSearch {
public:
  ExampleSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                SearchStats& stats)
      : scope_(scope), request_(request), examples_(*request.examples),
        space_(scope.segment.space(request.vector)), wanted_(wanted), stats_(stats) {}

  // The best visible vertices that match, the best first; distances are the scores' negatives.
  Status run(std::vector<Neighbor>& best);
  const SegmentReport& report() const { return report_; }

private:
  // Which vertices the searches look at.
  enum class Among : uint8_t { All, LikedMore, RightOfAllPairs };
  struct Leads {
    // End to end.
    std::vector<float> vectors;
    Among among = Among::All;
    // Made of the examples, so it may lie far from all vectors.
    bool isMade = false;
  };

  class Condition;

  Leads leads() const;
  bool isSum(std::vector<float>& weights) const;
  bool addSum(const std::vector<float>& weights, Leads& leads) const;
  const float* example(size_t at) const {
    return examples_.vectors.data() + at * space_.spec().dim;
  }
  // False where they are too few.
  Result<bool> follow(const Leads& leads, std::vector<Neighbor>& best);
  Status followMade(const Leads& leads, std::vector<Neighbor>& best);
  Status scoreAll(std::vector<Neighbor>& best);
  Status score(std::vector<Neighbor>& found);

  const SegmentScope& scope_;
  const SearchRequest& request_;
  const Examples& examples_;
  const VectorSpace& space_;
  const size_t wanted_;
  SearchStats& stats_;
  SegmentReport report_;
};

} // namespace vicinal
