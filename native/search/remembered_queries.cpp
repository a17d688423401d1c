#include "search/remembered_queries.hpp"

#include <algorithm>

namespace vicinal {

namespace {

// Queries further back may be outdated, so they are not measured.
constexpr size_t kMostWaiting = 64;

uint64_t bytesOf(const RememberedQuery& query) {
  const uint64_t filter = query.filter ? query.filter->capacity() : 0;
  return query.vector.capacity() * sizeof(float) + filter;
}

} // namespace

size_t RememberedQueries::room() const {
  if (ring_.empty()) return most_;
  const size_t each = std::max<size_t>(1, bytesOf(ring_[0].query));
  return std::clamp(mostBytes_ / each, least_, most_);
}

void RememberedQueries::add(const SearchRequest& request) {
  if (ring_.size() < room()) ring_.emplace_back();
  Slot& slot = ring_[ever_ % ring_.size()];
  slot.query.vector.assign(request.query.begin(), request.query.end());
  slot.query.filter = request.filter;
  slot.query.limit = request.limit;
  slot.query.recall = request.recall;
  slot.query.number = ever_++;
  slot.isTaken = false;
}

std::optional<RememberedQuery> RememberedQueries::take() {
  const size_t among = std::min(ring_.size(), kMostWaiting);
  for (size_t back = 1; back <= among; back++) {
    Slot& each = ring_[(ever_ - back) % ring_.size()];
    if (each.isTaken) continue;
    each.isTaken = true;
    return each.query;
  }
  return std::nullopt;
}

size_t RememberedQueries::waiting() const {
  size_t count = 0;
  const size_t among = std::min(ring_.size(), kMostWaiting);
  for (size_t back = 1; back <= among; back++)
    count += ring_[(ever_ - back) % ring_.size()].isTaken ? 0 : 1;
  return count;
}

std::vector<std::vector<float>> RememberedQueries::vectorsSince(uint64_t number) const {
  std::vector<std::vector<float>> vectors;
  for (const Slot& each : ring_)
    if (each.query.number >= number) vectors.push_back(each.query.vector);
  return vectors;
}

std::vector<const RememberedQuery*> RememberedQueries::inOrder() const {
  std::vector<const RememberedQuery*> queries;
  for (size_t back = ring_.size(); back > 0; back--)
    queries.push_back(&ring_[(ever_ - back) % ring_.size()].query);
  return queries;
}

uint64_t RememberedQueries::bytes() const {
  uint64_t bytes = ring_.capacity() * sizeof(Slot);
  for (const Slot& each : ring_) bytes += bytesOf(each.query);
  return bytes;
}

} // namespace vicinal
