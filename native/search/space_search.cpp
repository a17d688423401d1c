#include "search/space_search.hpp"

#include <algorithm>

namespace vicinal {

namespace {

CodeQuery& queryOfThread() {
  thread_local CodeQuery query;
  return query;
}

} // namespace

// One search at a time is a thread's, so its memory can be the thread's.
const CodeQuery& SpaceSearch::preparedQuery() {
  if (!isPrepared_) codes_->space().prepare(query_, queryOfThread());
  isPrepared_ = true;
  return queryOfThread();
}

Status SpaceSearch::rescore(size_t most, std::vector<Neighbor>& found) {
  thread_local std::vector<uint32_t> vertices;
  thread_local std::vector<float> distances;
  found.resize(std::min(found.size(), most));
  if (!rescores_) return Status::ok();
  vertices.clear();
  for (const Neighbor& neighbor : found) vertices.push_back(neighbor.vertex);
  distances.resize(found.size());
  VICINAL_TRY(score(vertices, distances.data()));
  stats_.rescored += vertices.size();
  for (size_t at = 0; at < found.size(); at++) found[at].distance = distances[at];
  std::sort(found.begin(), found.end(), isNearer);
  return Status::ok();
}

Status SpaceSearch::score(const std::vector<uint32_t>& vertices, float* out) {
  tally(vertices.size(), vectorBytes());
  const Space& space = space_.space();
  const auto cold = space_.coldVectors();
  if (!cold) {
    space.distances(query_, vertices.data(), vertices.size(), out);
    return Status::ok();
  }
  thread_local std::vector<float> vector;
  vector.resize(space.dim);
  for (size_t at = 0; at < vertices.size(); at++) {
    const bool isInFile = vertices[at] < cold->vertices();
    if (isInFile)
      VICINAL_TRY(cold->read(vertices[at], vector.data(), waiting_ == Waiting::Allowed));
    const float* const read = isInFile ? vector.data() : space_.vector(vertices[at]);
    out[at] = space.distanceFn(query_, read, space.dim);
  }
  return Status::ok();
}

} // namespace vicinal
