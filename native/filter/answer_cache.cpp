#include "filter/answer_cache.hpp"

namespace vicinal {

namespace {

template <typename T>
bool isSame(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

bool asksTheSame(const FilterNode& a, const FilterNode& b) {
  return a.op == b.op && a.values == b.values && a.numbers == b.numbers && a.times == b.times &&
         isSame(a.area, b.area) && isSame(a.text, b.text);
}

uint64_t bytesOf(const IndexAnswer& answer) { return answer.sure.bytes() + answer.unsure.bytes(); }

} // namespace

std::shared_ptr<const IndexAnswer> AnswerCache::find(const FilterNode& leaf, uint32_t rows,
                                                     uint32_t covered) const {
  std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!asksTheSame(entry->leaf, leaf)) continue;
    const IndexAnswer& answer = *entry->answer;
    if (answer.sure.rows() != rows || answer.covered != covered) return nullptr;
    entries_.splice(entries_.begin(), entries_, entry);
    return entries_.front().answer;
  }
  return nullptr;
}

void AnswerCache::keep(const FilterNode& leaf, std::shared_ptr<const IndexAnswer> answer) {
  const uint64_t added = bytesOf(*answer);
  if (added > kMostBytes) return;
  FilterNode condition;
  condition.op = leaf.op;
  condition.values = leaf.values;
  condition.numbers = leaf.numbers;
  condition.times = leaf.times;
  condition.area = leaf.area;
  condition.text = leaf.text;
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) {
    const bool isOlder = asksTheSame(entry.leaf, leaf);
    if (isOlder) bytes_ -= bytesOf(*entry.answer);
    return isOlder;
  });
  entries_.push_front({std::move(condition), std::move(answer)});
  bytes_ += added;
  while (entries_.size() > kMostAnswers || bytes_ > kMostBytes) {
    bytes_ -= bytesOf(*entries_.back().answer);
    entries_.pop_back();
  }
}

uint64_t AnswerCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

} // namespace vicinal
