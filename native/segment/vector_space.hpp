// One named vector of a segment: the vectors, as wide as their datatype, which rows have one, the
// graph over them, and the codes that lead through it. A vertex is a row of the vector array;
// vertices are numbered in the order in which they came. Of a multivector, a row has several
// vertices, one after another.
//
// While the rows that have the vector are the first ones without a gap (which is so where every row
// has it), vertex and row numbers are the same and no map exists. The first row that breaks this
// makes the maps.
//
// Threads
// - One writer appends vertices and publishes them with its batch. Readers look at published ones.
// - Graph building claims slices of published vertices, in order. `linked()` is how far the claims
// are finished
//   without a gap: vertices below are in the graph, the others are the exact-scan tail.
// - Calibration is claimed once the graph has caught up, and done beside everything else.
// - Codes may be made anew, while no slice is being linked. Searches hold on to those they began
//   with.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/region.hpp"
#include "distance/kernels.hpp"
#include "filter/row_bitmap.hpp"
#include "graph/hnsw_graph.hpp"
#include "quantize/code_kind.hpp"
#include "segment/calibration.hpp"
#include "segment/code_array.hpp"
#include "segment/cold_vectors.hpp"
#include "segment/memory_table.hpp"
#include "segment/row_vectors.hpp"

namespace vicinal {

struct VectorSpec {
  std::string name;
  uint32_t dim = 0;
  Metric metric = Metric::Cosine;
  // 0: no graph.
  uint32_t m = 16;
  uint32_t efConstruct = 200;
  // Of vectors: cold ones are read from the segment file at each use, where codes lead to them.
  Placement memory = Placement::Cached;
  Placement graphMemory = Placement::Cached;
  Placement codeMemory = Placement::Cached;
  CodeKind code = CodeKind::Auto;
  // A row has any number of vectors, compared by MaxSim (search/max_sim.hpp).
  bool isMulti = false;
  // Its number in the checksums of rows, for good: no other vector of the collection ever has it.
  uint32_t slot = 0;
  // What vectors are kept as (storedAs).
  Datatype datatype = Datatype::Float32;

  // Of the graphs that frequent values have of their own (segment/value_spaces.hpp). 0: none.
  uint32_t payloadM = 16;

  uint64_t vectorBytes() const { return uint64_t(dim) * bytesOf(datatype); }
};

constexpr uint32_t kNoVertex = UINT32_MAX;

// Vertices [from, to), of which those below `at` are linked.
struct VertexSlice {
  uint32_t from = 0;
  uint32_t to = 0;
  uint32_t at = 0;
  bool empty() const { return from == to; }
};

class VectorSpace {
public:
  // An empty space; nothing but address space is taken.
  Status reserve(const VectorSpec& spec, uint64_t rows, uint64_t vertices);
  // The same of some of another's vertices, of one a row and in memory: their vectors stay where
  // they are, graph and codes are its own. It is never in a file.
  Status reserveAmong(std::shared_ptr<const VectorSpace> other, uint32_t m, uint64_t vertices);

  // Room for `rows` rows, of which `vertices` have the vector. The writer's.
  Status grow(uint64_t rows, uint64_t vertices);
  void append(uint32_t row, const RowVectors& vectors);
  // Rows [from, to) have no vectors yet, whatever a write that failed has left there.
  void forgetStaged(uint32_t from, uint32_t to) {
    if (!isIdentity()) std::fill(&vertexOfRow_[from], &vertexOfRow_[to], 0);
  }
  // Of a space among another's: the row's vertex there, if it has one, with room made for it. Rows
  // come in ascending order.
  Status appendFromOther(uint32_t row);
  void publish() { vertices_.store(staged_, std::memory_order_release); }

  uint32_t vertices() const { return vertices_.load(std::memory_order_acquire); }
  uint32_t linked() const { return linked_.load(std::memory_order_acquire); }
  // The first of the row's; kNoVertex where the row lacks the vector. Rows are read while the
  // writer goes on, and the first gap makes maps before its vertex is published: so what is
  // published is looked at first.
  uint32_t vertexOf(uint32_t row) const {
    const uint32_t published = vertices();
    if (identity_.load(std::memory_order_acquire)) return row < published ? row : kNoVertex;
    return other_ == nullptr ? vertexOfRow_[row] - 1 : vertexAmong(row, published);
  }
  // `visit(vertex)` for the first vertex of each of these rows that has one, in ascending order.
  template <typename Visit> void forEachVertex(const RowBitmap& rows, const Visit& visit) const {
    forEachVertex(rows, 0, visit);
  }
  // The same from one vertex on.
  template <typename Visit>
  void forEachVertex(const RowBitmap& rows, uint32_t from, const Visit& visit) const {
    if (from >= vertices()) return;
    if (other_ == nullptr)
      return rows.forEachFrom(rowOf(from), [&](uint32_t row) {
        if (const uint32_t vertex = vertexOf(row); vertex != kNoVertex && vertex >= from)
          visit(vertex);
      });
    const uint32_t* const first = rowOfVertex_.data();
    const uint32_t* const end = first + vertices();
    if (rows.isDense()) {
      for (const uint32_t* at = first + from; at != end && *at < rows.rows(); at++)
        if (rows.contains(*at)) visit(uint32_t(at - first));
      return;
    }
    const uint32_t* at = first + from;
    for (const uint32_t row : rows.list()) {
      at = std::lower_bound(at, end, row);
      if (at == end) return;
      if (*at == row) visit(uint32_t(at - first));
    }
  }
  // How many the row has.
  uint32_t verticesOf(uint32_t row) const { return verticesFrom(vertexOf(row), row); }
  // The same where the first is known, so that both are of one moment.
  uint32_t verticesFrom(uint32_t first, uint32_t row) const {
    if (first == kNoVertex) return 0;
    if (!spec_.isMulti) return 1;
    uint32_t end = first + 1;
    while (end < vertices() && rowOfVertex_[end] == row) end++;
    return end - first;
  }
  uint32_t rowOf(uint32_t vertex) const {
    return identity_.load(std::memory_order_acquire) ? vertex : rowOfVertex_[vertex];
  }
  bool isIdentity() const { return identity_.load(std::memory_order_acquire); }
  bool isAmongOthers() const { return other_ != nullptr; }
  // The same vertex in the other.
  uint32_t vertexInOther(uint32_t vertex) const { return places_[vertex]; }
  // As it is kept, and as floats; of those that are their file's, by way of the mapping.
  const void* vector(uint32_t vertex) const { return space_.row(vertex); }
  const float* floats(uint32_t vertex, RowFloats& room) const { return room.of(space_, vertex); }
  // As `dim` floats, read from its file where it is cold. CANCELLED where that may not wait for the
  // disk.
  Status load(uint32_t vertex, float* into, bool mayWait) const;

  const VectorSpec& spec() const { return spec_; }
  const Space& space() const { return space_; }
  // Codes of the vertices that are in the graph; null where metric and dimensions have none.
  std::shared_ptr<const CodeArray> codes() const {
    std::lock_guard lock(shared_);
    return codes_;
  }
  // Bytes from one code to the next; 0 where there are none.
  uint32_t codeStride() const {
    const auto now = codes();
    return now ? now->space().stride() : 0;
  }
  CodeKind codeKind() const {
    const auto now = codes();
    return now ? now->space().kind() : CodeKind::None;
  }
  // Of the graph as it was when it was last measured, or generous where it never was.
  std::shared_ptr<const Calibration> calibration() const {
    std::lock_guard lock(shared_);
    return calibration_;
  }
  // The same, or null.
  std::shared_ptr<const Calibration> measured() const {
    const auto now = calibration();
    return now->vertices() > 0 ? now : nullptr;
  }
  const HnswGraph& graph() const { return *graph_; }
  // Without one, vertices are `linked` once they have codes, and every search is a scan.
  bool hasGraph() const { return graph_->m() > 0; }
  uint64_t codeBytes() const {
    const auto now = codes();
    return now ? now->bytes() : 0;
  }
  uint64_t vectorBytes() const { return uint64_t(vertices()) * space_.rowBytes; }
  uint64_t tailBytes() const {
    // In this order: both grow meanwhile, and `linked` must not have overtaken an older `vertices`.
    const uint32_t linkedBefore = linked();
    return uint64_t(vertices() - linkedBefore) * space_.rowBytes;
  }
  // Maps count as `ids`. Anyone's.
  void tally(const MemoryTally& tally, MemoryTable::Vectors& table, MemoryPart& ids) const;
  uint64_t vertexCapacity() const { return vertexCapacity_; }

  // Vertices of rows that are tombstoned.
  uint32_t deadVertices() const { return dead_.load(std::memory_order_acquire); }
  uint32_t liveVertices() const {
    const uint32_t dead = deadVertices();
    return vertices() - dead;
  }
  void countDead(uint32_t more) { dead_.fetch_add(more, std::memory_order_release); }
  // Of a space among another's, which nobody tells: as many as `isDead(row)` says of a sample.
  template <typename IsDead> void sampleDead(const IsDead& isDead, uint32_t sample) {
    const uint32_t all = vertices();
    const uint32_t looked = std::min(all, sample);
    uint32_t dead = 0;
    for (uint32_t at = 0; at < looked; at++)
      dead += isDead(rowOf(uint32_t(uint64_t(at) * all / looked))) ? 1 : 0;
    const uint64_t ofAll = looked == 0 ? 0 : uint64_t(dead) * all / looked;
    dead_.store(uint32_t(ofAll), std::memory_order_release);
  }

  // Graph building: claim, link, finish. An empty slice means there is nothing to claim. What a
  // failure has left unlinked is claimed again.
  Result<VertexSlice> claim(uint32_t most);
  Status link(VertexSlice& slice);
  void finish(const VertexSlice& slice);
  // Links what failures have left, while nobody else links: then `linked()` is all there is in the
  // graph.
  Status linkLeft();
  // Whether the vectors should be looked at for better codes, now that there are many more than at
  // the last look, or the file had codes of another kind than are asked for. True for one caller,
  // who then calls `recode`; until that has returned nothing can be claimed.
  bool claimRecoding();
  // Some hundred milliseconds of work for each 100,000 vertices, and before it what learning the
  // directions takes: seconds where vectors have thousands of dimensions.
  Status recode();

  // Whether what recall costs should be measured, now that the graph has caught up and is much
  // larger than at the last time. True for one caller, who then calls `calibrated`.
  bool claimCalibration();
  // Whether that is under way or about to be.
  bool isCalibrationDue() const;
  // It is due anew, whenever the graph has caught up; `awaitsCalibration` until it is done.
  void recalibrate();
  bool awaitsCalibration() const;
  // One that an earlier process measured. Before others see the space.
  void restore(std::shared_ptr<const Calibration> calibration);
  // What was measured of these codes holds from now on, unless there are others by now.
  void useCalibration(std::shared_ptr<const Calibration> calibration,
                      const std::shared_ptr<const CodeArray>& of);
  // Vertices that there were when a calibration last compared the codes of now with vectors, or as
  // far as that is known of one that comes from a file; 0: none has.
  uint32_t comparedAt() const { return comparedAt_.load(std::memory_order_relaxed); }
  // Unless there are other codes by now.
  void noteCompared(uint32_t vertices, const std::shared_ptr<const CodeArray>& codes) {
    std::lock_guard lock(shared_);
    if (codes_ == codes) comparedAt_ = vertices;
  }
  // The end of it; null: it came to nothing.
  void calibrated(std::shared_ptr<const Calibration> calibration,
                  const std::shared_ptr<const CodeArray>& of);

  // Whether codes may be chosen by what they cost.
  bool leavesChoice() const { return spec_.code == CodeKind::Auto; }
  // Room for codes of another kind, learnt from the vectors, which nobody uses yet. RaBitQ is along
  // the directions that the codes of now have, SQ8 of all dimensions.
  Result<std::shared_ptr<CodeArray>> codesOf(CodeKind kind, uint32_t count) const;
  // Whether other codes can be adopted now. True for one caller, who then calls `adopt`; until that
  // has returned nothing can be claimed.
  bool claimAdoption();
  // These codes, of which the first `coded` are written, and what recall costs by them. Ends the
  // calibration too.
  Status adopt(std::shared_ptr<CodeArray> codes, uint32_t coded,
               std::shared_ptr<const Calibration> calibration);

  // Vectors that are to be read from their file; null where all are in memory.
  std::shared_ptr<const ColdVectors> coldVectors() const {
    std::lock_guard lock(shared_);
    return cold_;
  }
  // Leaves vectors that are in a file now to the file; memory they took is given back
  // (segment_cooling, and so are the next).
  Status cool(const std::string& path, uint64_t vectorsAt, uint32_t vertices);
  // The same for vectors that no codes lead to: they are read where they lie, by the mapping.
  Status leaveTo(const std::string& path, uint64_t vectorsAt, uint32_t vertices);
  // Whether reading vectors may have to wait for their file: where no codes lead to them, or where
  // the caller does not follow codes.
  bool mayWaitForFile(bool ignoresCodes) const {
    return left_.load(std::memory_order_relaxed) > 0 || (ignoresCodes && coldVectors());
  }
  // The same for a graph that has not grown since. While none grows.
  Status coolGraph(const GraphFile& file);
  Status coolCodes(const CodeArray& codes, int descriptor, uint64_t offset, uint64_t count);
  // Gives back what memory files stand behind: of vectors at any time, of the graph and codes while
  // no graph grows.
  void shedVectors() { vectors_.shed(); }
  // Vectors that were scanned, where they are their file's: the scan of a whole space is not to
  // stay in memory. Under a limit neither where they are mapped: one look at what is resident does
  // not follow another as fast as a scan maps.
  void shedScanned(uint32_t first, uint32_t count) const {
    if (other_ != nullptr) return;
    if (isMemoryLimited() || coldVectors())
      vectors_.shedRange(uint64_t(first) * space_.rowBytes, uint64_t(count) * space_.rowBytes);
  }
  void shedIndex();

  // Opening a file (segment_reader).
  struct Mapped {
    uint32_t rows;
    uint32_t vertices;
    bool identity;
    uint64_t vectorsAt;
    uint64_t rowOfVertexAt;
    uint64_t vertexOfRowAt;
    uint64_t codesAt;
    CodeScheme scheme;
    // null: the file has none.
    std::shared_ptr<const Calibration> calibration;
    GraphFile graph;
  };
  Status map(int descriptor, const Mapped& mapped);

  const RegionArray<uint32_t>& rowOfVertex() const { return rowOfVertex_; }
  const RegionArray<uint32_t>& vertexOfRow() const { return vertexOfRow_; }

private:
  Status recodeClaimed(uint32_t count);
  Status adoptClaimed(std::shared_ptr<CodeArray> codes, uint32_t coded,
                      std::shared_ptr<const Calibration> calibration);
  // What takes no room from anyone: codes, graph, and what is known of them.
  Status reserveIndex(uint64_t vertices);
  uint32_t vertexAmong(uint32_t row, uint32_t published) const;
  GraphConfig graphConfig() const {
    return {spec_.m, spec_.efConstruct, kGraphSeed, spec_.graphMemory};
  }
  // Before anything is mapped or grown.
  void place();
  CodeKind firstKind() const { return CodeArray::firstKind(spec_.code, spec_.metric, spec_.dim); }
  bool canRecode() const;
  std::optional<CodeScheme> betterScheme(uint32_t count) const;
  std::shared_ptr<const Calibration> untried() const;
  std::vector<float> sampleOf(uint32_t count, uint32_t& sampled) const;
  // Empty where the graph is built on vectors.
  const CodeSpace& codesToBuildOn() const;
  void makeMaps();
  bool mapsAreSound(uint32_t rows, uint32_t vertices) const;

  static constexpr uint64_t kGraphSeed = 0x76696369;

  VectorSpec spec_;
  RegionArray<uint8_t> vectors_;
  uint64_t vertexCapacity_ = 0;
  Space space_;
  std::unique_ptr<HnswGraph> graph_;
  // Row r's vertex plus one, so that untouched memory means none.
  RegionArray<uint32_t> vertexOfRow_;
  RegionArray<uint32_t> rowOfVertex_;
  // Where vectors are another's: whose, and which of its vertices these are.
  std::shared_ptr<const VectorSpace> other_;
  RegionArray<uint32_t> places_;
  std::atomic<bool> identity_{true};
  std::atomic<uint32_t> vertices_{0};
  std::atomic<uint32_t> linked_{0};
  std::atomic<uint32_t> dead_{0};
  uint32_t staged_ = 0;
  // So many vectors, the first ones, were left to their file and are read by its mapping.
  std::atomic<uint32_t> left_{0};
  std::atomic<uint32_t> comparedAt_{0};
  // The graph is its file's, but for pages that have changed since.
  std::atomic<bool> isGraphCold_{false};

  // Of the pointers that searches take with them.
  mutable std::mutex shared_;
  std::shared_ptr<const ColdVectors> cold_;
  std::shared_ptr<CodeArray> codes_;
  std::shared_ptr<const Calibration> calibration_;

  // With the claims held.
  bool hasCaughtUp() const { return open_.empty() && claimed_ == vertices(); }

  mutable std::mutex claims_;
  uint32_t claimed_ = 0;
  // Claimed and not finished.
  struct Claim {
    VertexSlice slice;
    // Nobody is at it any more.
    bool isLeft = false;
  };
  std::vector<Claim> open_;
  bool isRecoding_ = false;
  // Vertices from which on the vectors are looked at.
  uint32_t lookFrom_ = 0;
  bool isCalibrating_ = false;
  // Vertices from which on recall is measured.
  uint32_t calibrateFrom_ = 0;
};

} // namespace vicinal
