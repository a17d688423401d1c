// Lists of neighbours as they would be had one vertex, or a group of near twins, never been
// inserted, so that it can be sought like a vector that is not there.
//
// A list that names a hidden vertex would have others in its place: those of the hidden ones'
// neighbours that these kept away, being nearer to them than the list's owner is. They are chosen
// as inserts choose (the heuristic of the HNSW paper's algorithm 4). On words, glosses and mnist
// walks for vectors hidden in this way find 0 to 1 % less than walks for vectors held out of the
// graph; where one neighbour stood in for the hidden vertex it was up to 2 %
// (docs/design/recall.md).
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "graph/hidden_vertices.hpp"
#include "graph/neighbor.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

class AbsentVertices final : public HiddenVertices {
public:
  // Compares by these codes; null: by vectors.
  AbsentVertices(const VectorSpace& space, std::shared_ptr<const CodeArray> codes,
                 std::vector<uint32_t> vertices)
      : HiddenVertices(std::move(vertices)), space_(space), codes_(std::move(codes)) {}

  size_t leave(uint32_t vertex, uint32_t* neighbours, size_t count, size_t most) override;
  // Whether vectors could be read. Lists stay, what they were made with goes.
  Status endWalk();

private:
  // A vector, to be compared with others.
  struct From {
    std::vector<float> vector;
    CodeQuery query;
  };

  std::vector<uint32_t> listWithout(uint32_t vertex, const uint32_t* neighbours, size_t count,
                                    size_t most);
  // Nearer to one of the list than to the list's owner.
  bool isKeptAway(const Neighbor& candidate, const std::vector<uint32_t>& list);
  void distances(uint32_t from, const uint32_t* to, size_t count, float* out);
  const From& from(uint32_t vertex);

  const VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  std::unordered_map<uint32_t, std::vector<uint32_t>> lists_;
  std::unordered_map<uint32_t, From> from_;
  Status status_ = Status::ok();
};

} // namespace vicinal
