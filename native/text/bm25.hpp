// Texts as sparse vectors of the hashes of their tokens, as Qdrant's BM25 makes them: how often a
// token comes in a document, tempered by the document's length. How rare it is among all documents
// is the search's to weigh.
#pragma once

#include <vector>

#include "text/text_analyzer.hpp"

namespace vicinal {

struct Bm25Weights {
  double k = 0;
  double b = 0;
  double averageLength = 1;
};

struct TokenWeight {
  uint32_t id = 0;
  float weight = 0;
};

// MurmurHash3 (x86, 32 bits, seed 0).
uint32_t murmur3(std::string_view bytes);
// The number a token has as an index: the absolute value of its hash as a signed number.
uint32_t tokenId(std::string_view token);

// Ascending ids. Documents are taken apart as queries are. Without weights each token counts 1,
// which is what a query asks.
std::vector<TokenWeight> weighTokens(const TextAnalyzer& analyzer, std::string_view text,
                                     const Bm25Weights* weights);

} // namespace vicinal
