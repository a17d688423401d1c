// Search within one vector space, for one vector or by a score of several. Codes lead if the space
// has them. Candidates found by code are rescored before they are compared with anything else.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "graph/accepted_walk.hpp"
#include "graph/parked_walk.hpp"
#include "graph/select_nearest.hpp"
#include "graph/shortlist.hpp"
#include "search/example_scorer.hpp"
#include "search/row_block.hpp"
#include "search/search.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

class SpaceSearch {
public:
  SpaceSearch(const VectorSpace& space, const float* query, Waiting waiting, SearchStats& stats)
      : SpaceSearch(space, query, waiting, stats, space.codes()) {}
  // Uses codes that need not be the space's own.
  SpaceSearch(const VectorSpace& space, const float* query, Waiting waiting, SearchStats& stats,
              std::shared_ptr<const CodeArray> codes)
      : space_(space), query_(query), waiting_(waiting), stats_(stats), codes_(std::move(codes)),
        queries_(&queriesOfThread()) {}
  SpaceSearch(const SpaceSearch&) = delete;
  SpaceSearch& operator=(const SpaceSearch&) = delete;

  // Scores by these examples instead of the query.
  void scoreBy(const Examples* examples) { examples_ = examples; }

  // Walks the graph. `found` gets the nearest that `accept(vertex)` accepts, nearest first: the
  // rescored ones if codes led, else everything in the beam.
  template <typename Accept>
  Status walk(const SearchOptions& options, const Rescoring& rescoring, const Accept& accept,
              std::vector<Neighbor>& found, SearchEnd& end) {
    VICINAL_TRY(lead(options, accept, found, end));
    return codes_ ? rescore(rescoring, found) : Status::ok();
  }

  // The same if most vertices are accepted: the walk takes all, and the others are dropped
  // afterwards. That saves a heap and many calls of `accept`. `accepted` becomes the number of
  // accepted vertices among the foremost `among`.
  template <typename Accept>
  Status walkAll(const SearchOptions& options, const Rescoring& rescoring, size_t among,
                 const Accept& accept, std::vector<Neighbor>& found, SearchEnd& end,
                 size_t& accepted) {
    VICINAL_TRY(lead(options, AcceptAll{}, found, end));
    size_t looked = 0;
    size_t kept = 0;
    accepted = 0;
    // `accept` is called only for vertices that are scored or must be looked at, because it may
    // cost more than scoring.
    const auto keep = [&](size_t wanted) {
      for (; looked < found.size() && (looked < among || kept < wanted); looked++) {
        if (!accept(found[looked].vertex)) continue;
        accepted += looked < among ? 1 : 0;
        found[kept++] = found[looked];
      }
      return kept;
    };
    if (codes_) return rescore(rescoring, found, keep);
    found.resize(keep(rescoring.most));
    return Status::ok();
  }

  // Walks among accepted vertices alone. Distances are by code if there are codes; the caller
  // rescores.
  template <typename IsLive>
  SearchReport leadAccepted(const SearchOptions& options, Unmet& unmet, const IsLive& isLive,
                            std::vector<Neighbor>& found) {
    const HnswGraph& graph = space_.graph();
    if (options.parked != nullptr) options.parked->dropUnlessLedBy(codes_);
    const SearchReport report =
        codes_ ? graph.searchAccepted(CodeScorer{codes_->space(), preparedQuery(0)}, options, unmet,
                                      isLive, found)
               : graph.searchAccepted(FloatScorer{space_.space(), query_}, options, unmet, isLive,
                                      found);
    tally(report.distances, codes_ ? codes_->space().stride() : vectorBytes());
    tallyLinks(report);
    return report;
  }
  // Distances are by code if there are codes.
  template <typename Accept>
  Status lead(const SearchOptions& options, const Accept& accept, std::vector<Neighbor>& found,
              SearchEnd& end) {
    const HnswGraph& graph = space_.graph();
    if (options.parked != nullptr) options.parked->dropUnlessLedBy(codes_);
    const SearchReport report =
        examples_ ? leadByExamples(graph, options, accept, found)
        : codes_
            ? graph.search(CodeScorer{codes_->space(), preparedQuery(0)}, options, accept, found)
            : graph.search(FloatScorer{space_.space(), query_}, options, accept, found);
    tally(report.distances * vectors(), codes_ ? codes_->space().stride() : vectorBytes());
    tallyLinks(report);
    end = report.end;
    if (end == SearchEnd::Cancelled) return Status(Code::Cancelled, "the search was cancelled");
    return Status::ok();
  }

  // Prepares queries in memory of its own, because another search runs on this thread meanwhile.
  void keepQueriesApart() {
    own_ = std::make_unique<std::deque<CodeQuery>>();
    queries_ = own_.get();
  }
  // Turns off the rescoring of candidates found by code.
  void keepCodeDistances() { rescores_ = false; }
  bool rescores() const { return rescores_; }
  // Prepares the query now instead of at first use.
  void prepareQuery() {
    if (codes_) preparedQuery(0);
  }
  bool hasCodes() const { return codes_ != nullptr; }
  const std::shared_ptr<const CodeArray>& codes() const { return codes_; }
  CodeKind codeKind() const { return codes_ ? codes_->space().kind() : CodeKind::None; }
  // Distances by code of vertices in the graph.
  void scoreByCode(std::span<const uint32_t> vertices, float* out) {
    const CodeSpace& codes = codes_->space();
    combined(vertices.size(), codes.stride(), out, [&](size_t example, float* into) {
      codes.distances(preparedQuery(example), vertices.data(), vertices.size(), into);
    });
  }
  void scanCodes(uint32_t first, uint32_t count, float* out) {
    const CodeSpace& codes = codes_->space();
    combined(count, codes.stride(), out, [&](size_t example, float* into) {
      codes.scan(preparedQuery(example), first, count, into);
    });
  }
  // Exact distances of any vertices, and of `count` consecutive ones.
  Status score(std::span<const uint32_t> vertices, float* out);
  Status scan(uint32_t first, uint32_t count, float* out) {
    if (waiting_ == Waiting::Refused && isInFile(first))
      return {Code::Cancelled, "vectors may have to be read from their file"};
    combined(count, vectorBytes(), out, [&](size_t example, float* into) {
      space_.space().scan(queryVector(example), first, count, into);
    });
    space_.shedScanned(first, count);
    return Status::ok();
  }
  // Distances of one vertex to each example; exact, or by code.
  Status each(const std::vector<uint32_t>& vertex, float* out);
  void eachByCode(const std::vector<uint32_t>& vertex, float* out) {
    const CodeSpace& codes = codes_->space();
    tally(vectors(), codes.stride());
    for (size_t at = 0; at < examples_->count; at++)
      codes.distances(preparedQuery(at), vertex.data(), 1, out + at);
  }
  // Keeps the foremost candidates by code that may be among the nearest, in the order of exact
  // distances.
  Status rescore(const Rescoring& rescoring, std::vector<Neighbor>& found) {
    return rescore(rescoring, found, [&](size_t) { return found.size(); });
  }
  // The same for candidates that are not sorted yet.
  Status rescore(const Rescoring& rescoring, Shortlist& byCode, std::vector<Neighbor>& found) {
    return rescore(rescoring, found, [&](size_t count) {
      if (count > found.size()) byCode.moveNearest(count - found.size(), found);
      return found.size();
    });
  }

private:
  bool isInFile(uint32_t vertex) const {
    const auto cold = space_.coldVectors();
    return cold != nullptr && vertex < cold->vertices();
  }
  // `ready(count)` makes sure that `count` of `found` can be scored, and returns how many there
  // are.
  template <typename Ready>
  Status rescore(const Rescoring& rescoring, std::vector<Neighbor>& found, const Ready& ready) {
    thread_local RescoringProgress progress;
    if (!rescores_) {
      found.resize(std::min(ready(rescoring.most), rescoring.most));
      return Status::ok();
    }
    const auto started = std::chrono::steady_clock::now();
    progress.start(rescoring);
    while (true) {
      const size_t there = ready(progress.scored() + progress.lot());
      const size_t count = progress.next(found.data(), there);
      if (count == 0) break;
      VICINAL_TRY(rescoreLot(found.data() + progress.scored(), count, progress));
    }
    stats_.rescored += progress.scored();
    found.resize(progress.scored());
    sortNearest(found.data(), found.size());
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - started;
    stats_.rescoreUs += took.count();
    return Status::ok();
  }
  Status rescoreLot(Neighbor* lot, size_t count, RescoringProgress& progress);
  template <typename Accept>
  SearchReport leadByExamples(const HnswGraph& graph, const SearchOptions& options,
                              const Accept& accept, std::vector<Neighbor>& found) {
    const size_t count = examples_->count;
    if (!codes_) {
      std::vector<FloatScorer> scorers;
      for (size_t at = 0; at < count; at++) scorers.push_back({space_.space(), queryVector(at)});
      return graph.search(ExampleScorer<FloatScorer>(*examples_, scorers), options, accept, found);
    }
    std::vector<CodeScorer> scorers;
    for (size_t at = 0; at < count; at++) scorers.push_back({codes_->space(), preparedQuery(at)});
    return graph.search(ExampleScorer<CodeScorer>(*examples_, scorers), options, accept, found);
  }
  // `compute(example, into)` computes distances to one example; `out` gets the combined ones.
  template <typename Compute>
  void combined(size_t count, uint64_t bytesOfEach, float* out, const Compute& compute) {
    tally(count * vectors(), bytesOfEach);
    if (!examples_) return compute(0, out);
    thread_local std::vector<float> distances;
    distances.resize(count * vectors());
    for (size_t at = 0; at < examples_->count; at++) compute(at, distances.data() + at * count);
    for (size_t at = 0; at < count; at++)
      out[at] = examples_->distanceOf(distances.data() + at, count);
  }
  // The number of distances for each vertex.
  size_t vectors() const { return examples_ ? std::max<size_t>(1, examples_->count) : 1; }
  const float* queryVector(size_t example) const {
    return examples_ ? examples_->vectors.data() + example * space_.spec().dim : query_;
  }
  static std::deque<CodeQuery>& queriesOfThread();
  const CodeQuery& preparedQuery(size_t example);
  uint64_t vectorBytes() const { return space_.space().rowBytes; }
  void tally(uint64_t distances, uint64_t bytesOfEach) {
    stats_.distances += distances;
    stats_.bytes += distances * bytesOfEach;
  }
  // Bytes of each list: its header and its entries.
  void tallyLinks(const SearchReport& report) {
    stats_.visited += report.hops;
    stats_.bytes += (report.hops + report.lists + report.looked) * sizeof(uint32_t);
  }

  const VectorSpace& space_;
  const float* const query_;
  const Waiting waiting_;
  SearchStats& stats_;
  const std::shared_ptr<const CodeArray> codes_;
  const Examples* examples_ = nullptr;
  // The thread's queries, or its own.
  std::unique_ptr<std::deque<CodeQuery>> own_;
  std::deque<CodeQuery>* queries_;
  // The number of prepared queries.
  size_t prepared_ = 0;
  bool rescores_ = true;
};

} // namespace vicinal
