#include "filter/text_query.hpp"

namespace vicinal {

TextQuery::TextQuery(TextOptions options, TextMode mode, std::string_view text)
    : analyzer_(std::move(options)), mode_(mode) {
  std::unordered_map<std::string, uint32_t> known;
  analyzer_.ofQuery(text, [&](std::string_view token, bool) {
    const auto [entry, isNew] =
        known.emplace(std::string(token), static_cast<uint32_t>(tokens_.size()));
    if (isNew) tokens_.emplace_back(token);
    if (mode == TextMode::Phrase) phrase_.push_back(entry->second);
  });
  for (size_t at = 0; at < tokens_.size(); at++) numbers_[tokens_[at]] = static_cast<uint32_t>(at);
  fallback_.assign(phrase_.size(), 0);
  for (size_t at = 1, matched = 0; at < phrase_.size(); at++) {
    while (matched > 0 && phrase_[at] != phrase_[matched]) matched = fallback_[matched - 1];
    if (phrase_[at] == phrase_[matched]) matched++;
    fallback_[at] = static_cast<uint32_t>(matched);
  }
}

bool TextQuery::operator==(const TextQuery& other) const {
  return mode_ == other.mode_ && tokens_ == other.tokens_ && phrase_ == other.phrase_ &&
         analyzer_.options() == other.analyzer_.options();
}

TextMatch::TextMatch(const TextQuery& query)
    : query_(query), seen_(query.tokens_.size()), missing_(query.tokens_.size()) {}

void TextMatch::add(std::string_view text) {
  query_.analyzer_.ofDocument(text,
                              [&](std::string_view token, bool isExtra) { see(token, isExtra); });
}

bool TextMatch::holds() const {
  switch (query_.mode_) {
  case TextMode::All: return missing_ == 0 && !seen_.empty();
  case TextMode::Any: return missing_ < seen_.size();
  case TextMode::Phrase: return query_.isSetOnly() ? missing_ == 0 && !seen_.empty() : hasPhrase_;
  }
  return false;
}

void TextMatch::see(std::string_view token, bool isExtra) {
  constexpr uint32_t other = UINT32_MAX;
  const auto found = query_.numbers_.find(token);
  const uint32_t number = found == query_.numbers_.end() ? other : found->second;
  if (number != other && !seen_[number]) {
    seen_[number] = true;
    missing_--;
  }
  if (isExtra || hasPhrase_ || query_.phrase_.empty()) return;
  const auto& phrase = query_.phrase_;
  while (phraseAt_ > 0 && phrase[phraseAt_] != number) phraseAt_ = query_.fallback_[phraseAt_ - 1];
  if (phrase[phraseAt_] == number) phraseAt_++;
  hasPhrase_ = phraseAt_ == phrase.size();
}

} // namespace vicinal
