// One named vector of a segment: the vectors in their datatype, the map of rows to vectors, the
// graph and the codes. A vertex is an entry of the vector array; vertices are numbered in order of
// arrival. A row with a multivector has several consecutive vertices.
//
// As long as the first rows all have the vector, vertex and row numbers are equal and there are no
// maps. The first row that breaks this creates the maps.
//
// Threads
// - One writer appends vertices and publishes them with its batch. Readers use published ones.
// - Graph building claims slices of published vertices in order. `linked()` is the watermark of
//   finished claims: vertices below it are in the graph, the others are the tail, scanned exactly.
// - Calibration is claimed once the graph has caught up; it runs beside everything else.
// - Codes may be made again while no slice is being linked. A search keeps the codes that it began
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
  // Placement of vectors. Cold vectors are read from the segment file at each use, if there are
  // codes.
  Placement memory = Placement::Cached;
  Placement graphMemory = Placement::Cached;
  Placement codeMemory = Placement::Cached;
  CodeKind code = CodeKind::Auto;
  // A row has any number of vectors, compared by MaxSim (search/max_sim.hpp).
  bool isMulti = false;
  // The vector's permanent number in row checksums; no other vector of the collection ever gets it.
  uint32_t slot = 0;
  // Storage type of the vectors (storedAs).
  Datatype datatype = Datatype::Float32;

  // M of the graphs of frequent values (segment/value_spaces.hpp); 0: no such graphs.
  uint32_t payloadM = 16;

  uint64_t vectorBytes() const { return uint64_t(dim) * bytesOf(datatype); }
};

constexpr uint32_t kNoVertex = UINT32_MAX;

// Vertices [from, to); those below `at` are linked.
struct VertexSlice {
  uint32_t from = 0;
  uint32_t to = 0;
  uint32_t at = 0;
  bool empty() const { return from == to; }
};

class VectorSpace {
public:
  // An empty space; it takes only address space.
  Status reserve(const VectorSpec& spec, uint64_t rows, uint64_t vertices);
  // A space over some vertices of another space, one for each row, in memory only. The vectors stay
  // in the other space; graph and codes are its own. It is never written to a file.
  Status reserveAmong(std::shared_ptr<const VectorSpace> other, uint32_t m, uint64_t vertices);

  // Makes room for `rows` rows with `vertices` vectors. For the writer only.
  Status grow(uint64_t rows, uint64_t vertices);
  void append(uint32_t row, const RowVectors& vectors);
  // Clears rows [from, to), which a failed write may have filled.
  void forgetStaged(uint32_t from, uint32_t to) {
    if (!isIdentity()) std::fill(&vertexOfRow_[from], &vertexOfRow_[to], 0);
  }
  // For a space over another: adds the row's vertex of the other space, if it has one, and makes
  // room for it. Rows come in ascending order.
  Status appendFromOther(uint32_t row);
  void publish() { vertices_.store(staged_, std::memory_order_release); }

  uint32_t vertices() const { return vertices_.load(std::memory_order_acquire); }
  uint32_t linked() const { return linked_.load(std::memory_order_acquire); }
  // The row's first vertex; kNoVertex if the row lacks the vector. Readers run beside the writer.
  // The first gap creates the maps before its vertex is published, so the published count is read
  // first.
  uint32_t vertexOf(uint32_t row) const {
    const uint32_t published = vertices();
    if (identity_.load(std::memory_order_acquire)) return row < published ? row : kNoVertex;
    return other_ == nullptr ? vertexOfRow_[row] - 1 : vertexAmong(row, published);
  }
  // Calls `visit(vertex)` for the first vertex of each of these rows that has one, in ascending
  // order.
  template <typename Visit> void forEachVertex(const RowBitmap& rows, const Visit& visit) const {
    forEachVertex(rows, 0, visit);
  }
  // The same, starting at vertex `from`.
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
  // The number of vertices of the row.
  uint32_t verticesOf(uint32_t row) const { return verticesFrom(vertexOf(row), row); }
  // The same for a known first vertex, so that both values belong to one moment.
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
  // The corresponding vertex of the other space.
  uint32_t vertexInOther(uint32_t vertex) const { return places_[vertex]; }
  // A vector as stored, and as floats. Cold vectors are read through the mapping.
  const void* vector(uint32_t vertex) const { return space_.row(vertex); }
  const float* floats(uint32_t vertex, RowFloats& room) const { return room.of(space_, vertex); }
  // Reads a vector as `dim` floats, from its file if it is cold. CANCELLED if `mayWait` is false
  // and the disk would be needed.
  Status load(uint32_t vertex, float* into, bool mayWait) const;

  const VectorSpec& spec() const { return spec_; }
  const Space& space() const { return space_; }
  // Codes of the vertices in the graph; null if metric and dimensions have no codes.
  std::shared_ptr<const CodeArray> codes() const {
    std::lock_guard lock(shared_);
    return codes_;
  }
  // Bytes from one code to the next; 0 if there are none.
  uint32_t codeStride() const {
    const auto now = codes();
    return now ? now->space().stride() : 0;
  }
  CodeKind codeKind() const {
    const auto now = codes();
    return now ? now->space().kind() : CodeKind::None;
  }
  // The latest calibration, or generous defaults.
  std::shared_ptr<const Calibration> calibration() const {
    std::lock_guard lock(shared_);
    return calibration_;
  }
  // The latest calibration; null if never measured.
  std::shared_ptr<const Calibration> measured() const {
    const auto now = calibration();
    return now->vertices() > 0 ? now : nullptr;
  }
  const HnswGraph& graph() const { return *graph_; }
  // Without a graph, vertices count as `linked` once they have codes, and every search is a scan.
  bool hasGraph() const { return graph_->m() > 0; }
  uint64_t codeBytes() const {
    const auto now = codes();
    return now ? now->bytes() : 0;
  }
  uint64_t vectorBytes() const { return uint64_t(vertices()) * space_.rowBytes; }
  uint64_t tailBytes() const {
    // `linked` is read first: both grow meanwhile, and a later `linked` could exceed an earlier
    // `vertices`.
    const uint32_t linkedBefore = linked();
    return uint64_t(vertices() - linkedBefore) * space_.rowBytes;
  }
  // Counts the memory; maps count as `ids`. Any thread may call it.
  void tally(const MemoryTally& tally, MemoryTable::Vectors& table, MemoryPart& ids) const;
  uint64_t vertexCapacity() const { return vertexCapacity_; }

  // Vertices of tombstoned rows.
  uint32_t deadVertices() const { return dead_.load(std::memory_order_acquire); }
  uint32_t liveVertices() const {
    const uint32_t dead = deadVertices();
    return vertices() - dead;
  }
  void countDead(uint32_t more) { dead_.fetch_add(more, std::memory_order_release); }
  // For a space over another, which is not told of deletions: estimates the dead vertices from a
  // sample, by `isDead(row)`.
  template <typename IsDead> void sampleDead(const IsDead& isDead, uint32_t sample) {
    const uint32_t all = vertices();
    const uint32_t looked = std::min(all, sample);
    uint32_t dead = 0;
    for (uint32_t at = 0; at < looked; at++)
      dead += isDead(rowOf(uint32_t(uint64_t(at) * all / looked))) ? 1 : 0;
    const uint64_t ofAll = looked == 0 ? 0 : uint64_t(dead) * all / looked;
    dead_.store(uint32_t(ofAll), std::memory_order_release);
  }

  // Graph building: claim, link, finish. An empty slice means that there is nothing to claim.
  // Vertices that a failure left unlinked are claimed again.
  Result<VertexSlice> claim(uint32_t most);
  Status link(VertexSlice& slice);
  void finish(const VertexSlice& slice);
  // Links vertices that failures left unlinked, while no other thread links. Afterwards `linked()`
  // covers the whole graph.
  Status linkLeft();
  // Whether better codes should be looked for. There are many more vectors than at the last look,
  // or the file had another kind of codes than configured. True for one caller, which then calls
  // `recode`; until that returns nothing can be claimed.
  bool claimRecoding();
  // Takes some hundred milliseconds for each 100,000 vertices. Learning the directions comes first;
  // it takes seconds if vectors have thousands of dimensions.
  Status recode();

  // Whether recall should be measured: the graph has caught up and is much larger than at the last
  // time. True for one caller, which then calls `calibrated`.
  bool claimCalibration();
  // Whether calibration runs or is about to run.
  bool isCalibrationDue() const;
  // Makes calibration due again, once the graph has caught up. `awaitsCalibration` is true until it
  // is done.
  void recalibrate();
  bool awaitsCalibration() const;
  // Sets a calibration from an earlier process. Call before the space is shared.
  void restore(std::shared_ptr<const Calibration> calibration);
  // Sets the calibration measured with the codes `of`, unless the codes have changed.
  void useCalibration(std::shared_ptr<const Calibration> calibration,
                      const std::shared_ptr<const CodeArray>& of);
  // Number of vertices when a calibration last compared the present codes with vectors. For a
  // calibration from a file it is its number of vertices; 0: never.
  uint32_t comparedAt() const { return comparedAt_.load(std::memory_order_relaxed); }
  // Ignored if the codes have changed.
  void noteCompared(uint32_t vertices, const std::shared_ptr<const CodeArray>& codes) {
    std::lock_guard lock(shared_);
    if (codes_ == codes) comparedAt_ = vertices;
  }
  // Ends the calibration; null: it failed.
  void calibrated(std::shared_ptr<const Calibration> calibration,
                  const std::shared_ptr<const CodeArray>& of);

  // Whether the kernel may choose the kind of codes by their cost.
  bool leavesChoice() const { return spec_.code == CodeKind::Auto; }
  // Makes codes of another kind, learnt from the vectors, that are not in use yet. RaBitQ codes are
  // along new directions if the present codes have a projection; SQ8 codes cover all dimensions.
  Result<std::shared_ptr<CodeArray>> codesOf(CodeKind kind, uint32_t count) const;
  // Whether other codes can be adopted now. True for one caller, which then calls `adopt`; until
  // that returns nothing can be claimed.
  bool claimAdoption();
  // Adopts these codes, of which the first `coded` are written, with their calibration. Ends the
  // calibration too.
  Status adopt(std::shared_ptr<CodeArray> codes, uint32_t coded,
               std::shared_ptr<const Calibration> calibration);

  // Vectors to read from their file; null if all are in memory.
  std::shared_ptr<const ColdVectors> coldVectors() const {
    std::lock_guard lock(shared_);
    return cold_;
  }
  // Leaves vectors to a file that holds them and gives their memory back (segment_cooling uses this
  // and the following functions).
  Status cool(const std::string& path, uint64_t vectorsAt, uint32_t vertices);
  // Like `cool`, for vectors without codes: they are mapped.
  Status leaveTo(const std::string& path, uint64_t vectorsAt, uint32_t vertices);
  // Whether reading vectors may have to wait for the file: if there are no codes, or if the caller
  // ignores them.
  bool mayWaitForFile(bool ignoresCodes) const {
    return left_.load(std::memory_order_relaxed) > 0 || (ignoresCodes && coldVectors());
  }
  // The same for a graph that has not grown since the file was written, while graph building is
  // paused.
  Status coolGraph(const GraphFile& file);
  Status coolCodes(const CodeArray& codes, int descriptor, uint64_t offset, uint64_t count);
  // Drop resident pages that files back: of vectors at any time, of graph and codes while graph
  // building is paused.
  void shedVectors() { vectors_.shed(); }
  // Drops scanned vectors that a file backs, so that scanning a whole space does not fill memory.
  // Under a memory limit this applies to mapped vectors too, because checks of resident memory come
  // more slowly than a scan maps pages.
  void shedScanned(uint32_t first, uint32_t count) const {
    if (other_ != nullptr) return;
    if (isMemoryLimited() || coldVectors())
      vectors_.shedRange(uint64_t(first) * space_.rowBytes, uint64_t(count) * space_.rowBytes);
  }
  void shedIndex();

  // Describes the space in an opened file (segment_reader).
  struct Mapped {
    uint32_t rows;
    uint32_t vertices;
    bool identity;
    uint64_t vectorsAt;
    uint64_t rowOfVertexAt;
    uint64_t vertexOfRowAt;
    uint64_t codesAt;
    CodeScheme scheme;
    // Null if the file has none.
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
  // Reserves the parts other than vectors: codes, graph and calibration.
  Status reserveIndex(uint64_t vertices);
  uint32_t vertexAmong(uint32_t row, uint32_t published) const;
  GraphConfig graphConfig() const {
    return {spec_.m, spec_.efConstruct, kGraphSeed, spec_.graphMemory};
  }
  // Sets the placements. Call before anything is mapped or grown.
  void place();
  CodeKind firstKind() const { return CodeArray::firstKind(spec_.code, spec_.metric, spec_.dim); }
  bool canRecode() const;
  std::optional<CodeScheme> betterScheme(uint32_t count) const;
  std::shared_ptr<const Calibration> untried() const;
  std::vector<float> sampleOf(uint32_t count, uint32_t& sampled) const;
  // Empty if the graph is built on vectors.
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
  // For a space over another: that space, and the vertex of it for each own vertex.
  std::shared_ptr<const VectorSpace> other_;
  RegionArray<uint32_t> places_;
  std::atomic<bool> identity_{true};
  std::atomic<uint32_t> vertices_{0};
  std::atomic<uint32_t> linked_{0};
  std::atomic<uint32_t> dead_{0};
  uint32_t staged_ = 0;
  // This many first vectors were left to their file and are read through its mapping.
  std::atomic<uint32_t> left_{0};
  std::atomic<uint32_t> comparedAt_{0};
  // The file backs the graph, except for pages that have changed.
  std::atomic<bool> isGraphCold_{false};

  // Guards the pointers that searches copy.
  mutable std::mutex shared_;
  std::shared_ptr<const ColdVectors> cold_;
  std::shared_ptr<CodeArray> codes_;
  std::shared_ptr<const Calibration> calibration_;

  // Call with `claims_` held.
  bool hasCaughtUp() const { return open_.empty() && claimed_ == vertices(); }

  mutable std::mutex claims_;
  uint32_t claimed_ = 0;
  // Slices that are claimed and not finished.
  struct Claim {
    VertexSlice slice;
    // No thread works on it any more.
    bool isLeft = false;
  };
  std::vector<Claim> open_;
  bool isRecoding_ = false;
  // Number of vertices from which better codes are looked for.
  uint32_t lookFrom_ = 0;
  bool isCalibrating_ = false;
  // Number of vertices from which recall is measured.
  uint32_t calibrateFrom_ = 0;
};

} // namespace vicinal
