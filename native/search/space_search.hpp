// Search within one vector space for one vector. Codes lead, where the space has them, and vectors
// score: whatever is found by code is scored exactly before it is compared with anything else.
#pragma once

#include <vector>

#include "graph/hnsw_search.hpp"
#include "search/row_block.hpp"
#include "search/search.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

class SpaceSearch {
public:
  SpaceSearch(const VectorSpace& space, const float* query, Waiting waiting, SearchStats& stats)
      : SpaceSearch(space, query, waiting, stats, space.codes()) {}
  // Led by codes that need not be the space's own.
  SpaceSearch(const VectorSpace& space, const float* query, Waiting waiting, SearchStats& stats,
              std::shared_ptr<const CodeArray> codes)
      : space_(space), query_(query), waiting_(waiting), stats_(stats), codes_(std::move(codes)) {}

  // Walks the graph. `found` are the nearest that `accept(vertex)` accepts, nearest first: the
  // foremost `rescored` where codes led, else all that the beam held.
  template <typename Accept>
  Status walk(const SearchOptions& options, size_t rescored, const Accept& accept,
              std::vector<Neighbor>& found, SearchEnd& end) {
    VICINAL_TRY(lead(options, accept, found, end));
    return codes_ ? rescore(rescored, found) : Status::ok();
  }

  // The same where most vertices are accepted: the walk takes all, and those that are not are
  // dropped afterwards, which spares it a heap and the asking. `accepted` tells how many of the
  // foremost `among` were.
  template <typename Accept>
  Status walkAll(const SearchOptions& options, size_t rescored, size_t among, const Accept& accept,
                 std::vector<Neighbor>& found, SearchEnd& end, size_t& accepted) {
    VICINAL_TRY(lead(options, AcceptAll{}, found, end));
    size_t kept = 0;
    accepted = 0;
    for (size_t at = 0; at < found.size() && (at < among || kept < rescored); at++) {
      if (!accept(found[at].vertex)) continue;
      accepted += at < among ? 1 : 0;
      found[kept++] = found[at];
    }
    found.resize(kept);
    return codes_ ? rescore(rescored, found) : Status::ok();
  }

  // Nothing is scored exactly that codes have found.
  void keepCodeDistances() { rescores_ = false; }
  bool hasCodes() const { return codes_ != nullptr; }
  CodeKind codeKind() const { return codes_ ? codes_->space().kind() : CodeKind::None; }
  // Of vertices that are in the graph; distances by code.
  void scoreByCode(const std::vector<uint32_t>& vertices, float* out) {
    codes_->space().distances(preparedQuery(), vertices.data(), vertices.size(), out);
    tally(vertices.size(), codes_->space().stride());
  }
  void scanCodes(uint32_t first, uint32_t count, float* out) {
    codes_->space().scan(preparedQuery(), first, count, out);
    tally(count, codes_->space().stride());
  }
  // Exact distances of any vertices, and of `count` in a row.
  Status score(const std::vector<uint32_t>& vertices, float* out);
  void scan(uint32_t first, uint32_t count, float* out) {
    space_.space().scan(query_, first, count, out);
    space_.shedScanned(first, count);
    tally(count, vectorBytes());
  }
  // Keeps the foremost by code, in the order of their exact distances.
  Status rescore(size_t most, std::vector<Neighbor>& found);

private:
  // By code, where there are codes.
  template <typename Accept>
  Status lead(const SearchOptions& options, const Accept& accept, std::vector<Neighbor>& found,
              SearchEnd& end) {
    const HnswGraph& graph = space_.graph();
    const SearchReport report =
        codes_ ? graph.search(CodeScorer{codes_->space(), preparedQuery()}, options, accept, found)
               : graph.search(FloatScorer{space_.space(), query_}, options, accept, found);
    tally(report.distances, codes_ ? codes_->space().stride() : vectorBytes());
    stats_.visited += report.hops;
    stats_.bytes += report.hops * graph.linkBytes();
    end = report.end;
    if (end == SearchEnd::Cancelled) return Status(Code::Cancelled, "the search was cancelled");
    return Status::ok();
  }
  const CodeQuery& preparedQuery();
  uint64_t vectorBytes() const { return uint64_t(space_.spec().dim) * sizeof(float); }
  void tally(uint64_t distances, uint64_t bytesOfEach) {
    stats_.distances += distances;
    stats_.bytes += distances * bytesOfEach;
  }

  const VectorSpace& space_;
  const float* const query_;
  const Waiting waiting_;
  SearchStats& stats_;
  const std::shared_ptr<const CodeArray> codes_;
  bool isPrepared_ = false;
  bool rescores_ = true;
};

} // namespace vicinal
