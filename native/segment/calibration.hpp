// The cost of recall in one vector space. It is measured on the space's own vectors, or on callers'
// queries if these differ in kind (search/calibrator.hpp).
//
// A search loses neighbours in two ways. The graph walk stops too early, or codes keep a neighbour
// out of the candidates that are scored exactly. Both are measured separately, at ten neighbours; a
// promised recall is the product of the two. Walks among the matches of a filter lose other
// neighbours, so they are measured on their own.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/hnsw_graph.hpp"
#include "segment/rescoring.hpp"

namespace vicinal {

// The number of neighbours for which efforts are measured.
constexpr size_t kCalibratedWanted = 10;

// The effort of a search.
struct Effort {
  // The reach of the walk: the factor of `Stop`. For Dot it is the beam width for ten neighbours,
  // since its distances do not start at zero.
  float reach = 0;
  // Epsilon of rescoring: when enough candidates have been scored exactly (segment/rescoring.hpp).
  float doubt = 0;
};

class Calibration {
public:
  // Mean recall of walks of one reach: the lower end of the sample's confidence interval.
  // `distances` is the mean over walks, `typical` the median; a walk ends at `most`.
  struct Reach {
    float reach = 0;
    float recall = 0;
    float distances = 0;
    float typical = 0;
    float most = 0;
  };
  // The share of true neighbours among the rescored candidates, and the average number of these
  // candidates.
  struct Depth {
    float doubt = 0;
    float rescored = 0;
    float recall = 0;
  };
  // The samples used for measuring.
  struct Samples {
    uint32_t stored = 0;
    uint32_t live = 0;
  };
  struct Promise {
    Effort effort;
    float recall = 0;
    // The expected distances of the walk, those of the median walk, and the number at which a walk
    // ends (0: not measured).
    double distances = 0;
    double typical = 0;
    double most = 0;
    // The expected number of candidates scored exactly.
    double rescored = 0;
  };
  // Walks among accepted vertices (graph/accepted_walk.hpp), with kAcceptedShare of all vertices
  // accepted.
  struct Accepted {
    // Empty if not measured.
    std::vector<Reach> reaches;
    // Costs relative to a distance of a walk among all vertices. `pace`: a distance of such a walk,
    // with everything that leads to it. `gathered`: a distance by code to the next of many
    // preselected vertices.
    float pace = 3;
    float gathered = 0.3f;
  };

  // Reaches rise strictly in effort and recall; depths may have equal recall.
  Calibration(uint32_t vertices, Samples samples, std::vector<Reach> reaches,
              std::vector<Depth> depths, Accepted accepted)
      : vertices_(vertices), samples_(samples), reaches_(std::move(reaches)),
        depths_(std::move(depths)), accepted_(std::move(accepted)) {}
  // Generous values for a graph that has not been measured yet.
  static const Calibration& untried(Metric metric);

  // The least effort that promises this recall; nothing if only a scan achieves it.
  std::optional<Promise> least(float recall) const { return leastOf(reaches_, recall); }
  // Like `least`, for a walk among accepted vertices, which are this share of all. Its distances
  // are given in distances of a walk among all vertices.
  std::optional<Promise> leastAccepted(float recall, double share) const;
  // The cost of one distance of such a walk.
  double paceAmong(double share) const;

  // The least depth with this recall; nothing if more candidates would be needed than were ever
  // measured.
  std::optional<Depth> depthOf(float recall) const;
  // The recall of a scan of codes that scores this many candidates exactly on average, for ten
  // neighbours.
  float recallOfDepth(double rescored) const;
  // Whether the values are plausible; checked for values from a file.
  bool isSound() const;

  // Vertices of the graph when it was measured.
  uint32_t vertices() const { return vertices_; }
  const Samples& samples() const { return samples_; }
  const std::vector<Reach>& reaches() const { return reaches_; }
  const std::vector<Depth>& depths() const { return depths_; }
  const Accepted& accepted() const { return accepted_; }
  // Distances beyond which the measurement does not hold: only kFarShare of the samples had their
  // nearest, or the last of ten neighbours, farther away. Known only for spaces of values.
  struct Far {
    float nearest = INFINITY;
    float last = INFINITY;
    // The distance for the neighbour at this place, counted from 1. For places in between it is
    // rather too small.
    float of(size_t place) const { return place < kCalibratedWanted ? nearest : last; }
  };
  const Far& far() const { return far_; }
  void setFar(const Far& far) { far_ = far; }

private:
  std::optional<Promise> leastOf(const std::vector<Reach>& reaches, float recall) const;

  uint32_t vertices_;
  Samples samples_;
  std::vector<Reach> reaches_;
  std::vector<Depth> depths_;
  Accepted accepted_;
  Far far_;
};

// The share of accepted vertices at which walks among them are measured. With fewer, such walks
// find somewhat more, down to kLeastAccepted; below that, accepted vertices are no longer
// connected.
constexpr double kAcceptedShare = 0.3;
constexpr double kLeastAccepted = 0.07;

// The share of samples that count as far.
constexpr double kFarShare = 0.1;

// A walk stops after this many times the median walk's distance computations. Hard queries go on
// longer for little gain: they would miss mostly the same neighbours (docs/design/graph.md).
constexpr double kMostOfTypical = 2.0;

// The reaches to measure, least first.
std::vector<float> measuredReaches(Metric metric);
// The most candidates by code that are rescored for ten neighbours.
constexpr size_t kDeepest = 256;

// The options of a walk of this effort for `wanted` neighbours, and its rescoring.
SearchOptions walkOptions(Metric metric, const Effort& effort, size_t wanted);
Rescoring rescoringFor(float doubt, size_t wanted);
// Scales a value measured for ten neighbours to `wanted` neighbours.
constexpr size_t inProportion(double ofTen, size_t wanted) {
  const double tens = double(std::max(wanted, kCalibratedWanted)) / kCalibratedWanted;
  return size_t(ofTen * tens + 0.5);
}

} // namespace vicinal
