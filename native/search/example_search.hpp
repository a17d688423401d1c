// Search within one segment by a score that combines several examples.
//
// Calibrations hold for neighbours of one vector (calibration.hpp). Most combined scores reduce to
// such searches:
// - A sum of dot products, also a weighted one of relevance feedback, is the dot product with one
//   vector. A sum of squared distances orders points like the squared distance to one vector.
// - BestScore: among points nearer to a positive than to every negative, the best are the nearest
//   to each positive.
// - Discover and Context: if enough points are on the right side of every pair, the best are among
//   them. By Discover they are the nearest to the target; by Context any of them.
// So neighbours are searched for, under this condition, and then scored. The vector of a sum may
// lie far from all stored vectors, where walks lose more than the calibration says. So the beam is
// widened until a wider one finds nothing better. If the searches find too few points, and for all
// other scores, every match is scored. A request that names a beam width walks by the score itself.
#pragma once

#include "search/segment_search.hpp"

namespace vicinal {

class ExampleSearch {
public:
  ExampleSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                SearchStats& stats)
      : scope_(scope), request_(request), examples_(*request.examples),
        space_(scope.segment.space(request.vector)), wanted_(wanted), stats_(stats) {}

  // The best visible vertices that match, best first; distances are the negative scores.
  Status run(std::vector<Neighbor>& best);
  const SegmentReport& report() const { return report_; }

private:
  // The vertices that the searches consider.
  enum class Among : uint8_t { All, LikedMore, RightOfAllPairs };
  struct Leads {
    // One vector after the other.
    std::vector<float> vectors;
    Among among = Among::All;
    // The vector is computed from the examples, so it may lie far from all stored vectors.
    bool isMade = false;
  };

  class Condition;

  Leads leads() const;
  bool isSum(std::vector<float>& weights) const;
  bool addSum(const std::vector<float>& weights, Leads& leads) const;
  const float* example(size_t at) const {
    return examples_.vectors.data() + at * space_.spec().dim;
  }
  // False if the searches found too few points.
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
