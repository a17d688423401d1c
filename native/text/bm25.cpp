#include "text/bm25.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace vicinal {

namespace {

uint32_t mixed(uint32_t word) { return std::rotl(word * 0xcc9e2d51u, 15) * 0x1b873593u; }

std::vector<TokenWeight> tokensOfDocument(const TextAnalyzer& analyzer, std::string_view text,
                                          const Bm25Weights& weights) {
  std::unordered_map<std::string, uint32_t> counts;
  uint64_t length = 0;
  std::string key;
  analyzer.ofQuery(text, [&](std::string_view token, bool) {
    key.assign(token);
    counts[key]++;
    length++;
  });
  const auto& [k, b, average] = weights;
  const double temper = 1 - b + b * static_cast<double>(length) / average;
  std::vector<TokenWeight> weighed;
  weighed.reserve(counts.size());
  for (const auto& [token, count] : counts) {
    const double weight = count * (k + 1) / std::fma(k, temper, double(count));
    weighed.push_back({tokenId(token), static_cast<float>(weight)});
  }
  return weighed;
}

std::vector<TokenWeight> tokensOfQuery(const TextAnalyzer& analyzer, std::string_view text) {
  std::vector<TokenWeight> tokens;
  analyzer.ofQuery(text, [&](std::string_view token, bool) {
    tokens.push_back({tokenId(token), 1});
  });
  return tokens;
}

} // namespace

uint32_t murmur3(std::string_view bytes) {
  uint32_t hash = 0;
  size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    uint32_t word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    hash = std::rotl(hash ^ mixed(word), 13) * 5 + 0xe6546b64u;
  }
  uint32_t rest = 0;
  std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
  if (at < bytes.size()) hash ^= mixed(rest);
  hash ^= static_cast<uint32_t>(bytes.size());
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  return hash ^ (hash >> 16);
}

uint32_t tokenId(std::string_view token) {
  const uint32_t hash = murmur3(token);
  return hash >> 31 != 0 ? 0u - hash : hash;
}

std::vector<TokenWeight> weighTokens(const TextAnalyzer& analyzer, std::string_view text,
                                     const Bm25Weights* weights) {
  std::vector<TokenWeight> weighed = weights != nullptr ? tokensOfDocument(analyzer, text, *weights)
                                                        : tokensOfQuery(analyzer, text);
  // Of tokens with one hash, the one that weighs most.
  std::sort(weighed.begin(), weighed.end(), [](const TokenWeight& a, const TokenWeight& b) {
    return a.id < b.id || (a.id == b.id && a.weight > b.weight);
  });
  const auto end = std::unique(weighed.begin(), weighed.end(),
                               [](const auto& a, const auto& b) { return a.id == b.id; });
  weighed.erase(end, weighed.end());
  return weighed;
}

} // namespace vicinal
