// What a graph compares: its rows as they are and, where they have them, as codes. Searches and
// inserts are templates over one of the two forms below, which share the numbers of the rows.
#pragma once

#include "distance/kernels.hpp"
#include "quantize/code_space.hpp"

namespace vicinal {

// Distances of one vector to rows, exact.
struct FloatScorer {
  static constexpr bool hasPrefetch = false;
  const Space& space;
  const float* query;

  float distance(uint32_t vertex) const { return space.distance(query, vertex); }
  void distances(const uint32_t* vertices, size_t count, float* out) const {
    space.distances(query, vertices, count, out);
  }
};

// The same of codes: near enough to lead a search, to be scored exactly at its end.
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
  // Has copies of its own, which reading lists of neighbours does not make the compiler load anew.
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

// Rows to compare with each other, which is what linking a vertex needs: `walker` leads the search
// for its neighbours, `scorer` chooses among them. Where the two differ, what was found is scored
// anew before the choice (`refines`).
struct FloatRows {
  // A row, which may have to be widened.
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

// Codes that are compared with vectors but not with each other.
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
