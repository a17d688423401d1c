#include "text/bm25.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <unordered_map>

namespace vicinal {

namespace {

// Room for the words of a usual query.
constexpr size_t kUsualWords = 16;

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

// A thread's cache of recent query words. Looking a word up here is many times faster than folding,
// stop-word check, stemming and hashing.
class KnownWords {
public:
  struct Token {
    uint32_t id = 0;
    // False if the analyzer drops the word.
    bool isThere = false;
  };

  static KnownWords& ofThread() {
    thread_local const std::unique_ptr<KnownWords> known = std::make_unique<KnownWords>();
    return *known;
  }

  Token tokenOf(const TextAnalyzer& analyzer, std::string_view word) {
    if (word.size() > kMostBytes) return made(analyzer, word);
    const Key key = keyOf(word);
    Known& known = known_[slotOf(key)];
    if (known.analyzer != analyzer.number() || known.bytes != word.size() || known.key != key)
      known = {key, analyzer.number(), made(analyzer, word), static_cast<uint8_t>(word.size())};
    return known.token;
  }

private:
  static constexpr size_t kMostBytes = 16;
  static constexpr size_t kSlots = 8192;
  // All bytes of a word, some of them twice. With the length they identify the word.
  using Key = std::array<uint64_t, 2>;
  struct Known {
    Key key{};
    // No analyzer has number 0.
    uint64_t analyzer = 0;
    Token token;
    uint8_t bytes = 0;
  };

  static Token made(const TextAnalyzer& analyzer, std::string_view word) {
    Token made;
    analyzer.ofQuery(word, [&](std::string_view token, bool) { made = {tokenId(token), true}; });
    return made;
  }

  template <typename Part> static uint64_t read(const char* from) {
    Part part;
    std::memcpy(&part, from, sizeof part);
    return part;
  }
  static Key keyOf(std::string_view word) {
    const char* const first = word.data();
    const char* const end = first + word.size();
    if (word.size() >= 8) return {read<uint64_t>(first), read<uint64_t>(end - 8)};
    if (word.size() >= 4) return {read<uint32_t>(first), read<uint32_t>(end - 4)};
    return {read<uint8_t>(first),
            read<uint8_t>(end - 1) << 8 | read<uint8_t>(first + word.size() / 2)};
  }
  static size_t slotOf(const Key& key) {
    const uint64_t mixed = (key[0] ^ std::rotl(key[1], 32)) * 0x9e3779b97f4a7c15ULL;
    return mixed >> 32 & (kSlots - 1);
  }

  std::array<Known, kSlots> known_{};
};

std::vector<TokenWeight> tokensOfQuery(const TextAnalyzer& analyzer, std::string_view text) {
  std::vector<TokenWeight> tokens;
  if (!analyzer.isByWord()) {
    analyzer.ofQuery(text, [&](std::string_view token, bool) {
      tokens.push_back({tokenId(token), 1});
    });
    return tokens;
  }
  KnownWords& known = KnownWords::ofThread();
  tokens.reserve(kUsualWords);
  analyzer.wordsOf(text, [&](std::string_view word) {
    if (const auto token = known.tokenOf(analyzer, word); token.isThere)
      tokens.push_back({token.id, 1});
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
  // Of tokens with the same hash, the one with the greatest weight is kept.
  std::sort(weighed.begin(), weighed.end(), [](const TokenWeight& a, const TokenWeight& b) {
    return a.id < b.id || (a.id == b.id && a.weight > b.weight);
  });
  const auto end = std::unique(weighed.begin(), weighed.end(),
                               [](const auto& a, const auto& b) { return a.id == b.id; });
  weighed.erase(end, weighed.end());
  return weighed;
}

} // namespace vicinal
