// The tokens of a full-text condition, compared with all texts of a field as if they were one text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/text_analyzer.hpp"

namespace vicinal {

enum class TextMode : uint8_t { All, Any, Phrase };

class TextQuery {
public:
  TextQuery(TextOptions options, TextMode mode, std::string_view text);

  const TextAnalyzer& analyzer() const { return analyzer_; }
  TextMode mode() const { return mode_; }
  // Distinct tokens. Without tokens nothing matches.
  const std::vector<std::string>& tokens() const { return tokens_; }
  // Whether the set of tokens alone decides: all of them or any of them, by the mode.
  bool isSetOnly() const { return mode_ != TextMode::Phrase || phrase_.size() < 2; }
  bool operator==(const TextQuery& other) const;

private:
  friend class TextMatch;

  const TextAnalyzer analyzer_;
  const TextMode mode_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
  // The tokens of a phrase in order, and the failure function of the matcher (Knuth, Morris and
  // Pratt).
  std::vector<uint32_t> phrase_;
  std::vector<uint32_t> fallback_;
};

// Matches the texts of one row, one after the other.
class TextMatch {
public:
  explicit TextMatch(const TextQuery& query);

  void add(std::string_view text);
  bool holds() const;

private:
  void see(std::string_view token, bool isExtra);

  const TextQuery& query_;
  std::vector<bool> seen_;
  size_t missing_;
  size_t phraseAt_ = 0;
  bool hasPhrase_ = false;
};

} // namespace vicinal
