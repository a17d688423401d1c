// The limits of the container that this process runs in, read from Linux control groups of both
// versions. The process's own group and all its ancestors count; the tightest bound wins. On other
// systems, and where no group sets a bound, there is no limit.
#pragma once

#include <cstdint>
#include <string>

namespace vicinal {

struct Container {
  // Processor time per second, in cores; 0 means no bound.
  double cores = 0;
  // Memory limit in bytes of the group that leaves the least; UINT64_MAX means no limit.
  uint64_t memoryLimit = UINT64_MAX;
  // Bytes used in that group, without the file cache that the system would reclaim first.
  uint64_t memoryUsed = 0;

  // `root` is the mount point of the control groups; `own` is the file that names the process's own
  // groups. Usage is read at the time of the call.
  static Container now(const std::string& root = "/sys/fs/cgroup",
                       const std::string& own = "/proc/self/cgroup");

  uint64_t memoryLeft() const;
  // Keeps the tighter bound of the two, for cores and for memory.
  void boundBy(const Container& group);

  // The number of cores, out of `all`, that the processor time pays for; rounded up, at least 1.
  unsigned coresOf(unsigned all) const;
};

// Cores that this process can keep busy: its allowed cores, bounded by its container's processor
// time. Rounded up, at least 1.
unsigned usableCores();

// The number after `label` in a small text file; `otherwise` if there is none.
uint64_t numberIn(const std::string& path, const char* label, uint64_t otherwise);

} // namespace vicinal
