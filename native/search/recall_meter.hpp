// Measures the recall that callers' queries get (live recall). Some queries are remembered; in idle
// time they are searched again and compared with a scan.
//
// The first calibration uses vectors of the data (calibrator.hpp). Queries of another kind, such as
// names searched among descriptions, may lose more or less. When that shows, two things happen:
// - At once, the effort rises by the measured loss (`lossShare`). This is quick but coarse: the
//   data's own curve is not that of these queries, so the correction fits only one recall.
// - Then the space is calibrated again, on the queries remembered since (`samples`), and the share
//   returns to one (`adopted`). A later change of queries is handled in the same way.
// Pauses between calibrations bound the cost. Each pause is twice as long as the previous one,
// unless a quiet time came between.
//
// Queries with a filter are measured beside the others and have a loss share of their own. Their
// loss tells nothing about the calibration.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "search/live_queries.hpp"
#include "search/recall_window.hpp"
#include "search/remembered_queries.hpp"

namespace vicinal {

// The meter of one vector of a shard. Usable from any thread. Times are milliseconds of a steady
// clock.
class RecallMeter {
public:
  using Query = RememberedQuery;
  // Means over the last kWindow measured queries; 1 if there are none.
  struct Means {
    uint64_t queries = 0;
    double recall = 1;
    double asked = 1;
  };
  struct Reading : Means {
    // Queries with a filter; the other means exclude them.
    Means filtered;
    // Remembered queries that are not measured yet.
    uint64_t waiting = 0;
    // A calibration on live queries is running, or waits for more queries.
    bool isSettling = false;
  };

  // One of this many queries is remembered.
  static constexpr uint32_t kOneIn = 4;
  // The most queries that are kept, and their most bytes.
  static constexpr size_t kReservoir = 400;
  static constexpr size_t kReservoirBytes = 2 << 20;
  // This many are kept whatever their size.
  static constexpr size_t kLeastReservoir = 64;
  // Floats of a kept query in addition to its vector.
  static constexpr size_t kKeptBeside = 2;
  static constexpr size_t kWindow = RecallWindow::kMost;
  // The same bounds for queries with a filter. A longer filter is not remembered, because it is
  // compared with the rows as often as the vectors.
  static constexpr size_t kMostFiltered = 64;
  static constexpr size_t kLeastFiltered = 8;
  static constexpr size_t kMostFilterBytes = 4096;
  // The smallest window that shows a great change.
  static constexpr size_t kShortWindow = 64;
  // The longest rest after measuring on busy cores.
  static constexpr double kMostRestMs = 60'000;
  // A measuring call usually runs this long. There is one call every half second, so that measuring
  // takes a twentieth of a core.
  static constexpr double kUsualRunMs = 25;
  // The recall planned for at least, until live queries were measured: stored vectors say least
  // about queries at low recall.
  static constexpr float kSafeRecall = 0.9f;
  // Bounds of the pause between two calibrations on live queries.
  static constexpr double kFirstPauseMs = 5'000;
  static constexpr double kMostPauseMs = 600'000;

  // Remembers some of the requests that ask for a recall. Never waits.
  void note(const SearchRequest& request);
  // The latest remembered query that is not measured yet.
  std::optional<Query> take(double nowMs);
  // Reports that measuring a query with a filter took this long. Such queries then rest for many
  // times as long.
  void restFiltered(double ranMs, double nowMs);
  // Records the recall of a query. `isByPlan`: its effort was planned for the requested recall, and
  // less would not have been possible.
  void learn(const Query& query, double got, bool isByPlan);

  // Reports that measuring took this long and its thread ran for `ranMs` of it; one query may run
  // longer than a usual call. On busy cores a low-priority thread gets slices of milliseconds, and
  // requests wait for each slice.
  void restAfter(double tookMs, double ranMs, double nowMs);
  // Whether measuring should pause now.
  bool isResting(double nowMs) const;

  // Queries for a new calibration, if callers do not get the recall that they ask for. The caller
  // calls `adopted` once searches use the result. Null: not needed, or not yet.
  std::shared_ptr<const LiveQueries> samples(double nowMs);
  bool isCalibrating() const;
  void adopted(double nowMs);

  // The remembered queries without a filter, oldest first, for the next process: of each its limit,
  // recall and vector.
  std::vector<float> kept() const;
  // Remembers queries that an earlier process kept, with vectors of `dim` floats. False, with no
  // effect, if the data is invalid.
  bool resume(const float* kept, size_t floats, uint32_t dim);

  Reading reading() const;
  // Memory of the remembered queries.
  uint64_t bytes() const;
  // The share of a request's allowed loss that is asked of the calibration, so that callers get the
  // requested recall.
  float lossShare(bool isFiltered) const {
    return (isFiltered ? filteredShare_ : lossShare_).load(std::memory_order_relaxed);
  }
  // Sets the shares of this request.
  void adjust(SearchRequest& request) const {
    request.lossShare = lossShare(request.filter.has_value());
    request.leastRecall = leastRecall();
  }
  // The least recall that searches are planned for: kSafeRecall until live queries were measured.
  float leastRecall() const { return leastRecall_.load(std::memory_order_relaxed); }

private:
  // A deviation that was seen, and the first query that showed it.
  struct Want {
    uint64_t since = 0;
    double atMs = -1;
  };

  // Call all of these with the mutex held.
  static void shareLoss(const RecallWindow& measured, std::atomic<float>& share);
  bool isOff(size_t window) const;

  std::atomic<uint32_t> seen_{0};
  std::atomic<uint32_t> seenFiltered_{0};
  std::atomic<float> lossShare_{1};
  std::atomic<float> filteredShare_{1};
  std::atomic<float> leastRecall_{kSafeRecall};
  mutable std::mutex mutex_;
  RememberedQueries remembered_{kLeastReservoir, kReservoir, kReservoirBytes};
  RememberedQueries filtered_{kLeastFiltered, kMostFiltered, kReservoirBytes / 2};
  bool takesFiltered_ = false;
  RecallWindow measured_;
  RecallWindow measuredFiltered_;
  // Queries measured since the present calibration was adopted.
  size_t measuredSince_ = 0;
  size_t measuredFilteredSince_ = 0;
  std::optional<Want> want_;
  bool isCalibrating_ = false;
  double calibratingSinceMs_ = 0;
  double pauseMs_ = 0;
  double quietUntilMs_ = 0;
  double restsUntilMs_ = 0;
  double filteredRestUntilMs_ = 0;
};

} // namespace vicinal
