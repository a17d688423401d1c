// Working memory of one search. Each thread keeps its own, so that searches soon allocate nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "graph/beam.hpp"
#include "graph/neighbor.hpp"

namespace vicinal {

inline uint32_t loadId(const uint32_t& word) {
  return std::atomic_ref<uint32_t>(const_cast<uint32_t&>(word)).load(std::memory_order_acquire);
}
inline void storeId(uint32_t& word, uint32_t value) {
  std::atomic_ref<uint32_t>(word).store(value, std::memory_order_release);
}

// The vertices that a search has seen. A stamp of one byte names the search, so stamps are cleared
// only every 255 searches.
class VisitedSet {
public:
  void start(size_t vertices) {
    if (stamps_.size() < vertices) stamps_.resize(vertices + vertices / 4, 0);
    if (++current_ == 0) {
      std::memset(stamps_.data(), 0, stamps_.size());
      current_ = 1;
    }
  }
  // False for vertices laid out after this search began.
  bool covers(uint32_t vertex) const { return vertex < stamps_.size(); }
  // Adds a vertex; true if it is new.
  bool add(uint32_t vertex) {
    const bool isNew = stamps_[vertex] != current_;
    stamps_[vertex] = current_;
    return isNew;
  }
  // Adds `count` vertices, writes the new ones to `fresh` (which may be `ids` itself) and returns
  // their number. Vertices laid out after this search began are skipped. The loop has no branches,
  // since the processor could not predict them.
  size_t addAll(const uint32_t* ids, size_t count, uint32_t* fresh) {
    uint8_t* const stamps = stamps_.data();
    const size_t covered = stamps_.size();
    const uint8_t current = current_;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
      const uint32_t id = loadId(ids[i]);
      if (id >= covered) continue;
      fresh[found] = id;
      found += stamps[id] != current ? 1 : 0;
      stamps[id] = current;
    }
    return found;
  }

private:
  std::vector<uint8_t> stamps_;
  uint8_t current_ = 0;
};

struct Scratch {
  VisitedSet visited;
  Beam beam;
  std::vector<Neighbor> frontier; // a heap, nearest on top; used only if vertices can be refused
  std::vector<uint32_t> ids;
  std::vector<uint32_t> refused;
  std::vector<float> distances;

  // Makes room for `count` ids and distances. Never shrinks, since one search may start another.
  // Each is looked at by itself: memory for the second may be refused once the first has it.
  void makeRoom(size_t count) {
    if (ids.size() < count) ids.resize(count);
    if (distances.size() < count) distances.resize(count);
  }

  static Scratch& ofThread() {
    thread_local Scratch scratch;
    return scratch;
  }
};

} // namespace vicinal
