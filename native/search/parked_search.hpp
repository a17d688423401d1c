// An interrupted search within one segment that a later run resumes, on any thread. It was
// interrupted in its walk, or in a scan of codes instead of or after the walk.
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

// The candidates that a scan has kept of the vertices before `from`.
struct ParkedScan {
  std::shared_ptr<const CodeArray> codes;
  Shortlist kept;
  uint32_t from = 0;
  // The strategy noted before the scan.
  const char* strategy = "";
};

// The end of a walk among all vertices: whether it ended before its budget was spent, and whether
// the wanted ones are among the nearest. Of the `looked` nearest vertices, `accepted` were
// accepted.
struct WalkEnding {
  bool isComplete = false;
  bool hasWanted = false;
  size_t looked = 0;
  size_t accepted = 0;
};

// A cancelled run that is given a ParkedSearch stores its state there. The next run that is given
// it, with the same snapshot, resumes. The holder keeps the snapshot alive.
class ParkedSearch {
public:
  ParkedWalk walk;
  // The end of the previous walk, if the present walk is not the first.
  std::optional<WalkEnding> before;
  // Counts of the work before the walk or scan.
  SearchStats done;
  // The assumed share of matches among vertices near the query.
  double share = 0;

  bool isParked() const { return walk.isParked() || scan_; }
  bool isOf(const VectorSpace& space) const { return isParked() && space_ == &space; }
  bool hasScanOf(const VectorSpace& space) const { return scan_ && space_ == &space; }
  const ParkedScan& scan() const { return *scan_; }
  // How often it was parked.
  uint32_t parkings() const { return walk.parkings() + scanParkings_; }
  // Number of vertices in the graph when the search of the space began. Later vertices are scanned,
  // even if they are in the graph when the search resumes.
  uint32_t linked() const { return linked_; }

  // Keeps a space that is not part of the snapshot alive, so that no other space can take its
  // address.
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
  // Starts a walk after this much work.
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
  // Empty if there is none, or if other codes led it.
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
