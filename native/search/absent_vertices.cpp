#include "search/absent_vertices.hpp"

#include <algorithm>

namespace vicinal {

size_t AbsentVertices::leave(uint32_t vertex, uint32_t* neighbours, size_t count, size_t most) {
  const auto [at, isNew] = lists_.try_emplace(vertex);
  if (isNew) at->second = listWithout(vertex, neighbours, count, most);
  std::copy(at->second.begin(), at->second.end(), neighbours);
  return at->second.size();
}

Status AbsentVertices::endWalk() {
  from_.clear();
  return status_;
}

std::vector<uint32_t> AbsentVertices::listWithout(uint32_t vertex, const uint32_t* neighbours,
                                                  size_t count, size_t most) {
  std::vector<uint32_t> list;
  std::copy_if(neighbours, neighbours + count, std::back_inserter(list),
               [&](uint32_t id) { return !hides(id); });
  std::vector<uint32_t> others;
  for (const uint32_t hidden : vertices())
    for (const uint32_t id : space_.graph().neighbours(hidden))
      if (id != vertex && !hides(id)) others.push_back(id);
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  std::erase_if(others,
                [&](uint32_t id) { return std::find(list.begin(), list.end(), id) != list.end(); });
  std::vector<float> away(others.size());
  distances(vertex, others.data(), others.size(), away.data());
  std::vector<Neighbor> candidates;
  for (size_t at = 0; at < others.size(); at++) candidates.push_back({away[at], others[at]});
  std::sort(candidates.begin(), candidates.end(), isNearer);
  for (const Neighbor& candidate : candidates) {
    if (list.size() >= most) break;
    if (!isKeptAway(candidate, list)) list.push_back(candidate.vertex);
  }
  return list;
}

bool AbsentVertices::isKeptAway(const Neighbor& candidate, const std::vector<uint32_t>& list) {
  constexpr size_t kBatch = 4;
  float away[kBatch];
  for (size_t from = 0; from < list.size(); from += kBatch) {
    const size_t count = std::min(kBatch, list.size() - from);
    distances(candidate.vertex, list.data() + from, count, away);
    if (*std::min_element(away, away + count) < candidate.distance) return true;
  }
  return false;
}

void AbsentVertices::distances(uint32_t vertex, const uint32_t* to, size_t count, float* out) {
  const From& start = from(vertex);
  if (codes_)
    codes_->space().distances(start.query, to, count, out);
  else
    space_.space().distances(start.vector.data(), to, count, out);
}

const AbsentVertices::From& AbsentVertices::from(uint32_t vertex) {
  const auto [at, isNew] = from_.try_emplace(vertex);
  From& start = at->second;
  if (!isNew) return start;
  start.vector.assign(space_.spec().dim, 0);
  if (Status status = space_.load(vertex, start.vector.data(), true); !status) status_ = status;
  if (codes_) codes_->space().prepare(start.vector.data(), start.query);
  return start;
}

} // namespace vicinal
