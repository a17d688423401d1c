// What recall costs in one vector space, measured on vectors of its own or, where callers ask
// queries of another kind, on those (search/calibrator.hpp).
//
// Two things lose neighbours: the walk through the graph, where it stops too early, and codes,
// where a neighbour is not among those that are scored exactly. They are measured apart, at ten
// neighbours, and a promise is kept by both together. Walks among the matches of a filter lose
// others, so they are measured on their own.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/hnsw_graph.hpp"
#include "segment/rescoring.hpp"

namespace vicinal {

// Neighbours that efforts are measured for.
constexpr size_t kCalibratedWanted = 10;

// How much a search does.
struct Effort {
  // How far the walk goes: the factor of `Stop` or, where distances don't start at zero (Dot), the
  // width of the beam for ten neighbours.
  float reach = 0;
  // When enough of the nearest by code are scored exactly (segment/rescoring.hpp).
  float doubt = 0;
};

class Calibration {
public:
  // Mean recall of walks of one reach: the lower end of what the sample allows to say. Distances
  // are those of the mean walk and, `typical`, of the median one; with `most` a walk ends.
  struct Reach {
    float reach = 0;
    float recall = 0;
    float distances = 0;
    float typical = 0;
    float most = 0;
  };
  // Share of true neighbours among those of the nearest by code that are scored, and how many these
  // are on average.
  struct Depth {
    float doubt = 0;
    float rescored = 0;
    float recall = 0;
  };
  // What was sought to measure it.
  struct Samples {
    uint32_t stored = 0;
    uint32_t live = 0;
  };
  struct Promise {
    Effort effort;
    float recall = 0;
    // That the walk will compute, about; that the median walk does, and with which a walk ends (0:
    // nobody has measured).
    double distances = 0;
    double typical = 0;
    double most = 0;
    // That are scored exactly, about.
    double rescored = 0;
  };
  // Of walks among accepted vertices (graph/accepted_walk.hpp), where kAcceptedShare of all are.
  struct Accepted {
    // None where nobody has measured.
    std::vector<Reach> reaches;
    // What a distance of such a walk takes with all that leads to it, and one to the next of many
    // vertices chosen beforehand, by code: over one of a walk among all.
    float pace = 3;
    float gathered = 0.3f;
  };

  // Reaches and depths rise in effort and in recall, depths perhaps not strictly.
  Calibration(uint32_t vertices, Samples samples, std::vector<Reach> reaches,
              std::vector<Depth> depths, Accepted accepted)
      : vertices_(vertices), samples_(samples), reaches_(std::move(reaches)),
        depths_(std::move(depths)), accepted_(std::move(accepted)) {}
  // For graphs that nobody has measured yet, generous.
  static const Calibration& untried(Metric metric);

  // The least effort of which a recall can be promised; nothing where only a scan keeps it.
  std::optional<Promise> least(float recall) const { return leastOf(reaches_, recall); }
  // The same among accepted vertices, which are this share of all. Its distances are worth as many
  // of a walk among all.
  std::optional<Promise> leastAccepted(float recall, double share) const;
  // What a distance of such a walk is worth.
  double paceAmong(double share) const;

  // The least depth that holds so much of the truth; nothing where more than was ever looked at
  // would have to be.
  std::optional<Depth> depthOf(float recall) const;
  // Of a scan of codes that scores so many exactly on average, for ten neighbours.
  float recallOfDepth(double rescored) const;
  // Whether it can have been measured: of what a file says.
  bool isSound() const;

  // Vertices in the graph when it was measured.
  uint32_t vertices() const { return vertices_; }
  const Samples& samples() const { return samples_; }
  const std::vector<Reach>& reaches() const { return reaches_; }
  const std::vector<Depth>& depths() const { return depths_; }
  const Accepted& accepted() const { return accepted_; }
  // Farther is the nearest, and the last of ten neighbours, from few of the samples (kFarShare):
  // what was measured says nothing of vectors that are. Known of spaces of values alone.
  struct Far {
    float nearest = INFINITY;
    float last = INFINITY;
    // For the neighbour of this place, counted from 1; of those between rather too near.
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

// The share of vertices that are accepted where walks among them are measured. With fewer such
// walks find somewhat more, down to kLeastAccepted; below, the accepted no longer hang together.
constexpr double kAcceptedShare = 0.3;
constexpr double kLeastAccepted = 0.07;

// Of the samples, those whose neighbours are the farthest.
constexpr double kFarShare = 0.1;

// A walk ends with so many times the distances of the median one. Hard queries would go on for much
// longer than others, for little: most of what they miss they would miss anyway
// (docs/design/graph.md).
constexpr double kMostOfTypical = 2.0;

// The reaches that may be measured, least first.
std::vector<float> measuredReaches(Metric metric);
// Of the nearest by code, those that are looked at for ten neighbours.
constexpr size_t kDeepest = 256;

// A walk of this effort for `wanted` neighbours, and what of it is scored exactly.
SearchOptions walkOptions(Metric metric, const Effort& effort, size_t wanted);
Rescoring rescoringFor(float doubt, size_t wanted);
// What is measured of ten neighbours, for `wanted`.
constexpr size_t inProportion(double ofTen, size_t wanted) {
  const double tens = double(std::max(wanted, kCalibratedWanted)) / kCalibratedWanted;
  return size_t(ofTen * tens + 0.5);
}

} // namespace vicinal
