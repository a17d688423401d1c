// Measures what recall costs in a space (segment/calibration.hpp).
//
// Vectors of the space itself are sought, each as if it were not there
// (search/absent_vertices.hpp): hidden from the walk, which otherwise would have its record, a list
// of its neighbours. Where it has near twins (search/near_twins.hpp) it is sought twice, once with
// these hidden too: callers may ask for either, and the lower recall is promised. So the sample is
// of the data's own kind. Where callers ask queries of another kind (RecallMeter), those are sought
// instead; they are not stored, so nothing is hidden.
//
// The truth is a scan of all codes, the foremost scored exactly; on some of the sample it is
// compared with a scan of all vectors. Vectors that are left to their file are read whole for that,
// unless these codes were compared when there were more than half as many: what was found then
// still counts.
//
// The work is cut into steps of about a millisecond (a walk of a large beam takes some ten), so
// that checkpoints and closing need not wait.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "filter/row_bitmap.hpp"
#include "graph/neighbor.hpp"
#include "graph/shortlist.hpp"
#include "search/absent_vertices.hpp"
#include "search/live_queries.hpp"
#include "search/pace_meter.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

class Calibrator {
public:
  // By these codes (null: by vectors), among the first `vertices`, which are in the graph. `live`
  // may be null; where there are few, vectors of the space are sought beside.
  Calibrator(std::shared_ptr<const VectorSpace> space, std::shared_ptr<const LiveQueries> live,
             std::shared_ptr<const CodeArray> codes, uint32_t vertices);

  // Works on; false once there is a result.
  Result<bool> step();
  std::shared_ptr<const Calibration> result() const { return result_; }
  // Whether codes are compared with vectors in it.
  bool compares() const { return codes_ && !foundBefore_; }

private:
  // A vector that is sought, and what is to be found.
  struct Sample {
    // kNoVertex where it is a caller's.
    uint32_t vertex = kNoVertex;
    // Null for those.
    std::unique_ptr<AbsentVertices> hidden;
    std::vector<float> vector;
    CodeQuery query;
    Shortlist near{0};
    // Whether it has near twins, and whether these are hidden with it.
    bool hasTwins = false;
    bool isWithoutTwins = false;
    // Whether the truth is looked for by vectors too, into `nearest`.
    bool isChecked = false;
    TopK nearest{0};
    // Distance of the last neighbour wanted: who is as near is found.
    float farthest = 0;
    // The same of the first.
    float nearestFound = 0;
    // The same of those that the made-up filter accepts; nothing where too few of them are known.
    std::optional<float> farthestAccepted;
  };
  struct Walk {
    size_t sample = 0;
    double recall = 0;
    double distances = 0;
  };
  // For each depth: how many are scored, and true neighbours among them.
  struct DepthSums {
    uint64_t scored = 0;
    uint64_t found = 0;
  };
  // One of the two kinds that callers may ask for: vectors whose twins are stored, and vectors
  // whose twins are not. Where none has twins both are the same.
  struct Asked {
    size_t samples = 0;
    std::vector<DepthSums> depths;
  };
  // A curve as far as it is measured: of walks among all, or among accepted vertices.
  struct Curve {
    std::vector<Calibration::Reach> reaches;
    // The reach being measured, and the walks of it.
    size_t reach = 0;
    size_t walked = 0;
    std::vector<Walk> walks;
    // Distances that they took.
    double spent = 0;
    // Those that were too long are walked again, up to a bound, which is known once all were
    // walked.
    double typical = 0;
    double most = 0;
    size_t lookedAgain = 0;
  };

  Status chooseSamples();
  Sample& addSample();
  void prepare(Sample& sample);
  bool isCheckedExactly(size_t sample) const;
  Status scanBlock();
  // `vectors` holds the vectors of the block, from index `first` on.
  void scanFor(Sample& sample, uint32_t count, const Space& vectors, uint32_t first);
  // The vectors of the next block: the space's own or, where a file has them, a copy in `room`.
  // `first` becomes the index of the block's first one.
  Result<Space> blockOf(uint32_t count, std::vector<uint8_t>& room, uint32_t& first) const;
  // The nearest of a sample by code, and their exact distances.
  struct Ranked {
    std::vector<Neighbor> byCode;
    std::vector<float> exact;
    // By vectors, of a sample that is checked.
    std::vector<Neighbor> nearest;
  };
  Status rankByCode();
  Status rankStored(Sample& sample, const Ranked& ranked);
  Result<std::vector<uint32_t>> twinsOf(const Sample& sample, const Ranked& ranked);
  // What is known of a sample, and of the depths that its neighbours stand at.
  void learn(Sample& sample, const Ranked& ranked);
  // Those of others_ among the samples.
  void mixSamples();
  Status walkOnce();
  // Whether there was one.
  Result<bool> walkLongOnceAgain();
  Status walkAmongAll(size_t sample, double mostDistances);
  Status walkAmongAccepted(size_t sample);
  void chooseAccepted();
  Status measurePaces();
  // Of walks for the sample whose last wanted neighbour is as far.
  double recallOf(const std::vector<Neighbor>& found, float farthest) const;
  // Whether the sample is one of them.
  static bool isAsked(const Sample& sample, size_t asked) {
    return !sample.hasTwins || sample.isWithoutTwins == (asked == 1);
  }
  // What can be promised of walks of these.
  double lowOf(const std::vector<Walk>& walks, size_t asked) const;
  std::vector<Calibration::Depth> depthsOf(const Asked& asked) const;
  void finishReach();
  void finish();
  // Of most samples, the farthest by this distance.
  float farOf(float Sample::*distance) const;
  Curve& curve() { return stage_ == Stage::All ? all_ : accepted_; }
  // Of the reach being measured.
  bool hasWalkedEnough();

  const std::shared_ptr<const VectorSpace> owner_;
  const VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  const std::shared_ptr<const LiveQueries> live_;
  const uint32_t vertices_;
  std::vector<Sample> samples_;
  uint32_t scanned_ = 0;
  size_t ranked_ = 0;
  // Of those whose twins are stored, and of those whose twins are not.
  std::array<Asked, 2> asked_;
  // Samples with twins once more, these hidden with them.
  std::vector<Sample> others_;
  size_t stored_ = 0;
  // The share that an earlier comparison found by the same codes at most; nothing where this
  // calibration compares.
  std::optional<double> foundBefore_;
  // Of the checked samples, and how many there were to find.
  uint64_t foundChecked_ = 0;
  uint64_t allChecked_ = 0;

  // What is being measured.
  enum class Stage { All, Accepted, Paces };
  Stage stage_ = Stage::All;
  Curve all_;
  Curve accepted_;
  // The matches of the made-up filter.
  RowBitmap acceptedRows_;
  RowBitmap acceptedVertices_;
  // Once both curves are measured, and how many queries it had.
  std::optional<PaceMeter> paces_;
  size_t paced_ = 0;
  std::shared_ptr<const Calibration> result_;
};

} // namespace vicinal
