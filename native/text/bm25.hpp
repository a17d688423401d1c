// Texts as sparse vectors of token hashes, like Qdrant's BM25. A weight is the token's frequency in
// the document, damped by the document's length. The search itself weighs how rare a token is
// (IDF).
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
// The index of a token: the absolute value of its hash as a signed number.
uint32_t tokenId(std::string_view token);

// Token weights in ascending order of ids. Documents are analyzed like queries. Without `weights`
// each token counts 1, as in a query.
std::vector<TokenWeight> weighTokens(const TextAnalyzer& analyzer, std::string_view text,
                                     const Bm25Weights* weights);

} // namespace vicinal
