// Measures what recall costs in a space (segment/calibration.hpp).
//
// Vectors of the space itself are sought, each as if it were not there: hidden from the walk, which
// otherwise would have its record, a list of its neighbours. The truth is a scan of all codes, the
// foremost scored exactly; on some of the sample it is compared with a scan of all vectors. So the
// sample is of the data's own kind. Where callers ask queries of another kind (RecallMeter), those
// are sought instead; they are not stored, so nothing is hidden.
//
// The work is cut into steps of about a millisecond, so that searches need not wait for a thread.
#pragma once

#include <memory>
#include <vector>

#include "graph/neighbor.hpp"
#include "search/live_queries.hpp"
#include "segment/segment.hpp"

namespace vicinal {

class Calibrator {
public:
  // By these codes (null: by vectors), among the first `vertices`, which are in the graph. `live`
  // may be null; where there are few, vectors of the space are sought beside.
  Calibrator(std::shared_ptr<Segment> segment, size_t vector,
             std::shared_ptr<const LiveQueries> live, std::shared_ptr<const CodeArray> codes,
             uint32_t vertices);
  Calibrator(std::shared_ptr<Segment> segment, size_t vector,
             std::shared_ptr<const LiveQueries> live, std::shared_ptr<const CodeArray> codes)
      : Calibrator(segment, vector, std::move(live), std::move(codes),
                   segment->space(vector).linked()) {}

  // Works on; false once there is a result.
  Result<bool> step();
  std::shared_ptr<const Calibration> result() const { return result_; }

private:
  // A vector that is sought, and what is to be found.
  struct Sample {
    // kNoVertex where it is a caller's.
    uint32_t vertex = kNoVertex;
    std::vector<float> vector;
    CodeQuery query;
    TopK near{0};
    // Whether the truth is looked for by vectors too, into `nearest`.
    bool isChecked = false;
    TopK nearest{0};
    // Distance of the last neighbour wanted: who is as near is found.
    float farthest = 0;
  };

  Status chooseSamples();
  Sample& addSample();
  void prepare(Sample& sample);
  bool isCheckedExactly(size_t sample) const;
  void scanBlock();
  void scanFor(Sample& sample, uint32_t count);
  Status rankByCode();
  Status walkOnce();
  void finishReach();
  void finish();

  const std::shared_ptr<Segment> segment_;
  const VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  const std::shared_ptr<const LiveQueries> live_;
  const uint32_t vertices_;
  std::vector<Sample> samples_;
  uint32_t scanned_ = 0;
  size_t ranked_ = 0;
  // True neighbours found among so many by code, for each depth.
  std::vector<uint64_t> foundByCode_;
  // Of the checked samples, and how many there were to find.
  uint64_t foundChecked_ = 0;
  uint64_t allChecked_ = 0;

  // The reach being measured, and how far.
  size_t reach_ = 0;
  size_t walked_ = 0;
  double recallSum_ = 0;
  double recallSquares_ = 0;
  double distances_ = 0;
  std::vector<Calibration::Reach> reaches_;
  std::shared_ptr<const Calibration> result_;
};

} // namespace vicinal
