// Search by a sparse vector: the rows with the greatest dot products, exactly.
//
// Rows with postings are gone through in windows, as Block-Max MaxScore does. A window whose
// blocks cannot add up to what the worst kept hit has is passed over. In the others the lists that
// cannot make a hit by themselves are left unread; the rest is summed up in an array, and rows
// whose sum, with all that the unread lists could add, may still be among the best are scored from
// their own vector. All bounds are of rounded sums, so there is some slack in them for what
// rounding loses. Rows of the tail are scored one by one.
//
// By examples, all postings of all of them are added up. The rows that have none of their indices
// all score the same, and are looked at only where that is among the best.
#pragma once

#include "search/found_postings.hpp"
#include "search/search.hpp"
#include "sparse/sparse_vector.hpp"
#include "text/text_analyzer.hpp"

namespace vicinal {

struct SparseRequest : RankedRequest {
  // Among the sparse vectors.
  uint32_t vector = 0;
  // Ascending; finite values.
  std::vector<uint32_t> indices;
  std::vector<float> values;
  // In their place until it is taken apart: a text, and how.
  std::string text;
  std::shared_ptr<const TextAnalyzer> analyzer;
  // In its place: a score of several. Rows that share no index with any have one as well.
  std::optional<SparseExamples> examples;
  // Whether values are multiplied by how rare their index is among the live vectors, or among those
  // of the rows that match the corpus.
  bool hasIdf = false;
  FilterBytes corpus;
  // Of each segment of the snapshot that is searched, from the estimate of a short search until its
  // end; never by examples.
  std::vector<FoundPostings> found;

  SparseVector query() const {
    return {indices.data(), values.data(), static_cast<uint32_t>(indices.size())};
  }
};

// Makes indices and values of the text, where there is one and that is not done.
void takeTextApart(SparseRequest& request);

// Of a request without text. In the stats, `visited` counts postings and `distances` rows that were
// scored.
Status searchSparse(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                    const SparseRequest& request, const CancelFlag* cancel, SearchResult& result,
                    Waiting waiting = Waiting::Allowed);
// The same without reading the rows, as `rank` by dense vectors.
Status rank(const Snapshot& snapshot, const SparseRequest& request, const CancelFlag* cancel,
            SearchResult& result, std::vector<RankedHit>& hits, Waiting waiting = Waiting::Allowed);

// At most so many postings and rows of tails will be looked at; infinite where that is not known
// beforehand, which is so of examples, and of a corpus. The postings it finds are kept for the
// search.
double estimatePostings(const Snapshot& snapshot, SparseRequest& request);

} // namespace vicinal
