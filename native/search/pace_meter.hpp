// What a distance takes on the ways to a filter's matches, over one of a walk among all vertices.
//
// Measured as a busy service works, searches of one kind right after each other with nothing
// between them that empties caches; and in turns, since paces are of the machine and the minute.
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

  // Queries of a turn, half of them for each kind of walk. Of these the first half warms the
  // caches, which the kind before has filled with its own.
  static constexpr size_t kQueries = 16;
  // Searches of each kind. Takes about a millisecond.
  Status turn(const std::vector<const float*>& queries);

  // Medians, over that of walks among all. 0 where nothing was measured.
  // Of walks among the matches, with all that leads to a distance.
  float ofMatches() const { return overPlain(matched_); }
  // Of scans of the matches by code, where there are codes.
  float ofGathered() const { return overPlain(gathered_); }

private:
  // `took`: nanoseconds for a distance.
  Status walkAmongAll(const float* query, float& took);
  void walkAmongMatches(const float* query, float& took);
  Status gather(const float* query);
  float overPlain(const std::vector<float>& paces) const;

  const VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  const Matches matches_;
  const SearchOptions options_;
  // Of each search, nanoseconds for a distance.
  std::vector<float> plain_;
  std::vector<float> matched_;
  std::vector<float> gathered_;
};

} // namespace vicinal
