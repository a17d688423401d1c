// Search by a sparse vector: the rows with the greatest dot products, exactly.
//
// Rows with postings are processed in windows, as in Block-Max MaxScore. A window is skipped if its
// blocks cannot add up to the score of the worst kept hit. In other windows, lists that cannot make
// a hit by themselves stay unread; the other postings are added up in an array. A row is scored
// from its own vector if its sum, plus the most that unread lists can add, may be among the best.
// All bounds come from rounded sums, so they include some slack. Rows of the tail are scored one by
// one.
//
// By examples, all postings of all examples are added up. Rows without any of their indices all
// have the same score, so they are looked at only if that score is among the best.
#pragma once

#include "search/found_postings.hpp"
#include "search/search.hpp"
#include "sparse/sparse_vector.hpp"
#include "text/text_analyzer.hpp"

namespace vicinal {

struct SparseRequest : RankedRequest {
  // Number of the sparse vector.
  uint32_t vector = 0;
  // Ascending; finite values.
  std::vector<uint32_t> indices;
  std::vector<float> values;
  // A text and its analyzer, until `takeTextApart` turns it into indices and values.
  std::string text;
  std::shared_ptr<const TextAnalyzer> analyzer;
  // Replaces the query: a score of several examples. Rows without shared indices have a score too.
  std::optional<SparseExamples> examples;
  // Whether values are multiplied by IDF, among the live vectors or among the rows that match the
  // corpus.
  bool hasIdf = false;
  FilterBytes corpus;
  // The posting lists in each searched segment, from the estimate of a short search to its end;
  // never by examples.
  std::vector<FoundPostings> found;

  SparseVector query() const {
    return {indices.data(), values.data(), static_cast<uint32_t>(indices.size())};
  }
};

// Turns the text, if there is one, into indices and values.
void takeTextApart(SparseRequest& request);

// For a request whose text was already taken apart. In the stats, `visited` counts postings and
// `distances` counts rows that were scored.
Status searchSparse(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                    const SparseRequest& request, const CancelFlag* cancel, SearchResult& result,
                    Waiting waiting = Waiting::Allowed);
// Like a search without reading the rows; the counterpart of `rank` for dense vectors.
Status rank(const Snapshot& snapshot, const SparseRequest& request, const CancelFlag* cancel,
            SearchResult& result, std::vector<RankedHit>& hits, Waiting waiting = Waiting::Allowed);

// An upper bound of postings and tail rows to be read. Infinite if unknown: for examples and for a
// corpus. Keeps the posting lists that it finds for the search.
double estimatePostings(const Snapshot& snapshot, SparseRequest& request);

} // namespace vicinal
