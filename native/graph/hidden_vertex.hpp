// A vertex that a walk treats as if it had never been inserted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal {

class HiddenVertex {
public:
  explicit HiddenVertex(uint32_t vertex) : vertex_(vertex) {}
  virtual ~HiddenVertex() = default;

  // Of level 0.
  uint32_t vertex() const { return vertex_; }
  // Turns the neighbours of another vertex on level 0, among which this one is, into those that it
  // would have without it: so many, and at most `most`.
  virtual size_t leave(uint32_t vertex, uint32_t* neighbours, size_t count, size_t most) = 0;

private:
  uint32_t vertex_;
};

} // namespace vicinal
