// The recall that callers get: some of their queries are remembered and, when there is time, asked
// again and compared with a scan.
//
// At first what recall costs is measured on vectors of the data's own kind (calibrator.hpp).
// Queries of another kind, names of things sought among descriptions, may lose more, or less. Where
// they are seen to, two things happen:
// - At once the effort rises by what was lost (`lossShare`). That is quick and coarse: it moves
//   along a curve that is not these queries' own, so what is right at one recall is wrong at
//   another.
// - Then the curve is measured anew on the queries remembered since (`samples`), and the share is
//   one again (`adopted`). A change of what callers ask is seen to in the same way.
// What that costs is bounded by pauses between, twice as long each time unless there was peace.
//
// Queries with a filter are measured beside them, and have a share of the loss of their own; what
// they lose says nothing of the curve.
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

// Of one vector of a shard. From any thread. Times are milliseconds of a steady clock.
class RecallMeter {
public:
  using Query = RememberedQuery;
  // Means over the last kWindow measured; 1 where there are none.
  struct Means {
    uint64_t queries = 0;
    double recall = 1;
    double asked = 1;
  };
  struct Reading : Means {
    // Of queries with a filter, which are not among the others.
    Means filtered;
    // Remembered and not measured yet.
    uint64_t waiting = 0;
    // Callers' queries are waited for to calibrate on, or that is under way.
    bool isSettling = false;
  };

  // Every so many queries one is remembered.
  static constexpr uint32_t kOneIn = 4;
  // So many are kept, or as many as fit.
  static constexpr size_t kReservoir = 400;
  static constexpr size_t kReservoirBytes = 2 << 20;
  // However large they are.
  static constexpr size_t kLeastReservoir = 64;
  // Floats of a kept query beside its vector.
  static constexpr size_t kKeptBeside = 2;
  static constexpr size_t kWindow = RecallWindow::kMost;
  // Of queries with a filter. A longer filter is not remembered: it is compared with the rows as
  // often as they are.
  static constexpr size_t kMostFiltered = 64;
  static constexpr size_t kLeastFiltered = 8;
  static constexpr size_t kMostFilterBytes = 4096;
  // The least that tells of a change, if it is a great one.
  static constexpr size_t kShortWindow = 64;
  // After measuring on cores that had other things to do.
  static constexpr double kMostRestMs = 60'000;
  // A call that measures runs for about so long. There is one every half second, so that measuring
  // takes a twentieth of a core.
  static constexpr double kUsualRunMs = 25;
  // Stored vectors say least of callers' queries where much may be lost.
  static constexpr float kSafeRecall = 0.9f;
  // Between two calibrations on live queries.
  static constexpr double kFirstPauseMs = 5'000;
  static constexpr double kMostPauseMs = 600'000;

  // Remembers some of the requests that ask for recall. Never waits.
  void note(const SearchRequest& request);
  // The latest that was remembered and not measured yet.
  std::optional<Query> take(double nowMs);
  // Measuring one with a filter ran for so long: none of them is measured for many times as long.
  void restFiltered(double ranMs, double nowMs);
  // What it got. `isByPlan`: the effort was chosen for what it asked, no less would have been
  // possible.
  void learn(const Query& query, double got, bool isByPlan);

  // Measuring took so long, in which its thread ran for so much: one query may run for longer than
  // is usual for a call. Where cores are busy, a thread of
  // low priority gets its time in slices of milliseconds, for each of which requests wait.
  void restAfter(double tookMs, double ranMs, double nowMs);
  // Whether nothing is to be measured now.
  bool isResting(double nowMs) const;

  // What to calibrate on, now that callers' queries don't get what they ask for. Whoever gets it
  // calls `adopted` once searches are planned by the outcome. Null: there is no need, or not yet.
  std::shared_ptr<const LiveQueries> samples(double nowMs);
  bool isCalibrating() const;
  void adopted(double nowMs);

  // The remembered queries without a filter, the oldest first, to outlive the process: of each
  // its limit, the recall it asked for and its vector.
  std::vector<float> kept() const;
  // Remembers those that an earlier process kept, of vectors of `dim` floats. False, and nothing is
  // remembered, where they cannot be such.
  bool resume(const float* kept, size_t floats, uint32_t dim);

  Reading reading() const;
  // That the remembered queries take.
  uint64_t bytes() const;
  // How much of what a caller allows to be lost may be asked of the calibration, so that callers
  // get what they asked for.
  float lossShare(bool isFiltered) const {
    return (isFiltered ? filteredShare_ : lossShare_).load(std::memory_order_relaxed);
  }
  // What is asked of the calibration for this request.
  void adjust(SearchRequest& request) const {
    request.lossShare = lossShare(request.filter.has_value());
    request.leastRecall = leastRecall();
  }
  // What searches are planned for at least: kSafeRecall until it was seen what queries get.
  float leastRecall() const { return leastRecall_.load(std::memory_order_relaxed); }

private:
  // What was seen to be off, and since when.
  struct Want {
    uint64_t since = 0;
    double atMs = -1;
  };

  // All of these with the mutex held.
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
  // Since the calibration of now was adopted.
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
