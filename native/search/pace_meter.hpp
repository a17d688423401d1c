// What a distance takes on the ways to a filter's matches, over one of a walk among all vertices.
//
// Measured as a busy service works, walks of one kind right after each other with nothing between
// them that empties caches; and in turns, since paces are of the machine and the minute.
#pragma once

#include <memory>
#include <vector>

#include "filter/row_bitmap.hpp"
#include "search/space_search.hpp"

namespace vicinal {

class PaceMeter {
public:
  // The matches of some filter, as rows and as vertices, which have to outlive the meter. Walks are
  // by these options.
  struct Matches {
    const RowBitmap& rows;
    const RowBitmap& vertices;
  };
  PaceMeter(const VectorSpace& space, std::shared_ptr<const CodeArray> codes, Matches matches,
            const SearchOptions& options)
      : space_(space), codes_(std::move(codes)), matches_(matches), options_(options) {}

  // Queries of a step. The first half of them warms the caches, which the kind before has filled
  // with its own; they should be others than its, or all that is compared would be in there.
  static constexpr size_t kQueries = 8;
  // Searches of one kind, the kinds in turns. Takes about a millisecond.
  Status step(const std::vector<const float*>& queries);
  // Turns of all kinds that are done.
  size_t turns() const { return steps_ / kKinds; }

  // Medians, over that of walks among all. 0 where nothing was measured.
  // Of walks among the matches, with all that leads to a distance.
  float ofMatches() const { return overPlain(matched_); }
  // Of scans of the matches by code, where there are codes.
  float ofGathered() const { return overPlain(gathered_); }

private:
  static constexpr size_t kKinds = 3;

  // `took`: nanoseconds for a distance of `work(search)`, the query's preparation left out.
  template <typename Work> Status timed(const float* query, float& took, const Work& work);
  Status walkAmongAll(SpaceSearch& search);
  Status walkAmongMatches(SpaceSearch& search);
  Status gather(const float* query);
  float overPlain(std::vector<float> paces) const;

  const VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  const Matches matches_;
  const SearchOptions options_;
  size_t steps_ = 0;
  Unmet unmet_;
  std::vector<Neighbor> found_;
  // Of each search, nanoseconds for a distance.
  std::vector<float> plain_;
  std::vector<float> matched_;
  std::vector<float> gathered_;
};

} // namespace vicinal
