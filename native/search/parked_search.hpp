// A search within one segment that was interrupted and is to go on where it was, on whatever
// thread: in its walk, or in the scan of codes that was made instead of one, or after it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "graph/neighbor.hpp"
#include "graph/parked_walk.hpp"
#include "graph/shortlist.hpp"
#include "search/search.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

// What was kept of the vertices before `from`.
struct ParkedScan {
  std::shared_ptr<const CodeArray> codes;
  Shortlist kept;
  uint32_t from = 0;
  // What had been done before it.
  const char* strategy = "";
};

// How a walk among all has ended: before its budget was spent, and with those wanted among the
// nearest. Of so many of the nearest that were looked at, so many were accepted.
struct WalkEnding {
  bool isComplete = false;
  bool hasWanted = false;
  size_t looked = 0;
  size_t accepted = 0;
};

// Filled by a run that is given one and cancelled, taken up by the next that is given it, with the
// same snapshot. Whoever holds it keeps the snapshot.
class ParkedSearch {
public:
  ParkedWalk walk;
  // Where the walk is not the first one: how the one before it ended.
  std::optional<WalkEnding> before;
  // Counts of what was done before the walk, or before the scan went on.
  SearchStats done;
  // Of those about the query, how many were taken to match.
  double share = 0;

  bool isParked() const { return walk.isParked() || scan_; }
  bool isOf(const VectorSpace& space) const { return isParked() && space_ == &space; }
  bool hasScanOf(const VectorSpace& space) const { return scan_ && space_ == &space; }
  const ParkedScan& scan() const { return *scan_; }
  // How often it was parked.
  uint32_t parkings() const { return walk.parkings() + scanParkings_; }
  // How many vertices were in the graph when the search of the space began: others were not met on
  // its way, though they may be in the graph by the time it goes on.
  uint32_t linked() const { return linked_; }

  // A space that is no part of the snapshot is kept, so that none is taken for it that comes to lie
  // where it was.
  void keep(std::shared_ptr<const VectorSpace> owned) {
    if (owned_ != owned) drop();
    owned_ = std::move(owned);
  }
  void begin(const VectorSpace& space, uint32_t linked) {
    if (isOf(space)) return;
    drop();
    space_ = &space;
    linked_ = linked;
  }
  // A walk, after so much.
  void begun(const SearchStats& before, double ofShare) {
    done = before;
    share = ofShare;
  }
  void drop() {
    walk.drop();
    before.reset();
    scan_.reset();
  }

  void park(ParkedScan scan) {
    scan_.emplace(std::move(scan));
    scanParkings_++;
  }
  // Nothing where there is none, or it was led by other codes.
  std::optional<ParkedScan> takeScan(const std::shared_ptr<const CodeArray>& codes) {
    auto taken = std::exchange(scan_, std::nullopt);
    return taken && taken->codes == codes ? std::move(taken) : std::nullopt;
  }

private:
  const VectorSpace* space_ = nullptr;
  std::shared_ptr<const VectorSpace> owned_;
  uint32_t linked_ = 0;
  std::optional<ParkedScan> scan_;
  uint32_t scanParkings_ = 0;
};

} // namespace vicinal
