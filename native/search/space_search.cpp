#include "search/space_search.hpp"

#include <algorithm>
#include <deque>

namespace vicinal {

namespace {

// Cold vectors that are in memory at a time.
constexpr size_t kReadAtOnce = 64;

} // namespace

// A deque, because scorers keep references to its elements while it grows.
std::deque<CodeQuery>& SpaceSearch::queriesOfThread() {
  thread_local std::deque<CodeQuery> queries;
  return queries;
}

// Mostly a thread runs one search at a time, so the memory can be the thread's.
const CodeQuery& SpaceSearch::preparedQuery(size_t example) {
  std::deque<CodeQuery>& queries = *queries_;
  for (; prepared_ <= example; prepared_++) {
    if (prepared_ == queries.size()) queries.emplace_back();
    codes_->space().prepare(queryVector(prepared_), queries[prepared_]);
  }
  return queries[example];
}

Status SpaceSearch::rescoreLot(Neighbor* lot, size_t count, RescoringProgress& progress) {
  thread_local std::vector<uint32_t> vertices;
  thread_local std::vector<float> distances;
  vertices.clear();
  for (size_t at = 0; at < count; at++) vertices.push_back(lot[at].vertex);
  distances.resize(count);
  VICINAL_TRY(score(vertices, distances.data()));
  progress.add(lot, distances.data(), count);
  for (size_t at = 0; at < count; at++) lot[at].distance = distances[at];
  return Status::ok();
}

Status SpaceSearch::each(const std::vector<uint32_t>& vertex, float* out) {
  const Space& space = space_.space();
  tally(vectors(), vectorBytes());
  const auto cold = space_.coldVectors();
  const void* vector = nullptr;
  thread_local std::vector<uint8_t> read;
  if (cold && vertex[0] < cold->vertices()) {
    read.resize(space.rowBytes);
    VICINAL_TRY(cold->read(vertex[0], read.data(), waiting_ == Waiting::Allowed));
    vector = read.data();
  } else {
    vector = space_.vector(vertex[0]);
  }
  for (size_t at = 0; at < examples_->count; at++)
    out[at] = space.distanceFn(queryVector(at), vector, space.dim);
  return Status::ok();
}

Status SpaceSearch::score(std::span<const uint32_t> vertices, float* out) {
  const Space& space = space_.space();
  const auto cold = space_.coldVectors();
  if (!cold) {
    combined(vertices.size(), vectorBytes(), out, [&](size_t example, float* into) {
      space.distances(queryVector(example), vertices.data(), vertices.size(), into);
    });
    return Status::ok();
  }
  // Each vector is read once, however many examples it is compared with.
  thread_local std::vector<uint8_t> read;
  read.resize(kReadAtOnce * space.rowBytes);
  for (size_t from = 0; from < vertices.size(); from += kReadAtOnce) {
    const size_t count = std::min(kReadAtOnce, vertices.size() - from);
    for (size_t at = 0; at < count; at++) {
      const uint32_t vertex = vertices[from + at];
      uint8_t* const into = read.data() + at * space.rowBytes;
      if (vertex < cold->vertices())
        VICINAL_TRY(cold->read(vertex, into, waiting_ == Waiting::Allowed));
      else
        __builtin_memcpy(into, space_.vector(vertex), space.rowBytes);
    }
    combined(count, vectorBytes(), out + from, [&](size_t example, float* into) {
      for (size_t at = 0; at < count; at++)
        into[at] =
            space.distanceFn(queryVector(example), read.data() + at * space.rowBytes, space.dim);
    });
  }
  return Status::ok();
}

} // namespace vicinal
