// The rows of a graph as distances see them: as vectors and, if available, as codes. Searches and
// inserts are templates over these forms, which number rows alike.
#pragma once

#include "distance/kernels.hpp"
#include "quantize/code_space.hpp"

namespace vicinal {

// Exact distances of one vector to rows.
struct FloatScorer {
  static constexpr bool hasPrefetch = false;
  const Space& space;
  const float* query;

  float distance(uint32_t vertex) const { return space.distance(query, vertex); }
  void distances(const uint32_t* vertices, size_t count, float* out) const {
    space.distances(query, vertices, count, out);
  }
};

// Distances by codes: precise enough to lead a search. Its candidates are scored exactly at the
// end.
struct CodeScorer {
  static constexpr bool hasPrefetch = true;
  CodeScorer(const CodeSpace& codes, const CodeQuery& prepared)
      : space(codes), query(prepared), rows(codes.row(0)), stride(codes.stride()) {}
  const CodeSpace& space;
  const CodeQuery& query;

  float distance(uint32_t vertex) const {
    float distance;
    space.distances(query, &vertex, 1, &distance);
    return distance;
  }
  void distances(const uint32_t* vertices, size_t count, float* out) const {
    space.distances(query, vertices, count, out);
  }
  bool isOfOneLine() const { return stride <= kLineBytes; }
  // Holds copies of its fields, so the compiler need not reload them after each neighbour id.
  auto prefetcher() const {
    return [first = rows, bytes = stride](uint32_t vertex) {
      __builtin_prefetch(first + size_t(vertex) * bytes);
    };
  }

private:
  static constexpr size_t kLineBytes = 64;
  const uint8_t* const rows;
  const size_t stride;
};

struct Sq8Scorer {
  static constexpr bool hasPrefetch = false;
  const Sq8Space& space;
  const Sq8Query& query;

  float distance(uint32_t vertex) const { return space.distance(query, vertex); }
  void distances(const uint32_t* vertices, size_t count, float* out) const {
    space.distances(query, vertices, count, out);
  }
};

// Forms of rows for linking a vertex. `walker` leads the search for neighbours, `scorer` chooses
// among them. If the two differ (`refines`), candidates are scored again before the choice.
struct FloatRows {
  // A row as floats, converted if it is stored in another type.
  struct Query {
    RowFloats floats;
    const float* data = nullptr;
  };
  using WalkQuery = Query;
  using Scorer = FloatScorer;
  using Walker = FloatScorer;
  static constexpr bool refines = false;
  const Space& space;

  void load(uint32_t vertex, Query& query) const { query.data = query.floats.of(space, vertex); }
  void loadWalk(uint32_t vertex, WalkQuery& query) const { load(vertex, query); }
  Scorer scorer(const Query& query) const { return {space, query.data}; }
  Walker walker(const WalkQuery& query) const { return scorer(query); }
};

// For codes that can be compared with vectors but not with each other.
struct CodedRows {
  using Query = FloatRows::Query;
  using WalkQuery = CodeQuery;
  using Scorer = FloatScorer;
  using Walker = CodeScorer;
  static constexpr bool refines = true;
  const Space& space;
  const CodeSpace& codes;

  void load(uint32_t vertex, Query& query) const { FloatRows{space}.load(vertex, query); }
  void loadWalk(uint32_t vertex, WalkQuery& query) const {
    thread_local RowFloats floats;
    codes.prepare(floats.of(space, vertex), query);
  }
  Scorer scorer(const Query& query) const { return {space, query.data}; }
  Walker walker(const WalkQuery& query) const { return {codes, query}; }
};

struct Sq8Rows {
  using Query = Sq8Query;
  using WalkQuery = Query;
  using Scorer = Sq8Scorer;
  using Walker = Sq8Scorer;
  static constexpr bool refines = false;
  const Sq8Space& space;

  void load(uint32_t vertex, Query& query) const { space.prepare(vertex, query); }
  void loadWalk(uint32_t vertex, WalkQuery& query) const { load(vertex, query); }
  Scorer scorer(const Query& query) const { return {space, query}; }
  Walker walker(const WalkQuery& query) const { return scorer(query); }
};

} // namespace vicinal
