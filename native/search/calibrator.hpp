// Measures the cost of recall in a space (segment/calibration.hpp).
//
// The samples are vectors of the space itself. Each is searched for as if it were not stored
// (search/absent_vertices.hpp): it is hidden from the walk, which could otherwise read its
// neighbour list. A vector with near twins (search/near_twins.hpp) is searched for twice, the
// second time with its twins hidden too. Callers may ask for either kind, so the lower recall is
// promised. If callers' queries differ in kind from the data (RecallMeter), these are the samples
// instead. They are not stored, so nothing is hidden.
//
// The truth is a scan of all codes with the foremost scored exactly. Some samples are also checked
// by a scan of all vectors. Cold vectors are read completely for that. The check is skipped, and
// its old result used, if these codes were checked when the space had more than half of its present
// vectors.
//
// The work is cut into steps of about a millisecond, so that checkpoints and closing need not wait.
// A walk with a large beam takes some ten.
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
  // Measures walks by these codes (null: by vectors) among the first `vertices`, which must be in
  // the graph. `live` may be null. If it has few queries, stored vectors are added.
  Calibrator(std::shared_ptr<const VectorSpace> space, std::shared_ptr<const LiveQueries> live,
             std::shared_ptr<const CodeArray> codes, uint32_t vertices);

  // Does the next step; false once there is a result.
  Result<bool> step();
  std::shared_ptr<const Calibration> result() const { return result_; }
  // Whether codes are checked against vectors.
  bool compares() const { return codes_ && !foundBefore_; }

private:
  // A query vector with its true neighbours.
  struct Sample {
    // kNoVertex for a caller's query.
    uint32_t vertex = kNoVertex;
    // Null for a caller's query.
    std::unique_ptr<AbsentVertices> hidden;
    std::vector<float> vector;
    CodeQuery query;
    Shortlist near{0};
    // Whether it has near twins, and whether these are hidden too.
    bool hasTwins = false;
    bool isWithoutTwins = false;
    // Whether the truth is also determined by vectors, into `nearest`.
    bool isChecked = false;
    TopK nearest{0};
    // Distance of the last true neighbour: everything as near counts as found.
    float farthest = 0;
    // Distance of the first true neighbour.
    float nearestFound = 0;
    // Like `farthest`, among vertices that the made-up filter accepts; empty if too few of them are
    // known.
    std::optional<float> farthestAccepted;
  };
  struct Walk {
    size_t sample = 0;
    double recall = 0;
    double distances = 0;
  };
  // For one depth: how many candidates are rescored, and how many true neighbours are among them.
  struct DepthSums {
    uint64_t scored = 0;
    uint64_t found = 0;
  };
  // One of two kinds of queries: vectors whose twins are stored, and vectors whose twins are not.
  // For vectors without twins both are the same.
  struct Asked {
    size_t samples = 0;
    std::vector<DepthSums> depths;
  };
  // A curve of recall by reach, as far as measured: for walks among all vertices, or among accepted
  // ones.
  struct Curve {
    std::vector<Calibration::Reach> reaches;
    // The reach being measured, and its walks.
    size_t reach = 0;
    size_t walked = 0;
    std::vector<Walk> walks;
    // Distances of these walks.
    double spent = 0;
    // Too long walks are repeated with a bound, which is known once all samples were walked.
    double typical = 0;
    double most = 0;
    size_t lookedAgain = 0;
  };

  Status chooseSamples();
  Sample& addSample();
  void prepare(Sample& sample);
  bool isCheckedExactly(size_t sample) const;
  Status scanBlock();
  // `vectors` holds the vectors of the block, starting at index `first`.
  void scanFor(Sample& sample, uint32_t count, const Space& vectors, uint32_t first);
  // The vectors of the next block: those of the space, or a copy in `room` if they are cold.
  // `first` becomes the index of the block's first vector.
  Result<Space> blockOf(uint32_t count, std::vector<uint8_t>& room, uint32_t& first) const;
  // The nearest of a sample by code, and their exact distances.
  struct Ranked {
    std::vector<Neighbor> byCode;
    std::vector<float> exact;
    // The nearest by vectors, for a checked sample.
    std::vector<Neighbor> nearest;
  };
  Status rankByCode();
  Status rankStored(Sample& sample, const Ranked& ranked);
  Result<std::vector<uint32_t>> twinsOf(const Sample& sample, const Ranked& ranked);
  // Records the sample's truth, and for each depth whether its neighbours are found.
  void learn(Sample& sample, const Ranked& ranked);
  // Adds `others_` to the samples and shuffles them.
  void mixSamples();
  Status walkOnce();
  // Repeats one too long walk; false if there is none left.
  Result<bool> walkLongOnceAgain();
  Status walkAmongAll(size_t sample, double mostDistances);
  Status walkAmongAccepted(size_t sample);
  void chooseAccepted();
  Status measurePaces();
  // Recall of a walk, given the distance of the last true neighbour.
  double recallOf(const std::vector<Neighbor>& found, float farthest) const;
  // Whether the sample belongs to this kind of queries.
  static bool isAsked(const Sample& sample, size_t asked) {
    return !sample.hasTwins || sample.isWithoutTwins == (asked == 1);
  }
  // The recall that can be promised from these walks.
  double lowOf(const std::vector<Walk>& walks, size_t asked) const;
  std::vector<Calibration::Depth> depthsOf(const Asked& asked) const;
  void finishReach();
  void finish();
  // The distance that only kFarShare of the samples exceed.
  float farOf(float Sample::*distance) const;
  Curve& curve() { return stage_ == Stage::All ? all_ : accepted_; }
  // Whether the present reach has enough walks.
  bool hasWalkedEnough();

  const std::shared_ptr<const VectorSpace> owner_;
  const VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  const std::shared_ptr<const LiveQueries> live_;
  const uint32_t vertices_;
  std::vector<Sample> samples_;
  uint32_t scanned_ = 0;
  size_t ranked_ = 0;
  // Sums for queries whose twins are stored, and for queries whose twins are not.
  std::array<Asked, 2> asked_;
  // Copies of samples with twins, with these hidden too.
  std::vector<Sample> others_;
  size_t stored_ = 0;
  // The share of true neighbours that an earlier check found with the same codes at the greatest
  // depth; empty if this calibration checks.
  std::optional<double> foundBefore_;
  // True neighbours found in checked samples, and all of them.
  uint64_t foundChecked_ = 0;
  uint64_t allChecked_ = 0;

  // The stage of the measurement.
  enum class Stage { All, Accepted, Paces };
  Stage stage_ = Stage::All;
  Curve all_;
  Curve accepted_;
  // The matches of the made-up filter.
  RowBitmap acceptedRows_;
  RowBitmap acceptedVertices_;
  // Set once both curves are measured; and the number of queries it was given.
  std::optional<PaceMeter> paces_;
  size_t paced_ = 0;
  std::shared_ptr<const Calibration> result_;
};

} // namespace vicinal
