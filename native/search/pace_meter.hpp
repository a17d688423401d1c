// Measures the cost of a distance on the ways to a filter's matches, relative to a distance of a
// walk among all vertices.
//
// It runs like a busy service: walks of one kind follow each other directly, so caches stay warm.
// The kinds take turns, since paces depend on the machine and the moment.
#pragma once

#include <memory>
#include <vector>

#include "filter/row_bitmap.hpp"
#include "search/space_search.hpp"

namespace vicinal {

class PaceMeter {
public:
  // The matches of some filter, as rows and as vertices; both must outlive the meter. Walks use
  // these options.
  struct Matches {
    const RowBitmap& rows;
    const RowBitmap& vertices;
  };
  PaceMeter(const VectorSpace& space, std::shared_ptr<const CodeArray> codes, Matches matches,
            const SearchOptions& options)
      : space_(space), codes_(std::move(codes)), matches_(matches), options_(options) {}

  // Queries of a step. The first half warms the caches, which the previous kind has filled with its
  // data. The queries should differ from those of the previous kind, or their data would be cached
  // already.
  static constexpr size_t kQueries = 8;
  // Runs searches of one kind; the kinds take turns. Takes about a millisecond.
  Status step(const std::vector<const float*>& queries);
  // Completed rounds of all kinds.
  size_t turns() const { return steps_ / kKinds; }

  // Medians relative to walks among all vertices; 0 if nothing was measured. `ofMatches` is for
  // walks among the matches, with everything that leads to a distance.
  float ofMatches() const { return overPlain(matched_); }
  // Scans of the matches by code, if there are codes.
  float ofGathered() const { return overPlain(gathered_); }

private:
  static constexpr size_t kKinds = 3;

  // `took` becomes the nanoseconds of a distance of `work(search)`, without preparing the query.
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
  // Nanoseconds of a distance, one value for each search.
  std::vector<float> plain_;
  std::vector<float> matched_;
  std::vector<float> gathered_;
};

} // namespace vicinal
